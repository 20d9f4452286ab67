"""A list of nodes as a terminal gets it: strangers chose most of its words."""

from __future__ import annotations

from edgemark.cli.outsourcing.queries.nodes import (
    MOST_ASKED,
    Listed,
    _choose_asked,
    _facts,
    _text,
)
from edgemark.cli.terminal.facts import for_programs
from edgemark.cli.terminal.invocation import lay_out
from edgemark.identifiers import NOBODY, Address, Hash32, Timestamp, Tokens
from edgemark.identity.directory import Fitness, Member, Standing
from edgemark.identity.records import Participant
from edgemark.identity.resources import Resources
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE
from edgemark.systems.outsourcing.steps.inquire import Readiness

HOSTILE = "\x1b[2J\u202e\n[bold]"
READY = Readiness(Tokens(25 * 10**17), 3, 256, 3600, 600, 2**29, has_function=False)
PAUSED = Standing(Fitness.PAUSED, Timestamp(1_800_000_000))


def listed(said: Readiness | str | None = None, standing: Standing = PAUSED) -> Listed:
    """A node that chose what it is called and where it is."""
    times = (Timestamp(1), Timestamp(0))
    resources = Resources(4, 8192, 65536, 1000)
    entry = Participant(COMPUTE_NODE, *times, NOBODY, Hash32(bytes(32)), HOSTILE, resources)
    return Listed(Member(NOBODY, COMPUTE_NODE), HOSTILE, standing, entry, said)


def test_many_nodes_of_one_provider__hide_nobody_from_a_search_by_fee() -> None:
    """They registered first, and cost their provider gas alone."""

    def member(provider: int, number: int) -> tuple[Member, Standing]:
        account, owner = (Address("0x" + f"{each:040x}") for each in (number, provider))
        return Member(account, COMPUTE_NODE, provider=owner), PAUSED

    crowd = [member(1, 1000 + number) for number in range(2 * MOST_ASKED)]
    others = [member(provider, provider) for provider in range(2, 40)]
    asked = _choose_asked([*crowd, *others])
    assert len(asked) == MOST_ASKED
    assert asked[-len(others) :] == others


def test_words_of_strangers__do_nothing_to_a_terminal_and_take_one_line() -> None:
    for said in (None, READY, HOSTILE):
        text = _text([listed(said)], is_asked=said is not None)
        assert text.isascii()
        assert len(text.splitlines()) == 2
        assert r"\x1b[2J\u202e\n[bold]" in text


def test_a_node_that_was_asked__has_its_fee_and_places_and_until_when_it_pauses() -> None:
    text = _text([listed(READY)], is_asked=True)
    assert "2.5 MTC" in text
    assert "3 of 256" in text
    assert "paused until 2027-01-15 08:00:00 UTC" in text


def test_for_programs__amounts_are_whole_units_and_times_seconds() -> None:
    facts = for_programs(_facts(listed(READY)))
    assert facts["takes"]["least_fee"] == "2500000000000000000"
    assert (facts["counts_from"], facts["counts_from_utc"]) == (
        1_800_000_000,
        "2027-01-15 08:00:00 UTC",
    )
    assert (facts["provider_name"], facts["refused"]) == (HOSTILE, None)
    assert for_programs(_facts(listed("busy")))["refused"] == "busy"


def test_columns__are_as_wide_as_their_longest_word() -> None:
    assert lay_out([["a", "b"], ["long", "c"]]) == "a     b\nlong  c"
