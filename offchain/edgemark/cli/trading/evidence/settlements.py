"""`edgemark trading settlement record|check`: evidence of settlements, on either ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, lay_out, takes_settings
from edgemark.cli.trading.evidence.places import joining, ledger_option, looking
from edgemark.errors import about
from edgemark.files import read_limited
from edgemark.identifiers import NO_TIME, Moment
from edgemark.systems.trading.contract.evidence.pieces import Recorded
from edgemark.systems.trading.contract.evidence.records import MAX_PIECES, EvidenceKind
from edgemark.systems.trading.contract.records import check_list
from edgemark.systems.trading.credentials.kept import FORM, NoSettlementFile, read_kept
from edgemark.systems.trading.settings import EVM
from edgemark.systems.trading.station.ledgers.chain import ChainEvidence
from edgemark.systems.trading.station.ledgers.ledger import EvidenceLedger
from edgemark.systems.trading.station.ledgers.settlement import (
    SettlementFound,
    find_settlement,
    record_all,
)
from edgemark.systems.trading.station.station import TradingStation

F = TypeVar("F", bound=Callable[..., Any])


def files_argument(command: F) -> F:
    """The files of settlement credentials."""
    kind = click.Path(exists=True, dir_okay=False, path_type=Path)
    return click.argument("files", metavar="FILE...", nargs=-1, required=True, type=kind)(command)


@dataclass(frozen=True)
class Put:
    """What recording came to.

    Attributes:
        place: where.
        found: of the files.
        new: how many were not there before.
    """

    place: str
    found: Sequence[SettlementFound]
    new: int


@click.command("record")
@spends()
@ledger_option
@files_argument
def record(spending: Spending, ledger: str, files: tuple[Path, ...]) -> None:
    """Record evidence of the settlement credentials of FILE..., which their parties keep.

    Nobody's word is taken: the ledger recovers payer, seller and controller over what they signed.
    What is there already is passed over where several come; one that comes alone is refused.
    """
    if ledger != EVM:
        settings = spending.invocation.settings()
        with joining(settings, ledger, is_dry=spending.is_dry) as place:
            spending.invocation.show(facts_of(put(place, files)))
        return

    def act(station: TradingStation) -> Put:
        return put(ChainEvidence.of(station), files)

    spending.carry_out(TradingStation, act, lambda _, done: facts_of(done))


@click.command("check")
@takes_settings
@ledger_option
@files_argument
def check(invocation: Invocation, ledger: str, files: tuple[Path, ...]) -> int:
    """Check that a ledger has evidence of the settlement credentials of FILE...; needs no key.

    All signers are recovered here, and evidence is looked for by what they signed and who they are.
    Status 1 where one is not recorded.
    """
    with looking(invocation.settings(), ledger) as place:
        found = read_files(place, files)
        kept = place.recorded([each.evidence for each in found])
        facts = {
            "ledger": place.place,
            "settlements": [tell(*each) for each in zip(found, kept, strict=True)],
        }
    rows = [[str(path), say(each)] for path, each in zip(files, kept, strict=True)]
    invocation.show(facts, lay_out(rows))
    is_there = all(each.kind is EvidenceKind.SETTLEMENT for each in kept)
    return Exit.DONE if is_there else Exit.CHECK_FAILED


def put(ledger: EvidenceLedger, files: Sequence[Path]) -> Put:
    """Record the settlements of files; raises as `read_files` and `record_all`."""
    found = read_files(ledger, files)
    return Put(ledger.place, found, record_all(ledger, found))


def read_files(ledger: EvidenceLedger, files: Sequence[Path]) -> list[SettlementFound]:
    """The settlements of files, with who signed them for a chain that the ledger takes.

    Raises:
        RefusedInput: too many files, or one holds no settlement credential.
        PeerFault: one was signed by others than it says, or for no such chain.
    """
    check_list("FILE", files, MAX_PIECES)
    found = []
    for path in files:
        raw = read_limited(path, FORM.most, NoSettlementFile)
        with about(path):
            found.append(find_settlement(ledger, read_kept(raw)))
    return found


def facts_of(done: Put) -> dict[str, object]:
    """What was recorded, for people and programs."""
    return {
        "ledger": done.place,
        "recorded": done.new,
        "settlements": [_identify(each) for each in done.found],
    }


def tell(found: SettlementFound, kept: Recorded) -> Mapping[str, object]:
    """A settlement, and what the ledger has of it."""
    is_there = kept.kind is EvidenceKind.SETTLEMENT
    at = kept.recorded_at if is_there else NO_TIME
    return {**_identify(found), "recorded": is_there, "recorded_at": Moment(at)}


def say(kept: Recorded) -> str:
    """The same in words."""
    if kept.kind is not EvidenceKind.SETTLEMENT:
        return "NOT RECORDED"
    return f"recorded {Moment(kept.recorded_at)}"


def _identify(found: SettlementFound) -> dict[str, object]:
    claim = found.piece.claim
    payer, seller, controller = found.signers
    return {
        "evidence": found.evidence.hex(),
        "domain": found.domains.name,
        "channel": claim.channel.hex(),
        "index": claim.voucher.index,
        "credential": claim.credential_hash.hex(),
        "payer_key": payer,
        "seller_key": seller,
        "controller": controller,
    }
