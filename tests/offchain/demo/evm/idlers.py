"""The least network that there can be: idle servers, and a user beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemark.demo.evm.actor import EvmActor
from edgemark.demo.evm.stage import EvmStage
from edgemark.deployment.group import ContractGroup
from edgemark.identifiers import Address
from edgemark.party.evm.contracts import BaseContracts

IDLE = "import time; time.sleep(600)"


@dataclass
class IdleStage(EvmStage):
    """Servers that do nothing, at no port, in no role."""

    guests: Sequence[str] = ("user",)
    idlers: int = 1

    def draft_cast(self) -> list[EvmActor]:
        return [self._draft(number) for number in range(1, self.idlers + 1)]

    def draft_groups(self, operator: Address, pool: Address) -> Sequence[ContractGroup]:
        return [BaseContracts(operator, pool)]

    def _draft(self, number: int) -> EvmActor:
        actor = EvmActor.draft(self.folder, "idler", number, listens=False, module="timeit")
        actor.words = ["-n", "1", "-s", f"home = {str(actor.home)!r}", IDLE]  # known by its folder
        return actor


class IdleNetwork:
    """A network of them."""

    def draft(self, folder: Path, servers: int, **of_the_stage: Any) -> IdleStage:
        return IdleStage(folder, idlers=servers, **of_the_stage)

    def describe(self, stage: IdleStage) -> str:
        return f"{stage.idlers} idlers"

    def furnish(self, stage: IdleStage) -> list[list[str]]:
        return [["account", "show", "--home", str(stage.folder / "user")]]


IDLERS = IdleNetwork()
