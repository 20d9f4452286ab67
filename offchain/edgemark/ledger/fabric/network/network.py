"""The network of a folder: its nodes started, found again, ended.

`network.json` in the folder says which network it is, and which processes are its nodes; it is
written as each of them starts, so none is ever lost. A network that is down keeps certificates and
blocks, and goes on from there; one whose making was interrupted is made anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from edgemark.closing import Closing
from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.ledger.fabric.network.health import is_healthy, is_ready, names_leader
from edgemark.ledger.fabric.network.joining import join_orderer, join_peer
from edgemark.ledger.fabric.network.plan import BFT, OrdererPlace, PeerPlace, Places, Plan
from edgemark.ledger.fabric.network.programs import (
    FabricPrograms,
    find_programs,
    plain_environment,
)
from edgemark.ledger.fabric.network.writing import (
    LOGS,
    data_of,
    first_block,
    remove_network_files,
    settings_of,
    write_network,
    write_profiles,
)
from edgemark.ledger.launching.notes import BY_HAND, NoteDamaged, read_note, write_note
from edgemark.ledger.launching.ports import check_port_free
from edgemark.ledger.launching.program import Program
from edgemark.ledger.launching.turns import in_turn

NOTE = "network.json"
START_S = 60.0  # until a silent node counts as failed; each needs about one, alone
LEADER_S = 60.0
LOOK_S = 0.1
TURN_S = 180.0  # until others are done: a large network needs a minute and more
RESET_FIRST = "End and remove it first (`edgemark fabric down --remove`), or use another home."


@dataclass
class FabricNetwork(Closing):
    """A network of a folder. Use as a context manager: leaving ends it.

    Attributes:
        folder: its files.
        plan: what network it is.
        places: its nodes.
        programs: process of each node that was started, by its name.
        is_joined: whether everybody takes part in the channels.
    """

    folder: Path
    plan: Plan
    places: Places
    programs: dict[str, Program] = field(default_factory=dict)
    is_joined: bool = False

    @property
    def is_running(self) -> bool:
        """Whether any of its nodes runs."""
        return any(each.is_running for each in self.programs.values())

    def status(self) -> dict[str, str]:
        """Of each node: `healthy`, `ill`, `silent` or `ended`."""
        return {place.name: self._status_of(place) for place in self.places}

    def settings_of(self, place: OrdererPlace | PeerPlace) -> Path:
        """Folder with the settings of a node, `FABRIC_CFG_PATH`."""
        return settings_of(self.folder, place)

    def close(self) -> None:
        """End every node, letting it save its state; does nothing when all have ended."""
        with ThreadPoolExecutor(max_workers=max(1, len(self.programs))) as pool:
            for program in self.programs.values():
                pool.submit(program.close)

    def _status_of(self, place: OrdererPlace | PeerPlace) -> str:
        program = self.programs.get(place.name)
        if program is None or not program.is_running:
            return "ended"
        try:
            return "healthy" if is_healthy(place) else "ill"
        except LedgerUnavailable:
            return "silent"

    def start(self, found: FabricPrograms, *, stays: bool) -> None:
        """Start every node that does not run, wait until all answer, and let them join.

        Raises:
            PortInUse: something else listens where one should.
            ProgramFailed, ProgramDied: one of Fabric's programs said no, with its last words.
        """
        missing = [place for place in self.places if self._status_of(place) == "ended"]
        for place in missing:
            for port in (place.port, place.own_port, place.operations_port):
                check_port_free(port)
        for place in missing:
            self._start_node(found, place, stays=stays)
        for place in self.places:
            self.programs[place.name].wait_until_ready(partial(is_ready, place), START_S)
        if not self.is_joined:
            self._join(found)
        self._wait_for_leaders()
        write_profiles(self.folder, self.places, self.plan.channels)
        if not self.is_joined:
            self.is_joined = True
            self.note()

    def note(self) -> None:
        """Write down how to find it."""
        facts = {
            "plan": self.plan.as_facts(),
            "ports": [
                port
                for place in self.places
                for port in (place.port, place.own_port, place.operations_port)
            ],
            "is_joined": self.is_joined,
            "programs": {name: program.facts for name, program in self.programs.items()},
        }
        write_note(self.folder / NOTE, facts)

    def _start_node(
        self, found: FabricPrograms, place: OrdererPlace | PeerPlace, *, stays: bool
    ) -> None:
        data_of(self.folder, place).mkdir(mode=0o700, exist_ok=True)
        if isinstance(place, OrdererPlace):
            command = [str(found.paths["orderer"])]
        else:
            command = [str(found.paths["peer"]), "node", "start"]

        def note(program: Program) -> None:
            self.programs[place.name] = program
            self.note()

        Program.start(
            place.name,
            self.folder / LOGS,
            command,
            environment=plain_environment(self.settings_of(place)),
            working_folder=self.folder,
            stays=stays,
            note=note,
        )

    def _join(self, found: FabricPrograms) -> None:
        for channel in self.plan.channels:
            block = first_block(self.folder, channel)
            for orderer in self.places.members:
                join_orderer(found, self.settings_of(orderer), orderer, channel, block)
            for peer in self.places.peers:
                join_peer(found, self.settings_of(peer), peer, channel, block)

    def _wait_for_leaders(self) -> None:
        deadline = time.monotonic() + LEADER_S
        for channel in self.plan.channels:
            while not self._has_leader(channel):
                if time.monotonic() > deadline:
                    orderer = self.programs[self.places.members[0].name]
                    raise orderer.died(f"no leader of {channel} within {LEADER_S} s")
                time.sleep(LOOK_S)

    def _has_leader(self, channel: str) -> bool:
        return any(
            names_leader(place, channel, self.plan.consensus) for place in self.places.members
        )


def network_up(
    folder: Path,
    plan: Plan,
    ports: Sequence[int],
    *,
    programs: FabricPrograms | None = None,
    stays: bool = False,
) -> FabricNetwork:
    """Bring up the network of a folder, or what of it does not run; or find it running.

    Args:
        folder: its files; made when missing.
        plan: what network.
        ports: free ones, `plan.port_count` of them, which the caller holds; a network that was
            made before has its own.
        programs: of Fabric; found when None.
        stays: it outlives this process; else the kernel ends it when this process ends.

    Raises:
        ToolMissing: Fabric's programs are not there.
        RefusedInput: another network stands in the folder; they are too old.
        PortInUse: a port of it is taken.
        ProgramFailed, ProgramDied: one of Fabric's programs said no, with its last words.
        NoteDamaged: see `find_network`.
        FileInUse: somebody else brings it up or ends it, and took too long.
    """
    found = programs or find_programs()
    if plan.consensus == BFT and not found.has_bft:
        raise RefusedInput("orders by etcdraft alone", who="Fabric", had=found.version, needed="3")
    folder = folder.absolute()
    with _in_turn(folder):
        return _bring_up(folder, plan, ports, found, stays=stays)


@contextmanager
def _in_turn(folder: Path) -> Iterator[None]:
    """One at a time makes, starts or ends the network of a folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with in_turn(folder, TURN_S):
        yield


def _bring_up(
    folder: Path, plan: Plan, ports: Sequence[int], found: FabricPrograms, *, stays: bool
) -> FabricNetwork:
    network = find_network(folder)
    if network is not None and network.plan != plan:
        raise RefusedInput(
            "stands there already, and is another one",
            who=folder,
            had=_differences(network.plan, plan),
            needed=_differences(plan, network.plan),
            remedy=RESET_FIRST,
        )
    if network is None or not network.is_joined:
        if network is not None:
            network.close()
        network = FabricNetwork(folder, plan, plan.place(folder, ports))
        write_network(folder, plan, network.places, found)
    try:
        network.start(found, stays=stays)
    except BaseException:
        network.close()
        raise
    return network


def find_network(folder: Path) -> FabricNetwork | None:
    """The network of a folder, running or not; None: there is none.

    Raises:
        NoteDamaged: the note is not as it was written; whether one runs is not known.
    """
    folder = folder.absolute()
    path = folder / NOTE
    facts = read_note(path)
    if facts is None:
        return None
    try:
        plan = Plan.from_facts(facts["plan"])
        places = plan.place(folder, [int(port) for port in facts["ports"]])
        started: Mapping[str, Any] = facts["programs"]
        programs = {
            place.name: Program.from_note(place.name, folder / LOGS, started[place.name], path)
            for place in places
            if place.name in started
        }
        return FabricNetwork(folder, plan, places, programs, bool(facts["is_joined"]))
    except (KeyError, TypeError, ValueError, AttributeError, RefusedInput) as error:
        if isinstance(error, NoteDamaged):
            raise
        raise NoteDamaged("is no note of a network", who=path, remedy=BY_HAND) from error


def network_down(folder: Path) -> bool:
    """End the nodes of a folder's network; False when none ran.

    Raises:
        FileInUse: somebody else brings it up or ends it, and took too long.
        NoteDamaged: see `find_network`.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        return False
    with _in_turn(folder):
        return _take_down(folder)


def _take_down(folder: Path) -> bool:
    network = find_network(folder)
    if network is None or not network.is_running:
        return False
    network.close()
    return True


def remove_network(folder: Path) -> bool:
    """End the network of a folder and remove it, with its certificates and blocks.

    Returns:
        Whether one ran.

    Raises:
        FileInUse, NoteDamaged: see `network_down`; nothing was removed.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        return False
    with _in_turn(folder):
        was_running = _take_down(folder)
        remove_network_files(folder)
        (folder / NOTE).unlink(missing_ok=True)
    return was_running


def _differences(plan: Plan, other: Plan) -> str:
    facts, others = plan.as_facts(), other.as_facts()
    return ", ".join(f"{name} {facts[name]}" for name in facts if facts[name] != others[name])
