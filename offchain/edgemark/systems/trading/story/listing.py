"""All channels of an account, or all that there are, from the chain alone (T32).

Who lost a disk finds here what is still held: channels by the events of their openings, what became
of each by what the escrow keeps of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgemark.chronicle.marks import Pot
from edgemark.chronicle.steps import NextStep, until_expiry
from edgemark.identifiers import Address, Timestamp
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.systems.trading.contract.escrow import EscrowContract, terms_of
from edgemark.systems.trading.contract.events import ChannelOpened
from edgemark.systems.trading.contract.history.marks import ChannelMarks
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.views.view import ChannelView
from edgemark.systems.trading.station.seeing import Sight
from edgemark.systems.trading.story.reading import Lookout
from edgemark.systems.trading.story.story import list_steps

PAGE = 256  # channels that are looked at together


@dataclass(frozen=True)
class Standing:
    """How one channel stands.

    Attributes:
        view: at the block that was looked at.
        lock_expiry: last second at which the escrow can pay.
    """

    channel: ChannelId
    terms: Terms
    view: ChannelView
    lock_expiry: Timestamp

    @property
    def held(self) -> int:
        """What the lock holds, the bond included; 0 once it has ended."""
        if self.view.phase is ChannelPhase.ENDED:
            return 0
        return self.view.deposit - self.view.paid + self.terms.bond

    @property
    def steps(self) -> tuple[NextStep, ...]:
        """Whatever may still be done, now or later, and by whom."""
        view = self.view
        pot = Pot(0, self.terms.payer, self.held, self.held, self.lock_expiry)
        allowed = list_steps(view.phase, self.terms, view.deadline)
        return until_expiry(allowed, [pot], view.now)

    @property
    def steps_now(self) -> tuple[NextStep, ...]:
        """Those that a block of now takes."""
        return tuple(step for step in self.steps if step.is_open(self.view.now))


def list_standings(lookout: Lookout, party: Address | None = None) -> Iterator[Standing]:
    """Channels, the newest first, as far as somebody asks for them.

    Args:
        lookout: chain and contracts.
        party: only those of this payer or seller.

    Raises:
        LedgerUnavailable: the chain does not answer.
    """
    chain, deployment = lookout.chain, lookout.deployment
    escrow = EscrowContract(chain, deployment.contract("ChannelEscrow"))
    grace, block = escrow.limits().exit_grace, chain.confirmed()
    openings = lookout.chronicle.list_openings(party)[::-1]
    within = [opened for opened in openings if opened.at.block_number <= block]
    for start in range(0, len(within), PAGE):
        yield from _look(chain, escrow, within[start : start + PAGE], block, grace)


def _look(
    chain: EvmChain,
    escrow: EscrowContract,
    openings: Sequence[ChannelOpened],
    block: int,
    grace: int,
) -> Iterator[Standing]:
    blocks = {opened.at.block_number for opened in openings} | {block}
    times = {each.number: Timestamp(each.timestamp) for each in chain.headers(sorted(blocks))}
    marks = ChannelMarks(chain, escrow.contract, min(blocks))
    marks.note(openings)
    wanted = [(ChannelId(opened.channel), terms_of(opened.terms)) for opened in openings]
    views = Sight(escrow, marks, times.__getitem__).see(wanted, block)
    for (channel, terms), view in zip(wanted, views, strict=True):
        yield Standing(channel, terms, view, terms.lock_expiry(grace))
