"""A `JobStory` in words and as JSON: who did what and when, why it ended so, what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgemark.amounts import format_tokens
from edgemark.chronicle.marks import Mark
from edgemark.chronicle.telling import (
    ShowTime,
    facts_of_checks,
    facts_of_mark,
    facts_of_step,
    tell_checks,
    tell_mark,
    tell_steps,
)
from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.errors import PeerFault
from edgemark.identifiers import Address, Hash32, Moment, ShareIndex
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.story.story import (
    DEPOSIT,
    STAKE,
    Charge,
    IndexStory,
    JobStory,
    check_amounts,
    find_next_steps,
    name_pot,
)
from edgemark.words import count, name_each

RECIPIENTS = ("node", "judges", "payer", "pool")

WHY = {
    IndexPhase.NAMED: "its acceptance is awaited",
    IndexPhase.ACCEPTED: "its commitment is awaited",
    IndexPhase.COMMITTED: "neither paid nor charged yet",
    IndexPhase.CHARGED: "the judges have not said yet that they hold the task",
    IndexPhase.SERVED: "the verdict is awaited",
    IndexPhase.PAID: "right, or never charged: it has its fee",
    IndexPhase.UNEARNED: "no commitment and no charge: the fee goes to the pool, the stake back",
    IndexPhase.CONVICTED: "it loses its stake",
    IndexPhase.REFUTED: "the charge was refuted: the payer loses its bond",
    IndexPhase.ANSWERED: "a right answer reached the judges: paid, the judges' fee is shared",
    IndexPhase.VOID: "the judges did not get the task in time: the payer loses its bond",
    IndexPhase.LAPSED: "no verdict in time: bond and stake return, the fee goes to the pool",
    IndexPhase.RELEASED: "the job never started: everything went back",
}
ENDINGS = {
    Finding.RIGHT: "found it right",
    Finding.WRONG: "found it wrong",
    Finding.MISSING: "found that no right answer came in time",
}


def tell(story: JobStory, show_time: ShowTime) -> str:
    """The whole story as text; `show_time` writes a Unix second for people."""
    return "\n".join(_lines(story, show_time))


def as_facts(story: JobStory) -> dict[str, object]:
    """The whole story as programs have it; amounts as decimal strings of the smallest unit."""
    return {
        "job": story.job.hex(),
        "chain_id": story.chain_id,
        "settlement": story.settlement,
        "as_of": {"block": story.as_of, "time": Moment(story.now)},
        "phase": story.state,
        "payer": story.payer,
        "root": story.root.hex(),
        "posted": facts_of_mark(story.posted),
        "started": facts_of_mark(story.started),
        "cancelled": facts_of_mark(story.cancelled),
        "deadlines": {
            "accept_by": Moment(story.terms.accept_by),
            "compute_by": Moment(story.terms.compute_by),
            "collect_by": Moment(story.terms.collect_by),
        },
        "indices": [_index_facts(story, place) for place in story.indices],
        "amounts": facts_of_checks(check_amounts(story)),
        "next": [
            {"index": step.part, **facts_of_step(step, story.now)}
            for step in find_next_steps(story)
        ],
    }


def name_signers(story: JobStory, digest: Hash32, signatures: Iterable[bytes]) -> list[str]:
    """The roles of those who signed a digest, as the chain recovers them."""
    names = []
    for signature in signatures:
        try:
            names.append(story.name_of(recover(digest, signature)))
        except PeerFault:
            names.append("nobody")
    return names


def _lines(story: JobStory, show_time: ShowTime) -> Iterator[str]:
    terms = story.terms
    yield f"job {story.job.hex()}: {story.state}"
    yield (
        f"  chain {story.chain_id}, settlement {story.settlement}, "
        f"as of block {story.as_of} ({show_time(story.now)})"
    )
    yield (
        f"  {terms.node_count} nodes, d = {terms.degree}, t = {terms.threshold}, "
        f"e = {terms.errors}; fee {format_tokens(terms.fee)}, "
        f"stake {format_tokens(terms.stake)}, judges' fee {format_tokens(terms.judge_fee)}, "
        f"bond {format_tokens(terms.bond)} MTC"
    )
    yield f"  posted {tell_mark(story.posted, show_time)} by the payer {story.payer}"
    if story.started is not None:
        yield f"  started {tell_mark(story.started, show_time)}: all nodes had accepted"
    if story.cancelled is not None:
        when = _when_and_by(story, story.cancelled, show_time)
        yield f"  cancelled {when}: it never started"
    for name in ("accept_by", "compute_by", "collect_by"):
        yield f"  {name} {show_time(getattr(terms, name))}"
    for place in story.indices:
        yield from _index_lines(story, place, show_time)
    yield from tell_checks(check_amounts(story), story.name_of, "end")
    yield from tell_steps(find_next_steps(story), story.now, show_time, "index")


def list_deeds(story: JobStory, place: IndexStory, show_time: ShowTime) -> list[str]:
    """What happened at an index, in order."""
    deeds = []
    if place.accepted is not None:
        deeds.append(f"accepted {tell_mark(place.accepted, show_time)}")
    if place.committed is not None:
        deeds.append(f"committed {tell_mark(place.committed, show_time)}")
    if place.charge is not None:
        deeds += _charge_deeds(story, place, place.charge, show_time)
    if place.ended is not None:
        deeds.append(f"ended {_when_and_by(story, place.ended, show_time)}")
    return deeds


def _index_lines(story: JobStory, place: IndexStory, show_time: ShowTime) -> Iterator[str]:
    deeds = [f"node {place.node}", *list_deeds(story, place, show_time)]
    yield f"index {place.index}: {', '.join(deeds)}"
    yield f"  {place.phase.name.lower().replace('_', ' ')}: {WHY[place.phase]}"
    for pot in (DEPOSIT, STAKE):
        parts = {name: _sum_of(story, place, pot, name) for name in RECIPIENTS}
        shown = [f"{format_tokens(n)} to the {name}" for name, n in parts.items() if n]
        if shown:
            yield f"  {pot} {format_tokens(sum(parts.values()))} MTC: {', '.join(shown)}"


def _charge_deeds(
    story: JobStory, place: IndexStory, charge: Charge, show_time: ShowTime
) -> Iterator[str]:
    domain = SettlementDomain(story.chain_id, story.settlement)
    kind = charge.kind.name.lower()
    yield f"was charged as {kind} by the payer {tell_mark(charge.filed, show_time)}"
    if charge.served is not None:
        digest = domain.served(*_charge_of(story, place, charge))
        who = _name_judges(story, digest, charge.served_signatures)
        yield f"{who} signed served {tell_mark(charge.served, show_time)}"
    if charge.finding is not Finding.NONE:
        digest = domain.verdict(*_charge_of(story, place, charge), int(charge.finding))
        who = _name_judges(story, digest, charge.verdict_signatures)
        yield f"{who} {ENDINGS[charge.finding]} (verdict {charge.finding.name.capitalize()})"


def _charge_of(
    story: JobStory, place: IndexStory, charge: Charge
) -> tuple[JobId, ShareIndex, Hash32, Address, int]:
    """What both statements of judges name."""
    return story.job, place.index, story.root, place.node, int(charge.kind)


def _sum_of(story: JobStory, place: IndexStory, pot: str, name: str) -> int:
    """What one role got of one pot; an account in two roles counts in the first that it has."""
    roles = {"payer": "payer", "pool": "pool", "judge": "judges", "node": "node"}
    return sum(
        credit.amount
        for credit in place.credits
        if name_pot(credit.place) == pot
        and roles.get(story.name_of(credit.account).partition(" ")[0]) == name
    )


def _when_and_by(story: JobStory, mark: Mark, show_time: ShowTime) -> str:
    return tell_mark(mark, show_time, "" if mark.sender is None else story.name_of(mark.sender))


def _name_judges(story: JobStory, digest: Hash32, signatures: Iterable[bytes]) -> str:
    """Who signed; where that is not known, as many as the contract asks for."""
    names = name_signers(story, digest, signatures)
    if not names:
        return count(story.threshold, "judge")
    numbers = [name.removeprefix("judge ") for name in names]
    if all(name.startswith("judge ") for name in names):
        return name_each("judge", numbers)
    return ", ".join(names)


def _index_facts(story: JobStory, place: IndexStory) -> dict[str, object]:
    return {
        "index": int(place.index),
        "node": place.node,
        "phase": place.phase.name.lower(),
        "why": WHY[place.phase],
        "accepted": facts_of_mark(place.accepted),
        "committed": facts_of_mark(place.committed),
        "commitment": place.commitment.hex() if place.committed is not None else None,
        "charge": None if place.charge is None else _charge_facts(story, place, place.charge),
        "ended": facts_of_mark(place.ended),
        "paid": [
            {
                "pot": name_pot(credit.place),
                "to": story.name_of(credit.account),
                "account": credit.account,
                "amount": str(credit.amount),
            }
            for credit in place.credits
        ],
    }


def _charge_facts(story: JobStory, place: IndexStory, charge: Charge) -> dict[str, object]:
    domain = SettlementDomain(story.chain_id, story.settlement)
    served = domain.served(*_charge_of(story, place, charge))
    verdict = domain.verdict(*_charge_of(story, place, charge), int(charge.finding))
    return {
        "kind": ChargeKind(charge.kind).name.lower(),
        "filed": facts_of_mark(charge.filed),
        "served_by": Moment(charge.served_by),
        "served": facts_of_mark(charge.served),
        "served_signers": name_signers(story, served, charge.served_signatures),
        "answer_by": Moment(charge.answer_by),
        "verdict_by": Moment(charge.verdict_by),
        "finding": charge.finding.name.lower() if charge.finding else None,
        "verdict_signers": name_signers(story, verdict, charge.verdict_signatures),
    }
