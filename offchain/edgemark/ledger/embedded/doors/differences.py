"""Where the answers of two organisations to one proposal differ: keys, values, events, responses.

Fabric says that they do not match, and shows both in base64; who wrote the chaincode wants to know
which key. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgemark.ledger.fabric.wire.envelopes import Action, parse_action, parse_event
from edgemark.ledger.fabric.wire.read_write_sets import NamespaceSet, Version, parse_results

MAX_SHOWN = 48  # characters of a value


def find_differences(one: bytes, other: bytes) -> Iterator[str]:
    """What differs between two responses that were signed, a line each; none when nothing does.

    Args:
        one: `ProposalResponsePayload` of an endorser.
        other: of another one, for the same proposal.

    Raises:
        MessageMalformed: one of them is none.
    """
    first, second = parse_action(one), parse_action(other)
    if first.proposal_hash != second.proposal_hash:
        yield "they answer different proposals"
    yield from _differ("status", first.status, second.status)
    yield from _differ("response", _show(first.response), _show(second.response))
    yield from _differ("version of the chaincode", first.version, second.version)
    yield from _of_events(first, second)
    yield from _of_results(first.results, second.results)


def _of_events(first: Action, second: Action) -> Iterator[str]:
    events = parse_event(first.event), parse_event(second.event)
    names = [None if each is None else each.name for each in events]
    payloads = [None if each is None else _show(each.payload) for each in events]
    yield from _differ("name of the event", *names)
    yield from _differ("payload of the event", *payloads)


def _of_results(first: bytes, second: bytes) -> Iterator[str]:
    ones = {each.namespace: each for each in parse_results(first)}
    others = {each.namespace: each for each in parse_results(second)}
    for name in sorted(ones | others):
        nothing = NamespaceSet(name)
        yield from _of_namespace(ones.get(name, nothing), others.get(name, nothing))


def _of_namespace(one: NamespaceSet, other: NamespaceSet) -> Iterator[str]:
    where = f"{one.namespace}: "
    yield from _of_keys(
        f"{where}read of",
        {each.key: _show_version(each.version) for each in one.reads},
        {each.key: _show_version(each.version) for each in other.reads},
    )
    yield from _of_keys(
        f"{where}write of",
        {each.key: _show_written(each.value) for each in one.writes},
        {each.key: _show_written(each.value) for each in other.writes},
    )
    for ours, theirs in zip(one.ranges, other.ranges, strict=False):
        if (ours.start, ours.end) != (theirs.start, theirs.end):
            yield f"{where}ranges begin or end at other keys"
        yield from _of_keys(
            f"{where}range from {_show_key(ours.start)}, read of",
            {each.key: _show_version(each.version) for each in ours.reads},
            {each.key: _show_version(each.version) for each in theirs.reads},
        )
    yield from _differ(f"{where}number of ranges", len(one.ranges), len(other.ranges))


def _of_keys(what: str, ones: Mapping[str, str], others: Mapping[str, str]) -> Iterator[str]:
    for key in sorted({*ones, *others}):
        yield from _differ(
            f"{what} {_show_key(key)}", ones.get(key, "none"), others.get(key, "none")
        )


def _differ(what: str, one: object, other: object) -> Iterator[str]:
    if one != other:
        yield f"{what}: {one} and {other}"


def _show(value: bytes) -> str:
    text = repr(value)[1:]
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}... of {len(value)} bytes"


def _show_key(key: str) -> str:
    text = repr(key)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _show_written(value: bytes | None) -> str:
    return "deleted" if value is None else _show(value)


def _show_version(version: Version | None) -> str:
    return "not there" if version is None else f"version {version.block}.{version.position}"
