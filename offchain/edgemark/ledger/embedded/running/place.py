"""What a ledger's folder holds, and as what the ledger is served.

crypto-config/   organisations, laid out as cryptogen does
channels/        blocks and state
channels.json    names of the channels that were made
snapshots.json   time and height of each channel, by snapshot
reverting.json   what a revert is about to do, while it does it
packages/        packages that organisations have installed, and
chaincode/       what runs them
clocks/          what ticks for the organisations
profiles/        connection profiles for clients
served.json      as what it is served: channels, ports, batches; kept from one start to the next
ledger.json      which process serves it now
control.sock     what only the owner of the folder may ask of that process
ledger.log       what that process says; from MAX_LOG_BYTES on it is begun anew
ledger.log.1     what it said before that, or the process before it
*.lock           held by whoever serves, starts or changes what is called so
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.wire.limits import MAX_CHANNELS
from edgemark.ledger.fabric.wire.names import CHANNEL, DEFAULT_CHANNEL
from edgemark.ledger.launching.notes import NoteDamaged, read_note, write_note

SERVING = "serving"  # held by the process that serves the folder
STARTING = "starting"  # held by who makes, starts or ends it
STOP_FIRST = "Stop it first (`edgemark ledger down`), or use another home folder."
DEFAULT_ORGANISATIONS = 2
MAX_SKEW = 10  # blocks
MAX_BATCH_COUNT = 10_000  # transactions
SHORTEST_BATCH_S, LONGEST_BATCH_S = 0.001, 60
LONGEST_EXECUTE_S = 3600
MAX_LOG_BYTES = 16 * 1024 * 1024
MAX_ADVANCE_S = 100 * 365 * 24 * 3600


@dataclass(frozen=True)
class Place:
    """A ledger's folder.

    Attributes:
        folder: of it.
    """

    folder: Path

    @property
    def profiles(self) -> Path:
        """Connection profiles."""
        return self.folder / "profiles"

    @property
    def served(self) -> Path:
        """As what it is served."""
        return self.folder / "served.json"

    @property
    def note(self) -> Path:
        """Which process serves it."""
        return self.folder / "ledger.json"

    @property
    def log(self) -> Path:
        """What that process says."""
        return self.folder / "ledger.log"

    @property
    def socket(self) -> Path:
        """What its owner may ask."""
        return self.folder / "control.sock"


@dataclass(frozen=True)
class Served:
    """As what a ledger is served.

    Attributes:
        channels: by name; MSP ids of the organisations of each, none for all of them.
        ports: of each organisation's server by MSP id; 0, or none said, for a free one.
        batch_count: transactions of a block, >= 1.
        batch_timeout_s: until a block is cut that is not full, > 0; up to 0.01 a transaction that
            comes alone waits for no other, and those that come together up to 0.05 for others that
            are being endorsed.
        execute_timeout_s: that a chaincode has for a call; 0 for ever, for a debugger.
        skew: blocks by which other organisations' peers are behind the one that is asked.
        metrics_port: of metrics and health; 0 for a free one, -1 for none.
        advance_s: seconds by which the ledger's clocks were moved ahead.
    """

    channels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {DEFAULT_CHANNEL: ()})
    ports: Mapping[str, int] = field(default_factory=dict)
    batch_count: int = 100
    batch_timeout_s: float = 0.01
    execute_timeout_s: float = 30.0
    skew: int = 0
    metrics_port: int = 0
    advance_s: int = 0

    def __post_init__(self) -> None:
        _check("channels", len(self.channels), 1, MAX_CHANNELS)
        for name in self.channels:
            if not CHANNEL.fits(name):
                raise RefusedInput("is no name of a channel", who=name[:64], needed=CHANNEL.needed)
        for who, port in self.ports.items():
            _check(f"port of {who}", port, 0, 65535)
        _check("batch count", self.batch_count, 1, MAX_BATCH_COUNT)
        _check("batch timeout", self.batch_timeout_s, SHORTEST_BATCH_S, LONGEST_BATCH_S)
        _check("execute timeout", self.execute_timeout_s, 0, LONGEST_EXECUTE_S)
        _check("skew", self.skew, 0, MAX_SKEW)
        _check("metrics port", self.metrics_port, -1, 65535)
        _check("seconds to advance", self.advance_s, 0, MAX_ADVANCE_S)

    def save(self, place: Place) -> None:
        """Keep it for the next start."""
        write_note(place.served, asdict(self))

    @classmethod
    def load(cls, place: Place) -> Served | None:
        """As what it was served last; None for a ledger that never was.

        Raises:
            NoteDamaged: the file is not as it was written.
        """
        facts = read_note(place.served)
        if facts is None:
            return None
        channels = {name: tuple(those) for name, those in facts.pop("channels", {}).items()}
        try:
            return cls(channels=channels, **facts)
        except TypeError as error:
            raise NoteDamaged("has other fields", who=place.served) from error


def _check(what: str, had: Any, least: float, most: float) -> None:
    if not least <= had <= most:
        needed = f"{least:g} .. {most:g}"
        raise RefusedInput(f"{what} is out of range", who="ledger", had=had, needed=needed)
