"""Fabric's own programs: found in `$FABRIC_BIN` or on PATH, and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.ledger.launching.program import ToolMissing

VARIABLE = "FABRIC_BIN"
NEEDED = ("peer", "orderer", "configtxgen", "cryptogen", "osnadmin")
OLDEST = (2, 5)  # whose peers have a Gateway, and whose orderers need no system channel
FIRST_WITH_BFT = (3, 0)
LIMIT_S = 60.0
LAST_WORDS = 600  # characters
VERSION = re.compile(r"Version: v?((\d+)\.(\d+)[^\s]*)")
OWN_VARIABLES = ("CORE_", "ORDERER_", "CONFIGTX_", "FABRIC_")  # they would overrule our settings
LOG_FORMAT = "%{time:2006-01-02T15:04:05.000Z07:00} %{level:.4s} %{module} %{message}"
REMEDY = (
    "Install Fabric's programs as its users do (its documentation, Getting Started: "
    f"`./install-fabric.sh binary`), and set {VARIABLE} to their folder, or put it on PATH."
)


class ProgramFailed(Unrecoverable):
    """One of Fabric's programs said no."""


@dataclass(frozen=True)
class FabricPrograms:
    """Where Fabric's programs are.

    Attributes:
        paths: of each of `NEEDED`, absolute.
        version: of the peer, as it says.
        number: major and minor of it.
    """

    paths: Mapping[str, Path]
    version: str
    number: tuple[int, int]

    @property
    def has_bft(self) -> bool:
        """Whether it orders by BFT too."""
        return self.number >= FIRST_WITH_BFT

    def run(
        self,
        name: str,
        *words: str | Path,
        settings: Path,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run one that ends by itself.

        Args:
            name: one of `NEEDED`.
            words: its arguments.
            settings: folder in which it looks for its settings.
            environment: what it gets beside this process's.

        Returns:
            What it printed.

        Raises:
            ProgramFailed: it failed, or did not end in time; with its last words.
        """
        command = [str(self.paths[name]), *map(str, words)]
        try:
            done = subprocess.run(  # noqa: S603 - the user's own program, our own arguments
                command,
                env={**plain_environment(settings), **(environment or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ProgramFailed(f"did not end within {LIMIT_S} s", who=name, had=words) from error
        if done.returncode:
            said = " | ".join((done.stderr + done.stdout).split("\n")).strip()[-LAST_WORDS:]
            raise ProgramFailed("failed", who=f"{name} {' '.join(map(str, words[:2]))}", had=said)
        return done.stdout


def plain_environment(settings: Path) -> dict[str, str]:
    """This process's environment without what would overrule settings of Fabric."""
    own = {name: text for name, text in os.environ.items() if not name.startswith(OWN_VARIABLES)}
    return {
        **own,
        "FABRIC_CFG_PATH": str(settings),
        "FABRIC_LOGGING_SPEC": "info:grpc=error",
        "FABRIC_LOGGING_FORMAT": LOG_FORMAT,
    }


def find_programs(environment: Mapping[str, str] | None = None) -> FabricPrograms:
    """Fabric's programs on this machine.

    Args:
        environment: that names them; this process's when None.

    Raises:
        ToolMissing: some are nowhere: which, and how they are installed.
        RefusedInput: they are too old, or do not say which they are.
    """
    told = os.environ if environment is None else environment
    places = [told[VARIABLE]] if told.get(VARIABLE) else []
    path = os.pathsep.join([*places, told.get("PATH", "")])
    found = {name: shutil.which(name, path=path) for name in NEEDED}
    missing = [name for name, place in found.items() if place is None]
    if missing:
        raise ToolMissing(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            who="Hyperledger Fabric",
            had=f"{VARIABLE}={told.get(VARIABLE, '')}",
            needed=f"the programs {', '.join(NEEDED)} in ${VARIABLE} or on PATH",
            remedy=REMEDY,
        )
    paths = {name: Path(place).absolute() for name, place in found.items() if place is not None}
    version, number = read_version(_ask_version([str(paths["peer"]), "version"]))
    return FabricPrograms(paths, version, number)


def read_version(text: str) -> tuple[str, tuple[int, int]]:
    """What a peer says which it is; and major and minor as numbers.

    Raises:
        RefusedInput: it says nothing of that, or it is too old.
    """
    found = VERSION.search(text)
    if found is None:
        raise RefusedInput("says no version", who="peer", had=text[:200], remedy=REMEDY)
    number = (int(found[2]), int(found[3]))
    if number < OLDEST:
        needed = f">= {OLDEST[0]}.{OLDEST[1]}"
        raise RefusedInput("is too old", who="peer", had=found[1], needed=needed, remedy=REMEDY)
    return found[1], number


def _ask_version(command: Sequence[str]) -> str:
    try:
        return subprocess.run(  # noqa: S603 - the user's own program
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolMissing("does not run here", who=command[0], had=str(error)[:200]) from error
