"""Processes of a chaincode of this home that no note names any more, as when who ended them died.

They are known by what they were started with: the key of this chaincode's processes, which stands
in the home, and the place where they listen. One of another home, or of the user's own, has
another key.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from itertools import pairwise

from edgemark.ledger.fabric.lifecycle.checking import HOST
from edgemark.ledger.launching.listeners import processes
from edgemark.ledger.launching.program import KnownProcess
from edgemark.process import start_ticks

MAX_COMMAND = 64 * 1024  # bytes that are read of a command line


def find_strays(options: Sequence[str], addresses: Collection[str]) -> list[KnownProcess]:
    """Processes that were started with these options and listen, or will, at these places.

    Args:
        options: what a chaincode's processes are told of their TLS.
        addresses: HOST:PORT.
    """
    found = []
    for folder in processes():
        try:
            with (folder / "cmdline").open("rb") as file:
                words = os.fsdecode(file.read(MAX_COMMAND)).split("\0")
        except OSError:  # it has ended
            continue
        pid = int(folder.name)
        if pid != os.getpid() and HOST in words and _has_all(words, options, addresses):
            found.append(KnownProcess(pid, start_ticks(pid) or 0))
    return found


def _has_all(words: Sequence[str], options: Sequence[str], addresses: Collection[str]) -> bool:
    pairs = set(pairwise(words))
    wanted = set(zip(options[::2], options[1::2], strict=True))
    return wanted <= pairs and any(("--address", each) in pairs for each in addresses)
