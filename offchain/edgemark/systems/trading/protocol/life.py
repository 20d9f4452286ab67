"""Life of one channel at each of its parties, with no clock, socket, chain or randomness in sight.

Every phase and every legal move is in `LIFE`; what follows from a table of moves is the same in
every system (`edgemark.loop.moves`). What a party remembers and owes is in its room.

| paper (EFSC)                             | here                                            |
|------------------------------------------|-------------------------------------------------|
| IV-C channel opened by both signatures   | `AskedSell`, `AskedBuy`, `SawOpened`            |
| IV-C every interval a TSC of both        | `FoundProposal`, `HeardProposal`,               |
|                                          | `FoundCountersigned`, `HeardVoucher`            |
| IV-C issued by the TCC                   | `HeardSettlement`, `FoundIssued`                |
| IV-B.2 initiation credential on chain    | `HeardInitiation`, `SawInitiation`              |
| IV-C evidence every N cycles, at the end | `SawEvidence`                                   |
| IV-C channel closed                      | `HeardLastVoucher`, `SawClosing`, `SawEnded`    |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache

from edgemark.loop.event_records import EventRecords
from edgemark.loop.machine import Facts, Line
from edgemark.loop.moves import CondensingMachine, Moves, P, Table, stays
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.agreement import Reason


class SellerPhase(Enum):
    """Life of a channel at the seller."""

    UNKNOWN = "unknown"
    AGREED = "agreed"  # terms are signed; not on chain
    SERVING = "serving"  # open: work is taken as long as everything allows it
    STOPPED = "stopped"  # no new work for good; what is in hand is finished and billed
    CLAIMING = "claiming"  # ends the channel at the newest voucher
    WINDOW = "window"  # somebody closed it: whoever knows of more says so
    ENDED = "ended"
    DROPPED = "dropped"  # never opened; nothing was locked


class BuyerPhase(Enum):
    """Life of a channel at the buyer."""

    UNKNOWN = "unknown"
    AGREED = "agreed"  # both signed; the opening is to be put on chain
    RECOVERING = "recovering"  # the disk was lost; what stands on chain is looked for
    BUYING = "buying"
    STOPPED = "stopped"  # asks for nothing more; signs the last voucher, waits for the end
    CLOSING = "closing"  # the seller did not end it: the buyer does, at what it signed
    WINDOW = "window"
    ENDED = "ended"
    DROPPED = "dropped"


class ControllerPhase(Enum):
    """Life of a channel at the controller that it names."""

    UNKNOWN = "unknown"
    ISSUING = "issuing"
    CLOSED = "closed"  # issues nothing as things are; evidence of the last credential is owed
    DISPLACED = "displaced"  # gave its place up; evidence as above, and then this desk is over
    ENDED = "ended"


class TradeTime(Enum):
    """Chain times that parties wait for; each is over one second later."""

    INTERVAL = "interval"  # after which a voucher is proposed
    GRACE = "grace"  # for a voucher; then no new work is taken
    VALIDITY = "validity"  # of a proposal; then it is made anew
    LAST = "last voucher"  # for which the seller waits when service has stopped
    PATIENCE = "patience"  # with a voucher, then with an end, that does not come
    OVERDRAFT = "overdraft"  # for a top-up, when the deposit is used up
    FAILOVER = "failover"  # for the other's word on the next controller
    OFFER = "offer"  # for which that word counts
    SERVICE = "service"  # a margin before `expires_at`
    EXPIRY = "expiry"  # `expires_at`: what is owed is brought to the chain
    CLOSE_BY = "close by"  # nobody closes any more
    WINDOW = "window"  # in which larger amounts are shown
    LOCK = "lock"  # the anchor returns what is left


_CHAIN = stays(on.SawMoney, on.SawAmended, accord.SawLapsed, on.SawBlocksStop, on.SawBlocksGoOn)
_BROKER = stays(on.FoundBrokerAway, on.FoundBrokerBack)
_KEEPING = stays(on.HeardCredential, on.FoundCredentialKept, on.FoundCredentialWrong)
_AMENDING = stays(
    accord.AskedKey,
    accord.FoundConsent,
    accord.AskedController,
    accord.FoundAmending,
    accord.HeardAmending,
    TradeTime.OFFER,
)
_OPEN = {**_CHAIN, **_BROKER, **_KEEPING}

_WORK = stays(
    on.FoundServed,
    on.HeardAnswerTaken,
    on.FoundProposal,
    on.HeardVoucher,
    on.HeardOverdraftTaken,
    on.FoundAnswered,
    TradeTime.GRACE,
    TradeTime.VALIDITY,
)
_LATE_VOUCHERS = stays(on.HeardVoucher, on.HeardLastVoucher, on.FoundServed, on.HeardAnswerTaken)

_SELLER: Table = {
    SellerPhase.UNKNOWN: {on.AskedSell: SellerPhase.AGREED},
    SellerPhase.AGREED: {
        on.SawOpened: SellerPhase.SERVING,
        on.SawNeverOpened: SellerPhase.DROPPED,
        **stays(on.SawBlocksStop, on.SawBlocksGoOn),
        **_BROKER,
    },
    SellerPhase.SERVING: {
        on.AskedStop: SellerPhase.STOPPED,
        on.HeardStop: SellerPhase.STOPPED,
        TradeTime.SERVICE: SellerPhase.STOPPED,
        TradeTime.PATIENCE: SellerPhase.STOPPED,
        TradeTime.OVERDRAFT: SellerPhase.STOPPED,
        TradeTime.FAILOVER: SellerPhase.STOPPED,
        on.SawClosing: SellerPhase.WINDOW,
        on.SawEnded: SellerPhase.ENDED,
        **stays(on.HeardRequest, on.FoundOverdrawn, on.FoundNothingDue, TradeTime.INTERVAL),
        **stays(accord.HeardReducing, accord.FoundReducing),
        **_WORK,
        **_OPEN,
        **_AMENDING,
    },
    SellerPhase.STOPPED: {
        on.FoundNothingDue: SellerPhase.CLAIMING,
        on.HeardLastVoucher: SellerPhase.CLAIMING,
        TradeTime.LAST: SellerPhase.CLAIMING,
        TradeTime.EXPIRY: SellerPhase.CLAIMING,
        on.SawClosing: SellerPhase.WINDOW,
        on.SawEnded: SellerPhase.ENDED,
        **stays(on.HeardStop, on.HeardStopTaken, TradeTime.INTERVAL),
        **_WORK,
        **_OPEN,
        **_AMENDING,
    },
    SellerPhase.CLAIMING: {
        on.SawClosing: SellerPhase.WINDOW,
        on.SawEnded: SellerPhase.ENDED,
        **stays(on.HeardStop, on.HeardStopTaken, accord.HeardClosing, accord.FoundClosing),
        **stays(TradeTime.CLOSE_BY, TradeTime.LOCK),
        **_LATE_VOUCHERS,
        **_OPEN,
    },
    SellerPhase.WINDOW: {
        on.SawEnded: SellerPhase.ENDED,
        **stays(on.SawShown, on.SawBlocksStop, on.SawBlocksGoOn),
        **stays(TradeTime.WINDOW, TradeTime.LOCK),
        **_BROKER,
        **_LATE_VOUCHERS,
        **_KEEPING,
    },
    SellerPhase.ENDED: stays(on.FoundCredentialKept),
}

_ANSWERS = stays(on.HeardAnswer, on.FoundAnswerKept)
_SIGNING = stays(on.HeardProposal, on.FoundCountersigned, on.HeardVoucherTaken)

_BUYER: Table = {
    BuyerPhase.UNKNOWN: {
        on.AskedBuy: BuyerPhase.AGREED,
        on.AskedRecover: BuyerPhase.RECOVERING,
    },
    BuyerPhase.AGREED: {
        on.SawOpened: BuyerPhase.BUYING,
        on.SawNeverOpened: BuyerPhase.DROPPED,
        on.FoundOpeningRefused: BuyerPhase.DROPPED,
        **stays(on.SawBlocksStop, on.SawBlocksGoOn),
        **_BROKER,
    },
    BuyerPhase.RECOVERING: {
        on.SawOpened: BuyerPhase.STOPPED,
        on.SawNeverOpened: BuyerPhase.DROPPED,
        **stays(on.SawBlocksStop, on.SawBlocksGoOn),
        **_BROKER,
    },
    BuyerPhase.BUYING: {
        on.AskedStop: BuyerPhase.STOPPED,
        on.HeardStop: BuyerPhase.STOPPED,
        on.FoundProposalWrong: BuyerPhase.STOPPED,
        TradeTime.SERVICE: BuyerPhase.STOPPED,
        TradeTime.FAILOVER: BuyerPhase.STOPPED,
        on.SawClosing: BuyerPhase.WINDOW,
        on.SawEnded: BuyerPhase.ENDED,
        **stays(on.AskedRequest, on.AskedTopUp, on.HeardOverdraft),
        **stays(accord.AskedReduce, accord.HeardReducingBack),
        **_ANSWERS,
        **_SIGNING,
        **_OPEN,
        **_AMENDING,
    },
    BuyerPhase.STOPPED: {
        TradeTime.PATIENCE: BuyerPhase.CLOSING,
        on.SawClosing: BuyerPhase.WINDOW,
        on.SawEnded: BuyerPhase.ENDED,
        **stays(on.HeardStop, on.HeardStopTaken, on.HeardOverdraft, on.FoundProposalWrong),
        **stays(accord.FoundClosing, accord.HeardClosingBack, TradeTime.CLOSE_BY),
        **_ANSWERS,
        **_SIGNING,
        **_OPEN,
        **_AMENDING,
    },
    BuyerPhase.CLOSING: {
        on.SawClosing: BuyerPhase.WINDOW,
        on.SawEnded: BuyerPhase.ENDED,
        **stays(on.HeardStop, on.HeardStopTaken, accord.FoundClosing, accord.HeardClosingBack),
        **stays(on.HeardVoucherTaken, TradeTime.CLOSE_BY, TradeTime.LOCK),
        **_ANSWERS,
        **_OPEN,
    },
    BuyerPhase.WINDOW: {
        on.SawEnded: BuyerPhase.ENDED,
        **stays(on.SawShown, on.SawBlocksStop, on.SawBlocksGoOn),
        **stays(TradeTime.WINDOW, TradeTime.LOCK),
        **_BROKER,
        **_ANSWERS,
        **_KEEPING,
    },
    BuyerPhase.ENDED: stays(on.FoundAnswerKept, on.FoundCredentialKept),
}

_CONTROLLER: Table = {
    ControllerPhase.UNKNOWN: {at.SawNamed: ControllerPhase.ISSUING},
    ControllerPhase.ISSUING: {
        at.SawDismissed: ControllerPhase.CLOSED,
        at.FoundDisplaced: ControllerPhase.DISPLACED,
        on.SawClosing: ControllerPhase.CLOSED,
        on.SawEnded: ControllerPhase.ENDED,
        **stays(at.HeardSettlement, at.FoundIssued, at.HeardCredentialTaken, at.SawEvidence),
        **stays(at.HeardInitiation, at.SawInitiation),
        **stays(at.FoundQueue, on.SawMoney, on.SawAmended, on.SawBlocksStop, on.SawBlocksGoOn),
    },
    ControllerPhase.CLOSED: {
        at.SawNamed: ControllerPhase.ISSUING,  # by both parties again, after another one
        at.FoundDisplaced: ControllerPhase.DISPLACED,
        on.SawEnded: ControllerPhase.ENDED,
        **stays(at.HeardCredentialTaken, at.SawEvidence, on.SawBlocksStop, on.SawBlocksGoOn),
        **stays(at.HeardInitiation, at.SawInitiation),
    },
    ControllerPhase.DISPLACED: stays(
        at.HeardCredentialTaken, at.SawEvidence, at.FoundFloorKept, at.SawInitiation
    ),
    ControllerPhase.ENDED: stays(at.HeardCredentialTaken, at.SawEvidence, at.SawInitiation),
}

LIFE = Moves({**_SELLER, **_BUYER, **_CONTROLLER})
step, reach_time = LIFE.step, LIFE.reach_time


TOLD = frozenset(  # what an operator sees though no phase ends: of an interval one line
    {on.HeardVoucher, on.FoundCountersigned, on.HeardOverdraft, on.FoundOverdrawn}
    | {on.FoundCredentialWrong}
    | {on.AskedTopUp, on.SawMoney, on.SawAmended}
    | {accord.AskedReduce, accord.FoundReducing, accord.HeardReducingBack}
    | {accord.AskedController, accord.AskedKey, accord.HeardAmending}
)


def facts_of(key: bytes) -> Facts:
    """What logs and errors say of a key: the channel's id."""
    return {"channel": key}


def words_of(event: object) -> Line:
    """What the log says of an event: its name in words, and nothing of any content."""
    return _line_of(type(event).__name__)


@cache
def _line_of(name: str) -> Line:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return Line(words.strip(), is_detail=True)


class PartyMachine(CondensingMachine[P]):
    """One party's side of the protocol; a channel of months is told by its state.

    Args:
        blank: makes the state of a channel nobody heard of.
    """

    def __init__(self, blank: Callable[[], P]) -> None:
        records = EventRecords.of(on, accord, at, states=(type(blank()),), times=TradeTime)
        super().__init__(blank, LIFE, records, facts=facts_of, words=words_of)

    def tell(self, before: P, event: object, after: P) -> Sequence[Line]:
        """What the log says: an operator sees `TOLD`, and where a phase ends, with its reason."""
        reason = getattr(after, "reason", Reason.NONE)
        told = {"reason": reason.name.lower()} if reason else {}
        is_detail = after.phase is before.phase and type(event) not in TOLD
        return [
            Line(line.words, {**line.facts, **told}, is_detail)
            for line in super().tell(before, event, after)
        ]
