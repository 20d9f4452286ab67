"""Settlement credentials that came to a party, in its home: the newest ones of each channel.

    home/credentials/settled/CHANNEL/INDEX.credential    `protocol.messages.Credential`, as it came

Each amount is of all before, so older ones go where there are too many; a party that wants all of
them copies them elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, make_private_folder, read_limited, write_new
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import MAX_LETTER_BYTES, Credential

FOLDER = Path("credentials") / "settled"  # of a home
ENDING = ".credential"
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
        """Write one down; it is on the disk when this returns, and the same again changes nothing.

        Raises:
            OSError: the disk refuses.
        """
        folder = self._folder / channel.hex()
        for each in (self._folder.parent, self._folder, folder):
            make_private_folder(each)
        path = folder / f"{credential.index}{ENDING}"
        write_new(path, credential.to_wire(), mode=OWNER_ONLY_FILE)
        for index in self.indices(channel)[: -self._most]:
            (folder / f"{index}{ENDING}").unlink(missing_ok=True)

    def find(self, channel: ChannelId, index: int) -> Credential | None:
        """The one of an index, if it is here.

        Raises:
            Unrecoverable: its file is damaged.
        """
        path = self._folder / channel.hex() / f"{index}{ENDING}"
        if not path.exists():
            return None
        try:
            return Credential.from_wire(read_limited(path, MAX_LETTER_BYTES))
        except RefusedInput as error:
            raise Unrecoverable(
                "is no credential any more", who=path, had=error.what, needed="what was written"
            ) from error

    def indices(self, channel: ChannelId) -> list[int]:
        """Of those that are here, ascending."""
        names = (path.name for path in (self._folder / channel.hex()).glob(f"*{ENDING}"))
        found = (name.removesuffix(ENDING) for name in names)
        return sorted(int(name) for name in found if name.isascii() and name.isdigit())
