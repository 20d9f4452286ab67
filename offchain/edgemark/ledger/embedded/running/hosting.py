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
from edgemark.ledger.embedded.running.place import SERVING, Place
from edgemark.ledger.embedded.running.profiles import write_profiles
from edgemark.ledger.launching.notes import write_note
from edgemark.process import start_ticks


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
            yield ledger
        finally:
            await control.stop()
            await ledger.stop()
    finally:
        os.close(lock)
