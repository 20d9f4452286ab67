"""What this machine gives to shut a program off with; found by doing it, once.

There are two ways to the same confinement: with the rights of root, or in a namespace of users,
where the kernel lets anybody make one. Where there is neither, nothing is run: a program of the
same user could read that user's keys, and no permission of a folder would keep it from doing so.
"""

from __future__ import annotations

import os
from functools import cache

from edgemark.confinement.limits import CannotConfine, End, Limits
from edgemark.confinement.running import OWN_RIGHTS, USER_NAMESPACE, Program, run_confined

TRIAL = "/bin/true"
TRIAL_LIMITS = Limits(
    cpu_s=2, wall_s=10, memory_bytes=2**28, output_bytes=0, files_bytes=2**16, processes=4
)


@cache
def find_way() -> str:
    """The way in which programs are shut off here, by which the trial ran.

    Raises:
        CannotConfine: none; it says what the kernel said to each.
    """
    said = []
    for way in (OWN_RIGHTS, USER_NAMESPACE) if os.geteuid() == 0 else (USER_NAMESPACE,):
        reason = try_way(way)
        if not reason:
            return way
        said.append(f"{way}: {reason}")
    raise CannotConfine(
        "can shut no program off",
        who="this machine",
        had="; ".join(said),
        needed="root's rights over namespaces, or namespaces of users for everybody",
        remedy="Allow unprivileged user namespaces (sysctl user.max_user_namespaces, "
        "kernel.apparmor_restrict_unprivileged_userns); no program is run until then.",
    )


def try_way(way: str) -> str:
    """Why a program that does nothing cannot be run in this way; empty when it can."""
    handle = os.open(TRIAL, os.O_RDONLY | os.O_CLOEXEC)
    try:
        outcome = run_confined(Program(handle, (TRIAL,), TRIAL_LIMITS), b"", way)
    finally:
        os.close(handle)
    if outcome.end is End.FINISHED:
        return ""
    return outcome.reason or f"the trial ended {outcome.end.name.lower()}"
