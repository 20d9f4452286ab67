"""Commits envelopes of a file to a channel, and says each id once it is on the disk; a program.

Usage: python -m tests.offchain.ledger.embedded.channel.committing_process FOLDER FIRST
"""

from __future__ import annotations

import sys
from pathlib import Path

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.fabric.identities.signing import Signer, load_key

LENGTH = 4  # bytes before each envelope
SIZES = (1, 4, 2, 7)  # of the blocks, in turn


def read_envelopes(path: Path) -> list[bytes]:
    raw, found = path.read_bytes(), []
    while raw:
        size = int.from_bytes(raw[:LENGTH], "big")
        found.append(raw[LENGTH : LENGTH + size])
        raw = raw[LENGTH + size :]
    return found


def write_envelopes(path: Path, envelopes: list[bytes]) -> None:
    path.write_bytes(b"".join(len(each).to_bytes(LENGTH, "big") + each for each in envelopes))


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> None:
    folder, first = Path(sys.argv[1]), int(sys.argv[2])
    key = load_key((folder / "orderer.key").read_bytes(), "orderer")
    signer = Signer("OrdererMSP", (folder / "orderer.pem").read_bytes(), key)
    envelopes = read_envelopes(folder / "envelopes")
    with Channel(folder / "trade.sqlite", "trade", signer) as channel:
        say("open")
        turn = 0
        while first < len(envelopes):
            batch = envelopes[first : first + SIZES[turn % len(SIZES)]]
            channel.commit(batch)
            first, turn = first + len(batch), turn + 1
            say(first)


if __name__ == "__main__":
    main()
