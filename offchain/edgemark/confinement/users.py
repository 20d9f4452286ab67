"""The users that confined programs run as where this process has root's rights: one a run.

Nobody logs in as one of them and no package makes them; each is held by one run at a time on the
whole machine, by a name that the kernel gives back whatever becomes of its holder.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from edgemark.confinement.limits import CannotConfine

FIRST_USER = 60_600  # 60578..61183 are nobody's (systemd, "Users, Groups, UIDs and GIDs")
USERS = 64


@contextmanager
def hold_user() -> Iterator[int]:
    """A number that no other run has meanwhile; without root's rights it is not needed.

    Raises:
        CannotConfine: all are taken.
    """
    if os.geteuid() != 0:
        yield FIRST_USER
        return
    for user in range(FIRST_USER, FIRST_USER + USERS):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as held:
            try:
                held.bind(f"\0edgemark-confined-{user}")
            except OSError:
                continue
            yield user
            return
    raise CannotConfine(
        "has no user left to run a program as",
        who="confinement",
        had=f"{USERS} programs that run",
        needed="one user a program",
        remedy="Wait until one has ended.",
    )
