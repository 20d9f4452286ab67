"""ChannelEscrow on one chain: what it keeps of channels, and the calls that change it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from edgemark.identifiers import NOBODY, Address, Timestamp, Tokens, parse_address
from edgemark.ledger.evm.client import ContractClient
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.answers import member_of, reading
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.trading.contract.records import (
    ChannelPhase,
    Limits,
    Signers,
    Voucher,
    check_list,
)
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.contract.terms import Terms, compute_channel_id
from edgemark.systems.trading.identifiers import ChannelId

Asked = tuple[object, ...]
"""Name of a view, and what it is asked."""


class Brought(Protocol):
    """What a call takes for one channel."""

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""


@dataclass(frozen=True)
class BroughtOpening:
    """A channel to be opened: `Opening` by the seller, and by the payer unless it sends this."""

    terms: Terms
    valid_until: Timestamp
    seller_signature: bytes = field(repr=False)
    payer_signature: bytes = field(default=b"", repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        signed = (self.seller_signature, self.payer_signature)
        return (self.terms.as_abi(), self.valid_until, *signed)


@dataclass(frozen=True)
class TopUp:
    """More deposit, of the payer that sends this."""

    terms: Terms
    amount: Tokens

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return (self.terms.as_abi(), self.amount)


@dataclass(frozen=True)
class BroughtReduction:
    """`Reduction` by whoever does not send this: unused deposit goes back to the payer."""

    terms: Terms
    number: int
    amount: Tokens
    valid_until: Timestamp
    payer_signature: bytes = field(default=b"", repr=False)
    seller_signature: bytes = field(default=b"", repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        signed = (self.payer_signature, self.seller_signature)
        return (self.terms.as_abi(), self.number, self.amount, self.valid_until, *signed)


@dataclass(frozen=True)
class BroughtVoucher:
    """A voucher, with `Voucher` by whoever does not send this."""

    terms: Terms
    voucher: Voucher
    payer_signature: bytes = field(default=b"", repr=False)
    seller_signature: bytes = field(default=b"", repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        signed = (self.payer_signature, self.seller_signature)
        return (self.terms.as_abi(), self.voucher.as_abi(), *signed)


@dataclass(frozen=True)
class BroughtAmendment:
    """`Amendment` by whoever does not send this."""

    terms: Terms
    number: int
    amount: Tokens
    signers: Signers
    valid_until: Timestamp
    payer_signature: bytes = field(default=b"", repr=False)
    seller_signature: bytes = field(default=b"", repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        said = (self.number, self.amount, self.signers.as_abi(), self.valid_until)
        return (self.terms.as_abi(), *said, self.payer_signature, self.seller_signature)


@dataclass(frozen=True)
class BroughtClosing:
    """`Closing` by whoever does not send this."""

    terms: Terms
    amount: Tokens
    valid_until: Timestamp
    payer_signature: bytes = field(default=b"", repr=False)
    seller_signature: bytes = field(default=b"", repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        signed = (self.payer_signature, self.seller_signature)
        return (self.terms.as_abi(), self.amount, self.valid_until, *signed)


@dataclass(frozen=True)
class BroughtResponse:
    """A voucher that the payer signed, shown in a window; and the victim's delegation, if any."""

    terms: Terms
    voucher: Voucher
    payer_signature: bytes = field(repr=False)
    tower: Address = NOBODY
    number: int = 0
    delegation_signature: bytes = field(default=b"", repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        shown = (self.voucher.as_abi(), self.payer_signature)
        return (self.terms.as_abi(), *shown, self.tower, self.number, self.delegation_signature)


@dataclass(frozen=True)
class StoredChannel:
    """What the chain keeps of a channel; see `contract.channel.Channel`.

    Attributes:
        shown: the largest amount shown in the window; 0: what is paid.
        agreements: how many counted: the number of the next one.
        signers: in force.
    """

    phase: ChannelPhase
    is_amended: bool
    number: int
    deadline: Timestamp
    locked: Tokens
    paid: Tokens
    shown: Tokens
    is_answered: bool
    tower: Address
    agreements: int
    signers: Signers

    @property
    def counted(self) -> Tokens:
        """What the seller gets in all if nothing more is shown."""
        return max(self.shown, self.paid)

    def deposit(self, bond: int) -> Tokens:
        """All that was deposited and did not go back, while the channel has not ended."""
        if self.phase in (ChannelPhase.NONE, ChannelPhase.ENDED):
            return Tokens(0)
        return Tokens(self.locked + self.paid - bond)


class EscrowContract(ContractClient):
    """Reads at confirmed depth and makes calls for a lane to send; safe for many threads.

    Args:
        chain: where the contract is.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        super().__init__(chain, contract)
        self.domain = EscrowDomain(chain.chain_id, contract.address)

    def id_of(self, terms: Terms) -> ChannelId:
        """The channel that these terms open."""
        return compute_channel_id(self._chain.chain_id, self.address, terms)

    def limits(self) -> Limits:
        """Bounds of every channel, fixed at deployment."""
        return Limits(*self._chain.call(self.contract, "limits", block="latest"))

    def is_stopped(self) -> bool:
        """Whether its guardian stopped new channels."""
        return bool(self._chain.call(self.contract, "isDeprecated", block="latest"))

    def channels(
        self, wanted: Sequence[Terms], *, block: int | str = "confirmed"
    ) -> list[StoredChannel]:
        """Channels of these terms, all as of one block; phase NONE of one never opened.

        Args:
            wanted: their terms.
            block: number, "latest" or "confirmed".
        """
        at, ids = self._number_of(block), [self.id_of(terms) for terms in wanted]
        heads = self._ask_all(((("channelOf", each), ("agreementsOf", each)) for each in ids), at)
        more = self._ask_all(map(_asked_of, ids, wanted, (head for head, _ in heads)), at)
        return [
            _stored(terms, head[0], head[1], more_)
            for terms, head, more_ in zip(wanted, heads, more, strict=True)
        ]

    def channel(self, terms: Terms, *, block: int | str = "confirmed") -> StoredChannel:
        """One of them."""
        return self.channels([terms], block=block)[0]

    def phases(
        self, wanted: Sequence[ChannelId], *, block: int | str = "confirmed"
    ) -> list[ChannelPhase]:
        """Phases of channels whose terms need not be known."""
        calls = [self._call("channelOf", channel) for channel in wanted]
        answers = self._chain.call_many(calls, self._number_of(block))
        return [member_of(ChannelPhase, answer.phase) for answer in answers]

    def locked(
        self, wanted: Sequence[ChannelId], *, block: int | str = "confirmed"
    ) -> list[tuple[int, int]]:
        """What channels lock now, deposit and bond less what is paid, and what is paid of each."""
        calls = [self._call("channelOf", channel) for channel in wanted]
        answers = self._chain.call_many(calls, self._number_of(block))
        return [(int(answer.locked), int(answer.paid)) for answer in answers]

    def open(self, openings: Sequence[BroughtOpening]) -> Call:
        """Open channels; the escrow is allowed to lock deposit and bond of each payer."""
        return self._list("open", openings)

    def top_up(self, top_ups: Sequence[TopUp]) -> Call:
        """Add to deposits, by their payer."""
        return self._list("topUp", top_ups)

    def reduce(self, reductions: Sequence[BroughtReduction]) -> Call:
        """Return unused deposit."""
        return self._list("reduce", reductions)

    def checkpoint(self, claims: Sequence[BroughtVoucher]) -> Call:
        """Pay sellers what vouchers say, less what is paid; the channels stay open."""
        return self._list("checkpoint", claims)

    def amend(self, amendments: Sequence[BroughtAmendment]) -> Call:
        """A checkpoint after which others sign, or issue."""
        return self._list("amend", amendments)

    def close_together(self, closings: Sequence[BroughtClosing]) -> Call:
        """End channels at what both said."""
        return self._list("closeTogether", closings)

    def close(self, claims: Sequence[BroughtVoucher]) -> Call:
        """Close with vouchers: at once by the seller, with a window by the payer."""
        return self._list("close", claims)

    def close_bare(self, channels: Sequence[Terms]) -> Call:
        """Close without a voucher."""
        return self._list("closeBare", channels)

    def respond(self, responses: Sequence[BroughtResponse]) -> Call:
        """Show larger amounts in windows."""
        return self._list("respond", responses)

    def settle(self, channels: Sequence[Terms]) -> Call:
        """End channels whose window is over."""
        return self._list("settle", channels)

    def end_unclosed(self, channels: Sequence[Terms]) -> Call:
        """End channels that nobody closed, or whose lock expired."""
        return self._list("endUnclosed", channels)

    def _list(self, function: str, brought: Sequence[Brought]) -> Call:
        check_list(function, brought)
        return self._call(function, [each.as_abi() for each in brought])

    def _ask_all(self, asked: Iterable[Sequence[Asked]], block: int) -> list[list[Any]]:
        """What all these views answer, in as few messages as may be, each with its own."""
        groups = list(asked)
        calls = [self._call(str(each[0]), *each[1:]) for group in groups for each in group]
        answers = iter(self._chain.call_many(calls, block))
        return [[next(answers) for _ in group] for group in groups]


def signers_of(raw: Any) -> Signers:
    """Of a view or an event; raises `NodeAnswerMalformed`."""
    with reading("signers of a channel", raw):
        payer_key, seller_key, controller, epoch = raw
        keys = parse_address(payer_key), parse_address(seller_key)
        return Signers(*keys, parse_address(controller), int(epoch))


def terms_of(raw: Any) -> Terms:
    """Of a `ChannelOpened` event; raises `NodeAnswerMalformed`."""
    with reading("terms of a channel", raw):
        return Terms(*raw)


def _asked_of(channel: ChannelId, terms: Terms, kept: Any) -> list[Asked]:
    """The views that say more than zeros, or than the terms do, of a channel like this."""
    asked: list[Asked] = []
    if member_of(ChannelPhase, kept.phase).is_closing:
        asked.append(("windowOf", channel))
    if kept.amended:
        asked.append(("signersOf", terms.as_abi()))
    return asked


def _stored(terms: Terms, channel: Any, agreements: Any, more: list[Any]) -> StoredChannel:
    phase = member_of(ChannelPhase, channel.phase)
    window = more[0] if phase.is_closing else None
    return StoredChannel(
        phase=phase,
        is_amended=bool(channel.amended),
        number=int(channel.number),
        deadline=Timestamp(channel.deadline),
        locked=Tokens(channel.locked),
        paid=Tokens(channel.paid),
        shown=Tokens(window.amount if window else 0),
        is_answered=bool(window.answered) if window else False,
        tower=parse_address(window.tower) if window else NOBODY,
        agreements=int(agreements),
        signers=signers_of(more[-1]) if channel.amended else terms.signers,
    )
