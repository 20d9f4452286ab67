"""The terms of a channel and the rules they must keep; the plain twin of `ChannelTerms.sol`.

The id of a channel is the hash of its terms with chain and escrow, so that every statement about it
is one about these terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import ceil
from operator import attrgetter

from edgemark.amounts import Amount
from edgemark.crypto.ethereum.abi import encode
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.encoding import Reader, Writer
from edgemark.errors import RefusedInput
from edgemark.identifiers import (
    NOBODY,
    Address,
    Hash32,
    Timestamp,
    Tokens,
    parse_address,
    parse_hash32,
)
from edgemark.systems.trading.contract.records import Limits, Signers
from edgemark.systems.trading.identifiers import ChannelId, OfferId

BOND_PART = 10  # a bond is at least a tenth of the deposit at the opening
MAX_TIME = 2**40 - 1  # the last second that is stored
AMOUNT_BYTES, TIME_BYTES, NONCE_BYTES = 12, 5, 32  # of a message
TERMS_BYTES = 5 * 20 + 2 * AMOUNT_BYTES + 3 * TIME_BYTES + 4 * 32 + NONCE_BYTES

TERMS_ABI = (
    "(address,address,address,address,uint88,uint88,uint40,uint40,uint40,"
    "bytes32,bytes32,bytes32,address,bytes32,uint256)"
)


BRINGING_BLOCKS = 2  # to look in, and to be mined in
USUAL_BLOCK_S = 12  # where that cannot be told

_BOUNDS = ("had", "least", "most")
AMOUNTS = {  # values of the escrow's errors that are amounts of tokens, by error or field
    **{f"OutOfBounds.{field}": _BOUNDS for field in ("deposit", "bond", "amount", "maxDeposit")},
    "AmountOutside": _BOUNDS,
    "AmountNotAbove": ("had", "above"),
}


class ChannelRefused(RefusedInput):
    """The escrow would revert with this custom error and these values.

    Args:
        error: its name, as in the interface.
        values: its arguments by name, in their order.
    """

    def __init__(self, error: str, **values: object) -> None:
        place = f"{error}.{values['field']}" if "field" in values else error
        amounts = AMOUNTS.get(place, ())
        told = ", ".join(
            f"{name} {_tell(value, is_amount=name in amounts)}" for name, value in values.items()
        )
        super().__init__(f"the escrow refuses this: {error}", who="channel", had=told or None)
        self.error = error
        self.values = values


def _tell(value: object, *, is_amount: bool) -> str:
    if is_amount and isinstance(value, int):
        return str(Amount(value))
    return value.hex() if isinstance(value, bytes) else str(value)


@dataclass(frozen=True)
class Terms:
    """What both sign at the opening; the fields stand in the order of `IChannelEscrow.Terms`.

    Amounts are in the token's smallest unit, times in Unix seconds of chain time.
    """

    payer: Address
    seller: Address
    payer_key: Address
    seller_key: Address
    deposit: Tokens
    bond: Tokens
    window: int
    expires_at: Timestamp
    close_by: Timestamp
    initiation_template: Hash32
    settlement_template: Hash32
    initiation: Hash32
    controller: Address
    offer: OfferId
    nonce: int

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        values: tuple[object, ...] = _values_of(self)
        return values

    @property
    def signers(self) -> Signers:
        """Who signs as long as nothing was amended."""
        return Signers(self.payer_key, self.seller_key, self.controller)

    def shortest_s(self, exit_grace: int) -> int:
        """Seconds that anybody has at least to bring what counts.

        In a window; from `expires_at`, after which keys and deposit stay, to `close_by`; and from
        the end of the last window to the expiry of the lock.
        """
        return min(self.window, self.close_by - self.expires_at, exit_grace)

    def lock_expiry(self, exit_grace: int) -> Timestamp:
        """Last second at which the escrow can pay: no window outlives it."""
        return Timestamp(self.close_by + 2 * self.window + exit_grace)


_values_of = attrgetter(*(each.name for each in fields(Terms)))


def compute_bringing_s(confirmations: int, poll_s: float, block_s: int) -> int:
    """Seconds, rounded up, until who looks sees what stands in a block, and has answered it.

    Args:
        confirmations: blocks on top of what it believes.
        poll_s: seconds from look to look.
        block_s: seconds from block to block; 0 where that cannot be told.
    """
    return ceil((confirmations + BRINGING_BLOCKS) * (block_s or USUAL_BLOCK_S) + poll_s)


def check_answering(what: str, had_s: int, bringing_s: int, *, who: str) -> None:
    """Check that a party has time to answer what it sees on the chain.

    Args:
        what: the setting that says how much.
        had_s: it, seconds.
        bringing_s: what the party takes; see `compute_bringing_s`.
        who: for the refusal.

    Raises:
        RefusedInput: it sees too late, or needs too long.
    """
    if had_s <= bringing_s:
        raise RefusedInput(
            "could not answer in time what it sees on the chain",
            who=who,
            had=f"{what} = {had_s}",
            needed=f"> {bringing_s} s, for confirmations, a look and {BRINGING_BLOCKS} blocks",
            remedy=f"A larger {what}, or fewer confirmations.",
        )


def compute_channel_id(chain_id: int, escrow: Address, terms: Terms) -> ChannelId:
    """keccak256(abi.encode(chainid, escrow, terms)).

    Raises:
        RefusedInput: a value does not fit its type.
    """
    kinds = ("uint256", "address", TERMS_ABI)
    return ChannelId(keccak256(encode(kinds, (chain_id, escrow, terms.as_abi()))))


def _write_account(writer: Writer, account: Address) -> None:
    writer.fixed(bytes.fromhex(account[2:]), 20)


def write_terms(writer: Writer, terms: Terms) -> None:
    """Canonical bytes, as parties hand them in; always `TERMS_BYTES`."""
    for account in (terms.payer, terms.seller, terms.payer_key, terms.seller_key):
        _write_account(writer, account)
    writer.integer(terms.deposit, AMOUNT_BYTES).integer(terms.bond, AMOUNT_BYTES)
    for seconds in (terms.window, terms.expires_at, terms.close_by):
        writer.integer(seconds, TIME_BYTES)
    for hash_ in (terms.initiation_template, terms.settlement_template, terms.initiation):
        writer.fixed(hash_, 32)
    _write_account(writer, terms.controller)
    writer.fixed(terms.offer, 32).integer(terms.nonce, NONCE_BYTES)


def read_terms(reader: Reader) -> Terms:
    """Parse what `write_terms` wrote; raises `MalformedMessage`, and compares nothing."""
    payer, seller, payer_key, seller_key = (parse_address(reader.fixed(20)) for _ in range(4))
    deposit, bond = (Tokens(reader.integer(AMOUNT_BYTES)) for _ in range(2))
    window, expires_at, close_by = (reader.integer(TIME_BYTES) for _ in range(3))
    hashes = (Hash32(reader.fixed(32)) for _ in range(3))
    initiation_template, settlement_template, initiation = hashes
    return Terms(
        payer,
        seller,
        payer_key,
        seller_key,
        deposit,
        bond,
        window,
        Timestamp(expires_at),
        Timestamp(close_by),
        initiation_template,
        settlement_template,
        initiation,
        parse_address(reader.fixed(20)),
        OfferId(reader.fixed(32)),
        reader.integer(NONCE_BYTES),
    )


def compute_least_bond(deposit: int) -> int:
    """ceil(deposit / 10)."""
    return -(-deposit // BOND_PART)


def are_keys(payer_key: Address, seller_key: Address) -> bool:
    """Whether these may be the signing addresses of a channel."""
    return payer_key != seller_key and NOBODY not in (payer_key, seller_key)


def check_terms(terms: Terms, limits: Limits, now: int) -> None:
    """Check that a channel may be opened with these terms now.

    Raises:
        ChannelRefused: something is out of its bounds, or both parties are one.
    """
    if terms.payer == terms.seller or not are_keys(terms.payer_key, terms.seller_key):
        raise refuse_parties(terms, terms.payer_key, terms.seller_key)
    check_within("deposit", terms.deposit, 1, limits.max_deposit)
    check_within("bond", terms.bond, compute_least_bond(terms.deposit), limits.max_deposit)
    check_within("window", terms.window, limits.min_window, limits.max_window)
    check_within("expiresAt", terms.expires_at, now, MAX_TIME)
    check_within("closeBy", terms.close_by, terms.expires_at + terms.window, MAX_TIME)


def refuse_parties(terms: Terms, payer_key: Address, seller_key: Address) -> ChannelRefused:
    """Both parties, or both keys, are one, or nobody."""
    parties = {"payer": terms.payer, "seller": terms.seller}
    return ChannelRefused("PartiesInvalid", **parties, payerKey=payer_key, sellerKey=seller_key)


def check_within(field: str, had: int, least: int, most: int) -> None:
    """Check a number; raises `ChannelRefused` unless least <= had <= most."""
    if not least <= had <= most:
        raise ChannelRefused("OutOfBounds", field=field, had=had, least=least, most=most)


def check_by(now: int, deadline: int) -> None:
    """Check that a deadline has not passed; raises `ChannelRefused`."""
    if now > deadline:
        raise ChannelRefused("TooLate", nowAt=now, deadline=deadline)


def check_after(now: int, deadline: int) -> None:
    """Check that a deadline has passed; raises `ChannelRefused`."""
    if now <= deadline:
        raise ChannelRefused("TooEarly", nowAt=now, allowedAfter=deadline)


def facts_of_terms(terms: Terms) -> dict[str, str]:
    """Terms as they are kept: each field as text, hashes in hexadecimal digits."""
    return {
        name: value.hex() if isinstance(value, bytes) else str(value)
        for name, value in vars(terms).items()
    }


def parse_facts_of_terms(facts: Mapping[str, str]) -> Terms:
    """The terms of `facts_of_terms`.

    Raises:
        KeyError, ValueError, RefusedInput: a field is missing, or is none.
    """
    return Terms(
        payer=parse_address(facts["payer"], who="payer"),
        seller=parse_address(facts["seller"], who="seller"),
        payer_key=parse_address(facts["payer_key"], who="payer_key"),
        seller_key=parse_address(facts["seller_key"], who="seller_key"),
        deposit=Tokens(int(facts["deposit"])),
        bond=Tokens(int(facts["bond"])),
        window=int(facts["window"]),
        expires_at=Timestamp(int(facts["expires_at"])),
        close_by=Timestamp(int(facts["close_by"])),
        initiation_template=_hash(facts["initiation_template"]),
        settlement_template=_hash(facts["settlement_template"]),
        initiation=_hash(facts["initiation"]),
        controller=parse_address(facts["controller"], who="controller"),
        offer=OfferId(_hash(facts["offer"])),
        nonce=int(facts["nonce"]),
    )


def _hash(text: str) -> Hash32:
    return parse_hash32(f"0x{text}")
