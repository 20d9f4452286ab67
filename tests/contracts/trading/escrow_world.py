"""An escrow on its anchor, a buyer, a seller, their keys and towers, for the tests of channels.

Everybody has a role, never a name. What a call should come to, the plain model of the package says
(`edgemark.systems.trading.contract`); `EscrowWorld.agree` holds the contract to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from eth_abi import decode
from eth_utils import encode_hex, keccak
from tests.contracts.thrift import GAS, read_numbers, revert_data
from tests.offchain.systems.trading.channel_cast import KEYS, LIMITS, draft_terms, draft_voucher
from tests.offchain.systems.trading.channel_machine import moves_of

from edgemark.anchoring.kinds import ASSET_ANCHOR
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import NOBODY, Address, Hash32, Timestamp, Tokens, parse_address
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.systems.trading.contract.channel import Channel, open_channel
from edgemark.systems.trading.contract.records import Said, Signers, Voucher
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.contract.terms import ChannelRefused, Terms, compute_channel_id
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.contracts import CHANNEL_ESCROW

WEALTH = 10**9
ALLOWED_SECONDS = 700 * 86_400


def address(account: Any) -> Address:
    """Of one of ape's accounts or contracts."""
    return parse_address(str(getattr(account, "address", account)))


@dataclass
class EscrowWorld:
    """The deployed contracts, and the accounts in their roles."""

    chain: Any
    token: Any
    anchor: Any
    templates: Any
    offers: Any
    escrow: Any
    deployer: Any
    guardian: Any
    people: dict[str, Any]
    nonce: int = 0
    books: dict[str, int] = field(default_factory=dict)  # as `agree` left them
    locked_by_others: int = 0  # in the anchor, before the test
    domain: EscrowDomain = field(init=False)
    known: Contract = field(init=False)
    addresses: dict[str, Address] = field(init=False)

    def __post_init__(self) -> None:
        self.addresses = {role: address(account) for role, account in self.people.items()}
        self.known = CHANNEL_ESCROW.at(address(self.escrow))
        chain_id = self.chain.provider.web3.eth.chain_id
        self.domain = EscrowDomain(chain_id, address(self.escrow))

    # Time. The next transaction is mined at exactly this second.

    def now(self) -> int:
        """Timestamp of the latest block."""
        latest = self.chain.provider.make_request("eth_getBlockByNumber", ["latest", False])
        return int(latest["timestamp"], 16)

    def at(self, timestamp: int) -> None:
        """Let the next block be at `timestamp`."""
        self.chain.provider.make_request("evm_setNextBlockTimestamp", [timestamp])

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens inside did not happen afterwards."""
        provider = self.chain.provider
        snapshot = provider.make_request("evm_snapshot", [])
        yield
        assert provider.make_request("evm_revert", [snapshot]) is True

    @contextmanager
    def moved(self) -> Iterator[dict[str, int]]:
        """A dictionary that holds, after the block, what each balance gained or lost."""
        before, changes = self.balances(), dict[str, int]()
        yield changes
        for role, amount in self.balances().items():
            if amount != before[role]:
                changes[role] = amount - before[role]
        # What only the escrow's lock lost, somebody has.
        assert sum(changes.values()) == 0, "tokens appeared or vanished"

    def balances(self) -> dict[str, int]:
        """Free balance of everybody, and all that a test locked; read in one request."""
        data = self.anchor.freeBalanceOf.encode_input
        calls = {role: data(account) for role, account in self.people.items()}
        calls["locked"] = self.anchor.totalLocked.encode_input()
        found = dict(zip(calls, read_numbers(self.anchor, list(calls.values())), strict=True))
        return found | {"locked": found["locked"] - self.locked_by_others}

    # People.

    def who(self, role: str) -> Address:
        """Account of a role."""
        return self.addresses[role]

    def account_key(self, role: str) -> SecretKey:
        """The key of an account itself."""
        return SecretKey(bytes.fromhex(self.people[role].private_key[2:]))

    # A channel and what is signed about it.

    def terms(self, **changes: Any) -> Terms:
        """Good terms from now on, with changes."""
        self.nonce += 1
        return draft_terms(self.addresses, self.now(), self.nonce, **changes)

    def id(self, terms: Terms) -> ChannelId:
        """Of the channel that these terms open."""
        return compute_channel_id(self.domain.chain_id, self.domain.contract, terms)

    def until(self) -> Timestamp:
        """As long as what is agreed here counts."""
        return Timestamp(self.now() + 100_000)

    def opening(
        self,
        terms: Terms,
        until: int | None = None,
        seller: SecretKey | None = None,
        payer: SecretKey | None = None,
    ) -> tuple[Any, ...]:
        """What `open` takes; without the payer's signature unless its key is given."""
        until = self.until() if until is None else until
        digest = self.domain.opening(self.id(terms), Timestamp(until))
        by_seller = (seller or self.account_key("seller")).sign(digest)
        return terms.as_abi(), until, by_seller, payer.sign(digest) if payer else b""

    def open(self, terms: Terms | None = None, **changes: Any) -> Channel:
        """Open a channel by the payer; the model of it."""
        terms = terms or self.terms(**changes)
        self.books = {}
        self.escrow.open([self.opening(terms)], sender=self.people["payer"])
        return self.model(terms)

    def model(self, terms: Terms) -> Channel:
        """A channel that was just opened, as the model has it."""
        said, now = Said(terms.payer, seller_signer=terms.seller), self.now()
        return open_channel(self.id(terms), terms, LIMITS, now, now, said)

    def sign_voucher(self, channel: Channel, voucher: Voucher, key: str) -> bytes:
        """Signed by one of `KEYS`; empty for no key."""
        digest = self.domain.voucher(channel.id, voucher)
        return KEYS[key].sign(digest) if key else b""

    def claim(
        self,
        channel: Channel,
        amount: int,
        index: int = 1,
        payer: str = "payer's key",
        seller: str = "seller's key",
    ) -> tuple[Any, ...]:
        """What `checkpoint` and `close` take."""
        voucher = draft_voucher(amount, index)
        signed = (self.sign_voucher(channel, voucher, key) for key in (payer, seller))
        return channel.terms.as_abi(), voucher.as_abi(), *signed

    def response(
        self,
        channel: Channel,
        amount: int,
        tower: str = "",
        number: int = 0,
        payer: str = "payer's key",
        victim: str = "seller's key",
    ) -> tuple[Any, ...]:
        """What `respond` takes, with a delegation to a tower or without."""
        voucher = draft_voucher(amount)
        at, delegated = NOBODY, b""
        if tower:
            at = self.who(tower) if tower in self.people else address(tower)
            delegated = KEYS[victim].sign(self.domain.delegation(channel.id, at, number))
        signed = self.sign_voucher(channel, voucher, payer)
        return channel.terms.as_abi(), voucher.as_abi(), signed, at, number, delegated

    def agreed(
        self,
        channel: Channel,
        digest: Hash32,
        *said: Any,
        payer: str = "payer's key",
        seller: str = "seller's key",
    ) -> tuple[Any, ...]:
        """What both sign: terms, what they say, signatures; an empty key is none."""
        signed = (KEYS[key].sign(digest) if key else b"" for key in (payer, seller))
        return channel.terms.as_abi(), *said, *signed

    def closing(
        self,
        channel: Channel,
        amount: int,
        until: int | None = None,
        payer: str = "payer's key",
        seller: str = "seller's key",
    ) -> tuple[Any, ...]:
        """What `closeTogether` takes."""
        until = Timestamp(self.until() if until is None else until)
        digest = self.domain.closing(channel.id, Tokens(amount), until)
        return self.agreed(channel, digest, amount, until, payer=payer, seller=seller)

    def reduction(
        self, channel: Channel, number: int, amount: int, until: int | None = None, **keys: str
    ) -> tuple[Any, ...]:
        """What `reduce` takes."""
        until = Timestamp(self.until() if until is None else until)
        digest = self.domain.reduction(channel.id, number, Tokens(amount), until)
        return self.agreed(channel, digest, number, amount, until, **keys)

    def amendment(
        self,
        channel: Channel,
        number: int,
        amount: int,
        signers: Signers,
        until: int | None = None,
        **keys: str,
    ) -> tuple[Any, ...]:
        """What `amend` takes."""
        until = Timestamp(self.until() if until is None else until)
        digest = self.domain.amendment(channel.id, number, Tokens(amount), signers, until)
        return self.agreed(channel, digest, number, amount, signers.as_abi(), until, **keys)

    def item_of(self, channel: Channel, function: str, said: tuple[Any, ...]) -> Any:
        """What a function of the escrow takes for a channel."""
        terms = channel.terms.as_abi()
        builders: dict[str, Callable[..., Any]] = {
            "checkpoint": self.claim,
            "close": self.claim,
            "respond": self.response,
            "closeTogether": self.closing,
            "reduce": self.reduction,
            "amend": self.amendment,
            "topUp": lambda of, amount: (of.terms.as_abi(), amount),
        }
        return builders[function](channel, *said) if function in builders else terms

    # The contract beside the model.

    def agree(
        self,
        channel: Channel,
        sender: str,
        function: str,
        item: tuple[Any, ...],
        expected: Callable[[], Channel],
        at: int,
    ) -> Channel:
        """Send a call of one channel, at a second, and hold what it came to to the model.

        Args:
            channel: the model before.
            sender: role that sends it.
            function: of the escrow.
            item: its one element.
            expected: the same call of the model, which may raise `ChannelRefused`.
            at: second of the block.

        Returns:
            the model afterwards: the same when the call was refused.
        """
        before = self.books or self.read(channel)[1]
        refused = self.refusal_of(function, item, sender, at)
        try:
            after = expected()
        except ChannelRefused as refusal:
            assert refused == told(refusal), function
            after = channel
        else:
            assert refused is None, f"{function} was refused"
        kept, self.books = self.read(after)
        assert kept == words_of(after), function
        moved = {role: n - before[role] for role, n in self.books.items() if n != before[role]}
        assert moved == moves_of(channel, after, self.addresses), function
        return after

    def refusal_of(self, function: str, item: Any, sender: str, at: int) -> Any:
        """(error, values) that a call of one element at a second reverts with, or None."""
        self.at(at)
        mined = self.send(function, [item], sender)
        if int(mined["status"], 16):
            return None
        return self.read_refusal(revert_data(self.chain.provider, mined["transactionHash"]))

    def send(self, function: str, items: list[Any], sender: str) -> dict[str, Any]:
        """The receipt of a call, refused or not; encoded in a tenth of the time that ape takes."""
        data = self.known.interface.encode_call(function, (items,))
        fields = {"from": self.who(sender), "to": self.known.address, "data": encode_hex(data)}
        fields["gas"] = hex(GAS)
        mined: dict[str, Any] = self.chain.provider.make_request(
            "eth_sendTransactionSync", [fields]
        )
        return mined

    def read_refusal(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """Name and values of a custom error of the escrow."""
        for error in self.escrow.contract_type.errors:
            if keccak(text=error.selector)[:4] == data[:4]:
                kinds = [entry.canonical_type for entry in error.inputs]
                names = [entry.name for entry in error.inputs]
                return error.name, dict(
                    zip(names, map(plain, decode(kinds, data[4:])), strict=True)
                )
        raise AssertionError(f"unknown error {data.hex()}")

    def read(self, channel: Channel) -> tuple[tuple[int, ...], dict[str, int]]:
        """What the escrow keeps of a channel, word by word, and all books of the anchor."""
        escrow, anchor = self.known, ASSET_ANCHOR.at(address(self.anchor))
        terms = channel.terms.as_abi()
        asked = [
            (escrow, "channelOf", channel.id),
            (escrow, "windowOf", channel.id),
            (escrow, "agreementsOf", channel.id),
            (escrow, "signersOf", terms),
            *((anchor, "freeBalanceOf", self.who(role)) for role in self.people),
            (
                anchor,
                "totalLocked",
            ),
        ]
        requests = [
            ("eth_call", [{"to": to.address, "data": encode_hex(data)}, "latest"])
            for to, data in (
                (to, to.interface.encode_call(name, given)) for to, name, *given in asked
            )
        ]
        answers = self.chain.provider.web3.provider.make_batch_request(requests)
        found = [bytes.fromhex(answer["result"][2:]) for answer in answers]
        kept = b"".join(found[:4])
        words = tuple(int.from_bytes(kept[at : at + 32]) for at in range(0, len(kept), 32))
        books = [int.from_bytes(each) for each in found[4:]]
        return words, dict(zip((*self.people, "locked"), books, strict=True))


def words_of(channel: Channel) -> tuple[int, ...]:
    """What the escrow keeps of a channel, word by word, as `channelOf` and the like answer it."""
    signers = channel.signers
    keys = (signers.payer_key, signers.seller_key, signers.controller)
    return (
        channel.phase,
        channel.is_amended,
        channel.number,
        channel.deadline,
        channel.locked,
        channel.paid,
        channel.shown,
        channel.is_answered,
        int(channel.tower, 16),
        channel.agreements,
        *(int(key, 16) for key in keys),
        signers.epoch,
    )


def told(refusal: ChannelRefused) -> tuple[str, dict[str, Any]]:
    """The model's refusal as the contract says it."""
    return refusal.error, {name: plain(value) for name, value in refusal.values.items()}


def plain(value: Any) -> Any:
    """Accounts in lower case, bytes as they are without padding, numbers as numbers."""
    if isinstance(value, bytes):
        return bytes(value).rstrip(b"\0").decode() if value[-12:] == bytes(12) else value.hex()
    if isinstance(value, str) and value.startswith("0x"):
        return value.lower()
    return value if isinstance(value, str) else int(value)
