"""Brings evidence of all channels to its ledger, and says when it is there for good.

Here it is evidence of settlements; of initiation credentials: `firsts`, by the same laws.

Law 1: what goes out together is on the disk before it is sent, and until every channel has it
       written down that its evidence is there: a later life goes on with the very same transaction.
Law 2: so many transactions are under way at most; whatever else is owed waits in the queue.
Law 3: a list that the registry refuses is taken apart, and each of its pieces goes alone: one that
       is there already keeps no other from the chain. Whoever is away refuses nothing.
Law 4: the chain is asked by one thread, in turns of at most TURN_S and one call; `end` ends a turn
       with the call in hand. Who offers evidence waits for nobody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import EdgemarkError, LedgerUnavailable, RefusedInput
from edgemark.files import OWNER_ONLY_FILE, make_private_folder, read_limited, write_whole
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.logs import get_logger
from edgemark.loop.machine import TryAgain
from edgemark.systems.trading.contract.evidence.pieces import SettlementPiece
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.controller.recording.lists import (
    PIECE_BYTES,
    EvidencePiece,
    Piece,
    decode_pieces,
    describe,
    encode_pieces,
)
from edgemark.systems.trading.controller.recording.pace import PaceMeter, Paces
from edgemark.systems.trading.controller.recording.waiting import (
    MOST_ANCHORED,
    EvidenceQueue,
    Form,
)
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.ledgers.records import EvidenceSink, RegistryRefused

AT_ONCE = 8  # transactions: more than one, since each waits for its confirmations
TURN_S = 20.0  # after which a turn asks nothing more; whoever was asked least lately is next
REFUSED_S = 60.0  # until what was refused alone, or for want of standing or gas, is tried again
BROKEN_TIMES = 3  # that a list meets a chaincode that only fails, before a piece may be the cause
LINE_S = 60.0  # between two lines of the log about how it goes
SUFFIX = ".pieces"
MOST_BYTES = 64 + PIECE_BYTES * MOST_ANCHORED
THERE = frozenset({"EvidenceExists", "RootExists"})  # refusals that say that nothing is missing
PASSING = frozenset(  # ... that the operator, or others, can change
    {"NotInStanding", "NoParameters", "DomainNotTaken", "MayNotAnchor", "NoTime", "TooLate"}
    | {"TransactionInvalid", "EndorsementsDiffer"}
)
BROKEN = "ChaincodeFailed"  # it answered, and not in the registry's words

_log = get_logger("controller.recorder")


@dataclass
class _UnderWay:
    """A transaction."""

    pieces: Sequence[Piece]
    call: Any
    path: Path
    began: float
    not_before: float = 0.0
    asked: int = 0  # number of the question that was the last about it
    broken: int = 0  # times that the chaincode failed over it


@dataclass(frozen=True)
class EvidenceReading:
    """One look at a recorder.

    Attributes:
        form: of its transactions.
        waiting: pieces that are in none yet; `late`: of these, for want of the chain alone.
        under_way: transactions; `pieces`: in them.
        paces: issued, recorded, and the least N.
    """

    form: Form
    waiting: int
    late: int
    under_way: int
    pieces: int
    paces: Paces


class Recorder:
    """Of one controller; `turn` is for one thread, the rest for any.

    Args:
        sink: see `EvidenceSink`.
        folder: of what is under way; made when it is needed.
        form: of its transactions.
        collect_s: for how long evidence waits for more at most.
        on_recorded: told of evidence that is on chain for good; returns once that is durable.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        sink: EvidenceSink,
        folder: Path,
        form: Form,
        collect_s: float,
        on_recorded: Callable[[Sequence[Piece]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sink, self._folder, self._form = sink, folder, form
        self._on_recorded = on_recorded
        self._clock = clock
        self._guard = threading.Lock()
        self._queue = EvidenceQueue(form, collect_s)
        self._meter = PaceMeter(AT_ONCE, form.most)
        self._sent: list[_UnderWay] = []
        self._newest: dict[ChannelId, int] = {}  # index of what is under way
        self._told_at, self._told_least = clock(), 1
        self._asked, self._until = 0, 0.0
        self._is_ending = threading.Event()
        self._take_up()

    # --- for any thread ------------------------------------------------------------------------

    def offer(self, piece: Piece) -> None:
        """Evidence is owed; offered again, nothing more happens."""
        with self._guard:
            if self._newest.get(piece.channel, 0) < piece.index:
                self._queue.put(piece, self._clock())

    def note_issued(self) -> None:
        """A credential was issued."""
        with self._guard:
            self._meter.note_issued(self._clock())

    def end(self) -> None:
        """The turn in hand ends with the call in hand, and no turn asks anything from now on."""
        self._is_ending.set()

    def read(self) -> EvidenceReading:
        """One look."""
        now = self._clock()
        with self._guard:
            oldest_s = max((now - each.began for each in self._sent), default=0.0)
            return EvidenceReading(
                self._form,
                len(self._queue),
                self._queue.count_late(now),
                len(self._sent),
                sum(len(each.pieces) for each in self._sent),
                self._meter.read(now, oldest_s),
            )

    # --- for its thread ------------------------------------------------------------------------

    def turn(self) -> None:
        """Ask what became of what is under way, and send what is due, for TURN_S at most.

        Raises:
            LedgerUnavailable: the chain does not answer; the next turn asks again.
        """
        fault: LedgerUnavailable | None = None
        self._until = self._clock() + TURN_S
        try:
            for each in sorted(self._sent, key=lambda other: other.asked):
                if self._has_time and each.not_before <= self._clock():
                    fault = self._go_on(each) or fault
            while self._has_time and fault is None and len(self._sent) < AT_ONCE:
                with self._guard:
                    pieces = self._queue.take(self._clock())
                if not pieces:
                    break
                fault = self._begin(pieces)
        finally:
            self._tell()
        if fault is not None:
            raise fault

    @property
    def _has_time(self) -> bool:
        return self._clock() < self._until and not self._is_ending.is_set()

    def _begin(self, pieces: Sequence[Piece]) -> LedgerUnavailable | None:
        """Write down what goes together, then send it."""
        path = self._folder / f"{keccak256(self.encode(pieces)).hex()[:32]}{SUFFIX}"
        try:
            each = _UnderWay(pieces, self.call_for(pieces), path, self._clock())
            make_private_folder(self._folder)
            write_whole(path, _pack(self._form, self.encode(pieces)), mode=OWNER_ONLY_FILE)
        except (RefusedInput, OSError) as error:  # no room for its list, or on the disk
            with self._guard:
                for piece in pieces:
                    self._queue.put(piece, self._clock())
            return LedgerUnavailable("evidence cannot be put together", had=str(error))
        self._add(each)
        return self._go_on(each)

    # --- what its pieces are ---------------------------------------------------------------------

    def call_for(self, pieces: Sequence[Piece]) -> Any:
        """The one transaction of these pieces: the same in every life of the process."""
        evidence, domains = self._sink.evidence, (self._sink.domain, self._domain)
        settled = _settlements_in(pieces)
        if self._form is not Form.ANCHORED:
            return evidence.record_settlements(
                [SettlementPiece(each.claim, each.signatures) for each in settled]
            )
        head, pages = describe(settled, self._sink.address, *domains)
        for content in (*pages, head.to_bytes()):  # first: a chain names nothing that nobody has
            self._sink.content.put(content)
        return evidence.anchor_root(head.root, head.leaves, str(head.cid))

    def encode(self, pieces: Sequence[Piece]) -> bytes:
        """Pieces in a row; canonical bytes."""
        return encode_pieces(_settlements_in(pieces))

    def decode(self, raw: bytes) -> Sequence[Piece]:
        """What `encode` wrote; raises `RefusedInput`."""
        return decode_pieces(raw, most=MOST_ANCHORED)

    @property
    def _domain(self) -> ControllersDomain:
        return self._sink.controllers_domain

    def _go_on(self, each: _UnderWay) -> LedgerUnavailable | None:
        """Ask what became of it; what keeps the chain from saying so, if anything does."""
        self._asked += 1
        each.asked = self._asked
        try:
            self._sink.push(each.call)
        except (ContractRefused, RegistryRefused) as refused:
            self._take_refusal(each, refused)
        except RefusedInput as error:  # no gas for it, or more of it than a node takes
            self._rest(each, error)
        except LedgerUnavailable as error:
            return error
        except TryAgain as error:
            _log.debug("evidence is under way", pieces=len(each.pieces), error=error)
        else:
            self._finish(each)
        return None

    def _take_refusal(self, each: _UnderWay, refused: ContractRefused | RegistryRefused) -> None:
        is_broken = refused.error_name == BROKEN
        each.broken += is_broken
        if refused.error_name in PASSING or (is_broken and each.broken < BROKEN_TIMES):
            self._rest(each, refused)
        elif refused.error_name in THERE:
            self._finish(each)
        else:
            is_alone = len(each.pieces) == 1
            _log.warning("evidence is refused", pieces=len(each.pieces), error=refused)
            self._drop(each)
            with self._guard:
                after_s = REFUSED_S if is_alone else 0.0
                self._queue.give_back(each.pieces, self._clock(), after_s)
            each.path.unlink(missing_ok=True)

    def _rest(self, each: _UnderWay, error: EdgemarkError) -> None:
        if not self._is_ending.is_set():  # then it is the end of its connection that is told here
            _log.warning("evidence waits", pieces=len(each.pieces), error=error)
        each.not_before = self._clock() + REFUSED_S

    def _finish(self, each: _UnderWay) -> None:
        """It is there: first every channel has that written down, then the file goes."""
        self._on_recorded(each.pieces)
        self._drop(each)
        with self._guard:
            self._meter.note_recorded(len(each.pieces), self._clock() - each.began)
            for piece in each.pieces:
                self._queue.drop(piece.channel, piece.index)
        each.path.unlink(missing_ok=True)

    def _add(self, each: _UnderWay) -> None:
        with self._guard:
            self._sent.append(each)
            for piece in each.pieces:
                known = self._newest.get(piece.channel, 0)
                self._newest[piece.channel] = max(known, piece.index)

    def _drop(self, each: _UnderWay) -> None:
        with self._guard:
            self._sent.remove(each)
            self._newest = {}
            for piece in (piece for other in self._sent for piece in other.pieces):
                known = self._newest.get(piece.channel, 0)
                self._newest[piece.channel] = max(known, piece.index)

    def _take_up(self) -> None:
        """Go on with what an earlier life had under way."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            try:
                form, raw = _unpack(read_limited(path, MOST_BYTES))
                pieces = self.decode(raw)
                if form is not self._form:
                    raise RefusedInput("is of another form", who=path, had=form.value)
                each = _UnderWay(pieces, self.call_for(pieces), path, self._clock())
            except RefusedInput as error:  # what it is of is owed all the same, and goes anew
                _log.warning("evidence is put together anew", file=str(path), error=error)
                path.unlink(missing_ok=True)
                continue
            self._add(each)

    def _tell(self) -> None:
        """A line now and then, and whenever the least N changed."""
        now, reading = self._clock(), self.read()
        paces = reading.paces
        is_time = now - self._told_at >= LINE_S and paces.issued_per_s > 0
        if paces.least == self._told_least and not is_time:
            return
        self._told_at, self._told_least = now, paces.least
        _log.info("evidence", **tell_paces(reading))


def tell_paces(reading: EvidenceReading) -> dict[str, object]:
    """What status and log say of it."""
    paces, recorded = reading.paces, reading.paces.recorded_per_s
    return {
        "form": reading.form.value,
        "waiting": reading.waiting,
        "late": reading.late,
        "under_way": reading.under_way,
        "issued": paces.issued,
        "recorded": paces.recorded,
        "issued_per_s": round(float(paces.issued_per_s), 3),
        "recordable_per_s": None if recorded is None else round(float(recorded), 3),
        "least_n": paces.least,
    }


def _settlements_in(pieces: Sequence[Piece]) -> list[EvidencePiece]:
    return [each for each in pieces if isinstance(each, EvidencePiece)]


def _pack(form: Form, pieces: bytes) -> bytes:
    raw = form.value.encode().ljust(16) + pieces
    return sha256(raw).digest() + raw


def _unpack(raw: bytes) -> tuple[Form, bytes]:
    """What `_pack` wrote; raises `RefusedInput`."""
    digest, rest = raw[:32], raw[32:]
    if sha256(rest).digest() != digest:
        raise RefusedInput("is not as it was written", who="pieces of evidence")
    return Form(rest[:16].decode().strip()), rest[16:]
