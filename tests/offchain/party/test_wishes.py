"""What a command wishes of the party that holds its home: done once, in time, and answered."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.party.test_services import Carrier, running
from tests.waiting import LIMIT_S, wait_until

from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput, Unrecoverable
from edgemark.party.wishes.asking import WishNotTaken, WishUnanswered, ask
from edgemark.party.wishes.granting import Grant, Wishes
from edgemark.party.wishes.wish import (
    FOLDER,
    KEPT_S,
    MAX_WAIT_S,
    MAX_WISH_BYTES,
    MAX_WISHES,
    Wish,
    find,
    make_name,
    path_of,
)
from edgemark.untrusted.fields import Fields


class Crash(Exception):
    """The process is gone."""


class Giver:
    """A party that counts what it gave."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def give(self, wish: Fields) -> Mapping[str, object]:
        what = wish.text("what")
        wish.finish()
        self.given.append(what)
        return {"gave": what, "times": len(self.given)}


@pytest.fixture
def giver() -> Giver:
    return Giver()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def open_wishes(home: Path, grants: Mapping[str, Grant], now: float | None = None) -> Wishes:
    return Wishes(home / FOLDER, grants, time.time if now is None else lambda: now)


@pytest.fixture
def party(home: Path, giver: Giver) -> Iterator[Wishes]:
    """One that looks again and again, as its watcher does."""
    wishes, is_over = open_wishes(home, {"give": giver.give}), threading.Event()

    def look() -> None:
        while not is_over.wait(0.01):
            wishes.look()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    yield wishes
    is_over.set()
    thread.join(LIMIT_S)


def leave(home: Path, raw: bytes, *, mode: int = 0o600) -> str:
    """A wish as anybody may have written it."""
    name = make_name()
    path = path_of(home / FOLDER, name, "wish")
    path.write_bytes(raw)
    path.chmod(mode)
    return name


def wish(kind: str = "give", *, until: float | None = None, **facts: Any) -> bytes:
    return Wish(kind, facts, time.time() + 60 if until is None else until).to_json()


def answer_to(home: Path, name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path_of(home / FOLDER, name, "answer").read_bytes())
    return told


def files(home: Path) -> list[str]:
    return sorted(path.name for path in (home / FOLDER).iterdir())


@pytest.mark.usefixtures("party")
def test_a_wish__is_done_once_answered_and_leaves_nothing_behind(home: Path, giver: Giver) -> None:
    assert ask(home, "give", {"what": "bread"}, LIMIT_S) == {"gave": "bread", "times": 1}
    assert ask(home, "give", {"what": "salt"}, LIMIT_S) == {"gave": "salt", "times": 2}
    assert giver.given == ["bread", "salt"]
    wait_until("an empty folder", lambda: files(home) == [])


@pytest.mark.parametrize("family", [RefusedInput, PeerFault, LedgerUnavailable, Unrecoverable])
def test_a_wish_that_is_refused__raises_what_the_party_raised(
    home: Path, family: type[EdgemarkError]
) -> None:
    class NotGiven(family):  # type: ignore[misc, valid-type]
        """Of this family."""

    def refuse(_: Fields) -> Mapping[str, object]:
        raise NotGiven("has none", who="giver", had=0, needed=1, remedy="Bring some.")

    wishes = open_wishes(home, {"give": refuse})
    answered = threading.Event()

    def look() -> None:
        while not answered.wait(0.05):
            wishes.look()

    looking = threading.Thread(target=look)
    looking.start()
    with pytest.raises(family) as told:
        ask(home, "give", {}, LIMIT_S)
    answered.set()
    looking.join()
    assert told.value.as_dict() == {
        "error": "NotGiven",
        "what": "has none",
        "who": "giver",
        "had": "0",
        "needed": "1",
        "remedy": "Bring some.",
    }


DAMAGED: dict[str, bytes] = {
    "no JSON": b"{",
    "no object": b"[]",
    "a name twice": b'{"version": 1, "version": 1}',
    "another version": wish().replace(b'"version": 1', b'"version": 2'),
    "no facts": b'{"version": 1, "kind": "give", "until": 4e9}',
    "facts that are none": b'{"version": 1, "kind": "give", "until": 4e9, "facts": []}',
    "a field too many": wish()[:-1] + b', "more": 1}',
    "an infinite time": b'{"version": 1, "kind": "give", "until": 1e999, "facts": {}}',
    "too long": b" " * (MAX_WISH_BYTES + 1),
    "nested too deeply": b'{"version": 1, "facts": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "not UTF-8": b"\xff\xfe",
    "empty": b"",
}


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=DAMAGED)
def test_a_file_that_is_no_wish__is_answered_with_a_typed_error_and_removed(
    home: Path, giver: Giver, raw: bytes
) -> None:
    wishes = open_wishes(home, {"give": giver.give})
    name = leave(home, raw)
    wishes.look()
    assert answer_to(home, name)["refused"]["error"] == "WishDamaged"
    assert files(home) == [f"{name}.answer"]
    assert giver.given == []


def test_a_wish_that_others_can_write__and_one_that_is_a_link_or_pipe__is_none(
    home: Path, giver: Giver, tmp_path: Path
) -> None:
    wishes = open_wishes(home, {"give": giver.give})
    names = [leave(home, wish(what="bread"), mode=0o622), make_name(), make_name()]
    outside = tmp_path / "outside"
    outside.write_bytes(wish(what="bread"))
    outside.chmod(0o600)
    path_of(home / FOLDER, names[1], "wish").symlink_to(outside)
    os.mkfifo(path_of(home / FOLDER, names[2], "wish"), 0o600)
    wishes.look()
    assert {answer_to(home, name)["refused"]["error"] for name in names} == {"WishDamaged"}
    assert (giver.given, outside.exists()) == ([], True)
    assert files(home) == sorted(f"{name}.answer" for name in names)


def test_a_wish_of_an_unknown_kind__is_answered_with_what_is_granted(
    home: Path, giver: Giver
) -> None:
    wishes = open_wishes(home, {"give": giver.give, "lend": giver.give})
    name = leave(home, wish("steal"))
    wishes.look()
    refused = answer_to(home, name)["refused"]
    assert (refused["error"], refused["needed"]) == ("WishUnknown", "give, lend")


def test_a_wish_with_a_fact_of_another_type__is_answered_by_its_name(
    home: Path, giver: Giver
) -> None:
    wishes = open_wishes(home, {"give": giver.give})
    names = [leave(home, wish(what=1)), leave(home, wish(what="bread", more=1))]
    wishes.look()
    assert [answer_to(home, name)["refused"]["who"] for name in names] == [
        "wish, give, what",
        "wish, give",
    ]


@pytest.mark.parametrize("after_s", [-1.0, MAX_WAIT_S + 1])
def test_a_wish_whose_time_is_over_or_too_far__is_dropped_undone_and_unanswered(
    home: Path, giver: Giver, after_s: float
) -> None:
    now = time.time()
    wishes = open_wishes(home, {"give": giver.give}, now)
    leave(home, wish(what="bread", until=now + after_s))
    wishes.look()
    assert (files(home), giver.given) == ([], [])


def test_a_command_that_waited_long_enough__takes_its_wish_back(home: Path, giver: Giver) -> None:
    wishes = open_wishes(home, {"give": giver.give})
    with pytest.raises(WishNotTaken):
        ask(home, "give", {"what": "bread"}, 0.0)
    wishes.look()
    assert (files(home), giver.given) == ([], [])


def test_a_command__waits_for_no_party_that_has_left_and_for_none_that_takes_no_wishes(
    home: Path, giver: Giver
) -> None:
    with pytest.raises(WishNotTaken):
        ask(home, "give", {}, LIMIT_S)
    open_wishes(home, {"give": giver.give})
    with pytest.raises(WishNotTaken):
        ask(home, "give", {}, LIMIT_S, lambda: False)
    assert files(home) == []


def test_wishes_beyond_their_number__are_refused_before_they_are_written(
    home: Path, giver: Giver
) -> None:
    open_wishes(home, {"give": giver.give})
    for _ in range(MAX_WISHES):
        leave(home, wish(what="bread"))
    with pytest.raises(WishNotTaken, match="too many"):
        ask(home, "give", {}, LIMIT_S)
    assert len(find(home / FOLDER, "wish")) == MAX_WISHES


def test_a_wish_that_is_too_long__is_refused_before_it_is_written(home: Path, giver: Giver) -> None:
    open_wishes(home, {"give": giver.give})
    with pytest.raises(RefusedInput, match="too long"):
        ask(home, "give", {"what": "x" * MAX_WISH_BYTES}, LIMIT_S)
    assert files(home) == []


def test_a_party_that_dies_in_a_wish__never_does_it_again_and_says_so(
    home: Path, giver: Giver
) -> None:
    def die(told: Fields) -> Mapping[str, object]:
        giver.give(told)
        raise Crash

    wishes = open_wishes(home, {"give": die})
    name = leave(home, wish(what="bread"))
    with pytest.raises(Crash):
        wishes.look()
    again = open_wishes(home, {"give": giver.give})
    again.look()
    assert giver.given == ["bread"]
    assert answer_to(home, name)["refused"]["error"] == "WishInterrupted"
    assert files(home) == [f"{name}.answer"]


def test_a_command_whose_party_died_in_its_wish__is_told_that_it_may_be_done(home: Path) -> None:
    def die(_: Fields) -> Mapping[str, object]:
        raise Crash

    wishes, is_over = open_wishes(home, {"give": die}), threading.Event()

    def look() -> None:
        with pytest.raises(Crash):
            wishes.look()
        is_over.set()

    threading.Timer(0.05, look).start()
    with pytest.raises(WishUnanswered):
        ask(home, "give", {}, LIMIT_S, lambda: not is_over.is_set())


def test_an_answer_that_nobody_fetches__goes(home: Path, giver: Giver) -> None:
    now = time.time()
    grants: dict[str, Callable[[Fields], Mapping[str, object]]] = {"give": giver.give}
    wishes = open_wishes(home, grants, now)
    name = leave(home, wish(what="bread"))
    wishes.look()
    assert files(home) == [f"{name}.answer"]
    open_wishes(home, grants, now + KEPT_S + 1).look()
    assert files(home) == []


def test_the_oldest_wish__goes_first(home: Path, giver: Giver) -> None:
    wishes = open_wishes(home, {"give": giver.give})
    for age, what in enumerate(("third", "second", "first")):
        path = path_of(home / FOLDER, leave(home, wish(what=what)), "wish")
        os.utime(path, (time.time() - age, time.time() - age))
    wishes.look()
    assert giver.given == ["first", "second", "third"]


def test_a_service__grants_wishes_while_it_runs_and_one_that_grants_none_has_no_folder(
    tmp_path: Path, giver: Giver
) -> None:
    class Kind(Carrier):
        """A carrier that gives."""

        def grants(self) -> Mapping[str, Grant]:
            return {"give": giver.give}

    with running(Kind(tmp_path / "kind")):
        assert ask(tmp_path / "kind", "give", {"what": "bread"}, LIMIT_S)["times"] == 1
    with running(Carrier(tmp_path / "other")), pytest.raises(WishNotTaken):
        ask(tmp_path / "other", "give", {"what": "bread"}, LIMIT_S)
    assert not (tmp_path / "other" / FOLDER).exists()
