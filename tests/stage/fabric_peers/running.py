"""Starts other people's clients and chaincode of Fabric, each a process of its own.

`make test` installs them: npm's into `.fabric-peers`, fabric-sdk-py into `.venv-hfc`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
NPM, HFC = ROOT / ".fabric-peers", ROOT / ".venv-hfc" / "bin" / "python"
LIMIT_S = 60.0
QUIET = {"CORE_CHAINCODE_LOGGING_LEVEL": "error", "CORE_CHAINCODE_LOGGING_SHIM": "error"}
CHAINCODES = {
    "npm": ("node", str(HERE / "node_chaincode.cjs")),
    "PyPI": (sys.executable, str(HERE / "python_chaincode.py")),
}


def ask_gateway_client(facts: Mapping[str, object], calls: Sequence[object]) -> list[Any]:
    """What npm's `@hyperledger/fabric-gateway` answers; `gateway_client.cjs` says the facts."""
    words = ["node", str(HERE / "gateway_client.cjs"), json.dumps({**facts, "calls": calls})]
    return _answers(words)


def ask_hfc(facts: Mapping[str, object], calls: Sequence[object], folder: Path) -> list[Any]:
    """What fabric-sdk-py answers; `hfc_client.py` says the facts.

    Args:
        facts: where and as whom.
        calls: what to ask.
        folder: where it may leave what it keeps.
    """
    check_installed()
    words = [str(HFC), str(HERE / "hfc_client.py"), json.dumps({**facts, "calls": calls})]
    return _answers(words, folder)


@contextmanager
def chaincode_processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """A list for `start_chaincode`; all that stand in it are ended."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def start_chaincode(
    kind: str, package_id: str, address: str, started: list[subprocess.Popen[bytes]]
) -> None:
    """Start a chaincode of one of `CHAINCODES`; it listens in its own time."""
    check_installed()
    words = [*CHAINCODES[kind], package_id, address]
    environment = {**os.environ, "FABRIC_PEERS": str(NPM), **QUIET}
    quiet = subprocess.DEVNULL
    started.append(subprocess.Popen(words, env=environment, stdin=quiet, stdout=quiet))


def check_installed() -> None:
    """Fail where `make test` has not installed them."""
    missing = [str(path) for path in (NPM / "node_modules", HFC) if not path.exists()]
    assert not missing, f"run `make .fabric-peers/.ready .venv-hfc/.ready`: {missing}"


def _answers(words: Sequence[str], folder: Path | None = None) -> list[Any]:
    check_installed()
    environment = {**os.environ, "FABRIC_PEERS": str(NPM)}
    # gRPC's own C library takes a proxy for every address, of this machine too.
    environment = {k: v for k, v in environment.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run(
        words,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
