"""Where a buyer keeps the settlement credentials of its channels: a file each, in its home.

    home/settlements/CHANNEL/INDEX.settlement

Each is on the disk before its controller hears that it is taken.
"""

from __future__ import annotations

from pathlib import Path

from edgemark.files import OWNER_ONLY_FILE, make_private_folder, write_new
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.credentials.kept import SUFFIX, write_kept
from edgemark.systems.trading.identifiers import ChannelId

FOLDER = "settlements"


def keep_credential(home: Path, state: Purchase, index: int) -> None:
    """Put the credential of an index where it is kept; one that is there stays."""
    credential = next((each for each in state.keeping if each.index == index), None)
    if credential is None:
        return
    folder = folder_of(home, state.known.channel)
    make_private_folder(folder)
    token = credential.content.decode("ascii", "replace")
    raw = write_kept(token, credential.signature)
    write_new(folder / f"{index}{SUFFIX}", raw, mode=OWNER_ONLY_FILE)


def folder_of(home: Path, channel: ChannelId) -> Path:
    """Where those of a channel are."""
    return home / FOLDER / channel.hex()
