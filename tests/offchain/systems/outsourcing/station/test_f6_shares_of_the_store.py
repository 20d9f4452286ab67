"""F6: neither one payer nor a few hold what the functions of others need; old rules are planted."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.station.test_f6_functions import (
    function,
    held,
    make_node,
    upload,
)

from edgemark.crypto.polynomial import Header
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.outsourcing.contract.events import JobPosted
from edgemark.systems.outsourcing.limits import DISK_COPIES, DISK_RESERVE_BYTES, MAX_FUNCTION_BYTES
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol.phases import NodePhase
from edgemark.systems.outsourcing.settings import OutsourcingSettings
from edgemark.systems.outsourcing.station import functions as functions_module
from edgemark.systems.outsourcing.station.functions import (
    MAX_ASKED,
    MAX_STORED,
    FunctionStore,
    Needed,
)
from edgemark.systems.outsourcing.station.server import Payers
from edgemark.transport.serving.routes import Head

MOST = 32  # as many of the longest functions as a store has room for
OPERATING = Path(__file__).resolve().parents[5] / "docs" / "operating.md"


# --- asked for -----------------------------------------------------------------------------------


class PlantedAsking(FunctionStore):
    """As it was: the last length counts, and the oldest of anybody's is forgotten."""

    def ask_for(self, function_hash: Hash32, length: int, payer: str) -> None:  # noqa: ARG002 - new
        key = ("", function_hash)
        self._asked[key] = length
        self._asked.move_to_end(key)
        while len(self._asked) > MAX_ASKED:
            self._asked.popitem(last=False)


@pytest.mark.parametrize(("kind", "had"), [(FunctionStore, 121), (PlantedAsking, 1)])
def test_f6_terms_that_lie_about_a_length__do_not_shorten_what_others_may_send(
    tmp_path: Path, kind: type[FunctionStore], had: int
) -> None:
    store, victims = kind(tmp_path), function(1).hash
    store.ask_for(victims, 121, "honest")
    store.ask_for(victims, 1, "liar")
    assert store.awaited_bytes(victims) == had


@pytest.mark.parametrize(("kind", "is_forgotten"), [(FunctionStore, False), (PlantedAsking, True)])
def test_f6_one_payer_that_asks_often__pushes_out_only_its_own(
    tmp_path: Path, kind: type[FunctionStore], *, is_forgotten: bool
) -> None:
    store, victims = kind(tmp_path), function(1).hash
    store.ask_for(victims, 121, "honest")
    for number in range(2 * MAX_ASKED):
        store.ask_for(Hash32(number.to_bytes(32, "big")), 1, "greedy")
    assert len(store._asked) == MAX_ASKED
    if is_forgotten:
        with pytest.raises(RefusedInput, match="not asked for"):
            store.awaited_bytes(victims)
    else:
        assert store.awaited_bytes(victims) == 121


# --- stored --------------------------------------------------------------------------------------


class PlantedShares(FunctionStore):
    """As it was: whatever open jobs need stays, whoever pays for them."""

    def _check_share(self, length: int, payers: Collection[str], *_: object) -> None:
        pass


@pytest.fixture
def small_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store with room for `MOST` functions, by bytes."""
    monkeypatch.setattr(functions_module, "MAX_STORED_BYTES", MOST * len(function(1).to_bytes()))


def take_all(store: FunctionStore, needed: dict[Hash32, set[str]], payers: Collection[str]) -> int:
    """Let these payers have whatever they get; how many functions that is."""
    count = len(needed)
    for _ in range(MOST):
        for payer in payers:
            with suppress(Overloaded):
                needed[upload(store, 1 + len(needed), payer)] = {payer}
        if len(needed) == count:
            break
        count = len(needed)
    return count


@pytest.mark.usefixtures("small_store")
@pytest.mark.parametrize("few", [1, 4, 10])
def test_f6_few_payers_that_take_all_they_can__leave_room_for_others(
    tmp_path: Path, few: int
) -> None:
    store, needed = FunctionStore(tmp_path), dict[Hash32, set[str]]()
    store.keep(lambda: needed)
    taken = take_all(store, needed, [f"payer {number}" for number in range(few)])
    assert MOST // 2 <= taken < MOST - 1
    honest = upload(store, 1000, "honest")
    assert {honest.hex(), *(one.hex() for one in needed)} == held(store)


@pytest.mark.usefixtures("small_store")
def test_f6_the_planted_store__is_filled_by_one_payer(tmp_path: Path) -> None:
    store, needed = PlantedShares(tmp_path), dict[Hash32, set[str]]()
    store.keep(lambda: needed)
    assert take_all(store, needed, ["greedy"]) == MOST
    with pytest.raises(Overloaded, match="open jobs need"):
        upload(store, 1000, "honest")


@pytest.mark.usefixtures("small_store")
def test_f6_a_function_of_two_payers__is_taken_for_the_one_with_room(tmp_path: Path) -> None:
    store, needed = FunctionStore(tmp_path), dict[Hash32, set[str]]()
    store.keep(lambda: needed)
    take_all(store, needed, ["greedy"])
    made = function(1000)
    store.ask_for(made.hash, len(made.to_bytes()), "greedy")
    with pytest.raises(Overloaded, match="one payer"):
        store.put(made.hash, made.to_bytes())
    store.ask_for(made.hash, len(made.to_bytes()), "honest")
    store.put(made.hash, made.to_bytes())
    assert made.hash.hex() in held(store)


def test_payers__of_jobs_that_the_chain_has_yet_to_tell__are_nobody_else() -> None:
    payers, order = Payers(), cast.small_order()
    name = order.terms.function_hash
    assert payers.name_needs([(order.job, order.terms)]) == {name: {order.job.hex()}}
    payers.note(order.job, cast.PAYER.address)
    assert payers.name_needs([(order.job, order.terms)]) == {name: {cast.PAYER.address}}


# --- looked at -----------------------------------------------------------------------------------


class PlantedUse(FunctionStore):
    """As it was: what somebody looks at is nobody's until a job needs it."""

    @contextmanager
    def using(self, function_hash: Hash32) -> Iterator[Header | None]:
        found = self.find(function_hash)
        yield found and found.header


@pytest.mark.parametrize(("kind", "is_lost"), [(FunctionStore, False), (PlantedUse, True)])
def test_f6_a_function_between_found_and_promised__stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[FunctionStore], *, is_lost: bool
) -> None:
    monkeypatch.setattr(functions_module, "MAX_STORED", 4)
    monkeypatch.setattr(functions_module, "MAX_IN_MEMORY", 1)
    store = kind(tmp_path)
    looked_at = upload(store, 1)
    with store.using(looked_at) as found:
        assert found is not None
        os.utime(store._path(looked_at), (1, 1))
        for number in range(2, 9):
            with suppress(Overloaded):
                upload(store, number)
    assert (store.find(looked_at) is None) == is_lost


def test_f6_a_function_that_is_looked_at_while_room_is_made__stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions_module, "MAX_STORED", 4)
    store, needed = FunctionStore(tmp_path), dict[Hash32, set[str]]()
    hashes = [upload(store, number) for number in range(1, 5)]

    def look_and_promise() -> Needed:
        """Another thread's offer comes after this one has asked what is needed."""
        before = dict(needed)
        with store.using(hashes[0]) as found:
            assert found is not None
            needed[hashes[0]] = {"payer"}
        return before

    store.keep(look_and_promise)
    upload(store, 5)
    assert {hashes[0].hex(), function(5).hash.hex()} < held(store)
    assert hashes[1].hex() not in held(store)


def test_f6_a_function_without_its_file__is_asked_for_and_stored_again(tmp_path: Path) -> None:
    store = FunctionStore(tmp_path)
    name = upload(store, 1)
    os.unlink(store._path(name))
    with store.using(name) as found:
        assert found is None  # though it is in memory
    upload(store, 1)
    with store.using(name) as found:
        assert found == function(1).header


# --- who may offer -------------------------------------------------------------------------------


def posting(fee: int, *nodes: str) -> JobPosted:
    order = cast.small_order()
    terms = list(order.terms.as_abi())
    terms[12] = fee
    event: Any = JobPosted.__new__(JobPosted)
    vars(event).update(job=order.job, payer=cast.PAYER.address, terms=tuple(terms), nodes=nodes)
    made: JobPosted = event
    return made


@pytest.mark.parametrize(
    ("fee", "named", "left", "expected"),
    [
        (12, "me", 5000, {cast.PAYER.address: 5000}),
        (11, "me", 5000, {}),
        (12, "another", 5000, {}),
        (12, "me", 5001, {}),
    ],
)
def test_f4_whose_job_names_a_node__is_known_before_its_offer_comes(
    fee: int, named: str, left: int, expected: dict[str, float]
) -> None:
    known: dict[str, float] = {}
    server: Any = ComputeNode.__new__(ComputeNode)
    server.postings = Payers()
    now = cast.small_order().terms.accept_by - left
    server.station = SimpleNamespace(address="me", clock=lambda: now)
    server.door = SimpleNamespace(invite=lambda account, seconds: known.update({account: seconds}))
    server.expect_payers(
        [posting(fee, "you", named), SimpleNamespace()], least_fee=12, longest_s=5000
    )
    assert known == expected


def test_f4_whoever_posts_often__makes_a_node_ask_its_chain_once_a_round() -> None:
    times = iter([cast.small_order().terms.accept_by])
    server: Any = ComputeNode.__new__(ComputeNode)
    server.postings = Payers()
    server.station = SimpleNamespace(address="me", clock=lambda: next(times))
    server.door = SimpleNamespace(invite=lambda *_, **__: None)
    server.expect_payers([posting(12, "me")] * 100, least_fee=12, longest_s=5000)
    assert list(times) == []


def test_f2_a_function__takes_no_disk_that_accepted_tasks_will_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, length = cast.small_order(), 1000
    node = make_node(tmp_path, order)
    made = function(1)
    node.station.functions.ask_for(made.hash, length, "payer")
    node.http = SimpleNamespace(url="https://node")
    head = Head("PUT", "/", {"hash": made.hash.hex()}, "127.0.0.1", None, length)
    usage = SimpleNamespace(free=DISK_COPIES * length + DISK_RESERVE_BYTES)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert node._admit_function(head) == length
    task = NodeTask(phase=NodePhase.OFFERED, offer=cast.offer_to(order, 1))
    monkeypatch.setattr(node._accepting, "_tasks", lambda: [task])
    with pytest.raises(Overloaded, match="disk is nearly full"):
        node._admit_function(head)


class PlantedStore(FunctionStore):
    """As it was: the disk was looked at before the body came, and never again."""

    def _check_disk(self, length: int) -> None:
        """Nothing."""


@pytest.mark.parametrize(("kind", "is_taken"), [(FunctionStore, False), (PlantedStore, True)])
def test_f2_functions_that_were_admitted_together__leave_what_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[FunctionStore], *, is_taken: bool
) -> None:
    """Each fitted when its head came; by now the others have what it would take."""
    promised, raws = 1000, [function(number).to_bytes() for number in range(1, 4)]
    least = promised + len(raws[0]) + DISK_RESERVE_BYTES
    usage = SimpleNamespace(free=least)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    store, taken = kind(tmp_path), 0
    needed = {function(number).hash: {"payer"} for number in range(1, 4)}
    store.keep(lambda: needed, lambda: promised)
    for number, raw in enumerate(raws, 1):
        store.ask_for(function(number).hash, len(raw), "payer")
        with suppress(Overloaded):
            store.put(function(number).hash, raw)
            usage.free -= len(raw)
            taken += 1
    assert taken == (3 if is_taken else 1)
    assert (usage.free < promised + DISK_RESERVE_BYTES) == is_taken
    assert store.bytes_coming == 0


def test_f2_functions_that_nobody_needs__go_before_anything_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FunctionStore(tmp_path)
    hashes = [upload(store, number, "payer") for number in range(1, 4)]
    store.keep(lambda: {hashes[0]: {"payer"}})
    length = len(function(1).to_bytes())
    monkeypatch.setattr(
        "shutil.disk_usage", lambda _: SimpleNamespace(free=(3 - len(held(store))) * length)
    )
    assert store.make_free(3 * length) == 0  # it would not help, so nothing goes
    assert store.make_free(length) == length
    assert held(store) == {hashes[0].hex(), hashes[2].hex()}
    assert store.make_free(2 * length) == 2 * length
    assert held(store) == {hashes[0].hex()}


def test_f2_a_disk_that_is_full_all_the_same__is_said_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(Overloaded, match="no disk for a function"):
        FunctionStore(tmp_path).add(function(1))
    assert list(tmp_path.iterdir()) == []


def test_f6_the_page_for_operators__says_the_bounds() -> None:
    page = OPERATING.read_text()
    assert (
        2 * OutsourcingSettings.max_open_jobs < MAX_STORED
    )  # also of one payer, with a function each
    assert functions_module.MAX_STORED_BYTES == MOST * MAX_FUNCTION_BYTES
    assert f"| {MAX_STORED:,} functions, 2 GiB" in page
    assert f"{MOST - 2} payers" in page
