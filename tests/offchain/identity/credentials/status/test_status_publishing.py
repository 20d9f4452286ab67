"""A list changes in two phases, and whoever is killed between two steps goes on (T14)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.offchain.identity.credentials.jose.tokens import KEY
from tests.offchain.identity.credentials.samples import ISSUER, START

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.credentials.status import publishing
from edgemark.identity.credentials.status.announced import Announcement
from edgemark.identity.credentials.status.entries import ListName, Purpose
from edgemark.identity.credentials.status.publishing import (
    ChangePending,
    ListFileInvalid,
    ListFull,
    ListLost,
    ListText,
    StatusKeeper,
)

NOW = Timestamp(START)


class Killed(BaseException):
    """The process ends here."""


def compute_name(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


class Town:
    """The chain and the place where texts are; both outlive the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.announced: Announcement | None = None
        self.texts: dict[str, bytes] = {}

    def keeper(self, purpose: Purpose = Purpose.REVOCATION) -> StatusKeeper:
        """As a new process has it."""
        listed = ListName(ISSUER, f"{purpose}-1")
        signer = CredentialSigner(KEY, ISSUER)
        return StatusKeeper(self.folder, listed, purpose, signer, compute_name)

    def put(self, raw: bytes) -> str:
        self.texts[compute_name(raw)] = raw
        return compute_name(raw)

    def change(self, keeper: StatusKeeper, index: int, *, is_set: bool = True) -> None:
        """All of it, as the command does it."""
        pending = keeper.settle(self.announced, self.put)
        if pending is not None:
            self.confirm(pending)
            keeper.settle(self.announced, self.put)
        drafted = keeper.draft({index: is_set}, NOW)
        if drafted is not None:
            keeper.prepare(drafted)
            self.confirm(drafted)
            keeper.settle(self.announced, self.put)

    def confirm(self, text: ListText) -> None:
        self.announced = text.announcement


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path / "lists")


def test_change__counts_here_when_the_chain_has_confirmed_it_and_not_before(town: Town) -> None:
    keeper = town.keeper()
    drafted = keeper.draft({5: True}, NOW)
    assert drafted is not None
    assert not town.folder.exists()  # a draft is written nowhere
    keeper.prepare(drafted)
    assert not keeper.current()[5]
    assert not town.texts
    assert keeper.settle(town.announced, town.put) == drafted
    assert not keeper.current()[5]
    assert not town.texts
    town.confirm(drafted)
    assert keeper.settle(town.announced, town.put) is None
    assert keeper.current()[5]
    assert town.texts == {drafted.announcement.cid: drafted.token.encode()}
    assert keeper.pending() is None


def killing_at(step: int) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Whatever is wrapped counts as a step; the process ends before the one with this number."""
    left = [step]

    def wrap(call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **named: object) -> object:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return call(*args, **named)

        return wrapped

    return wrap


STEPS = 6  # prepare, chain, put, write, unlink, sync


@pytest.mark.parametrize("step", range(STEPS + 1))
def test_t14_killed_before_any_step__neither_leads_nor_loses_anything(
    town: Town, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.change(town.keeper(), 5)
    before = town.announced
    with monkeypatch.context() as patch:
        wrap = killing_at(step)
        patch.setattr(publishing, "write_whole", wrap(publishing.write_whole))
        patch.setattr(publishing, "sync_folder", wrap(publishing.sync_folder))
        patch.setattr(Path, "unlink", wrap(Path.unlink))
        patch.setattr(town, "confirm", wrap(town.confirm))
        patch.setattr(town, "put", wrap(town.put))
        try:
            town.change(town.keeper(), 9)
            assert step == STEPS
        except Killed:
            assert step < STEPS
    again = town.keeper()
    is_there = again.current()[9]
    assert again.current()[5]
    assert not is_there or town.announced != before  # what counts here, the chain has confirmed
    if town.announced is not None and again.pending() is None and town.announced != before:
        assert town.announced.cid in town.texts
    town.change(again, 9)
    assert again.current()[9]
    assert again.pending() is None
    assert town.announced is not None
    assert town.announced.number == 2
    assert town.announced.cid in town.texts


def test_t14_planted_keeper_that_flips_first__leads_the_chain(town: Town) -> None:
    """What local state that leads looks like: the test above would see it."""
    keeper = town.keeper()
    drafted = keeper.draft({9: True}, NOW)
    assert drafted is not None
    keeper.prepare(drafted)
    keeper._publish(drafted, town.put)
    assert keeper.current()[9]
    assert town.announced is None
    with pytest.raises(ListLost):
        keeper.settle(town.announced, town.put)


def test_second_change__waits_until_the_chain_has_decided_the_first(town: Town) -> None:
    """Else the chain could confirm a text that was overwritten."""
    keeper = town.keeper()
    first, second = keeper.draft({1: True}, NOW), keeper.draft({2: True}, NOW)
    assert first is not None
    assert second is not None
    keeper.prepare(first)
    keeper.prepare(first)  # the same again
    with pytest.raises(ChangePending):
        keeper.prepare(second)
    town.change(keeper, 2)
    assert keeper.current()[1]
    assert keeper.current()[2]


def test_text_that_the_chain_names_and_this_home_never_made__is_not_written_over(
    town: Town,
) -> None:
    keeper = town.keeper()
    stranger = Announcement("revocation-1", 1, "other")
    with pytest.raises(ListLost):
        keeper.settle(stranger, town.put)
    town.change(keeper, 5)
    for told in (stranger, None):
        with pytest.raises(ListLost):
            keeper.settle(told, town.put)
    drafted = keeper.draft({6: True}, NOW)
    assert drafted is not None
    keeper.prepare(drafted)
    with pytest.raises(ListLost):
        keeper.settle(stranger, town.put)
    assert keeper.pending() == drafted


def test_revocation__is_for_good_and_a_suspension_is_not(town: Town) -> None:
    keeper = town.keeper()
    town.change(keeper, 5)
    with pytest.raises(RefusedInput):
        keeper.draft({5: False}, NOW)
    assert keeper.draft({5: True}, NOW) is None
    other = Town(town.folder)
    suspending = other.keeper(Purpose.SUSPENSION)
    other.change(suspending, 5)
    assert suspending.current()[5]
    other.change(suspending, 5, is_set=False)
    assert not suspending.current()[5]


def test_entries__are_random_unique_and_on_the_disk_before_they_are_given(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, randomness = town.keeper(), Randomness()
    drawn = [keeper.draw(randomness).index for _ in range(60)]
    assert len(set(drawn)) == len(drawn)
    assert drawn != sorted(drawn)
    assert {index // 65_536 for index in drawn} == {0, 1}  # from both halves, but once in 2^59

    class Same(Randomness):
        """Draws one index twice, then another."""

        def __init__(self) -> None:
            super().__init__()
            self.left = [7, 7, 8]

        def octets(self, count: int) -> bytes:
            return self.left.pop(0).to_bytes(count, "big")

    fresh, same = Town(town.folder.with_name("fresh")), Same()
    assert fresh.keeper().draw(same).index == 7
    assert fresh.keeper().draw(same).index == 8  # by another process
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "write_whole", killing_at(0)(publishing.write_whole))
        with pytest.raises(Killed):
            fresh.keeper().draw(randomness)


def test_full_list__takes_no_more(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "MOST_DRAWN", 3)
    keeper = town.keeper()
    for _ in range(3):
        keeper.draw(Randomness())
    with pytest.raises(ListFull):
        keeper.draw(Randomness())


@pytest.mark.parametrize("name", ["published.json", "prepared.json", "drawn.bits"])
@pytest.mark.parametrize("raw", [b"", b"{}", b"x" * 300_000])
def test_file_that_was_changed__is_refused(town: Town, name: str, raw: bytes) -> None:
    keeper = town.keeper()
    town.change(keeper, 5)
    (town.folder / "revocation-1" / name).write_bytes(raw)
    with pytest.raises(RefusedInput) as refused:
        keeper.pending()
        keeper.draw(Randomness())
    if name != "drawn.bits":
        assert isinstance(refused.value, ListFileInvalid)
