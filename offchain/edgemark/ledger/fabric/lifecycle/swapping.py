"""Starts the processes of a chaincode anew, with the code as it is now; else all is as it was."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.lifecycle.checking import check_code
from edgemark.ledger.fabric.lifecycle.hosting import (
    Hosts,
    find_hosts,
    hosting_alone,
    plan_hosts,
)


def swap_hosts(
    folder: Path,
    name: str,
    code: str,
    msp_ids: Sequence[str],
    ports: Sequence[int],
    cwd: Path | None = None,
    *,
    reload: bool = False,
) -> Hosts:
    """Start the processes of a chaincode anew, with the code as it is now.

    Where the new ones cannot be, those of before run on as they were, or again; the error says so,
    or why they do not.

    Args:
        folder: of the ledger.
        name: of the chaincode on the ledger.
        code: what runs.
        msp_ids: of the organisations.
        ports: free ones, one for each of them, which the caller holds.
        cwd: folder where it runs; None for this one.
        reload: they restart when their source changes.

    Raises:
        RefusedInput: see `check_code` and `plan_hosts`.
        PortInUse, ProgramDied: see `Hosts.start`.
        FileInUse: see `hosting_alone`.
    """
    check_code(code, cwd or Path.cwd())
    with hosting_alone(folder):
        before = find_hosts(folder, name)
        hosts = plan_hosts(folder, name, code, msp_ids, ports, cwd)
        ran = [each for each in hosts.ports if not hosts.is_off(each)]
        # Before anything is ended: where a place is taken, who runs runs on.
        hosts.free([each for each in hosts.ports if each not in ran])
        hosts.close()
        hosts.programs = {}
        try:
            hosts.start(reload=reload)
        except BaseException as fault:
            told = _start_again(before, ran)
            if isinstance(fault, EdgemarkError):
                fault.remedy = f"{fault.remedy} {told}".strip()
            raise
        return hosts


def _start_again(before: Hosts | None, ran: Collection[str]) -> str:
    """Let those of before run again; what came of it, in words."""
    if before is None:
        return ""
    before.note()
    if not ran:
        return "None of it ran before, and none runs."
    try:
        before.start(reload=before.reload, without=set(before.ports) - set(ran))
    except EdgemarkError as failure:
        return f"Those that ran before do not run any more: {failure}"
    return "Those that ran before run again."
