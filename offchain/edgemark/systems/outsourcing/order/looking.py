"""The jobs of a home folder as its files have them: the device that holds them may be at work."""

from __future__ import annotations

from pathlib import Path

from edgemark.loop.replay import list_keys, look_at_open, look_up
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import require_known
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.keys import JOB_ID_BYTES
from edgemark.systems.outsourcing.protocol.machine import PartyMachine

DEVICE = "device"
JOBS_FILE = f"{DEVICE}.journal"  # of a home


def look_at_job(home: Path, job: JobId) -> DeviceJob:
    """What the home remembers of a job; no lock is taken, and nothing written.

    Raises:
        RefusedInput: it never ordered it.
        Unrecoverable: its journal is damaged, or others can read it.
    """
    return require_known(look_up(home, DEVICE, PartyMachine(DeviceJob), job), job)


def look_at_jobs(home: Path) -> dict[JobId, DeviceJob]:
    """The same of all that it ever ordered, those that are over first; reads the journal once."""
    machine = PartyMachine(DeviceJob)
    at_hand = look_at_open(home, DEVICE, machine)
    jobs = [JobId(key) for key in list_keys(home, DEVICE) if len(key) == JOB_ID_BYTES]
    return {job: at_hand[job] if job in at_hand else look_at_job(home, job) for job in jobs}
