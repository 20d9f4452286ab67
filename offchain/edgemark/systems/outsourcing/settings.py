"""[outsourcing] and its parties': what one takes on, and for how much."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Tokens
from edgemark.settings.section import Section, amount, setting


@dataclass(frozen=True)
class OutsourcingSettings(Section):
    """Of every party of this system.

    Attributes:
        max_open_jobs: tasks that a node has at a time; one more is refused by name.
        max_held_mib: MiB of shares and answers that a node holds for open tasks, or for cases.
    """

    NAME = "outsourcing"

    max_open_jobs: int = setting(256, within=(1, 10_000), flat="max_open_jobs")
    max_held_mib: int = setting(512, within=(1, 2**20), flat="max_held_mib")


@dataclass(frozen=True)
class NodeSettings(Section):
    """Of a compute node.

    Attributes:
        min_fee: least fee that a node works for.
        max_accept_s: seconds until `accept_by` of an offer that a node takes.
        max_queued_s: seconds of computing that a node promises ahead.
    """

    NAME = "outsourcing.node"

    min_fee: Tokens = amount(Tokens(0), flat="min_fee")
    max_accept_s: float = setting(  # what windows contracts may allow, see a deployment's limits
        3600.0, within=(2, 86_400), flat="max_accept_s"
    )
    max_queued_s: float = setting(600.0, within=(0.1, 86_400), flat="max_queued_s")


SECTIONS: tuple[type[Section], ...] = (OutsourcingSettings, NodeSettings)
