"""Have ape keep what it makes in the checkout, whoever starts it and from wherever.

    python tools/bind_ape.py

Writes a line into the checkout's Python environment that runs when its interpreter starts. ape and
py-solc-x then find accounts, compiler and everything else in the checkout instead of the home
folder, unless the caller's environment says otherwise. A command of ape also gets a folder of the
checkout for what is temporary: in a project below the system's one it takes its own copies of
OpenZeppelin for contracts of the project.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "edgemark-checkout.pth"


def line_for(root: Path) -> str:
    """What the interpreter runs, in one line, as it has to be."""
    kept = {"APE_DATA_FOLDER": f"{root / '.ape'}", "SOLCX_BINARY_PATH": f"{root / '.solcx'}"}
    scratch = f"{root / '.cache' / 'tmp'}"
    return (
        f"import os, sys; [os.environ.setdefault(*each) for each in {kept!r}.items()];"
        " os.path.basename((sys.argv or ["
        "])[0]) == 'ape'"
        f" and (os.makedirs({scratch!r}, exist_ok=True),"
        f" os.environ.__setitem__('TMPDIR', {scratch!r}))\n"
    )


if __name__ == "__main__":
    Path(sysconfig.get_path("purelib"), NAME).write_text(line_for(ROOT), encoding="utf-8")
