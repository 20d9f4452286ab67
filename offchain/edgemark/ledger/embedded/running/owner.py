"""What only the owner of a ledger asks: snapshot, revert, advance, revoke, status.

| question | answers |
|---|---|
| ping | `alive` |
| status | pid, ports, channels with heights and what keeps one from its work, seconds ahead |
| snapshot | `number` of the state of all channels now |
| snapshots | the newest MOST_LISTED: `number`, `at` (Unix second), height of each of `channels` |
| revert `number` | all channels as they were then; what was ordered later is gone |
| advance `seconds` | `advanced_s`: by so much clients' timestamps may be ahead |
| revoke `msp_id` | the organisation's revocation list counts, from a block of its own on |
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.ledger.embedded.running.control import Does
from edgemark.ledger.embedded.running.development import DevelopmentLedger
from edgemark.logs import get_logger
from edgemark.seam import place_of

MOST_LISTED = 100  # snapshots: with the names of all channels they fit in a line of the socket

_log = get_logger("ledger.owner")


class Owner:
    """Does what the owner asks; one thing at a time.

    Args:
        ledger: that runs.
    """

    def __init__(self, ledger: DevelopmentLedger) -> None:
        self._ledger = ledger
        self._doing = asyncio.Lock()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Do one thing at a time, and say typed what the disk refuses meanwhile."""
        async with self._doing:
            try:
                yield
            except OSError as error:
                refused = _refused_by_disk(error)
                _log.error("disk refuses", reason=error, place=place_of(error))
                raise refused from error

    def does(self) -> dict[str, Does]:
        """What can be asked over the control socket."""
        return {
            "ping": self._ping,
            "status": self._status,
            "snapshot": self._snapshot,
            "snapshots": self._snapshots,
            "revert": self._revert,
            "advance": self._advance,
            "revoke": self._revoke,
        }

    def status(self) -> dict[str, Any]:
        """What runs, and where."""
        ledger = self._ledger
        channels: dict[str, dict[str, Any]] = {
            name: {"height": each.height, "organisations": sorted(each.organisations)}
            for name, each in ledger.ledger.channels.items()
        }
        for name, ordering in ledger.orderers.items():
            if (fault := ordering.fault) is not None:
                channels[name]["fault"] = fault
        return {
            "pid": os.getpid(),
            "ports": dict(ledger.ports),
            "channels": channels,
            "metrics": ledger.metrics_url or None,
            "advanced_s": ledger.served.advance_s,
        }

    async def snapshot(self) -> int:
        """Remember the state of all channels; answers its number.

        Raises:
            RefusedInput: there are too many.
            LedgerUnavailable: the disk refuses, or an earlier revert is to be ended first.
        """
        async with self._alone(), self._paused():
            return await asyncio.to_thread(self._ledger.ledger.snapshot)

    async def revert(self, number: int) -> None:
        """Take all channels back to a snapshot.

        Raises:
            RefusedInput: there is none of that number.
            RevertUnfinished: it is begun; nothing is committed until this is asked again.
            LedgerUnavailable: the disk refuses, and nothing was taken back, unless it says so.
        """
        async with self._alone():
            try:
                async with self._paused():
                    await asyncio.to_thread(self._ledger.ledger.revert, number)
                    self._put_back_revocations(number)
            finally:
                await self._ledger.restart_watching()
            _log.info("reverted", snapshot=number)

    def _put_back_revocations(self, number: int) -> None:
        try:
            self._ledger.put_back_revocations()
        except OSError as error:
            raise LedgerUnavailable(
                "blocks were taken back, and lists of revoked certificates could not be",
                who=error.filename or "ledger",
                had=error.strerror,
                remedy=f"Make room there, then revert to snapshot {number} again.",
            ) from error

    async def advance(self, seconds: int) -> int:
        """Move the ledger's clocks ahead; answers by how much they are ahead in all.

        Raises:
            RefusedInput: too far, or back.
            LedgerUnavailable: the disk refuses.
        """
        if seconds < 0:
            remedy = "Begin anew: a revert does not set it back, either."
            raise RefusedInput(
                "cannot be moved back", who="clock", had=seconds, needed=">= 0", remedy=remedy
            )
        async with self._alone():
            return self._be_ahead(self._ledger.served.advance_s + seconds)

    async def set_advance(self, seconds: int) -> int:
        """Let the ledger's clocks be ahead by so much, which may be less than they were.

        Raises:
            RefusedInput: too far.
        """
        async with self._alone():
            return self._be_ahead(seconds)

    def _be_ahead(self, seconds: int) -> int:
        ledger = self._ledger
        if seconds != ledger.served.advance_s:
            wanted = replace(ledger.served, advance_s=seconds)
            wanted.save(ledger.place)
            ledger.served, ledger.behind.clock.advance_s = wanted, seconds
            _log.info("advanced", ahead_s=seconds)
        return seconds

    async def revoke(self, msp_id: str) -> None:
        """Let an organisation's revocation list count on each of its channels.

        Raises:
            RefusedInput: there is no such organisation with a peer.
        """
        async with self._alone():
            self._ledger.organisations.with_peer(msp_id)
            await self._ledger.take_up_revocations()

    def _paused(self) -> _Paused:
        return _Paused(self._ledger)

    async def _ping(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"alive": bool(asked)}

    async def _status(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - as all
        return self.status()

    async def _snapshot(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - as all
        return {"number": await self.snapshot()}

    async def _snapshots(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - as all
        found = self._ledger.ledger.snapshots
        told = [
            {"number": number, "at": each.at, "channels": dict(each.heights)}
            for number, each in sorted(found.items())[-MOST_LISTED:]
        ]
        return {"snapshots": told, "count": len(found)}

    async def _revert(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        number = _number_in(asked, "number")
        await self.revert(number)
        return {"number": number}

    async def _advance(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"advanced_s": await self.advance(_number_in(asked, "seconds"))}

    async def _revoke(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        msp_id = asked.get("msp_id")
        if not isinstance(msp_id, str):
            raise RefusedInput("lacks an organisation", who="revoke", needed="msp_id")
        await self.revoke(msp_id)
        return {"msp_id": msp_id}


class _Paused(AsyncExitStack):
    """No channel commits meanwhile; what was taken before is committed first."""

    def __init__(self, ledger: DevelopmentLedger) -> None:
        super().__init__()
        self._of = ledger

    async def __aenter__(self) -> _Paused:
        await super().__aenter__()
        try:
            for each in self._of.orderers.values():
                await self.enter_async_context(each.paused())
        except BaseException:
            # Nobody else lets go of those before it: `async with` leaves what it never entered.
            await self.aclose()
            raise
        return self


def _refused_by_disk(error: OSError) -> LedgerUnavailable:
    name = errno.errorcode.get(error.errno or 0, "")
    return LedgerUnavailable(
        "disk refuses",
        who=error.filename or "ledger",
        had=f"{name} {error.strerror or error}".strip(),
        needed="a disk with room that can be written",
        remedy="Make room there, then ask again.",
    )


def _number_in(asked: Mapping[str, Any], name: str) -> int:
    value = asked.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedInput("lacks a number", who="ledger", had=str(value)[:64], needed=name)
    return value
