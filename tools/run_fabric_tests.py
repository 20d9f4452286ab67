"""`make test-fabric`: every test that is marked `fabric`, on a network of Fabric's own programs.

Elsewhere they are not selected: whoever has no such programs loses nothing that `make test` shows.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.network.programs import find_programs

ROOT = Path(__file__).resolve().parents[1]
VARIABLE = "EDGEMARK_TEST_FABRIC"  # read by tests/conftest.py
MARKS = re.compile(r"mark[.]fabric")
TEST_LIMIT_S = 300  # of one that hangs


def find_tests() -> list[str]:
    """Files in which a test may have the marker: the others need not be imported.

    Those are the files that name it, and all below a `conftest.py` that does.
    """
    tests = ROOT / "tests"
    shared = {
        path.parent for path in tests.rglob("conftest.py") if MARKS.search(path.read_text())
    } - {tests}
    return sorted(
        str(path.relative_to(ROOT))
        for path in tests.rglob("test_*.py")
        if MARKS.search(path.read_text()) or shared.intersection(path.parents)
    )


def main() -> int:
    """Run them; 2 where Fabric's programs are not there."""
    try:
        programs = find_programs()
    except EdgemarkError as missing:
        print(f"test-fabric: {missing}", file=sys.stderr)
        return 2
    print(f"Fabric {programs.version} of {programs.paths['peer'].parent}", flush=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:ape_test", "-n", "0", "-m", "fabric"]
    command += ["-o", f"faulthandler_timeout={TEST_LIMIT_S}", "--durations", "10", *find_tests()]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, VARIABLE: "1"}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
