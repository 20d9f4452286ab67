"""Functions held by content: F is stored once, under H(F), for all jobs that name it.

Law 1: a function comes in only after it was asked for, with the length that its job's terms say.
Law 2: the folder is bounded in files and bytes. For one more, those go that were used longest ago;
       what open jobs need stays. So nobody can fill it for good, and nothing needed is lost.
Law 3: so are the functions in memory; of those that are read, one at a time.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgemark.crypto.polynomial import Polynomial, parse_polynomial
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.outsourcing.steps.compute import WrongFunction

MAX_STORED = 256  # functions on disk
MAX_STORED_BYTES = 2 * 2**30
MAX_IN_MEMORY = 8  # parsed functions, most recently used
MAX_PARSED_BYTES = 128 * 2**20  # of them together; the latest stays, however large
MAX_ASKED = 256  # hashes that a caller may upload
MAX_HANDING = 256  # servers that functions are handed to
STALE_S = 3600.0  # after so long, what a process left half-written is nobody's any more


class FunctionStore:
    """A folder of functions.

    Args:
        folder: made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._parsed: OrderedDict[Hash32, Polynomial] = OrderedDict()
        self._asked: OrderedDict[Hash32, int] = OrderedDict()
        self._needed: Callable[[], Collection[Hash32]] = tuple
        self._guard = threading.Lock()
        self._reading = threading.Lock()
        self._storing = threading.Lock()
        self._handing: dict[str, threading.Lock] = {}
        self.bytes_given = 0

    def keep(self, needed: Callable[[], Collection[Hash32]]) -> None:
        """Let what `needed` names stay, whatever comes."""
        self._needed = needed

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

    def find(self, function_hash: Hash32) -> Polynomial | None:
        """The function with this hash, when it is held."""
        known = self._recall(function_hash)
        if known is not None:
            return known
        with self._reading:  # whoever waited here finds it in memory now
            known = self._recall(function_hash)
            if known is not None:
                return known
            try:
                raw = self._path(function_hash).read_bytes()
            except FileNotFoundError:
                return None
            function = parse_polynomial(raw)
            self._remember(function_hash, function)
        return function

    def ask_for(self, function_hash: Hash32, length: int) -> None:
        """Allow the upload of this function, of so many bytes."""
        with self._guard:
            self._asked[function_hash] = length
            self._asked.move_to_end(function_hash)
            while len(self._asked) > MAX_ASKED:
                self._asked.popitem(last=False)

    def awaited_bytes(self, function_hash: Hash32) -> int:
        """Length of a function that may be uploaded.

        Raises:
            RefusedInput: not asked for.
        """
        with self._guard:
            length = self._asked.get(function_hash)
        if length is None:
            raise RefusedInput(
                "function was not asked for",
                who="function store",
                had=function_hash.hex(),
                remedy="Send an offer or evidence that names it first.",
            )
        return length

    def put(self, function_hash: Hash32, raw: bytes) -> Polynomial:
        """Store an uploaded function that was asked for.

        Raises:
            RefusedInput: not asked for. Overloaded: no room.
            WrongFunction: its hash differs. MalformedFunction: it is none.
        """
        held = self.find(function_hash)
        if held is not None:  # somebody else's upload of the same came first
            return held
        self.awaited_bytes(function_hash)
        with self._reading:
            return self.add(parse_polynomial(raw), function_hash)

    def add(self, function: Polynomial, function_hash: Hash32 | None = None) -> Polynomial:
        """Store a function of one's own, or one whose hash must be `function_hash`.

        Raises:
            Overloaded: there is no room beside what open jobs need.
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
                self._make_room(len(raw))
                self._write(path, raw)
        self._remember(function.hash, function)
        return function

    def _make_room(self, length: int) -> None:
        """Remove what was used longest ago and nobody needs, until there is room for one more."""
        self._remove_stale()
        needed = {f"{bytes(function_hash).hex()}.function" for function_hash in self._needed()}
        files = [(path, path.stat()) for path in self._folder.glob("*.function")]
        stored, total = len(files), sum(stat.st_size for _, stat in files)
        files = [file for file in files if file[0].name not in needed]
        for path, stat in sorted(files, key=lambda file: file[1].st_mtime_ns):
            if stored < MAX_STORED and total + length <= MAX_STORED_BYTES:
                break
            path.unlink(missing_ok=True)
            stored, total = stored - 1, total - stat.st_size
        if stored >= MAX_STORED or total + length > MAX_STORED_BYTES:
            raise Overloaded(
                "function store is full of what open jobs need",
                who="function store",
                had=stored,
                needed=f"< {MAX_STORED} functions, {MAX_STORED_BYTES} bytes",
                remedy="Ask again when one of its jobs has ended.",
            )

    def _remove_stale(self) -> None:
        before = time.time() - STALE_S
        for path in self._folder.iterdir():
            if path.suffix != ".function" and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def _write(self, path: Path, raw: bytes) -> None:
        temporary = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        with temporary.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def _path(self, function_hash: Hash32) -> Path:
        return self._folder / f"{bytes(function_hash).hex()}.function"

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
            self._asked.pop(function_hash, None)
            self._parsed[function_hash] = function
            self._parsed.move_to_end(function_hash)
            held = sum(each.header.total_bytes for each in self._parsed.values())
            while len(self._parsed) > MAX_IN_MEMORY or (
                held > MAX_PARSED_BYTES and len(self._parsed) > 1
            ):
                _, gone = self._parsed.popitem(last=False)
                held -= gone.header.total_bytes
