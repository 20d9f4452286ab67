"""Keys that sign for one channel instead of its account, once both parties agreed on them.

A party makes such a key itself, and it is on the disk before anybody is asked for consent. It stays
after the channel's end: what it signed may be looked at again.

| file                             | holds                                                |
|----------------------------------|------------------------------------------------------|
| `home/keys/channels/ADDRESS.key` | 64 hex digits, and the address, which tells damage   |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, check_private, make_secret_folder, write_new
from edgemark.identifiers import Address
from edgemark.systems.trading.station.post.seals import Seals
from edgemark.systems.trading.station.speaking import Keys
from edgemark.systems.trading.station.station import TradingStation

FOLDER = "channels"  # in that of the home's keys


@dataclass(frozen=True)
class HomeKeys(Keys):
    """The account's key, and those of the folder; a key that is made counts at once.

    Attributes:
        folder: of key files.
    """

    folder: Path = Path()

    @staticmethod
    def of_station(station: TradingStation) -> HomeKeys:
        """Of a party's home."""
        seals = Seals.of_station(station)
        return HomeKeys(station.keys.account, seals=seals, folder=station.home / "keys" / FOLDER)

    def of(self, address: Address) -> SecretKey:
        """See `Keys.of`; raises `Unrecoverable` for a file that was changed, or others can open."""
        path = self.folder / f"{address}.key"
        if address == self.account.address or not path.exists():
            return super().of(address)
        check_private(path)
        try:
            digits, told = path.read_text().split()
            key = SecretKey(bytes.fromhex(digits))
        except (ValueError, RefusedInput):
            key, told = None, ""  # the file's words stay out of the message and of its cause
        if key is None or not told == key.address == address:
            raise Unrecoverable("holds no key of its name", who=path, remedy="Restore the file.")
        return key

    def make(self) -> Address:
        """A new key, on the disk when this returns; its address."""
        make_secret_folder(self.folder)
        made = SecretKey.generate(Randomness())
        written = f"{made.reveal().hex()}\n{made.address}\n"
        write_new(self.folder / f"{made.address}.key", written.encode(), mode=OWNER_ONLY_FILE)
        return made.address
