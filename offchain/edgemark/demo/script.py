"""What an actor is to do wrong, and in which matters: a file in its home, read whenever it acts.

`script.json` is {matter in hex: deed}; "any" stands for every matter that is not named. What the
deeds are is the system's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

SCRIPT_FILE = "script.json"
ANY = "any"
Matter = TypeVar("Matter", bound=bytes)


def write_script(home: Path, deeds: Mapping[Matter, str], otherwise: str | None = None) -> None:
    """Tell the actor of this home folder what to do in which matters, and in all others."""
    script = {matter.hex(): deed for matter, deed in deeds.items()}
    if otherwise is not None:
        script[ANY] = otherwise
    temporary = home / f"{SCRIPT_FILE}.new"
    temporary.write_text(json.dumps(script))
    temporary.replace(home / SCRIPT_FILE)


def read_script(home: Path) -> dict[bytes, str]:
    """The deeds of the matters that are named; none without a script."""
    script = _load(home)
    return {bytes.fromhex(name): deed for name, deed in script.items() if name != ANY}


def find_deed(home: Path, matter: bytes) -> str | None:
    """What the actor of this home folder is to do in a matter; None: what it should."""
    script = _load(home)
    return script.get(matter.hex(), script.get(ANY))


def _load(home: Path) -> dict[str, str]:
    path = home / SCRIPT_FILE
    script: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return script
