"""Commits that fail: what can be tried again is, everybody is told, and nothing taken is lost."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.ledger.embedded.channel.small_orders import drafts, play
from tests.offchain.ledger.embedded.consortium import (
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    firm,
    orderer,
    puts,
)

from edgemark.errors import LedgerUnavailable, Overloaded, Unrecoverable
from edgemark.ledger.embedded.channel import ordering
from edgemark.ledger.embedded.channel.channel import Channel, Committed
from edgemark.ledger.embedded.channel.ordering import Orderer
from edgemark.ledger.embedded.channel.reverting import RevertUnfinished
from edgemark.ledger.embedded.running.owner import Owner
from edgemark.ledger.embedded.state.tables import StoreDamaged, StoreUnavailable
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.logs import configure_logs


class Failing:
    """A channel whose disk refuses a number of times."""

    def __init__(self, channel: Channel, errors: Sequence[Exception]) -> None:
        self._commit, self._errors = channel.commit_all, list(errors)

    def commit_all(self, envelopes: Sequence[bytes]) -> Committed:
        if self._errors:
            raise self._errors.pop(0)
        return self._commit(envelopes)


def test_disk_that_is_full_for_a_while__loses_nothing(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "AGAIN_S", 0.05)
    full = StoreUnavailable("file cannot be used", had="disk is full")
    refused = [full, Overloaded("reads"), MemoryError(), RuntimeError("a mistake")]
    monkeypatch.setattr(channel, "commit_all", Failing(channel, refused).commit_all)
    log = io.StringIO()
    configure_logs("info", log)

    async def scene() -> None:
        many = drafts(4)
        async with Orderer(channel, count=2, timeout_s=0) as one:
            for each in many:
                await one.submit(each.envelope())
            with pytest.raises(LedgerUnavailable, match="for the moment"):
                await one.wait_for(many[0].transaction_id)
            assert one.trouble.error is not None
            assert isinstance(one.trouble.error, StoreUnavailable)
            assert "failed 1 times" in str(one.fault)
            assert "disk is full" in str(one.fault)
            with pytest.raises(LedgerUnavailable, match="for the moment"):
                await one.submit(Draft([puts({"late": b"v"})]).envelope())
            assert len(one._queued) == 2
            while one.trouble.error is not None:
                await asyncio.sleep(0.005)
            for each in many:
                assert (await one.wait_for(each.transaction_id)).code is Code.VALID
            assert (one.fault, one.trouble.failed) == (None, 4)

    play(scene())
    configure_logs("info", io.StringIO())
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    kinds = [each.get("kind") for each in told if each["event"] == "cannot commit"]
    assert kinds == ["StoreUnavailable", "Overloaded", "MemoryError", "RuntimeError"]
    assert [each["tries"] for each in told if each["event"] == "commits again"] == [4]


def test_file_that_is_damaged__ends_all_waits_and_refuses_more(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = StoreDamaged("file is damaged")
    monkeypatch.setattr(channel, "commit_all", Failing(channel, [error]).commit_all)

    async def scene() -> None:
        one, two = drafts(2)
        async with Orderer(channel, count=1, timeout_s=0) as failing:
            await failing.submit(one.envelope())
            with pytest.raises(Unrecoverable):
                await failing.wait_for(one.transaction_id)
            with pytest.raises(Unrecoverable):
                await failing.submit(two.envelope())
            with pytest.raises(Unrecoverable):
                await anext(failing.blocks_from(99))
            new = channel.configuration.with_organisation(firm("Org2MSP").organisation)
            with pytest.raises(Unrecoverable):
                await failing.reconfigure(new)

    play(scene())


def test_disk_that_stays_full__keeps_a_pause_and_a_configuration_no_longer_than_told(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "PAUSE_S", 0.1)
    monkeypatch.setattr(ordering, "AGAIN_S", 0.05)

    async def scene() -> None:
        (one,) = drafts(1)
        async with Orderer(channel, count=1, timeout_s=0) as stuck:
            with monkeypatch.context() as full:
                errors = [StoreUnavailable("disk is full")] * 10_000
                full.setattr(channel, "commit_all", Failing(channel, errors).commit_all)
                await stuck.submit(one.envelope())
                with pytest.raises(LedgerUnavailable, match="cannot commit"):
                    async with stuck.paused():
                        raise AssertionError
                new = channel.configuration.with_organisation(firm("Org2MSP").organisation)
                with pytest.raises(LedgerUnavailable, match="cannot commit"):
                    await stuck.reconfigure(new)
            while stuck.trouble.error is not None:
                await asyncio.sleep(0.005)
            assert (await stuck.wait_for(one.transaction_id)).code is Code.VALID
            async with stuck.paused():
                assert channel.has_transaction(one.transaction_id)

    play(scene())


def test_pause_that_meets_a_damaged_file__ends_the_waits_for_what_it_cut(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = StoreDamaged("file is damaged")
    monkeypatch.setattr(channel, "commit_all", Failing(channel, [error]).commit_all)

    async def scene() -> None:
        one, two = drafts(2)
        async with Orderer(channel, count=10, timeout_s=20) as failing:
            wait = asyncio.create_task(failing.wait_for(one.transaction_id))
            await failing.submit(one.envelope())
            with pytest.raises(StoreDamaged):
                async with failing.paused():
                    raise AssertionError
            with pytest.raises(StoreDamaged):
                await wait
            with pytest.raises(StoreDamaged):
                await failing.submit(two.envelope())

    play(scene())


def test_pause_of_all_that_one_channel_refuses__lets_go_of_the_others(
    channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "PAUSE_S", 0.1)
    monkeypatch.setattr(ordering, "AGAIN_S", 0.05)

    async def scene() -> None:
        (one,), (other,) = drafts(1), drafts(1)
        async with (
            Orderer(channel, count=1, timeout_s=0) as free,
            Orderer(full, count=1, timeout_s=0) as stuck,
        ):
            with monkeypatch.context() as broken:
                errors = [StoreUnavailable("disk is full")] * 10_000
                broken.setattr(full, "commit_all", Failing(full, errors).commit_all)
                await stuck.submit(other.envelope())
                owner = Owner(cast(Any, SimpleNamespace(orderers={"a": free, "b": stuck})))
                with pytest.raises(LedgerUnavailable, match="disk is full") as refused:
                    await owner.snapshot()
                assert "0 envelopes" not in str(refused.value)
                await free.submit(one.envelope())
                # `refused` keeps the frames that hold the pause: nothing is collected meanwhile.
                assert (await free.wait_for(one.transaction_id)).code is Code.VALID
            while stuck.trouble.error is not None:
                await asyncio.sleep(0.005)
            assert (await stuck.wait_for(other.transaction_id)).code is Code.VALID

    path = tmp_path / "full.sqlite"
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as full:
        define(full)
        play(scene())


def test_revert_that_is_unfinished__holds_what_was_taken_until_it_has_ended(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "AGAIN_S", 0.02)

    async def scene() -> None:
        before, during, after = drafts(3)
        async with Orderer(channel, count=1, timeout_s=0) as one:
            await one.submit(before.envelope())
            await one.wait_for(before.transaction_id)
            height = channel.height
            with pytest.raises(RevertUnfinished):
                async with one.paused():
                    await one.submit(during.envelope())
                    waiting = asyncio.create_task(one.wait_for(during.transaction_id))
                    await asyncio.sleep(0)
                    raise RevertUnfinished("half done", had="disk is full", remedy="Make room.")
            with pytest.raises(LedgerUnavailable, match=r"disk is full.*Make room"):
                await waiting
            with pytest.raises(LedgerUnavailable, match="disk is full"):
                await one.submit(after.envelope())
            new = channel.configuration.with_organisation(firm("Org2MSP").organisation)
            with pytest.raises(LedgerUnavailable, match="disk is full"):
                await one.reconfigure(new)
            await asyncio.sleep(0.1)
            assert channel.height == height, "nothing that would be taken back"
            assert "half done" in str(one.fault)
            async with one.paused():
                pass
            assert (await one.wait_for(during.transaction_id)).code is Code.VALID
            await one.submit(after.envelope())
            assert (await one.wait_for(after.transaction_id)).code is Code.VALID
            assert one.fault is None

    play(scene())


def test_revert_that_is_unfinished__lets_nothing_be_committed_at_the_end(channel: Channel) -> None:
    async def scene() -> None:
        (late,), height = drafts(1), channel.height
        async with Orderer(channel, count=1, timeout_s=0) as one:
            with pytest.raises(RevertUnfinished):
                async with one.paused():
                    await one.submit(late.envelope())
                    raise RevertUnfinished("half done")
        assert channel.height == height

    play(scene())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_disk_that_refuses_what_the_owner_asks__is_told_with_file_reason_and_remedy(
    tmp_path: Path, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code), str(tmp_path / "a.json"))

    ledger = SimpleNamespace(
        orderers={},
        ledger=SimpleNamespace(snapshot=refuse, revert=refuse),
        served=SimpleNamespace(advance_s=0),
        restart_watching=lambda: asyncio.sleep(0),
    )
    does = Owner(cast(Any, ledger)).does()

    async def scene() -> None:
        for asked in ("snapshot", "revert"):
            with pytest.raises(LedgerUnavailable) as told:
                await does[asked]({"number": 1})
            words = str(told.value)
            assert str(tmp_path / "a.json") in words
            assert errno.errorcode[code] in words
            assert "Make room there, then ask again" in words

    play(scene())
