"""Identifiers of this system's own; others are in `edgemark.identifiers`."""

from __future__ import annotations

from typing import NewType

from edgemark.identifiers import parse_hash32

JobId = NewType("JobId", bytes)
"""keccak256 of (chain, contract, payer, nonce); 32 bytes."""

TaskId = NewType("TaskId", bytes)
"""ID_Tj: what one node of one job has to compute; 32 bytes."""


def parse_job_id(value: bytes | str) -> JobId:
    """Parse a job id; see `parse_hash32`."""
    return JobId(parse_hash32(value, who="job id"))
