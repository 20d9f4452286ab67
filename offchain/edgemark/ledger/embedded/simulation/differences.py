"""Where organisations' answers to the same proposal differ: which key, value, event or response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from fabric_protos.peer import proposal_pb2
from fabric_protos.peer import proposal_response_pb2 as response_pb2

from edgemark.ledger.embedded.eras import era_of, place_of
from edgemark.ledger.fabric.wire.envelopes import Action, Event, parse_action, parse_event
from edgemark.ledger.fabric.wire.messages import parse
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    RangeRead,
    Version,
    parse_results,
)

NOTHING = "nothing"
MAX_VALUE = 64  # bytes of a value that are shown
BEFORE = 16  # of them that stand before the first that differs


@dataclass(frozen=True)
class Difference:
    """One thing that organisations answered differently.

    Attributes:
        kind: proposal, status, message, response, chaincode, event, read, range or write.
        place: namespace and key, or part of an event; empty for the whole.
        values: what each had, by MSP id.
    """

    kind: str
    place: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        values = ", ".join(f"{msp_id} {value}" for msp_id, value in self.values.items())
        return f"{self.kind}{' ' if self.place else ''}{self.place}: {values}"


def compare(answers: Mapping[str, bytes]) -> tuple[Difference, ...]:
    """All differences, by kind and place; none when the bytes are equal.

    Args:
        answers: `ProposalResponsePayload` by MSP id.

    Raises:
        MessageMalformed: one of them is none.
    """
    if len(set(answers.values())) < 2:
        return ()
    facts = {msp_id: dict(_facts_of(parse_action(raw))) for msp_id, raw in answers.items()}
    places = dict.fromkeys(place for each in facts.values() for place in each)
    found = []
    for kind, place in sorted(places, key=lambda one: (_KINDS.index(one[0]), one[1])):
        values = {msp_id: each.get((kind, place), NOTHING) for msp_id, each in facts.items()}
        if len(set(values.values())) > 1:
            found.append(Difference(kind, place, _tell_apart(values)))
    return tuple(found) or (Difference("bytes", "", {each: "others" for each in answers}),)


def _tell_apart(values: Mapping[str, bytes | str]) -> dict[str, str]:
    """What each had, from a little before the place where they begin to differ."""
    raw = [value for value in values.values() if isinstance(value, bytes)]
    is_long = any(len(value) > MAX_VALUE for value in raw)
    begin = max(0, _count_alike(raw) - BEFORE) if is_long else 0
    return {
        msp_id: value if isinstance(value, str) else _show(value, begin)
        for msp_id, value in values.items()
    }


def _count_alike(values: Sequence[bytes]) -> int:
    """Bytes with which all of these begin."""
    pairs = enumerate(zip(*values, strict=False))
    return next((at for at, each in pairs if len(set(each)) > 1), min(map(len, values), default=0))


_KINDS = (
    "proposal",
    "chaincode",
    "status",
    "message",
    "response",
    "event",
    "read",
    "range",
    "write",
    "other",
)


def _facts_of(action: Action) -> Iterator[tuple[tuple[str, str], bytes | str]]:
    yield ("proposal", ""), action.proposal_hash.hex()
    yield ("chaincode", ""), f"{action.chaincode} {action.version}"
    yield ("status", ""), str(action.status)
    yield ("message", ""), _message_of(action)
    yield ("response", ""), action.response
    event = parse_event(action.event)
    if event is not None:
        yield from _facts_of_event(event)
    for each in parse_results(action.results):
        yield from _facts_of_set(each)


def _message_of(action: Action) -> str:
    signed = parse(response_pb2.ProposalResponsePayload, action.signed, "endorsement")
    answered = parse(proposal_pb2.ChaincodeAction, signed.extension, "endorsement")
    return repr(answered.response.message[:MAX_VALUE])


def _facts_of_event(event: Event) -> Iterator[tuple[tuple[str, str], bytes | str]]:
    yield ("event", "name"), event.name
    yield ("event", "payload"), event.payload
    yield ("event", "chaincode"), event.chaincode
    yield ("event", "transaction"), event.transaction_id


def _facts_of_set(each: NamespaceSet) -> Iterator[tuple[tuple[str, str], bytes | str]]:
    name = each.namespace
    for read in each.reads:
        yield ("read", f"{name} {read.key!r}"), _show_version(read.version)
    for number, span in enumerate(each.ranges):
        yield ("range", f"{name} {span.start!r} (number {number + 1})"), _show_range(span)
        for read in span.reads:
            place = f"{name} {span.start!r} (number {number + 1}), key {read.key!r}"
            yield ("range", place), _show_version(read.version)
    for write in each.writes:
        value = "a delete" if write.value is None else write.value
        yield ("write", f"{name} {write.key!r}"), value
    if each.has_more:
        yield ("other", name), "private data or metadata"


def _show(value: bytes, begin: int) -> str:
    shown = value[begin : begin + MAX_VALUE]
    text = repr(shown.decode()) if _is_text(shown) else f"0x{shown.hex()}"
    if len(value) <= MAX_VALUE:
        return text
    # What is shown may be equal where the values are not.
    where = f"...{text}" if begin else text
    return f"{where}... of {len(value)} bytes, SHA-256 {sha256(value).hexdigest()[:16]}"


def _is_text(value: bytes) -> bool:
    try:
        return value.decode().replace("\n", "").isprintable()
    except UnicodeDecodeError:
        return False


def _show_version(version: Version | None) -> str:
    if version is None:
        return "no such key"
    told = f"block {version.block} place {place_of(version.position)}"
    era = era_of(version.position)
    return f"{told} after revert {era}" if era else told


def _show_range(span: RangeRead) -> str:
    how = "read to its end" if span.is_exhausted else "left early"
    return f"up to {span.end!r}, {how}, {len(span.reads)} keys"
