"""One writer, readers that do not wait, damage that is told; a killed process loses nothing."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.fake_chain import FIRST_BLOCK, FakeChain, deployment_of, person
from tests.offchain.without_rights import run_without_rights

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.indexer.keeping import EventIndex, remove_index
from edgemark.indexer.store import IndexStore
from edgemark.indexer.subject import index_path
from edgemark.ledger.evm.contract.chain_event import ChainEvent, SignaturesRevoked
from edgemark.ledger.evm.faults import IndexBusy, IndexDamaged, IndexMissing, IndexOfAnother
from edgemark.party.evm.contracts import BaseContracts
from edgemark.token.events import Transfer

DEPLOYMENT = deployment_of()
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def chain() -> FakeChain:
    chain = FakeChain(DEPLOYMENT)
    for value in range(1, 30):
        chain.mine([("MetaCoin", "Transfer", (person(1), person(2), value))])
    return chain


@pytest.fixture
def path(tmp_path: Path, chain: FakeChain) -> Path:
    """A filled index."""
    path = index_path(tmp_path, DEPLOYMENT)
    with IndexStore.open_to_write(path, DEPLOYMENT) as store:
        EventIndex(chain, DEPLOYMENT, store).sync()
    return path


def test_open_to_write__a_second_time__is_refused_and_names_the_process(path: Path) -> None:
    with IndexStore.open_to_write(path, DEPLOYMENT), pytest.raises(IndexBusy) as refused:
        IndexStore.open_to_write(path, DEPLOYMENT)
    assert str(os.getpid()) in str(refused.value.had)
    assert isinstance(refused.value, RefusedInput)
    IndexStore.open_to_write(path, DEPLOYMENT).close()


def test_open_to_read__while_another_writes__sees_what_was_complete(path: Path) -> None:
    with (
        IndexStore.open_to_write(path, DEPLOYMENT) as writer,
        IndexStore.open_to_read(path, DEPLOYMENT) as reader,
    ):
        with writer.transaction():
            assert writer.roll_back(10) == 19
            assert reader.count() == 27
        assert reader.count() == 8
        with reader.transaction(to_write=False):
            assert reader.count() == 8
            writer.roll_back(5)
            assert reader.count() == 8  # one state until the end of the transaction
        assert reader.count() == 3


def test_open_to_read__never_writes(path: Path) -> None:
    with IndexStore.open_to_read(path, DEPLOYMENT) as reader, pytest.raises(IndexDamaged):
        reader.roll_back(3)


@dataclass(frozen=True)
class Namesake(ChainEvent):
    """What the anchor logs, of another type than the registry's event of that name."""

    account: Address
    nonce: int


Namesake.__name__ = SignaturesRevoked.__name__


def test_events_of_one_name__are_told_apart_by_their_contracts(tmp_path: Path) -> None:
    others = tuple(
        replace(kind, events=(Namesake,)) if kind.name == "AssetAnchor" else kind
        for kind in BaseContracts.KINDS
    )
    group: Any = type("Others", (BaseContracts,), {"KINDS": others})
    deployment = replace(DEPLOYMENT, groups=(group, *DEPLOYMENT.groups[1:]))
    chain = FakeChain(deployment)
    for _ in range(FIRST_BLOCK):
        chain.mine([])
    for nonce, contract in enumerate(("AssetAnchor", "ParticipantRegistry")):
        chain.mine([(contract, "SignaturesRevoked", (person(1), nonce))])
    account = bytes.fromhex(person(1)[2:])
    with IndexStore.open_to_write(index_path(tmp_path, deployment), deployment) as store:
        EventIndex(chain, deployment, store).sync()
        for nonce, kind in enumerate((Namesake, SignaturesRevoked)):
            for found in (list(store.of_kind(kind)), store.about(account, [kind])):
                assert [(type(each.event), each.event.nonce) for each in found] == [(kind, nonce)]  # type: ignore[attr-defined]
        assert list(store.of_kind(Transfer)) == store.about(account, [Transfer]) == []
        assert len(store.about(account, [Transfer, Namesake, SignaturesRevoked])) == 2


def test_open_to_read__before_there_is_one__says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="edgemark index sync"):
        IndexStore.open_to_read(tmp_path / "none.sqlite", DEPLOYMENT)
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    with pytest.raises(IndexMissing, match="edgemark index sync"):
        IndexStore.open_to_read(empty, DEPLOYMENT)


@pytest.mark.parametrize(
    "junk", [b"no database, but long enough" * 40, b"SQLite format 3\0" + b"7" * 900]
)
def test_open__a_file_that_is_no_database__is_told_with_the_remedy(
    tmp_path: Path, junk: bytes
) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(junk)
    for opened in (IndexStore.open_to_write, IndexStore.open_to_read):
        with pytest.raises(IndexDamaged, match="edgemark index rebuild"):
            opened(path, DEPLOYMENT)
    remove_index(path)
    IndexStore.open_to_write(path, DEPLOYMENT).close()


def test_remove_index__while_another_writes__is_refused(path: Path) -> None:
    with IndexStore.open_to_write(path, DEPLOYMENT), pytest.raises(IndexBusy):
        remove_index(path)
    assert path.exists()


@pytest.mark.parametrize(
    "other",
    [
        replace(DEPLOYMENT, chain_id=1),
        replace(DEPLOYMENT, block=4),
        replace(DEPLOYMENT, contracts={**DEPLOYMENT.contracts, "MetaCoin": person(7)}),
    ],
    ids=["chain", "first block", "contract"],
)
def test_open__of_another_deployment__is_refused(path: Path, other: object) -> None:
    for opened in (IndexStore.open_to_write, IndexStore.open_to_read):
        with pytest.raises(IndexOfAnother, match="edgemark index rebuild"):
            opened(path, other)  # type: ignore[arg-type]


def test_open__of_another_version__is_refused(path: Path) -> None:
    change(path, "UPDATE facts SET value = '1' WHERE name = 'version'")
    with pytest.raises(IndexOfAnother) as refused:
        IndexStore.open_to_read(path, DEPLOYMENT)
    assert (refused.value.had, refused.value.needed) == ("1", "2")


def change(path: Path, statement: str) -> None:
    """What no program of ours does."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM blocks WHERE number = 9", "hangs in the air"),
        ("UPDATE blocks SET hash = x'00' WHERE number = 28", "does not follow"),
        ("DELETE FROM mentions WHERE place = 0 AND block = 7", "what is mentioned where"),
        ("UPDATE events SET data = x'00' WHERE block = 7", "cannot be read"),
        ("UPDATE events SET contract = 'Nobody' WHERE block = 7", "cannot be read"),
        ("DELETE FROM events WHERE block = 7", "hangs in the air"),
    ],
)
def test_check__of_a_file_that_was_tampered_with__says_what_is_wrong(
    path: Path, statement: str, said: str
) -> None:
    with IndexStore.open_to_read(path, DEPLOYMENT) as store:
        assert store.check() == []
    change(path, statement)
    with IndexStore.open_to_read(path, DEPLOYMENT) as store:
        assert any(said in sentence for sentence in store.check())


def test_check__of_bytes_that_the_disk_lost__says_what_is_wrong(path: Path) -> None:
    change(path, "PRAGMA journal_mode = DELETE")
    raw = bytearray(path.read_bytes())
    raw[4096 * 2 :] = bytes(len(raw) - 4096 * 2)
    path.write_bytes(raw)
    try:
        with IndexStore.open_to_read(path, DEPLOYMENT) as store:
            assert store.check() != []
    except IndexDamaged as damage:
        assert "edgemark index rebuild" in damage.remedy


FILL_FOR_EVER = """
import sys
from pathlib import Path
from tests.offchain.ledger.fake_chain import FIRST_BLOCK, FakeChain, deployment_of, person
from tests.offchain.without_rights import run_without_rights
from edgemark.identifiers import Address
from edgemark.indexer.keeping import EventIndex
from edgemark.indexer.store import IndexStore
deployment = deployment_of()
chain = FakeChain(deployment)
chain.most_range = 2
for value in range(1, 400):
    chain.mine([("MetaCoin", "Transfer", (person(1), person(2), value % 3))])
print("ready", flush=True)
while True:
    with IndexStore.open_to_write(Path(sys.argv[1]), deployment) as store:
        index = EventIndex(chain, deployment, store)
        index.sync()
        chain.take_back(300)
        for value in range(1, 320):
            chain.mine([("MetaCoin", "Transfer", (person(1), person(2), value % 3))], salt=value)
        index.sync()
"""


@pytest.mark.processes
def test_kill_nine__at_random_moments__leaves_a_sound_file_that_others_go_on_from(
    tmp_path: Path, chain: FakeChain
) -> None:
    path = tmp_path / "index.sqlite"
    chance = random.Random(7)
    folders = os.pathsep.join((str(ROOT), str(ROOT / "offchain")))
    for _ in range(6):
        command = [sys.executable, "-c", FILL_FOR_EVER, str(path)]
        environ = {**os.environ, "PYTHONPATH": folders}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.02, 0.4))
            process.send_signal(signal.SIGKILL)
        with IndexStore.open_to_write(path, DEPLOYMENT) as store:
            assert store.check() == []
    with IndexStore.open_to_write(path, DEPLOYMENT) as store:
        EventIndex(chain, DEPLOYMENT, store).sync()
        resumed = store.content()
    with IndexStore.open_to_write(tmp_path / "new.sqlite", DEPLOYMENT) as store:
        EventIndex(chain, DEPLOYMENT, store).sync()
        assert store.content() == resumed


READ_ONLY = """\
import sys
from pathlib import Path
from tests.offchain.indexer.test_index_store import DEPLOYMENT
from edgemark.indexer.store import IndexStore
with IndexStore.open_to_read(Path(sys.argv[1]), DEPLOYMENT) as store:
    print(store.highest().number)
"""


@pytest.fixture
def forbid(path: Path) -> Iterator[Callable[[], None]]:
    """Takes the right to write away, from the folder and all in it."""

    def forbid() -> None:
        for each in path.parent.iterdir():
            each.chmod(0o444)
        path.parent.chmod(0o555)

    yield forbid
    path.parent.chmod(0o755)


def test_q1_open_to_read__where_nothing_may_be_written__reads(
    path: Path, forbid: Callable[[], None]
) -> None:
    with IndexStore.open_to_read(path, DEPLOYMENT) as store:
        expected = store.highest()
    forbid()
    done = run_without_rights(["-c", READ_ONLY, str(path)])
    assert done.returncode == 0, done.stderr
    assert expected is not None
    assert int(done.stdout) == expected.number


def test_q1_open_to_read__while_another_account_writes__reads(
    path: Path, forbid: Callable[[], None]
) -> None:
    with IndexStore.open_to_write(path, DEPLOYMENT) as store:
        store.roll_back(7)  # stands beside the file until its writer closes it
        forbid()
        done = run_without_rights(["-c", READ_ONLY, str(path)])
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr


def test_q1_open_to_read__of_what_a_killed_writer_left__says_who_mends_it(
    path: Path, forbid: Callable[[], None]
) -> None:
    with IndexStore.open_to_write(path, DEPLOYMENT) as store:
        store.roll_back(7)
        left = {each: each.read_bytes() for each in path.parent.iterdir()}
    for each, content in left.items():
        each.write_bytes(content)
    path.with_name(f"{path.name}-shm").unlink()
    forbid()
    done = run_without_rights(["-c", READ_ONLY, str(path)])
    assert "IndexBusy" in done.stderr
    assert "was not closed, and may only be read here" in done.stderr


@pytest.mark.parametrize("table", ["facts", "blocks", "events", "mentions"])
def test_open_to_read__a_query_without_end_in_the_place_of_a_table__is_refused(
    path: Path, table: str
) -> None:
    with sqlite3.connect(path) as changed:
        changed.execute(f"ALTER TABLE {table} RENAME TO was")
        changed.execute(
            f"CREATE VIEW {table} AS WITH RECURSIVE more(name) AS "
            "(SELECT 1 UNION ALL SELECT name + 1 FROM more) SELECT name, name AS value FROM more"
        )
    changed.close()
    with pytest.raises(IndexDamaged, match="is no index"):
        IndexStore.open_to_read(path, DEPLOYMENT)
