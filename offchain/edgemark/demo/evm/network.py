"""A network for development that stays: chain, contracts, servers and a user's home, until its end.

One process, the keeper, sets the stage of a system and has everybody on it for children. It begins
as a child of the command that asks for it, and ends with that; once everybody is there it is let
go, and stays. Whatever ends the keeper, also `kill -9`, ends the chain and the servers (`tether`),
as it is with a demonstration. What they wrote stays for looking, until the next network there.

| in the home       |                                                                         |
|-------------------|-------------------------------------------------------------------------|
| `chain/`          | note, log and faucet of the chain, note and log of the keeper           |
| `network/`        | a home for each server, its provider and the user, and the manifest     |
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from edgemark.demo.evm.stage import EvmStage
from edgemark.errors import (
    EdgemarkError,
    LedgerUnavailable,
    PeerFault,
    RefusedInput,
    Unrecoverable,
)
from edgemark.ledger.evm.development.keeping import Keeper, find_keeper
from edgemark.ledger.evm.development.launching import (
    STOP_FIRST,
    chain_down,
    chain_status,
    check_wished,
)
from edgemark.process import tether
from edgemark.settings.loading import without_settings

CHAIN, NETWORK = "chain", "network"  # folders of a home
MARK = ".made-by-chain-up"  # in a folder that may be removed
KEEPING = "edgemark.demo.evm.keeper"  # what `python -m` runs
CLEARING_S = 20.0  # who was killed a moment ago may still write
LAST_WORDS = 600  # characters of the log of a keeper that ended
S = TypeVar("S", bound=EvmStage)
FAMILIES = {each.__name__: each for each in (RefusedInput, PeerFault, LedgerUnavailable)}


class Network(Protocol[S]):
    """What a system brings up for development: its stage, and what a user does there first."""

    def draft(self, folder: Path, servers: int, **of_the_stage: Any) -> S:
        """A stage in this folder with so many servers of the kind that users look for."""

    def describe(self, stage: S) -> str:
        """Who is there, in a few words: "2 ferries"."""

    def furnish(self, stage: S) -> Sequence[Sequence[str]]:
        """Write what a first try needs into the user's home; what to type there, word by word.

        The stage is set; each command is told without its first word, `edgemark`.
        """


@dataclass(frozen=True)
class Wanted:
    """What network somebody asks for.

    Args:
        place: `module:variable` of a `Network`.
        name: of the servers that are counted, "ferries".
        servers: how many.
        home: folder of the chain and everybody.
        kind: of the chain.
        port: of the chain; 0 for a free one, None for the usual one or as it runs.
        block_time_s: seconds between blocks; None for the usual, or as it runs.
    """

    place: str
    name: str
    servers: int
    home: Path
    kind: str
    port: int | None = None
    block_time_s: int | None = None

    @property
    def chain_folder(self) -> Path:
        """Of the chain and the keeper."""
        return self.home / CHAIN

    @property
    def folder(self) -> Path:
        """Of the stage."""
        return self.home / NETWORK

    @property
    def log(self) -> Path:
        """What the keeper says that nobody asked for."""
        return self.chain_folder / "keeper.log"

    @property
    def company(self) -> str:
        """What is noted of who is there."""
        return f"{self.name} {self.servers}"

    def load(self) -> Network[EvmStage]:
        """The system's part."""
        module, _, variable = self.place.partition(":")
        network: Network[EvmStage] = getattr(import_module(module), variable)
        return network

    def as_words(self) -> list[str]:
        """For the command line of the keeper."""
        return [json.dumps({**asdict(self), "home": str(self.home)})]

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Of the command line."""
        (text,) = words
        facts = json.loads(text)
        return cls(**{**facts, "home": Path(facts["home"])})


def network_up(wanted: Wanted, tell: Callable[[str], None]) -> Mapping[str, Any]:
    """Bring a network up, to stay when this process ends; or find it running.

    Args:
        wanted: what network.
        tell: told what is being done.

    Returns:
        What there is: `keeper`, `url`, `chain`, `servers`, `device`, `manifest`, `commands`.

    Raises:
        RefusedInput: another one, or a chain alone, runs there; something else is in its folder;
            what bringing it up refuses.
        EdgemarkError: what else bringing it up says.
    """
    keeper = find_keeper(wanted.chain_folder)
    if keeper is not None and keeper.is_running:
        return find_again(wanted, keeper)
    if keeper is None and (alone := chain_status(wanted.chain_folder)) is not None:
        raise RefusedInput(
            "chain of this folder runs already, and alone",
            who=alone.url,
            needed=f"a chain with {wanted.name}",
            remedy=STOP_FIRST,
        )
    return start_keeper(wanted, tell)


def find_again(wanted: Wanted, keeper: Keeper) -> Mapping[str, Any]:
    """What a keeper that runs has told, if it keeps what is wanted.

    Raises:
        RefusedInput: it keeps something else, or is not done yet.
    """
    told = keeper.done()
    wished = {"port": wanted.port or None, "block_time_s": wanted.block_time_s}
    check_wished(wanted.chain_folder, {**wished, "kind": wanted.kind, "with": wanted.company})
    return told


def clear(wanted: Wanted) -> None:
    """Remove what a network of before left, which is of a chain that is gone.

    Raises:
        RefusedInput: what is in its folder was not made here, or does not go away.
    """
    chain_down(wanted.chain_folder)  # of a keeper that was killed a moment ago
    folder = wanted.folder
    if not folder.exists():
        return
    if folder.is_symlink() or not (folder / MARK).is_file():
        raise RefusedInput(
            "is no network that `chain up` made",
            who=folder,
            needed="nothing there",
            remedy="Move it away, or use another home folder.",
        )
    deadline = time.monotonic() + CLEARING_S
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
        if time.monotonic() > deadline:
            raise RefusedInput("cannot be removed", who=folder, remedy="Remove it by hand.")
        time.sleep(0.05)


def start_keeper(wanted: Wanted, tell: Callable[[str], None]) -> Mapping[str, Any]:
    """Start a keeper, and wait until it has told what there is; raises as `network_up`."""
    wanted.chain_folder.mkdir(parents=True, exist_ok=True)
    with wanted.log.open("wb") as log:
        keeper = subprocess.Popen(  # noqa: S603 - our own program
            tether([sys.executable, "-m", KEEPING, *wanted.as_words()]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=without_settings(os.environ),
            start_new_session=True,  # Ctrl-C at the terminal is for who asks, and later for others
        )
    try:
        told = hear(keeper, tell)
        if told is None:
            raise Unrecoverable(
                "ended before everybody was there",
                who="keeper of the network",
                had=wanted.log.read_text(errors="replace")[-LAST_WORDS:].strip() or None,
                remedy=f"See {wanted.log}, and the logs in {wanted.folder}.",
            )
        return told
    except BaseException:
        keeper.terminate()
        keeper.wait()
        raise
    finally:
        if keeper.stdout is not None:
            keeper.stdout.close()


def hear(keeper: subprocess.Popen[bytes], tell: Callable[[str], None]) -> Mapping[str, Any] | None:
    """Listen to a keeper until it is done; what there is, or None when it ended without a word.

    Raises:
        EdgemarkError: what it could not do.
    """
    for line in keeper.stdout or ():
        said = json.loads(line)
        if "done" in said:
            done: dict[str, Any] = said["done"]
            return done
        if "refused" in said:
            raise error_of(said["refused"])
        tell(said["doing"])
    return None


def error_of(facts: Mapping[str, Any]) -> EdgemarkError:
    """An error that the keeper wrote down, of its family."""
    kind = type(facts["error"], (FAMILIES.get(facts["family"], Unrecoverable),), {})
    parts = {name: facts[name] for name in ("who", "had", "needed")}
    error: EdgemarkError = kind(facts["what"], **parts, remedy=facts["remedy"] or "")
    return error
