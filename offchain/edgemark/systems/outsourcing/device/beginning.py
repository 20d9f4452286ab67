"""How a job begins at the device: it is posted, offers go out, one call brings the acceptances.

A posting that was refused, or of which nothing is known, may be on the chain all the same. Nothing
depends on the bringing: a node brings its own acceptance when half of the window is over, and at
once when the device has none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Address, ShareIndex, Timestamp
from edgemark.ledger.evm.faults import ContractRefused, NoFunds
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.machine import TryAgain
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.contract.records import IndexPhase, JobPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.means import allow_what_is_due
from edgemark.systems.outsourcing.device.observing import TAKEN_NUMBER, is_posting_of
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.offline.drafting import Venue, sort_by_provider
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.messages import Acceptance, Offer
from edgemark.systems.outsourcing.protocol.phases import Refusing
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.steps.accept import check_acceptance
from edgemark.transport.faults import PeerRefused, PeerUnreachable, from_peer

TOO_LATE = "the time to accept was over before it could be posted"
OFFER_AGAIN_S = 10.0  # what a node refuses as things are may change, but not at once
MOST_OF_A_REASON = 500  # characters that are kept of a stranger's words
_WHY = {  # by the error's name in a node's answer
    "OfferUnseen": Refusing.NOT_HEARD,
    "OfferOver": Refusing.NOT_HEARD,
    "NodeBusy": Refusing.NOT_NOW,
    "Overloaded": Refusing.NOT_NOW,
    "OfferDeclined": Refusing.FOR_GOOD,
    "TaskTooLarge": Refusing.FOR_GOOD,
}
_WINDOWS = {  # by the name of its end, as the contract has it
    f"{word}By".encode().ljust(32, b"\0"): word for word in ("accept", "compute", "collect")
}
PASSING = ("AllowanceTooLow", "AllowanceExpired", "FreeBalanceTooLow")


def venue_of(station: OutsourcingStation, nodes: Sequence[Address]) -> Venue:
    """A job of this device, ordered now of these nodes.

    Raises:
        RefusedInput: one of them is no participant.
    """
    find = station.registry.participant
    providers = {node: find(node).provider for node in nodes}
    return Venue(
        payer=station.address,
        settlement=station.settlement.address,
        chain_id=station.chain.chain_id,
        nodes=sort_by_provider(nodes, providers),
        judges=station.settlement.judges,
        now=Timestamp(station.chain.now()),
        limits=station.deployment.group(OutsourcingContracts).limits,
    )


class Offering:
    """Offers jobs to their nodes and brings what they sign.

    Args:
        station: chain and peers.
    """

    def __init__(self, station: OutsourcingStation) -> None:
        self._station = station

    def offer(
        self,
        state: DeviceJob,
        index: ShareIndex,
        tell: Callable[[JobId, Sequence[on.DeviceEvent]], None],
    ) -> Sequence[on.DeviceEvent]:
        """Offer an index to its node; a node that refuses for good is not asked again.

        Args:
            state: of the job.
            index: of the node.
            tell: takes what a node says that is asked again; it stays for the user.

        Raises:
            PeerFault, TryAgain: it does not take it now, or says what is no acceptance of it.
        """
        try:
            return [self._ask(state.known, index)]
        except PeerFault as fault:
            said = read_refusal(index, fault)
            if said.why is Refusing.FOR_GOOD:
                return [said]
            if state.after(said) != state:
                tell(state.known.job, [said])
            if said.why is not Refusing.REFUSED or not isinstance(fault, PeerRefused):
                raise
            later = TryAgain(f"offer was refused: {said.reason}", who=fault.who)
            later.after_s = OFFER_AGAIN_S
            raise later from fault

    def _ask(self, order: on.Order, index: ShareIndex) -> on.HeardAcceptance | on.HeardOfferTaken:
        body = Offer(order.job, index, order.terms, order.nodes).to_wire()
        node, settlement = order.nodes[index - 1], self._station.settlement
        by = float(order.terms.accept_by)
        said = self._station.hand(node, "/v1/offers", body, order.terms.function_hash, by)
        if said == TAKEN:
            return on.HeardOfferTaken(index)
        with from_peer(node):
            acceptance = Acceptance.from_wire(said)
            check_acceptance(acceptance, order, index, settlement.domain)
        return on.HeardAcceptance(acceptance)

    def bring(self, state: DeviceJob) -> Sequence[on.DeviceEvent]:
        """Bring the acceptances of all who are still awaited, in one call.

        Returns:
            That the contract refused them, if it did: it takes all or none.

        Raises:
            TryAgain: they are brought, and it has to become final; or there is no gas.
        """
        order, settlement = state.known, self._station.settlement
        latest = self._station.chain.block("latest").number
        count = range(1, order.terms.node_count + 1)
        ((_, indices),) = settlement.views([(order.job, count)], block=latest)
        awaited = {j for j in count if indices[j - 1].phase is IndexPhase.NAMED}
        brought = [given for given in state.acceptances if given.index in awaited]
        if not brought:
            raise TryAgain("acceptances are on chain, not deep enough", who=order.job.hex())
        brought.sort(key=lambda given: given.index)
        try:
            call = settlement.accept(order.job, order.nodes, brought)
            self._station.push(replace(call, about=b"acceptances of " + order.job))
        except NoFunds as poor:
            raise TryAgain(poor.what, who=poor.who, had=poor.had, needed=poor.needed) from poor
        except ContractRefused as refused:
            return [on.FoundAcceptancesRefused(refused.what)]
        return []


def post(
    station: OutsourcingStation, order: on.Order, jobs: Callable[[], Iterable[DeviceJob]]
) -> Sequence[on.DeviceEvent]:
    """Post a job, and let the settlement lock what it and the device's other jobs lock now.

    Returns:
        That the contract refused it, if it did and nothing of it can be on the chain.

    Raises:
        RefusedInput: it was refused, and what was sent before is not decided yet.
        TryAgain: what it lacks may come.
    """
    call = station.settlement.post(order.nonce, order.root, order.terms, order.nodes)
    try:
        if not station.lane.may_happen(call):
            allow_what_is_due(station, jobs)
        station.push(call)
    except RefusedInput as refused:
        found = look_into_refusal(station, order, refused)
        if found and may_be_posted(station, order, call):
            raise  # asked again, until what was sent before is decided
        return found
    return []


def read_refusal(index: ShareIndex, fault: PeerFault) -> on.HeardOfferRefused:
    """What a node said, or did, that is no acceptance of its offer."""
    if not isinstance(fault, PeerRefused):
        is_mute = isinstance(fault, PeerUnreachable)
        why = Refusing.NOT_HEARD if is_mute else Refusing.REFUSED
        return on.HeardOfferRefused(index, why, fault.what)
    why = _WHY.get(fault.error.get("error", ""), Refusing.REFUSED)
    return on.HeardOfferRefused(index, why, fault.reason[:MOST_OF_A_REASON])


def look_into_refusal(
    station: OutsourcingStation, order: on.Order, refused: RefusedInput
) -> Sequence[on.DeviceEvent]:
    """What a posting that was refused has come to.

    Raises:
        TryAgain: what it lacks may come before the nodes have to accept.
    """
    name = refused.error_name if isinstance(refused, ContractRefused) else ""
    if name == "JobExists":
        return _look_at_number(station, order)
    if name == "OutOfBounds" and station.clock() > order.terms.accept_by:
        return [on.FoundPostingRefused(TOO_LATE)]  # whoever drafts it again has a new time
    may_pass = name in PASSING or isinstance(refused, NoFunds)
    if may_pass and station.clock() <= order.terms.accept_by:
        raise TryAgain(f"posting: {refused.what}", who=refused.who, had=refused.had) from refused
    return [on.FoundPostingRefused(tell_window(refused) or str(refused))]


def tell_window(refused: RefusedInput) -> str:
    """By how much a window of a job is out of bounds; empty when nothing of the kind was refused.

    The contract says both as points of its time, of which nobody asked for any.
    """
    if not isinstance(refused, ContractRefused) or refused.error_name != "OutOfBounds":
        return ""
    values: Mapping[str, Any] = refused.values
    window = _WINDOWS.get(values.get("field", b""))
    if window is None:
        return ""
    short, long = values["least"] - values["had"], values["had"] - values["most"]
    by = f"{short} s too short" if short > 0 else f"{long} s too long"
    return f"the time to {window} is {by} for this deployment"


def may_be_posted(station: OutsourcingStation, order: on.Order, call: Call) -> bool:
    """Did an earlier attempt reach the chain, or may it yet, before nobody can accept?"""
    confirmed = station.chain.confirmed()
    posted = station.settlement.job(order.job, block=confirmed)
    if posted.phase is not JobPhase.NONE:
        return is_posting_of(posted, order)
    is_late = station.time_of(confirmed) > order.terms.accept_by
    return not is_late and station.lane.may_happen(call)


def _look_at_number(station: OutsourcingStation, order: on.Order) -> Sequence[on.DeviceEvent]:
    """Whether the job that has the number is this one, posted before."""
    posted = station.settlement.job(order.job, block="latest")
    if posted.phase is JobPhase.NONE:
        raise TryAgain("posting is on another branch", who=order.job.hex())
    if is_posting_of(posted, order):
        return []
    return [on.FoundPostingRefused(TAKEN_NUMBER)]
