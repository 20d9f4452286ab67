"""The desk of this system: six nodes to name, and what a submission wants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.outsourcing.small_job import draw_batch, write_function, write_inputs
from tests.end_to_end.outsourcing.theatre import Theatre, open_theatre
from tests.stage import desk

from edgemark.identifiers import Address
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE

NOBODY_RUNS = [*(f"node {j}" for j in range(1, 7)), *(f"judge {j}" for j in range(1, 5))]


@dataclass
class Desk(desk.Desk[Theatre]):
    """A chain with contracts, and a user with gas and tokens; no server runs.

    Attributes:
        function, inputs: files for `outsourcing submit`.
        nodes: six registered compute nodes.
        twin: another node of the first one's provider.
    """

    function: Path
    inputs: Path
    nodes: list[Address]
    twin: Address

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
        home, twin = desk.make_home(theatre), enlist_twin(theatre)
        yield Desk(
            theatre=theatre,
            home=home,
            before=theatre.begin(),
            function=write_function(folder),
            inputs=write_inputs(folder, draw_batch()),
            nodes=theatre.node_accounts,
            twin=twin,
        )


def enlist_twin(theatre: Theatre) -> Address:
    """A second node of the provider of node 1."""
    provider, twin = theatre.open_home("provider-of-node-1"), theatre.open_station("twin")
    provider.lane.send(provider.registry.admit(twin.address))
    registry = theatre.stage.deployment.contract("ParticipantRegistry")
    entry = (int(COMPUTE_NODE), provider.address, twin.keys.tls.pin, "https://127.0.0.1:9")
    twin.lane.send(Call(registry, "registerServer", (*entry, Resources(1, 1, 1, 1).as_abi())))
    return twin.address
