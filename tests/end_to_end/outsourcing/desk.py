"""A user at a terminal: a chain with contracts, a funded home, and no server that runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.outsourcing.small_job import draw_batch, write_function, write_inputs
from tests.end_to_end.outsourcing.theatre import Theatre, open_theatre
from tests.stage.command_line import Finished, write_settings

from edgemark.cli.terminal.exits import Exit
from edgemark.demo.evm.holdings import Holdings
from edgemark.identifiers import Address
from edgemark.identity.records import Resources
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE

NOBODY_RUNS = [*(f"node {j}" for j in range(1, 7)), *(f"judge {j}" for j in range(1, 5))]


@dataclass
class Desk:
    """A chain with contracts, and a user with gas and tokens; no server runs.

    Attributes:
        home: of the user, with its `edgemark.toml`.
        function, inputs: files for `outsourcing submit`.
        nodes: six registered compute nodes.
        twin: another node of the first one's provider.
    """

    theatre: Theatre
    home: Path
    function: Path
    inputs: Path
    nodes: list[Address]
    twin: Address
    before: Holdings

    def submission(
        self, *words: str | Path, nodes: Sequence[str] | None = None
    ) -> list[str | Path]:
        """Words of a submission that would be taken, and others after them."""
        named = [word for node in nodes or self.nodes for word in ("--node", node)]
        files = ["--function", self.function, "--input", self.inputs, "--home", self.home]
        return ["outsourcing", "submit", *files, *named, *words]


@contextmanager
def open_desk(folder: Path) -> Iterator[Desk]:
    """Set the stage; everybody is registered and nobody runs."""
    with open_theatre(folder, not_running=NOBODY_RUNS) as theatre:
        station = theatre.open_station("user")
        station.close()
        home = write_settings(station.settings, {"chain.confirmations": 0})
        twin = enlist_twin(theatre)
        before = theatre.begin()
        yield Desk(
            theatre=theatre,
            home=home,
            function=write_function(folder),
            inputs=write_inputs(folder, draw_batch()),
            nodes=theatre.node_accounts,
            twin=twin,
            before=before,
        )


def enlist_twin(theatre: Theatre) -> Address:
    """A second node of the provider of node 1."""
    provider, twin = theatre.open_home("provider-of-node-1"), theatre.open_station("twin")
    provider.lane.send(provider.registry.admit(twin.address))
    registry = theatre.stage.deployment.contract("ParticipantRegistry")
    entry = (int(COMPUTE_NODE), provider.address, twin.keys.tls.pin, "https://127.0.0.1:9")
    twin.lane.send(Call(registry, "registerServer", (*entry, Resources(1, 1, 1, 1).as_abi())))
    return twin.address


def check_refused(done: Finished, status: Exit, *words: str) -> None:
    """The status, and one line with these words, also as JSON when that was asked for."""
    assert done.status == status, (done.out, done.error)
    for word in words:
        assert word in done.complaint
    if "--json" in done.words:
        assert {"error", "what", "who", "had", "needed", "remedy"} == set(done.value)
