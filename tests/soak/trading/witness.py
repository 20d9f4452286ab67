"""What was acknowledged while everybody died, and whether it is still there when all is over.

| acknowledged           | once                                                             |
|------------------------|------------------------------------------------------------------|
| a settlement credential| it is a file of seller or buyer: the controller heard `Taken`    |
| a voucher              | it is in the journal of who signed it, or of who got it          |
| a result               | its file has its name                                            |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.trading.soak_buyer import RESULTS

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Hash32
from edgemark.loop.replay import look_at_open
from edgemark.receipt import Receipt
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.credentials.keeping import FOLDER as SETTLEMENTS
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.seller.sale import Sale

Place = tuple[str, str]  # home, and what in it


@dataclass
class Witness:
    """Looks into the homes of seller and buyers, while others write there.

    Args:
        seller, buyers: their homes.

    Attributes:
        files: digests of what was seen, by home and path there.
        signed: the largest amount that a home had of a channel.
    """

    seller: Path
    buyers: Sequence[Path]
    files: dict[Place, Hash32] = field(default_factory=dict)
    signed: dict[Place, int] = field(default_factory=dict)

    def look(self) -> None:
        """Note what is there now."""
        for home in (self.seller, *self.buyers):
            for place, digest in _files_of(home):
                self.files.setdefault(place, digest)
            for channel, amount in _signed_in(home, is_seller=home == self.seller).items():
                place = (home.name, channel)
                self.signed[place] = max(amount, self.signed.get(place, 0))

    def check(self, receipt: Receipt, last: Mapping[Place, int]) -> None:
        """Nothing that was seen is gone, changed, or less.

        Args:
            receipt: gets the checks.
            last: amounts of all channels that ever were, by home and channel.
        """
        now = dict(each for home in (self.seller, *self.buyers) for each in _files_of(home))
        lost = [place for place, digest in self.files.items() if now.get(place) != digest]
        receipt.compare("credentials and results that were seen and are gone or changed", lost, [])
        fallen = [place for place, had in self.signed.items() if last.get(place, 0) < had]
        receipt.compare("channels of which less is signed than was seen", fallen, [])
        receipt.require("something was seen", bool(self.files), len(self.files), "> 0")


def _files_of(home: Path) -> Iterator[tuple[Place, Hash32]]:
    for pattern in (f"{SETTLEMENTS}/*/*.settlement", f"{RESULTS}/*.json"):
        for path in home.glob(pattern):
            with suppress(FileNotFoundError):
                yield (home.name, str(path.relative_to(home))), hash_long(path.read_bytes())


def _signed_in(home: Path, *, is_seller: bool) -> dict[str, int]:
    """As the journal has it; nothing while it is being written anew."""
    name, blank = ("seller", Sale) if is_seller else ("buyer", Purchase)
    try:
        known = look_at_open(home, name, PartyMachine(blank))
    except EdgemarkError:
        return {}
    return {key.hex(): int(_amount_of(state)) for key, state in known.items()}


def _amount_of(state: object) -> int:
    match state:
        case Sale():
            return state.signed
        case Purchase():
            return state.signed.amount
        case _:
            return 0
