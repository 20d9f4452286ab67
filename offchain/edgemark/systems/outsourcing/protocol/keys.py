"""Keys of this system's matters in journals and logs: a job, or one index of a job.

A device has one matter a job; nodes and judges have one an index.
"""

from __future__ import annotations

from edgemark.loop.machine import Facts

JOB_ID_BYTES = 32


def key_of(job: bytes, index: int) -> bytes:
    """Key of one index (0 .. 255) of a job; the key of a job as a whole is its id."""
    return job + index.to_bytes(1, "big")


def job_of(key: bytes) -> bytes:
    """Id of the job that a key is about."""
    return key[:JOB_ID_BYTES]


def facts_of(key: bytes) -> Facts:
    """What logs and errors say of a key: the job, and the index where there is one."""
    facts: dict[str, object] = {"job": job_of(key)}
    if len(key) > JOB_ID_BYTES:
        facts["index"] = int.from_bytes(key[JOB_ID_BYTES:], "big")
    return facts


def subject_of(event: object) -> bytes | None:
    """Key of what an event of the chain is about; None where it names no job."""
    job, index = getattr(event, "job", None), getattr(event, "index", None)
    if job is None:
        return None
    return bytes(job) if index is None else key_of(bytes(job), index)
