"""A controller's whole path without its broker: letters in, letters out, everything on the disk.

One process has one of them. What the parties do (they sign vouchers and letters) is done before the
clock runs; a letter is handed over in memory.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.p09_signing import draft
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.did.identifier import make_did
from edgemark.journal.journal import Journal
from edgemark.loop.errands import Pace
from edgemark.loop.machine import Tick
from edgemark.loop.runtime import Runtime
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.contract.terms import Terms, compute_channel_id
from edgemark.systems.trading.controller.desk import Desk
from edgemark.systems.trading.controller.issuance.hearing import Hearing
from edgemark.systems.trading.controller.issuance.issuing import Issuer
from edgemark.systems.trading.credentials.payloads import Period
from edgemark.systems.trading.credentials.sealing import carry
from edgemark.systems.trading.credentials.settlement import (
    Signed,
    Trade,
    draft_claims,
    draft_settlement,
    issue_settlement,
)
from edgemark.systems.trading.identifiers import NO_OFFER, ChannelId
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.agreement import (
    NO_TOKENS,
    Agreement,
    Conditions,
    Head,
    Readings,
)
from edgemark.systems.trading.protocol.letters import ChannelDomain, Kind, Letter, Message, Role
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.protocol.messages import Credential, Proposal, Settlement, Taken
from edgemark.systems.trading.templates.fields import Encryption, Label, TemplateKind
from edgemark.systems.trading.templates.template import Template
from edgemark.untrusted.jcs import encode_jcs

CHANNELS = 256  # of a controller
CHAIN_ID, ESCROW, CONTROLLERS = 31337, Address("0x" + "5e" * 20), Address("0x" + "c0" * 20)
NOW = 1_800_000_000
KEYS = {role: SecretKey(bytes([number]) * 32) for number, role in enumerate(Role, start=1)}
TEMPLATE = Hash32(bytes([9]) * 32)
DOMAIN, ISSUANCES = ChannelDomain(CHAIN_ID, ESCROW), ControllersDomain(CHAIN_ID, CONTROLLERS)
HEAD = Head(NOW, NOW)
AMOUNT = {"type": "string", "maxLength": 39, "pattern": "^[0-9]{1,39}$"}


def trade() -> Trade:
    """Products of polynomials, settled in the clear."""
    registers = {"type": "array", "maxItems": 24, "items": AMOUNT}
    readings = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"before": registers, "after": registers},
    }
    seller, buyer = (make_did(CHAIN_ID, KEYS[role].address) for role in (Role.SELLER, Role.BUYER))
    did, second = {"type": "string", "maxLength": 256}, {"type": "integer"}
    properties = {
        "template": {"const": {"kind": "settlement", "name": "products-settled", "version": 1}},
        "seller": {"const": str(seller)},
        "buyer": did,
        "fee": AMOUNT,
        "start": second,
        "end": second,
        "readings": readings,
        "encryption": {"enum": ["none", "jwe"]},
    }
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    label = Label(TemplateKind.SETTLEMENT, "products-settled", 1)
    template = Template(label, seller, schema, encode_jcs(schema))
    return Trade(seller, buyer, template, Encryption.NONE)


def terms_of(number: int) -> Terms:
    """Of one of the channels."""
    payer, seller, controller = (
        KEYS[each].address for each in (Role.BUYER, Role.SELLER, Role.CONTROLLER)
    )
    until = Timestamp(NOW + 10**6)
    money = Tokens(10**12), Tokens(10**11)
    parties = (payer, seller, payer, seller)
    templates = (TEMPLATE, TEMPLATE, TEMPLATE)
    return Terms(*parties, *money, 3600, until, until, *templates, controller, NO_OFFER, number)


class SizedIssuer(Issuer):
    """Drafts what a credential says, and signs a text of so many bytes in its place.

    A settlement credential has 1.6 KB of JSON at least.
    """

    def __init__(self, size: int) -> None:
        key = KEYS[Role.CONTROLLER]
        super().__init__(key, make_did(CHAIN_ID, key.address), DOMAIN, ISSUANCES)
        self._facts = draft(size)

    def issue(
        self, channel: ChannelId, settlement: Settlement, trade: Trade, at: int
    ) -> Credential:
        """As `Issuer.issue`, but for the text that is signed."""
        voucher, signed = settlement.proposal.voucher, settlement.proposal.signature
        carried = carry(draft_claims(trade, settlement.proposal))
        parties = (trade.seller, trade.buyer, channel, voucher)
        said = Signed(*parties, settlement.payer_signature, signed, carried)
        draft_settlement(said, trade.template, self._signer.issuer, Period(at))
        made = issue_settlement(self._signer, self._facts, said, DOMAIN, ISSUANCES)
        return Credential(voucher, made.token.encode(), made.signatures.controller)


class ControllerPath:
    """One controller.

    Args:
        folder: of its journal.
        size: bytes of the JSON of its credentials.
        rounds: that will be run, each with a settlement of every channel.
        channels: how many it has.
    """

    def __init__(self, folder: Path, size: int, rounds: int, channels: int) -> None:
        self._trade = trade()
        self._issuer = SizedIssuer(size)
        self._hearing = Hearing(
            KEYS[Role.CONTROLLER], DOMAIN, lambda _: self._trade, self._issuer, 60
        )
        self.journal = Journal.open(folder / "controller.journal")
        self.runtime: Runtime[Any, Any, Any] = Runtime(
            PartyMachine(Desk), self.journal, self._perform, pace=Pace(), name="controller"
        )
        self._guard, self._done, self._left = threading.Lock(), threading.Event(), 0
        conditions = Conditions(60, NO_TOKENS, NO_TOKENS, 0, 10**6, 10**6)
        self._channels: list[ChannelId] = []
        self.runtime.start()
        for number in range(channels):
            terms = terms_of(number)
            channel = compute_channel_id(CHAIN_ID, ESCROW, terms)
            agreement = Agreement(channel, terms, conditions)
            self.runtime.ask(channel, at.SawNamed(agreement, terms.signers, terms.deposit))
            self._channels.append(channel)
        self._letters = [[self._settle(c, i) for c in self._channels] for i in _indices(rounds)]
        self._receipts = {
            (channel, index, role): sign(channel, Taken(Kind.CREDENTIAL, index), role)
            for channel in self._channels
            for index in _indices(rounds)
            for role in (Role.BUYER, Role.SELLER)
        }
        self.issued = 0

    def run(self) -> None:
        """The next settlement of every channel, until both parties have its credential."""
        letters = self._letters[self.issued]
        self.issued, self._left = self.issued + 1, 2 * len(letters)
        self._done.clear()
        for channel, raw in letters:
            self._take(channel, raw)
        self._done.wait()
        self.runtime.ask(b"", Tick(0))  # everything before it is on the disk

    def close(self) -> None:
        """End the loop."""
        self.runtime.stop()
        self.runtime.join()
        self.journal.close()

    def _take(self, channel: ChannelId, raw: bytes) -> None:
        desk = self.runtime.state_at_hand(channel)
        if desk is None:
            raise LookupError("no such desk")
        self._hearing.take(desk, raw, HEAD, self.runtime.post, _send_nothing)

    def _perform(self, key: bytes, effect: do.ControllerEffect) -> Sequence[object]:
        channel, desk = ChannelId(key), self.runtime.state(key)
        match effect:
            case do.Issue():
                if desk is None or desk.due is None:
                    raise LookupError("nothing is due")
                return [at.FoundIssued(self._issuer.issue(channel, desk.due, self._trade, NOW))]
            case do.SendCredential(index, to_buyer):
                self._hand_over(channel, desk, index, Role.BUYER if to_buyer else Role.SELLER)
            case do.SubmitEvidence() | do.SubmitInitiation() | do.KeepFloor():
                raise LookupError("none is owed before a million credentials, or another place")
        return []

    def _hand_over(self, channel: ChannelId, desk: Any, index: int, to: Role) -> None:
        credential: Credential = desk.credential(index)
        self._hearing.letter_of(channel, credential)
        self._take(channel, self._receipts[channel, index, to])
        with self._guard:
            self._left -= 1
            if not self._left:
                self._done.set()

    def _settle(self, channel: ChannelId, index: int) -> tuple[ChannelId, bytes]:
        controller = KEYS[Role.CONTROLLER].address
        voucher = Voucher(index, Tokens(1000 * index), TEMPLATE, controller)
        digest = DOMAIN.voucher(channel, voucher)
        readings = Readings(Timestamp(NOW - 60), Timestamp(NOW), (index - 1,), (index,))
        by_seller, by_payer = (KEYS[each].sign(digest) for each in (Role.SELLER, Role.BUYER))
        until = Timestamp(NOW + 600)
        bill = Proposal(voucher, readings, Tokens(1000), until, False, by_seller)
        return channel, sign(channel, Settlement(bill, by_payer), Role.SELLER)


def _indices(rounds: int) -> range:
    return range(1, rounds + 1)


def _send_nothing(channel: ChannelId, to: Role, raw: bytes) -> None:
    """Nobody asks again here."""


def sign(channel: ChannelId, message: Message, role: Role) -> bytes:
    """A letter of a party."""
    letter = Letter.of(channel, message)
    return replace(letter, signature=KEYS[role].sign(letter.digest(DOMAIN))).to_wire()


def _serve(pipe: Connection, folder: Path, size: int, rounds: int, channels: int) -> None:
    """In a process of its own: a round whenever it is told to."""
    path = ControllerPath(folder, size, rounds, channels)
    pipe.send(True)
    while pipe.recv():
        path.run()
        pipe.send(True)
    path.close()


@contextmanager
def controllers(
    count: int, folder: Path, size: int, rounds: int, channels: int
) -> Iterator[list[Connection]]:
    """So many processes; each runs a round when it is sent True, and says when it is over."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pipes = []
        for number in range(count):
            home = folder / f"{size}-{count}-{number}"
            home.mkdir()
            pipe, other = context.Pipe()
            told = (other, home, size, rounds, channels)
            process = context.Process(target=_serve, args=told, daemon=True)
            process.start()
            stack.callback(process.join, 30)
            stack.callback(pipe.send, False)
            pipes.append(pipe)
        for pipe in pipes:
            pipe.recv()
        yield pipes
