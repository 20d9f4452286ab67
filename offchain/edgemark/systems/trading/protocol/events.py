"""What can happen to a channel: a verdict is one event type each, never a flag.

`Saw...` on chain, at confirmed depth, `Heard...` from a peer, in a letter that was checked,
`Asked...` by the user, `Found...` by own checks. Times that pass stand in no journal
(`edgemark.loop.moves.TimeOver`). What can happen to each party is a union, at the end; to the
controller, in `protocol.issuing`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgemark.identifiers import NO_TIME, Timestamp, Tokens
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase, Signers
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.agreement import (
    Agreement,
    Fault,
    Opening,
    Policy,
    Readings,
    Reason,
    Registers,
)
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Countersigned,
    Credential,
    Overdraft,
    Proposal,
    Request,
)


@dataclass(frozen=True)
class SawOpened:
    """The channel stands on chain."""

    deposit: Tokens
    at: Timestamp


@dataclass(frozen=True)
class SawNeverOpened:
    """It does not, and the time for which its terms were signed is over."""


@dataclass(frozen=True)
class SawMoney:
    """What was deposited and paid in all, and the number of the next agreement, on chain."""

    deposit: Tokens
    paid: Tokens
    agreements: int


@dataclass(frozen=True)
class SawAmended:
    """Others sign, or another controller issues, from here on."""

    signers: Signers


@dataclass(frozen=True)
class SawClosing:
    """Somebody closed the channel; `counted` is what its seller gets if nothing more is shown."""

    phase: ChannelPhase
    counted: Tokens
    deadline: Timestamp


@dataclass(frozen=True)
class SawShown:
    """More was shown in the window."""

    counted: Tokens


@dataclass(frozen=True)
class SawEnded:
    """Nothing of the channel is held any more; its seller got `amount` in all."""

    ending: ChannelEnding
    amount: Tokens


@dataclass(frozen=True)
class SawBlocksStop:
    """The newest block is older than the bound."""


@dataclass(frozen=True)
class SawBlocksGoOn:
    """It is not any more; whoever could not act meanwhile gets its time from `at` on."""

    at: Timestamp


@dataclass(frozen=True)
class FoundBrokerAway:
    """No letter comes or goes."""


@dataclass(frozen=True)
class FoundBrokerBack:
    """Letters come and go again; who was out of reach gets its time."""

    at: Timestamp


@dataclass(frozen=True)
class HeardCredential:
    """The controller issued a credential that verifies."""

    credential: Credential


@dataclass(frozen=True)
class FoundCredentialKept:
    """The credential of this index is where its party keeps them."""

    index: int


@dataclass(frozen=True)
class FoundCredentialWrong:
    """The one of this index says something else than its bill; it is not kept."""

    index: int
    why: str


@dataclass(frozen=True)
class AskedStop:
    """The user wants the channel to end."""

    at: Timestamp


@dataclass(frozen=True)
class HeardStop:
    """The other takes, or asks for, no new work: known here at `at`, and there at `since`."""

    reason: Reason
    at: Timestamp
    since: Timestamp = NO_TIME


@dataclass(frozen=True)
class HeardStopTaken:
    """The other knows that one stopped."""


@dataclass(frozen=True)
class AskedSell:
    """The seller takes the terms; its word for them may leave now."""

    agreement: Agreement
    policy: Policy
    opening: Opening


@dataclass(frozen=True)
class HeardRequest:
    """A request that fits into credit, cap and deposit."""

    request: Request


@dataclass(frozen=True)
class FoundServed:
    """The work is done, by chain time `at`."""

    answer: Answer
    at: Timestamp = NO_TIME


@dataclass(frozen=True)
class HeardAnswerTaken:
    """The buyer has the answer of this number."""

    number: int


@dataclass(frozen=True)
class FoundProposal:
    """The bill of an interval is drafted and signed; it may leave now."""

    proposal: Proposal


@dataclass(frozen=True)
class FoundNothingDue:
    """The interval costs nothing; `used`: all that was, since the opening."""

    readings: Readings
    used: Registers


@dataclass(frozen=True)
class FoundOverdrawn:
    """Work was wanted that the deposit does not cover."""

    at: Timestamp


@dataclass(frozen=True)
class FoundAnswered:
    """For so much of what is signed and not on chain a tower answers; 0: nobody watches."""

    limit: Tokens


@dataclass(frozen=True)
class HeardVoucher:
    """The payer signed what was proposed."""

    voucher: Countersigned


@dataclass(frozen=True)
class HeardLastVoucher:
    """It signed the last one: nothing is left to bill."""

    voucher: Countersigned


@dataclass(frozen=True)
class HeardOverdraftTaken:
    """The buyer knows that this deposit is nearly used up."""

    deposit: Tokens


@dataclass(frozen=True)
class AskedBuy:
    """The buyer takes the terms, with the seller's word for them.

    Attributes:
        beside: all channels that one transaction is to open, this one among them; empty: this one
            alone.
    """

    agreement: Agreement
    policy: Policy
    opening: Opening
    beside: tuple[ChannelId, ...] = ()


@dataclass(frozen=True)
class AskedRecover:
    """A buyer that lost its disk wants what the chain still holds for it."""

    agreement: Agreement
    policy: Policy
    at: Timestamp


@dataclass(frozen=True)
class FoundOpeningRefused:
    """The contract refused the opening; nothing was locked."""

    error: str


@dataclass(frozen=True)
class AskedRequest:
    """The user wants work done."""

    request: Request


@dataclass(frozen=True)
class HeardAnswer:
    """An answer within what its request may cost, and when it came."""

    answer: Answer
    at: Timestamp


@dataclass(frozen=True)
class FoundAnswerKept:
    """The user has the answer of this number."""

    number: int


@dataclass(frozen=True)
class HeardProposal:
    """A bill that is right; see `buyer.checking`."""

    proposal: Proposal


@dataclass(frozen=True)
class FoundCountersigned:
    """The voucher of this index is signed; on the disk, it may leave now."""

    index: int
    signature: bytes = field(repr=False)


@dataclass(frozen=True)
class HeardVoucherTaken:
    """The seller has the voucher of this index on its disk."""

    index: int


@dataclass(frozen=True)
class HeardOverdraft:
    """The seller says that the deposit is nearly used up."""

    overdraft: Overdraft


@dataclass(frozen=True)
class AskedTopUp:
    """The user wants so much deposited in all."""

    deposit: Tokens


@dataclass(frozen=True)
class FoundProposalWrong:
    """The seller signed a bill that can never be right; it is kept as evidence."""

    fault: Fault
    proposal: Proposal
    at: Timestamp


OnChain = (
    SawOpened
    | SawNeverOpened
    | SawMoney
    | SawAmended
    | accord.SawLapsed
    | SawClosing
    | SawShown
    | SawEnded
)
Common = (
    OnChain
    | SawBlocksStop
    | SawBlocksGoOn
    | FoundBrokerAway
    | FoundBrokerBack
    | HeardCredential
    | FoundCredentialKept
    | FoundCredentialWrong
    | AskedStop
    | HeardStop
    | HeardStopTaken
    | accord.OfBoth
)
OfSeller = (
    AskedSell
    | HeardRequest
    | FoundServed
    | HeardAnswerTaken
    | FoundProposal
    | FoundNothingDue
    | FoundOverdrawn
    | FoundAnswered
    | HeardVoucher
    | HeardLastVoucher
    | HeardOverdraftTaken
    | accord.HeardReducing
    | accord.FoundReducing
    | accord.HeardClosing
    | accord.FoundClosing
)
OfBuyer = (
    AskedBuy
    | AskedRecover
    | FoundOpeningRefused
    | AskedRequest
    | HeardAnswer
    | FoundAnswerKept
    | HeardProposal
    | FoundCountersigned
    | HeardVoucherTaken
    | HeardOverdraft
    | AskedTopUp
    | accord.AskedReduce
    | accord.HeardReducingBack
    | FoundProposalWrong
    | accord.FoundClosing
    | accord.HeardClosingBack
)
SellerEvent = Common | OfSeller
BuyerEvent = Common | OfBuyer
