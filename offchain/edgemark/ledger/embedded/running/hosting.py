"""Runs a folder's ledger in this process until it is told to end, and says where it is found."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edgemark.files import hold_lock
from edgemark.ledger.embedded.running.control import ControlServer
from edgemark.ledger.embedded.running.development import DevelopmentLedger
from edgemark.ledger.embedded.running.making import make_ledger
from edgemark.ledger.embedded.running.owner import Owner
from edgemark.ledger.embedded.running.place import MAX_LOG_BYTES, SERVING, Place
from edgemark.ledger.embedded.running.profiles import write_profiles
from edgemark.ledger.launching.logs import turn_own_log
from edgemark.ledger.launching.notes import write_note
from edgemark.process import start_ticks

LOOK_S = 10.0  # at how long the log is


@asynccontextmanager
async def hosted(place: Place) -> AsyncIterator[DevelopmentLedger]:
    """A ledger that serves its folder, its owner's questions too; `ledger.json` names this process.

    Args:
        place: of the ledger.

    Raises:
        FileInUse: another process serves it.
        PortInUse: a port is taken.
        StoreDamaged, FolderDamaged: what it kept cannot be used.
    """
    lock = hold_lock(place.folder / SERVING)
    try:
        served = await asyncio.to_thread(make_ledger, place, None, None)
        ledger = DevelopmentLedger(place, served)
        control = ControlServer(place.socket, Owner(ledger).does())
        try:
            await ledger.start()
            await control.start()
            write_profiles(ledger)
            own = {"pid": os.getpid(), "started": start_ticks(os.getpid())}
            write_note(place.note, own)
            looking = asyncio.create_task(_bound_log(place), name="bounds of the log")
            try:
                yield ledger
            finally:
                looking.cancel()
        finally:
            await control.stop()
            await ledger.stop()
    finally:
        os.close(lock)


async def _bound_log(place: Place) -> None:
    """Put the log aside whenever it is long, if it is this process's: in a test it is not."""
    while True:
        turn_own_log(place.log, MAX_LOG_BYTES)
        await asyncio.sleep(LOOK_S)
