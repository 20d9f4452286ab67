"""The process that keeps a network for development: `python -m`, by `network_up` alone.

It says one JSON value a line: `{"doing": WORDS}`, and at last `{"done": FACTS}` or
`{"refused": ERROR}`. Until it is done it ends with who started it; then it is let go, and stays
until it is ended, or until its chain is. A server that is killed is left dead: whoever did that may
want to see what happens, and can start it again from its home.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from edgemark.demo.evm.network import FAMILIES, MARK, Network, Wanted, clear
from edgemark.demo.evm.stage import EvmStage
from edgemark.errors import EdgemarkError
from edgemark.files import hold_lock
from edgemark.ledger.evm.development.keeping import note_keeper
from edgemark.ledger.evm.development.launching import (
    DEFAULT_BLOCK_TIME_S,
    DEFAULT_PORT,
    note_chain,
)
from edgemark.ledger.evm.development.node import ChainOptions
from edgemark.logs import configure_logs
from edgemark.process import untether

LOOK_S = 0.5
FAILED, INTERRUPTED = 1, 130


def say(**what: object) -> None:
    """To who started this process."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def keep(wanted: Wanted) -> None:
    """Bring everybody up, tell of it, and stay until the end of this process or of the chain."""
    clear(wanted)
    note_keeper(wanted.chain_folder, {})
    wanted.folder.mkdir(parents=True)
    (wanted.folder / MARK).touch()
    network = wanted.load()
    port = DEFAULT_PORT if wanted.port is None else wanted.port
    block_time_s = wanted.block_time_s or DEFAULT_BLOCK_TIME_S
    options = ChainOptions(port, block_time_s=None)  # at once while the stage is set
    with network.draft(
        wanted.folder,
        wanted.servers,
        chain_kind=wanted.kind,
        chain_options=options,
        own_chain_folder=wanted.chain_folder,
        block_time_s=block_time_s,
    ) as stage:
        say(doing="chain, contracts, providers")
        stage.set()
        say(doing=f"{network.describe(stage)} register")
        stage.raise_curtain()
        told = describe(wanted, stage, network)
        facts = {"block_time_s": block_time_s, "with": wanted.company}
        note_chain(wanted.chain_folder, stage.node, facts)
        note_keeper(wanted.chain_folder, {"told": told})
        be_let_go(told)
        while stage.node.is_running:
            time.sleep(LOOK_S)
            for actor in stage.actors:
                _ = actor.runs  # who was killed is no zombie for longer than that


def be_let_go(told: Mapping[str, Any]) -> None:
    """Live on without who started this process; when that has ended already, the word is lost.

    Raises:
        BrokenPipeError: nobody is there to hear it, or to end this process.
    """
    untether()
    say(done=told)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def describe(wanted: Wanted, stage: EvmStage, network: Network[EvmStage]) -> dict[str, Any]:
    """What there is, as `network_up` answers it."""
    guest = stage.guests[0]
    for name in stage.guests:
        stage.write_guest_home(name)
    return {
        "url": stage.url,
        "pid": os.getpid(),
        "chain": wanted.kind,
        "servers": network.describe(stage),
        "network": str(stage.folder),
        "device": str(stage.folder / guest),
        "manifest": str(stage.folder / "deployment.json"),
        "commands": [list(words) for words in network.furnish(stage)],
    }


def main(words: Sequence[str]) -> int:
    """Keep the network of the command line; the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):  # what began in the background ignores the first
        signal.signal(number, signal.default_int_handler)
    configure_logs("error")
    wanted = Wanted.from_words(words)
    wanted.chain_folder.mkdir(parents=True, exist_ok=True)
    try:
        hold_lock(wanted.chain_folder / "keeper")  # until this process ends
        keep(wanted)
    except KeyboardInterrupt:
        return INTERRUPTED
    except EdgemarkError as error:
        family = next((n for n, kind in FAMILIES.items() if isinstance(error, kind)), None)
        say(refused={**error.as_dict(), "family": family})
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
