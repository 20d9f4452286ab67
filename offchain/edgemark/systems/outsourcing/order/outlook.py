"""What a device that comes back can still have of its job, and what it has lost by being away."""

from __future__ import annotations

from collections.abc import Iterator

from edgemark.amounts import format_tokens
from edgemark.identifiers import ShareIndex, Timestamp, format_time
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import find_awaited
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.words import name_each

_BEFORE_RESULT = (DevicePhase.STARTED, DevicePhase.GATHERED)
_OVER = {
    DevicePhase.UNKNOWN: "This home folder never ordered it.",
    DevicePhase.CANCELLED: "It never started: not all nodes had accepted in time. Everything went "
    "back; ask again with other nodes.",
    DevicePhase.FAILED: "The contract did not take the posting; nothing was locked.",
}


def tell_outlook(state: DeviceJob, now: Timestamp) -> str:
    """Sentences for the owner of a job.

    Args:
        state: what the device remembers.
        now: chain time.
    """
    return " ".join(_sentences(state, now))


def _sentences(state: DeviceJob, now: Timestamp) -> Iterator[str]:
    if state.phase in _OVER:
        yield _OVER[state.phase]
        yield from _why_not(state)
        return
    if state.undecided_because:
        yield "The result cannot be told from the answers that came; ask again with other nodes."
    elif state.result is not None:
        yield "The result is checked."
    if state.phase in (DevicePhase.DRAFTED, DevicePhase.POSTED, DevicePhase.EXPIRED):
        yield from _before_start(state, now)
    elif state.phase in _BEFORE_RESULT:
        yield from _before_result(state, now)
    else:
        yield from _after_result(state, now)


def _before_start(state: DeviceJob, now: Timestamp) -> Iterator[str]:
    accept_by = state.known.terms.accept_by
    if now <= accept_by:
        yield f"Acceptances are awaited {_left(accept_by, now)}; else everything goes back."
    else:
        yield "It did not start in time: anyone may cancel it, and everything goes back."
    yield from _why_not(state)


def _why_not(state: DeviceJob) -> Iterator[str]:
    for said in sorted(state.refused, key=lambda said: said.index):
        node = state.known.nodes[said.index - 1]
        reason = said.reason.rstrip(".")
        yield f"Node {said.index} ({node}) has not accepted: {reason}."


def _before_result(state: DeviceJob, now: Timestamp) -> Iterator[str]:
    terms = state.known.terms
    waiting = [i for i in range(1, terms.node_count + 1) if i not in state.delivered]
    if state.result is not None and now <= terms.collect_by:
        left = [i for i in range(1, terms.node_count + 1) if i not in state.answered]
        who, until = name_each("index", left), format_time(state.known.gather_until)
        yield (
            f"{who} may still answer until {until}, and whoever lied or is silent can be charged "
            f"{_left(terms.collect_by, now)}: stay, or come back before."
        )
        return
    if now <= terms.compute_by:
        if waiting:
            yield (
                f"{len(waiting)} of {terms.node_count} nodes still wait for their task, and can "
                f"commit {_left(terms.compute_by, now)}: stay until `delivered`."
            )
        else:
            yield f"All nodes have their tasks and may commit {_left(terms.compute_by, now)}."
        return
    if now <= terms.collect_by:
        yield (
            f"Answers are fetched, and whoever lied or is silent can be charged "
            f"{_left(terms.collect_by, now)}."
        )
        return
    yield (
        "It is too late to charge anybody: whoever committed is paid, right or wrong. The answers "
        "are still asked for; nodes owe them until collect_by, and may keep them longer."
    )
    unsent = [i for i in waiting if state.index_phase(ShareIndex(i)) is IndexPhase.ACCEPTED]
    if unsent:
        fees = _unearned(state, len(unsent))
        yield f"{name_each('index', unsent)} never got a task or never committed: {fees}"


def _after_result(state: DeviceJob, now: Timestamp) -> Iterator[str]:
    collect_by = state.known.terms.collect_by
    if state.phase is DevicePhase.SETTLED:
        yield "Every token of it is paid out."
    elif state.phase is DevicePhase.CHARGED:
        yield "The judges decide about the charges; anyone may bring their verdict."
    elif not _uncharged(state):
        yield f"Next comes {find_awaited(state)}; then the job is settled, whoever stays."
    elif now <= collect_by:
        who = name_each("index", _uncharged(state))
        yield f"{who} can be charged {_left(collect_by, now)}: stay, or come back before."
    else:
        yield f"It is too late to charge {name_each('index', _uncharged(state))}: {_lost(state)}"


def _uncharged(state: DeviceJob) -> list[int]:
    open_ends = (IndexPhase.ACCEPTED, IndexPhase.COMMITTED, IndexPhase.PAID, IndexPhase.UNEARNED)
    return [int(i) for i in (*state.wrong, *state.silent) if state.index_phase(i) in open_ends]


def _lost(state: DeviceJob) -> str:
    committed = (IndexPhase.COMMITTED, IndexPhase.PAID)
    paid = sum(state.index_phase(ShareIndex(i)) in committed for i in _uncharged(state))
    unearned = len(_uncharged(state)) - paid
    parts = []
    if paid:
        fees = format_tokens(paid * state.known.terms.fee)
        parts.append(f"{fees} MTC go to nodes that did not earn them.")
    if unearned:
        parts.append(_unearned(state, unearned))
    return " ".join(parts)


def _unearned(state: DeviceJob, count: int) -> str:
    fees = format_tokens(count * state.known.terms.fee)
    return f"{fees} MTC go to the pool."


def _left(deadline: Timestamp, now: Timestamp) -> str:
    return f"for {deadline - now} s of chain time"
