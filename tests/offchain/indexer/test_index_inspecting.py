"""One home, several groups of contracts: each finds its own file; what is broken is put away."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.fake_chain import CHAIN_ID, FIRST_BLOCK, FakeChain, person

from edgemark.cli.catalogue import CONTRACTS, GROUPS
from edgemark.cli.doctor.machine_findings import find_on_machine
from edgemark.deployment.deployment import Deployment
from edgemark.indexer.inspecting import inspect_index, list_indexes, put_away_unusable
from edgemark.indexer.keeping import EventIndex, keep_in_step
from edgemark.indexer.store import IndexStore
from edgemark.indexer.subject import MOST_NAMED, index_path, tell_difference
from edgemark.ledger.evm.faults import IndexDamaged, IndexOfAnother
from edgemark.party.evm.contracts import DidContracts
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.trading.station.station import TradingStation

AT = {name: person(0xC000 + place) for place, name in enumerate(CONTRACTS)}


def known_to(groups: Any) -> Deployment:
    """The deployment as whoever knows these groups alone has it, like `Deployment.load`."""
    names = [kind.name for group in groups for kind in group.KINDS]
    return Deployment(CHAIN_ID, FIRST_BLOCK, {name: AT[name] for name in names}, groups)


WHOLE = known_to(GROUPS)
READERS = {
    "index": WHOLE,
    "trading": known_to(TradingStation.GROUPS),
    "outsourcing": known_to(OutsourcingStation.GROUPS),
    "resolver": known_to((DidContracts,)),
}


def fill(home: Path, deployment: Deployment) -> Path:
    """The index of a deployment, as its party makes it."""
    path = index_path(home, deployment)
    keep_in_step(draft_chain(), deployment, path)
    return path


def draft_chain() -> FakeChain:
    """Some blocks behind the deployment."""
    chain = FakeChain(WHOLE)
    for _ in range(FIRST_BLOCK + 3):
        chain.mine([])
    return chain


def test_indexes_of_one_home__of_each_group_of_contracts__live_side_by_side(tmp_path: Path) -> None:
    for _ in range(2):  # a party that comes again after all others
        for deployment in READERS.values():
            path = fill(tmp_path, deployment)
            with IndexStore.open_to_read(path, deployment) as store:
                assert store.highest() is not None
    assert len(list_indexes(tmp_path)) == len(READERS)
    with IndexStore.open_to_write(index_path(tmp_path, WHOLE), WHOLE) as store:
        EventIndex(draft_chain(), WHOLE, store).rebuild()
    assert list(put_away_unusable(tmp_path)) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(WHOLE, chain_id=1),
        replace(WHOLE, block=4),
        replace(WHOLE, contracts={**WHOLE.contracts, "MetaCoin": person(7)}),
    ],
    ids=["chain", "first block", "contract"],
)
def test_index_path__of_another_deployment__is_another_file(
    tmp_path: Path, other: Deployment
) -> None:
    assert index_path(tmp_path, other) != index_path(tmp_path, WHOLE)


def test_open__an_index_of_other_contracts__says_which_differ_in_a_short_line(
    tmp_path: Path,
) -> None:
    path = fill(tmp_path, READERS["trading"])
    with pytest.raises(IndexOfAnother, match=r"without .*DidRegistry") as refused:
        IndexStore.open_to_write(path, WHOLE)
    assert len(str(refused.value)) - len(str(path)) < 250


def test_tell_difference__names_what_is_missing_besides_and_at_another_address() -> None:
    assert tell_difference('{"B": 1, "C": 1}', '{"A": 1, "B": 2}') == (
        "without A; besides C; another B"
    )
    many = ", ".join(f'"{number}": 1' for number in range(MOST_NAMED + 3))
    assert tell_difference("{}", "{" + many + "}") == "without 0, 1, 2, 3 and 3 more"
    for strange in ("[", "[]", "[" * 100_000, "null", "7"):
        assert tell_difference(strange, "{}") == "no list of contracts"


def spoil(path: Path, how: str) -> None:
    """What makes a file useless."""
    match how:
        case "junk":
            path.write_bytes(b"no database, but long enough" * 40)
        case "empty facts":
            change(path, "DELETE FROM facts")
        case "version":
            change(path, "UPDATE facts SET value = '1' WHERE name = 'version'")
        case "contracts":
            change(path, "UPDATE facts SET value = '{}' WHERE name = 'contracts'")
        case "columns":
            change(path, "DROP TABLE facts")
            change(path, "CREATE TABLE facts (something TEXT)")
        case _:
            change(path, "DROP TABLE mentions")


def change(path: Path, statement: str) -> None:
    """What no program of ours does."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "how", ["junk", "empty facts", "version", "contracts", "columns", "a table"]
)
def test_files_that_cannot_be_used__are_told_by_doctor_and_put_away(
    tmp_path: Path, how: str
) -> None:
    sound, broken = (fill(tmp_path, READERS[name]) for name in ("index", "trading"))
    spoil(broken, how)
    with pytest.raises((IndexDamaged, IndexOfAnother)):
        inspect_index(broken)
    found = {each.name: each for each in find_on_machine(tmp_path)}["index"]
    assert not found.fine
    assert broken.name in found.seen
    assert "edgemark index rebuild" in found.remedy
    assert list(put_away_unusable(tmp_path)) == [broken]
    assert list_indexes(tmp_path) == [sound]
    fill(tmp_path, READERS["trading"])
    found = {each.name: each for each in find_on_machine(tmp_path)}["index"]
    assert (found.fine, found.seen) == (True, "2 files")


def test_put_away_unusable__a_file_that_a_process_writes_into__stays(tmp_path: Path) -> None:
    path = fill(tmp_path, WHOLE)
    with IndexStore.open_to_write(path, WHOLE):
        change(path, "UPDATE facts SET value = '1' WHERE name = 'version'")
        assert list(put_away_unusable(tmp_path)) == []
    assert list(put_away_unusable(tmp_path)) == [path]


def test_inspect_index__of_a_file_that_was_begun_and_left__says_nothing(tmp_path: Path) -> None:
    path = index_path(tmp_path, WHOLE)
    path.parent.mkdir()
    path.touch()
    inspect_index(path, is_whole=True)
