"""Functions held by content: F is stored once, under H(F), for all jobs that name it.

Law 1: a function comes in only after it was asked for, with the length that its job's terms say;
       where the terms of several jobs differ, no longer than the longest.
Law 2: the folder is bounded in files and bytes. For one more, those go that were used longest ago;
       what open jobs need stays, and what somebody looks at to decide whether a job needs it. So
       nobody can fill it for good, and nothing needed is lost.
Law 3: what the open jobs of one payer need is never more than what is left for the others; nor does
       one payer's asking push out that of the others.
Law 4: no function of somebody else takes what of the disk is promised to open jobs; those that
       nobody needs, and the oldest finished jobs, go before anything is refused for want of disk.
Law 5: the functions in memory are bounded too; of those that are read, one at a time. A request
       reads of one that is held no more than its sizes, and waits for nobody.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.polynomial import (
    HEADER_BYTES,
    Header,
    MalformedFunction,
    Polynomial,
    parse_polynomial,
    size_from_header,
)
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.outsourcing.limits import DISK_RESERVE_BYTES
from edgemark.systems.outsourcing.steps.compute import WrongFunction

MAX_STORED = 1024  # functions on disk, or four for each open job that there may be
MAX_STORED_BYTES = 2 * 2**30
MAX_IN_MEMORY = 8  # parsed functions, most recently used
MAX_PARSED_BYTES = 128 * 2**20  # of them together; the latest stays, however large
MAX_ASKED = 256  # functions that callers may upload
MAX_HANDING = 256  # servers that functions are handed to
STALE_S = 3600.0  # after so long, what a process left half-written is nobody's any more

Needed = Mapping[Hash32, Collection[str]]  # payers of the open jobs that need it


class FunctionStore:
    """A folder of functions.

    Args:
        folder: made when missing, by who keeps functions: who only looks makes none.
        most_jobs: that are open at a time, each perhaps with a function of its own.
    """

    def __init__(self, folder: Path, most_jobs: int = 0) -> None:
        self._folder, self._most_stored = folder, max(MAX_STORED, 4 * most_jobs)
        self._parsed: OrderedDict[Hash32, Polynomial] = OrderedDict()
        self._asked: OrderedDict[tuple[str, Hash32], int] = OrderedDict()
        self._needed: Callable[[], Needed] = dict
        self._used: Counter[Hash32] = Counter()  # by those who look at it now
        self._lately_used: set[Hash32] | None = None  # while room is made: since that began
        self._guard = threading.Lock()
        self._reading = threading.Lock()
        self._storing = threading.Lock()
        self._handing: dict[str, threading.Lock] = {}
        self._promised: Callable[[], int] = int
        self._free_more: Callable[[int], int] = lambda _: 0
        self.bytes_given = self.bytes_coming = 0  # coming: of the one that is being written

    def keep(
        self,
        needed: Callable[[], Needed],
        promised: Callable[[], int] = int,
        free_more: Callable[[int], int] = lambda _: 0,
    ) -> None:
        """Let what `needed` names stay, and so much of the disk to others; who gives way beside."""
        self._needed, self._promised, self._free_more = needed, promised, free_more
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def handing_to(self, server: str) -> Iterator[bool]:
        """Whether it is this thread's turn to send a server functions, until the end of this."""
        with self._guard:
            if len(self._handing) >= MAX_HANDING:
                self._handing = {to: turn for to, turn in self._handing.items() if turn.locked()}
            turn = self._handing.setdefault(server, threading.Lock())
        is_mine = turn.acquire(blocking=False)
        try:
            yield is_mine
        finally:
            if is_mine:
                turn.release()

    def note_given(self, count: int) -> None:
        """Count bytes of functions that were sent to others."""
        with self._guard:
            self.bytes_given += count

    def holds(self, function_hash: Hash32) -> bool:
        """Whether it is here; who asks does not use it."""
        return self._path(function_hash).exists()

    def find(self, function_hash: Hash32) -> Polynomial | None:
        """The function with this hash, when it is held."""
        known = self._recall(function_hash)
        if known is not None or not self.holds(function_hash):  # waits for nobody else's
            return known
        with self._reading:  # whoever waited here finds it in memory now
            known = self._recall(function_hash)
            if known is not None:
                return known
            try:
                raw = self._path(function_hash).read_bytes()
            except FileNotFoundError:
                return None
            if hash_long(raw) != function_hash:  # damaged: it is asked for once more
                self._path(function_hash).unlink(missing_ok=True)
                return None
            function = parse_polynomial(raw)
            self._remember(function_hash, function)
        return function

    @contextmanager
    def using(self, function_hash: Hash32) -> Iterator[Header | None]:
        """Sizes of the function with this hash, when it is held; it stays there until the end."""
        with self._guard:
            self._used[function_hash] += 1
            if self._lately_used is not None:
                self._lately_used.add(function_hash)
        try:
            self._recall(function_hash)
            yield self._sizes_of(function_hash)
        finally:
            with self._guard:
                self._used[function_hash] -= 1
                self._used += Counter()

    def ask_for(self, function_hash: Hash32, length: int, payer: str) -> None:
        """Allow the upload of this function, of so many bytes, for a job of this payer."""
        key = (payer, function_hash)
        with self._guard:
            self._asked[key] = max(length, self._asked.get(key, 0))
            self._asked.move_to_end(key)
            while len(self._asked) > MAX_ASKED:
                ((most, _),) = Counter(payer for payer, _ in self._asked).most_common(1)
                del self._asked[next(key for key in self._asked if key[0] == most)]

    def awaited_bytes(self, function_hash: Hash32) -> int:
        """Length of a function that may be uploaded.

        Raises:
            RefusedInput: not asked for.
        """
        asked = self._asked_for(function_hash)
        if not asked:
            raise RefusedInput(
                "function was not asked for",
                who="function store",
                had=function_hash.hex(),
                remedy="Send an offer or evidence that names it first.",
            )
        return max(asked.values())

    def put(self, function_hash: Hash32, raw: bytes) -> Polynomial:
        """Store an uploaded function that was asked for.

        Raises:
            RefusedInput: not asked for. Overloaded: no room.
            WrongFunction: its hash differs. MalformedFunction: it is none.
        """
        held = self.find(function_hash)
        if held is not None and self.holds(function_hash):  # somebody else was faster
            return held
        self.awaited_bytes(function_hash)
        payers = self._asked_for(function_hash)
        with self._reading:
            return self.add(parse_polynomial(raw), function_hash, payers)

    def add(
        self,
        function: Polynomial,
        function_hash: Hash32 | None = None,
        payers: Collection[str] = (),
    ) -> Polynomial:
        """Store a function of one's own, or one for `payers` whose hash must be `function_hash`.

        Raises:
            Overloaded: there is no room beside what open jobs need, or none for these payers.
            WrongFunction: its hash differs.
        """
        if function_hash is not None and function.hash != function_hash:
            raise WrongFunction(
                "function hash differs",
                who="function store",
                had=bytes(function.hash).hex(),
                needed=function_hash.hex(),
            )
        path = self._path(function.hash)
        with self._storing:
            if not path.exists():
                raw = function.to_bytes()
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self.bytes_coming = len(raw)  # before the look: what waits leaves it alone then
                try:
                    self._make_room(len(raw), payers)
                    self._write(path, raw)
                finally:
                    self.bytes_coming = 0
        self._remember(function.hash, function)
        return function

    def make_free(self, wanted: int) -> int:
        """Free bytes of the disk; if that helps, what nobody needs has gone for it before."""
        if (free := self.count_free()) >= wanted:
            return free
        with self._storing:
            return self._make_free(wanted)

    def _make_free(self, wanted: int) -> int:
        with self._sparing() as (_, kept):
            gone = {name: stat for name, stat in self._files().items() if name not in kept}
            others = wanted - sum(stat.st_size for stat in gone.values())
            free = self.count_free()
            if free < others and (free := max(free, self._free_more(others))) < others:
                return free
            for name in sorted(gone, key=lambda name: gone[name].st_mtime_ns):
                if free >= wanted:
                    break
                self._remove(name)
                free = self.count_free()
        return free

    def count_free(self) -> int:
        """Free bytes of the disk as it is."""
        return shutil.disk_usage(self._folder).free

    def _asked_for(self, function_hash: Hash32) -> dict[str, int]:
        """Lengths by the payers for whose jobs it was asked for."""
        with self._guard:
            asked = list(self._asked.items())
        return {payer: length for (payer, name), length in asked if name == function_hash}

    def _make_room(self, length: int, payers: Collection[str]) -> None:
        """Remove what was used longest ago and nobody needs, until there is room for one more."""
        self._remove_stale()
        with self._sparing() as (needed, kept):
            files = self._files()
            held = {name: stat.st_size for name, stat in files.items() if name in kept}
            self._check_share(length, payers, needed, held)
            self._remove_oldest(length, files, kept)
        if payers:
            self._check_disk(length)

    def _check_disk(self, length: int) -> None:
        """Law 4: when it was admitted, others came that were not written yet."""
        wanted = self._promised() + length + DISK_RESERVE_BYTES
        free = self._make_free(wanted)
        if free < wanted:
            raise Overloaded(
                "disk is nearly full",
                who="function store",
                had=free,
                needed=f">= {wanted} bytes free",
                remedy="Ask again later.",
            )

    @contextmanager
    def _sparing(self) -> Iterator[tuple[Needed, set[str]]]:
        """What open jobs need, and names of all that stays; `_remove` spares what is used since."""
        with self._guard:
            self._lately_used = set()
            used = set(self._used)
        try:
            # After `used`: what was looked at is there by now, or not needed.
            needed = self._needed()
            yield needed, {_name_of(function_hash) for function_hash in {*needed, *used}}
        finally:
            with self._guard:
                self._lately_used = None

    def _files(self) -> dict[str, os.stat_result]:
        return {path.name: path.stat() for path in self._folder.glob("*.function")}

    def _remove_oldest(
        self, length: int, files: Mapping[str, os.stat_result], kept: Collection[str]
    ) -> None:
        stored, total = len(files), sum(stat.st_size for stat in files.values())
        most = self._most_stored
        for name, stat in sorted(files.items(), key=lambda file: file[1].st_mtime_ns):
            if stored < most and total + length <= MAX_STORED_BYTES:
                return
            if name not in kept and self._remove(name):
                stored, total = stored - 1, total - stat.st_size
        if stored >= most or total + length > MAX_STORED_BYTES:
            raise Overloaded(
                "function store is full of what open jobs need",
                who="function store",
                had=stored,
                needed=f"< {most} functions, {MAX_STORED_BYTES} bytes",
                remedy="Ask again when one of its jobs has ended.",
            )

    def _check_share(
        self, length: int, payers: Collection[str], needed: Needed, held: Mapping[str, int]
    ) -> None:
        """Law 3, for the payer that has least of those for whom the function is.

        With shares as large as what is left, n payers that take all they can leave an (n + 1)-th.
        """
        if not payers:
            return
        left = MAX_STORED_BYTES - sum(held.values()) - length
        left_files = self._most_stored - len(held) - 1
        had = 0
        for payer in payers:
            own = [_name_of(name) for name, whose in needed.items() if payer in whose]
            had = sum(held.get(name, 0) for name in own)
            if had + length <= left and len(own) + 1 <= left_files:
                return
        raise Overloaded(
            "jobs of one payer need as much as is left for the others",
            who="function store",
            had=had + length,
            needed=f"<= {left} bytes, {left_files} functions",
            remedy="Ask again when one of its jobs has ended.",
        )

    def _remove(self, name: str) -> bool:
        """Delete a file, unless somebody looks at it since."""
        with self._guard:
            if name in map(_name_of, self._lately_used or ()):
                return False
            (self._folder / name).unlink(missing_ok=True)
            return True

    def _remove_stale(self) -> None:
        for path in self._folder.iterdir():
            if path.suffix != ".function" and path.stat().st_mtime < time.time() - STALE_S:
                path.unlink(missing_ok=True)

    def _write(self, path: Path, raw: bytes) -> None:
        temporary = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        try:
            with temporary.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Overloaded(
                "no disk for a function", who="function store", had=error.strerror
            ) from error

    def _path(self, function_hash: Hash32) -> Path:
        return self._folder / _name_of(function_hash)

    def _sizes_of(self, function_hash: Hash32) -> Header | None:
        """Of its file, as what is in memory alone would not be kept; None when that is damaged."""
        with contextlib.suppress(FileNotFoundError, MalformedFunction):
            with self._path(function_hash).open("rb") as file:
                header = size_from_header(file.read(HEADER_BYTES))
                length = os.fstat(file.fileno()).st_size
            return header if length == header.total_bytes else None
        return None

    def _recall(self, function_hash: Hash32) -> Polynomial | None:
        """From memory; either way it is used now."""
        with contextlib.suppress(OSError):  # not there, or in a folder that is only read
            os.utime(self._path(function_hash))
        with self._guard:
            known = self._parsed.get(function_hash)
            if known is not None:
                self._parsed.move_to_end(function_hash)
        return known

    def _remember(self, function_hash: Hash32, function: Polynomial) -> None:
        with self._guard:
            for asked in [asked for asked in self._asked if asked[1] == function_hash]:
                del self._asked[asked]
            self._parsed[function_hash] = function
            self._parsed.move_to_end(function_hash)
            held = sum(each.header.total_bytes for each in self._parsed.values())
            while len(self._parsed) > MAX_IN_MEMORY or (
                held > MAX_PARSED_BYTES and len(self._parsed) > 1
            ):
                _, gone = self._parsed.popitem(last=False)
                held -= gone.header.total_bytes


def _name_of(function_hash: Hash32) -> str:
    return f"{bytes(function_hash).hex()}.function"
