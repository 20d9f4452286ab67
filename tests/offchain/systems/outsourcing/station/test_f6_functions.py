"""F6: nobody fills a store of functions for good, and what open jobs need stays in it."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast, doors

from edgemark.crypto.polynomial import DenseQuadratic, Polynomial
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Hash32, ShareIndex, Tokens
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import PartySettings
from edgemark.party.station import TAKEN
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import hash_nodes
from edgemark.systems.outsourcing.node.accepting import Accepting
from edgemark.systems.outsourcing.node.admission import NodeBusy, OfferRefused
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.node.turns import TurnBook
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.protocol.messages import Offer
from edgemark.systems.outsourcing.settings import NodeSettings, OutsourcingSettings
from edgemark.systems.outsourcing.station import functions as functions_module
from edgemark.systems.outsourcing.station.functions import MAX_ASKED, FunctionStore
from edgemark.systems.outsourcing.station.looks import Looks
from edgemark.systems.outsourcing.station.server import Payers
from edgemark.systems.outsourcing.station.station import FUNCTION_NEEDED
from edgemark.systems.outsourcing.steps.compute import WrongFunction
from edgemark.transport.serving.routes import Head, Request, Response

MOST = 4
ME = cast.NODE_ADDRESSES[0]


@pytest.fixture(autouse=True)
def small_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions_module, "MAX_STORED", MOST)


def function(number: int) -> Polynomial:
    return DenseQuadratic(2, 1, cast.seeded(f"function {number}").elements(6))


def upload(store: FunctionStore, number: int, payer: str = "payer") -> Hash32:
    """Ask for a function and put it; each is younger than the one before."""
    made = function(number)
    raw = made.to_bytes()
    store.ask_for(made.hash, len(raw), payer)
    store.put(made.hash, raw)
    os.utime(store._path(made.hash), (number, number))
    return made.hash


def held(store: FunctionStore) -> set[str]:
    return {path.stem for path in store._folder.glob("*.function")}


class PlantedStore(FunctionStore):
    """As it was: what is there stays until somebody deletes it."""

    def _make_room(self, length: int, payers: Collection[str]) -> None:  # noqa: ARG002 - as it has
        if len(held(self)) >= functions_module.MAX_STORED:
            raise RefusedInput("function store is full", who="function store")


def test_f6_a_full_store__lets_go_what_was_used_longest_ago(tmp_path: Path) -> None:
    store = FunctionStore(tmp_path)
    hashes = [upload(store, number) for number in range(1, 5 * MOST)]
    assert held(store) == {one.hex() for one in hashes[-MOST:]}
    store.find(hashes[-MOST])  # the oldest is used now
    upload(store, 5 * MOST)
    assert hashes[-MOST].hex() in held(store)
    assert hashes[1 - MOST].hex() not in held(store)


def test_f6_the_planted_store__takes_no_new_function_any_more(tmp_path: Path) -> None:
    store = PlantedStore(tmp_path)
    for number in range(MOST):
        upload(store, number)
    for number in range(MOST, 3 * MOST):
        with pytest.raises(RefusedInput, match="full"):
            upload(store, number)


def test_f6_what_open_jobs_need__stays_and_makes_room_when_they_end(tmp_path: Path) -> None:
    store, needed = FunctionStore(tmp_path), dict[Hash32, set[str]]()
    store.keep(lambda: needed)
    for number in range(1, MOST):
        needed[upload(store, number, f"payer {number}")] = {f"payer {number}"}
        upload(store, 10 + number, "other")  # in the place of the one that nobody needs
        if number == MOST - 2:
            break
    assert {one.hex() for one in needed} < held(store)
    needed[function(12).hash] = needed[function(11).hash] = set()
    with pytest.raises(Overloaded, match="open jobs need"):
        store.add(function(MOST + 2))
    needed.clear()
    upload(store, MOST + 2)
    assert len(held(store)) == MOST


def test_f6_a_full_disk_budget__lets_go_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    length = len(function(1).to_bytes())
    monkeypatch.setattr(functions_module, "MAX_STORED_BYTES", 2 * length)
    store = FunctionStore(tmp_path)
    for number in range(1, 4):
        upload(store, number)
    assert held(store) == {function(2).hash.hex(), function(3).hash.hex()}


def test_f6_functions_in_memory__are_bounded_in_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions_module, "MAX_PARSED_BYTES", 2 * len(function(1).to_bytes()))
    store = FunctionStore(tmp_path)
    for number in range(MOST):
        upload(store, number)
    assert list(store._parsed) == [function(2).hash, function(3).hash]
    assert store.find(function(1).hash) == function(1)


def test_f6_a_function_nobody_asked_for__is_told_by_its_hash(tmp_path: Path) -> None:
    store, made = FunctionStore(tmp_path), function(1)
    with pytest.raises(RefusedInput, match="not asked for"):
        store.awaited_bytes(made.hash)
    store.ask_for(made.hash, 121, "payer")
    assert store.awaited_bytes(made.hash) == 121
    with pytest.raises(WrongFunction):
        store.put(made.hash, function(2).to_bytes())
    for number in range(MAX_ASKED):
        store.ask_for(Hash32(number.to_bytes(32, "big")), 1, f"payer {number}")
    with pytest.raises(RefusedInput, match="not asked for"):
        store.put(made.hash, made.to_bytes())
    assert held(store) == set()


@pytest.mark.parametrize("damage", [b"", b"EMKF", b"\0", b"\1" * 9])
def test_f6_a_damaged_function__is_asked_for_and_stored_again(
    tmp_path: Path, damage: bytes
) -> None:
    store, made = FunctionStore(tmp_path), function(1)
    raw = made.to_bytes()
    store._path(made.hash).write_bytes(raw[: -len(damage)] + damage if damage > b"F" else damage)
    with store.using(made.hash) as header:
        is_here = header is not None and store.find(made.hash) is not None
    assert not is_here
    upload(store, 1)
    assert store.find(made.hash) == made


def test_f6_what_a_dead_process_left_half_written__goes(tmp_path: Path) -> None:
    stale, fresh = tmp_path / "aa.1.2", tmp_path / "bb.1.2"
    for path in (stale, fresh):
        path.write_bytes(b"half")
    os.utime(stale, (1, 1))
    upload(FunctionStore(tmp_path), 1)
    assert (stale.exists(), fresh.exists()) == (False, True)


def test_f6_servers_that_functions_were_handed_to__are_forgotten(tmp_path: Path) -> None:
    store = FunctionStore(tmp_path)
    with store.handing_to("busy") as is_mine:
        assert is_mine
        for number in range(3 * functions_module.MAX_HANDING):
            with store.handing_to(str(number)):
                continue
        assert len(store._handing) <= functions_module.MAX_HANDING
        with store.handing_to("busy") as again:
            assert not again


# --- what is looked at before a function is asked for --------------------------------------------


SEEN = {"accept_s": 3600, "seeing_s": 3.0}


def make_node(folder: Path, order: Order, **changed: Any) -> Any:
    """A node's handlers over a chain that names it in this order."""
    facts = {"min_fee": 1, "free": 10**9, "active": True, "open_jobs": 256, **SEEN, **changed}
    settlement = SimpleNamespace(
        job=lambda _: SimpleNamespace(
            terms_hash=order.terms.hash,
            nodes_hash=hash_nodes(order.nodes),
            root=order.root,
            payer=cast.PAYER.address,
        ),
        index=lambda *_, **__: SimpleNamespace(phase=IndexPhase.NAMED),
        judges=lambda: cast.JUDGE_ADDRESSES,
    )
    node: Any = ComputeNode.__new__(ComputeNode)
    wanted = NodeSettings(min_fee=facts["min_fee"], max_accept_s=facts["accept_s"])
    node.station = SimpleNamespace(
        deployment=cast.DEPLOYMENT,
        functions=FunctionStore(folder),
        settlement=settlement,
        address=ME,
        clock=lambda: 1_005,
        chain=SimpleNamespace(confirmed=lambda: 100),
        block_s=lambda: 1,
        seeing_s=lambda: facts["seeing_s"],
        settings=Settings(folder, (wanted, RegistrationSettings())),
        bounds=OutsourcingSettings(max_open_jobs=facts["open_jobs"]),
        paces=PartySettings(),
        accounts=SimpleNamespace(free_balance=lambda *_, **__: facts["free"]),
        registry=SimpleNamespace(is_active=lambda _: facts["active"]),
    )
    node.runtime = doors.Memory({})
    node.door = SimpleNamespace(invite=lambda *_: None)
    speed: Any = SimpleNamespace(fastest=1e-9, of=lambda _: 1e-9)
    node._accepting = Accepting(node.station, list, speed, TurnBook())
    node.looks, node.payers, node.postings = Looks(lambda _: False), Payers(), Payers()
    return node


def offer(node: Any, order: Order) -> bytes:
    body = Offer(order.job, ShareIndex(1), order.terms, order.nodes).to_wire()
    answer: bytes = node._take_offer(Request("POST", "/v1/offers", {}, body, "127.0.0.1")).body
    return answer


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"min_fee": 10**6}, OfferRefused),
        ({"accept_s": 24}, OfferRefused),
        ({"seeing_s": 60.0}, RefusedInput),
        ({"free": 0}, OfferRefused),
        ({"active": False}, OfferRefused),
        ({"open_jobs": 0}, NodeBusy),
    ],
    ids=["fee", "wait", "depth", "stake", "standing", "capacity"],
)
def test_f6_an_offer_that_is_refused__asks_for_no_function(
    tmp_path: Path, changed: dict[str, Any], refusal: type[Exception]
) -> None:
    order = cast.small_order()
    node = make_node(tmp_path, order, **changed)
    with pytest.raises(refusal):
        offer(node, order)
    assert node.station.functions._asked == {}


def test_f6_an_offer_of_other_terms_than_posted__asks_for_no_function(tmp_path: Path) -> None:
    order = cast.small_order()
    node = make_node(tmp_path, order)
    dearer = replace(order, terms=replace(order.terms, fee=Tokens(order.terms.fee - 1)))
    with pytest.raises(RefusedInput):
        offer(node, dearer)
    assert node.station.functions._asked == {}


def test_f6_an_offer_that_would_be_taken__asks_for_its_function_of_its_length(
    tmp_path: Path,
) -> None:
    order, raw = cast.small_order(), cast.dense_function().to_bytes()
    node = make_node(tmp_path, order)
    assert offer(node, order) == FUNCTION_NEEDED
    name = order.terms.function_hash.hex()
    head = Head("PUT", "/", {"hash": name}, "127.0.0.1", None, len(raw))
    assert node._admit_function(head) == len(raw)
    node._take_function(Request("PUT", "/", {"hash": name}, raw, "127.0.0.1"))
    assert held(node.station.functions) == {name}


def test_a_function_that_two_jobs_need__is_taken_from_one_and_here_for_the_other(
    tmp_path: Path,
) -> None:
    order, raw = cast.small_order(), cast.dense_function().to_bytes()
    node = make_node(tmp_path, order)
    assert [offer(node, order), offer(node, order)] == [FUNCTION_NEEDED, FUNCTION_NEEDED]
    name = order.terms.function_hash.hex()
    head = Head("PUT", "/", {"hash": name}, "127.0.0.1", None, len(raw))
    node._take_function(Request("PUT", "/", {"hash": name}, raw, "127.0.0.1"))
    assert node._admit_function(head) == Response(body=TAKEN)  # refused, as it was: 10 s are lost
    (tmp_path / f"{name}.function").write_bytes(raw[:-1])  # damaged: once more
    assert offer(node, order) == FUNCTION_NEEDED
    assert node._admit_function(head) == len(raw)


def test_full_disk__asks_others_to_give_way_when_functions_are_not_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, free, asked = FunctionStore(tmp_path / "functions"), [100], list[int]()

    def free_more(wanted: int) -> int:
        asked.append(wanted)
        if wanted <= 500:
            free[0] = wanted
        return free[0]

    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free[0]))
    store.keep(dict, int, free_more)
    assert (store.make_free(100), asked) == (100, [])
    assert (store.make_free(501), asked) == (100, [501])
    assert (store.make_free(500), asked) == (500, [501, 500])
