"""Functions held by content: F is stored once, under H(F), for all jobs that name it."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgemark.crypto.polynomial import Polynomial, parse_polynomial
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.outsourcing.steps.compute import WrongFunction

MAX_STORED = 256  # functions on disk
MAX_IN_MEMORY = 8  # parsed functions, most recently used
MAX_ASKED = 256  # hashes that a caller may upload


class FunctionStore:
    """A folder of functions.

    Only a function that was asked for is stored, so that strangers cannot fill the disk.

    Args:
        folder: made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._parsed: OrderedDict[Hash32, Polynomial] = OrderedDict()
        self._asked: OrderedDict[Hash32, None] = OrderedDict()
        self._guard = threading.Lock()
        self._handing: dict[str, threading.Lock] = {}
        self.bytes_given = 0

    @contextmanager
    def handing_to(self, server: str) -> Iterator[None]:
        """Hold this while talking to a server about a function, so that it is sent once."""
        with self._guard:
            turn = self._handing.setdefault(server, threading.Lock())
        with turn:
            yield

    def note_given(self, count: int) -> None:
        """Count bytes of functions that were sent to others."""
        with self._guard:
            self.bytes_given += count

    def find(self, function_hash: Hash32) -> Polynomial | None:
        """The function with this hash, when it is held."""
        with self._guard:
            known = self._parsed.get(function_hash)
            if known is not None:
                self._parsed.move_to_end(function_hash)
                return known
        path = self._path(function_hash)
        if not path.exists():
            return None
        function = parse_polynomial(path.read_bytes())
        self._remember(function_hash, function)
        return function

    def ask_for(self, function_hash: Hash32) -> None:
        """Allow the upload of this function."""
        with self._guard:
            self._asked[function_hash] = None
            while len(self._asked) > MAX_ASKED:
                self._asked.popitem(last=False)

    def put(self, function_hash: Hash32, raw: bytes) -> Polynomial:
        """Store an uploaded function that was asked for.

        Raises:
            RefusedInput: not asked for, or the store is full.
            WrongFunction: its hash differs. MalformedFunction: it is none.
        """
        with self._guard:
            asked = function_hash in self._asked
        if not asked and not self._path(function_hash).exists():
            raise RefusedInput(
                "function was not asked for",
                who="function store",
                had=function_hash.hex(),
                remedy="Send an offer or evidence that names it first.",
            )
        return self.add(parse_polynomial(raw), function_hash)

    def add(self, function: Polynomial, function_hash: Hash32 | None = None) -> Polynomial:
        """Store a function of one's own, or one whose hash must be `function_hash`."""
        if function_hash is not None and function.hash != function_hash:
            raise WrongFunction(
                "function hash differs",
                who="function store",
                had=bytes(function.hash).hex(),
                needed=function_hash.hex(),
            )
        path = self._path(function.hash)
        if not path.exists():
            stored = sum(1 for _ in self._folder.glob("*.function"))
            if stored >= MAX_STORED:
                raise RefusedInput(
                    "function store is full",
                    who=self._folder,
                    had=stored,
                    needed=f"< {MAX_STORED}",
                    remedy="Delete functions that no open job names.",
                )
            self._write(path, function.to_bytes())
        self._remember(function.hash, function)
        return function

    def _write(self, path: Path, raw: bytes) -> None:
        temporary = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        with temporary.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def _path(self, function_hash: Hash32) -> Path:
        return self._folder / f"{bytes(function_hash).hex()}.function"

    def _remember(self, function_hash: Hash32, function: Polynomial) -> None:
        with self._guard:
            self._asked.pop(function_hash, None)
            self._parsed[function_hash] = function
            while len(self._parsed) > MAX_IN_MEMORY:
                self._parsed.popitem(last=False)
