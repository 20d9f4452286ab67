"""What a chain tells of the channels that were played, and what it was paid for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address, Timestamp, parse_hash32
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.reading.answers import list_of, object_of
from edgemark.ledger.evm.reading.blocks import Mined
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.systems.trading.contract.escrow import terms_of
from edgemark.systems.trading.contract.events import (
    AmountPaid,
    ChannelClosed,
    ChannelEnded,
    ChannelOpened,
    DepositAdded,
    ResponseShown,
)
from edgemark.systems.trading.contract.evidence.events import EvidenceRecorded
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId

CONTRACTS = ("ChannelEscrow", "EvidenceRegistry")


@dataclass(frozen=True)
class Seen:
    """All that the chain says of one channel, in order.

    Attributes:
        opened: its first event.
        opened_at: chain time of that.
        events: of the escrow, that one included.
        evidence: of its settlements.
    """

    opened: ChannelOpened
    opened_at: Timestamp
    events: tuple[ChainEvent, ...]
    evidence: tuple[EvidenceRecorded, ...]

    @property
    def terms(self) -> Terms:
        """What both signed."""
        return terms_of(self.opened.terms)

    @property
    def ended(self) -> ChannelEnded | None:
        """How it ended; None while it has not."""
        return next((each for each in self.events if isinstance(each, ChannelEnded)), None)

    @property
    def closed(self) -> ChannelClosed | None:
        """The beginning of a window, where there was one."""
        return next((each for each in self.events if isinstance(each, ChannelClosed)), None)

    @property
    def response(self) -> ResponseShown | None:
        """What was shown in it last."""
        shown = [each for each in self.events if isinstance(each, ResponseShown)]
        return shown[-1] if shown else None

    @property
    def payments(self) -> list[AmountPaid]:
        """While it was open."""
        return [each for each in self.events if isinstance(each, AmountPaid)]

    @property
    def added(self) -> int:
        """To the deposit, after the opening."""
        return sum(each.amount for each in self.events if isinstance(each, DepositAdded))


def read_channels(chain: EvmChain, deployment: Deployment) -> dict[ChannelId, Seen]:
    """Every channel of a deployment, as of the latest block, in the order of their opening."""
    contracts = [deployment.contract(name) for name in CONTRACTS]
    addresses = [each.address for each in contracts]
    events = decode_logs(contracts, chain.logs(addresses, deployment.block, chain.head()))
    evidence = [
        each
        for each in events
        if isinstance(each, EvidenceRecorded) and each.kind == EvidenceKind.SETTLEMENT
    ]
    return {
        first.channel: Seen(
            first,
            Timestamp(chain.block(first.at.block_number).timestamp),
            tuple(each for each in events if getattr(each, "channel", None) == first.channel),
            tuple(each for each in evidence if bytes(each.subject) == bytes(first.channel)),
        )
        for first in events
        if isinstance(first, ChannelOpened)
    }


def read_sent(chain: EvmChain, first: int, senders: Collection[Address]) -> list[Mined]:
    """Every transaction of these accounts from a block on, with what became of it."""
    hashes = []
    for number in range(first, chain.head() + 1):
        block = object_of(chain.rpc("eth_getBlockByNumber", hex(number), False), "block")
        hashes += list_of(block.get("transactions"), "list of transactions")
    mined = chain.mined([parse_hash32(str(each)) for each in hashes])
    return [each for each in mined if each.call.sender in senders]


def sum_gas(sent: Sequence[Mined]) -> int:
    """What these took."""
    return sum(each.receipt.gas_used for each in sent)
