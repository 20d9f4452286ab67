"""A headless Chromium that looks at a page: what is too wide, what it complains of, what axe says.

`make test` unpacks it from npm's packages into `.browser`; it is asked by the DevTools protocol
through two pipes, so that no port is open, and it ends when they close.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / ".browser"
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<dir>{fonts}</dir><cachedir>{folder}/fonts</cachedir></fontconfig>"""
# No sandbox, as its user may have no right to one; no word to anybody on the network.
QUIET = (
    *("--headless=shell", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"),
    *("--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
READS, WRITES = 3, 4  # where Chromium looks for its pipes
FREE = 10  # the first place for our ends, clear of both
HEIGHT = 900
LOOKS = (  # width, scheme, and whether axe-core looks too: colours are the same at all widths
    (320, "light", False),
    (390, "dark", True),
    (768, "dark", False),
    (1280, "light", True),
)
# What sticks out of the window, and what scrolls sideways or is cut within it.
TOO_WIDE = """
[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  if (!box.width || e.closest('thead') && innerWidth <= 768) return false;
  const within = !(e instanceof SVGElement) && e.scrollWidth > e.clientWidth + 1
    && getComputedStyle(e).display !== 'inline';
  return within || box.right > innerWidth + 1 || box.left < -1;
}).map(e => e.outerHTML.slice(0, 200))
"""
COMPLAINTS = """
axe.run().then(found => found.violations.flatMap(each => each.nodes.map(
  node => each.id + ': ' + node.html.slice(0, 200) + ' ' + node.failureSummary)))
"""
LOUD = frozenset({"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"})


@dataclass(frozen=True)
class Seen:
    """A page in a window of some width.

    Attributes:
        width: of all of it, in CSS pixels; more than the window's means that it scrolls sideways.
        too_wide: elements that stick out.
        complaints: what axe-core says, contrast among it; empty where it was not asked.
        errors: what the console says.
    """

    width: int
    too_wide: tuple[str, ...]
    complaints: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass
class Browser:
    """One that runs; made by `open_browser`."""

    reads: int
    writes: int
    folder: Path
    asked: int = 0
    rest: bytes = b""
    events: list[dict[str, Any]] = field(default_factory=list)
    session: str = ""

    def look(
        self, page: Path, width: int, *, scheme: str = "light", examined: bool = False
    ) -> Seen:
        """Open a page in a window of this width and look at it, with all its folds open.

        Args:
            page: the file.
            width: CSS pixels.
            scheme: light or dark.
            examined: let axe-core look at it too; takes half a second.
        """
        self._open(page, width, scheme)
        self.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        shown, too_wide = self.evaluate(
            f"[document.documentElement.scrollWidth, {TOO_WIDE.strip()}]"
        )
        complaints: list[str] = []
        if examined:
            self.evaluate(AXE.read_text() + ";0")
            complaints = self.evaluate(COMPLAINTS)
        errors = tuple(json.dumps(each) for each in self.events if each["method"] in LOUD)
        return Seen(shown, tuple(too_wide), tuple(complaints), errors)

    def evaluate(self, script: str) -> Any:
        """The value of a script on the page."""
        said = self._ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def start(self) -> None:
        """Open the one tab that is used."""
        tab = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self._ask("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log"):
            self._ask(f"{part}.enable")

    def _open(self, page: Path, width: int, scheme: str) -> None:
        window = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **window)
        wanted = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", features=wanted)
        self.events.clear()
        said = self._ask("Page.navigate", url=page.resolve().as_uri())
        assert "errorText" not in said, said
        while not any(each["method"] == "Page.loadEventFired" for each in self.events):
            self.events.append(self._hear())

    def _ask(self, method: str, **parameters: object) -> Any:
        self.asked += 1
        words = {"id": self.asked, "method": method, "params": parameters}
        if self.session:
            words["sessionId"] = self.session
        os.write(self.writes, json.dumps(words).encode() + b"\0")
        while (said := self._hear()).get("id") != self.asked:
            self.events.append(said)
        assert "error" not in said, said
        return said["result"]

    def _hear(self) -> Any:
        while b"\0" not in self.rest:
            more = os.read(self.reads, 2**20)
            assert more, f"Chromium ended: {(self.folder / 'said').read_text()[-2000:]}"
            self.rest += more
        said, self.rest = self.rest.split(b"\0", 1)
        return json.loads(said)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser with a home of its own, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="browser-"))
    (folder / "fonts.conf").write_text(FONTS.format(fonts=HERE / "fonts", folder=folder))
    theirs_in, ours_out = _pipe()
    ours_in, theirs_out = _pipe()
    words = [*QUIET, f"--user-data-dir={folder / 'profile'}"]
    child = _spawn(find_program(), words, folder, theirs_in, theirs_out)
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        browser = Browser(ours_in, ours_out, folder)
        browser.start()
        yield browser
    finally:
        os.close(ours_in)
        os.close(ours_out)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        shutil.rmtree(folder, ignore_errors=True)


def find_program() -> str:
    """Npm's Chromium is for x86_64; elsewhere the one on the caller's PATH."""
    own = str(HERE / "chromium")
    program = own if os.uname().machine == "x86_64" else shutil.which("chromium") or own
    assert Path(program).is_file(), f"{program} is missing: `make .browser/.ready` unpacks it"
    return program


def _pipe() -> tuple[int, int]:
    """Both ends of a pipe, clear of where Chromium wants its own."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, FREE) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


def _spawn(program: str, words: Sequence[str], folder: Path, reads: int, writes: int) -> int:
    environment = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "TMPDIR": str(folder),
        "LD_LIBRARY_PATH": str(HERE / "lib"),
        "FONTCONFIG_FILE": str(folder / "fonts.conf"),
    }
    said = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.posix_spawn(
        program,
        [program, *words],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, reads, READS),
            (os.POSIX_SPAWN_DUP2, writes, WRITES),
            (os.POSIX_SPAWN_OPEN, 2, str(folder / "said"), said, 0o600),
        ],
    )


def check_look(browser: Browser, page: Path) -> None:
    """A page of ours on telephones, tablet and desk, by day and by night, with every fold open."""
    for width, scheme, examined in LOOKS:
        seen = browser.look(page, width, scheme=scheme, examined=examined)
        assert seen == Seen(width, (), (), ()), f"{width} pixels, {scheme}: {seen}"
