"""Settlement credentials that came to a party, in its home: the newest ones of each channel.

    home/settlements/CHANNEL/INDEX.settlement      as `kept` has them: credential and issuance

Each amount is of all before, so older ones go where there are too many; a party that wants all of
them copies them elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from edgemark.files import OWNER_ONLY_FILE, make_private_folder, write_new
from edgemark.systems.trading.credentials.kept import SUFFIX, write_kept
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import Credential

FOLDER = "settlements"  # of a home
MAX_KEPT = 4096  # of a channel


class KeptCredentials:
    """Those of one home; safe for several processes.

    Args:
        home: of the party.
        most: that are kept of a channel, >= 1.
    """

    def __init__(self, home: Path, most: int = MAX_KEPT) -> None:
        self._folder, self._most = home / FOLDER, most

    def keep(self, channel: ChannelId, credential: Credential) -> None:
        """Write one down; it is on the disk when this returns, and one that is there stays.

        Raises:
            OSError: the disk refuses.
        """
        folder = self._folder / channel.hex()
        for each in (self._folder, folder):
            make_private_folder(each)
        raw = write_kept(credential.content.decode("ascii", "replace"), credential.signature)
        write_new(folder / f"{credential.index}{SUFFIX}", raw, mode=OWNER_ONLY_FILE)
        for index in self.indices(channel)[: -self._most]:
            (folder / f"{index}{SUFFIX}").unlink(missing_ok=True)

    def holds(self, channel: ChannelId, index: int) -> bool:
        """Whether the one of an index is here."""
        return (self._folder / channel.hex() / f"{index}{SUFFIX}").exists()

    def indices(self, channel: ChannelId) -> list[int]:
        """Of those that are here, ascending."""
        names = (path.name for path in (self._folder / channel.hex()).glob(f"*{SUFFIX}"))
        found = (name.removesuffix(SUFFIX) for name in names)
        return sorted(int(name) for name in found if name.isascii() and name.isdigit())
