"""Evidence of initiation credentials: of each channel once, in lists with those of others.

Source: EFSC IV-B.2, "the issued TICs are recorded on the blockchain". The digest of the credential
stands in the terms, so an opening puts it on the chain; evidence of it says so where all evidence
is, with the signers that the chain recovers.

What it costs is bound: a channel has one, whose opening cost its payer more, and those that come
within `collect_s` share a transaction, up to 100 of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgemark.encoding import Reader, Writer
from edgemark.identifiers import Hash32
from edgemark.systems.trading.contract.evidence.pieces import InitiationPiece
from edgemark.systems.trading.contract.evidence.records import MAX_PIECES
from edgemark.systems.trading.controller.recording.lists import Piece
from edgemark.systems.trading.controller.recording.recorder import Recorder
from edgemark.systems.trading.controller.recording.waiting import Form
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import SIGNATURE_BYTES
from edgemark.systems.trading.station.ledgers.records import EvidenceSink


@dataclass(frozen=True)
class FirstPiece:
    """An initiation credential, as evidence has it.

    Attributes:
        channel: that it began.
        credential_hash: digest of it, as the terms have it.
        payer, seller: both parties' signatures under `Initiation`.
        index: there is one.
    """

    channel: ChannelId
    credential_hash: Hash32
    payer: bytes = field(repr=False)
    seller: bytes = field(repr=False)
    index: int = 1


class FirstRecorder(Recorder):
    """Of one controller; as `Recorder`.

    Args:
        sink: see `EvidenceSink`.
        folder: of what is under way.
        collect_s: for how long a piece waits for others at most.
        on_recorded: told of evidence that is on chain for good.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        sink: EvidenceSink,
        folder: Path,
        collect_s: float,
        on_recorded: Callable[[Sequence[Piece]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(sink, folder, Form.BATCH, collect_s, on_recorded, clock)

    def tell(self) -> dict[str, int]:
        """What status says of it."""
        found = self.read()
        return {"due": found.waiting, "under_way": found.pieces, "recorded": found.paces.recorded}

    def call_for(self, pieces: Sequence[Piece]) -> Any:
        """The one transaction of these pieces."""
        brought = [
            InitiationPiece(each.channel, each.credential_hash, each.payer, each.seller)
            for each in _firsts_in(pieces)
        ]
        return self._sink.evidence.record_initiations(brought)

    def encode(self, pieces: Sequence[Piece]) -> bytes:
        """Pieces in a row; canonical bytes."""
        writer = Writer().integer(len(pieces), 4)
        for each in _firsts_in(pieces):
            writer.fixed(each.channel, 32).fixed(each.credential_hash, 32)
            writer.fixed(each.payer, SIGNATURE_BYTES).fixed(each.seller, SIGNATURE_BYTES)
        return writer.finish()

    def decode(self, raw: bytes) -> Sequence[Piece]:
        """What `encode` wrote; raises `MalformedMessage`."""
        reader = Reader(raw, who="pieces of evidence")
        pieces = [_read(reader) for _ in range(reader.integer(4, most=MAX_PIECES))]
        reader.finish()
        return pieces


def _firsts_in(pieces: Sequence[Piece]) -> list[FirstPiece]:
    return [each for each in pieces if isinstance(each, FirstPiece)]


def _read(reader: Reader) -> FirstPiece:
    channel, credential = ChannelId(reader.fixed(32)), Hash32(reader.fixed(32))
    return FirstPiece(
        channel, credential, reader.fixed(SIGNATURE_BYTES), reader.fixed(SIGNATURE_BYTES)
    )
