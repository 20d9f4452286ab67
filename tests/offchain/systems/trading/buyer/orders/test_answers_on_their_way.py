"""Answers of sellers, hostile ones included: fetched, checked, and only then heard."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import KEYS, START
from tests.offchain.systems.trading.parties_cast import AGREEMENT, CHANNEL, DOMAIN, POLICY
from tests.offchain.systems.trading.work.work_cast import draw, make_batch, make_dense
from tests.waiting import wait_until

from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.errors import EdgemarkError
from edgemark.systems.trading.buyer.orders.answers import OUTPUTS, PARTS, Answers, Came
from edgemark.systems.trading.buyer.orders.ordering import ALL, Lot, Wanted, draft_lot
from edgemark.systems.trading.buyer.orders.shelf import Shelf
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.protocol.agreement import Head
from edgemark.systems.trading.protocol.asking.slips import Purpose, Slip, split_part
from edgemark.systems.trading.protocol.messages import Answer
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.work.messages import Answer as WorkAnswer
from edgemark.systems.trading.work.messages import Usage
from edgemark.transport.faults import PeerUnreachable

FUNCTION = make_dense()
BATCH = make_batch(FUNCTION, 6)
PAYER_KEY = KEYS["payer's key"]
LETTER = b"signed by the seller"
STATE = Purchase(agreement=AGREEMENT, policy=POLICY)


class Face:
    """The seller's HTTPS face, as far as a buyer asks it."""

    def __init__(self) -> None:
        self.outputs: dict[bytes, bytes] = {}
        self.asked: list[tuple[str, str, bytes]] = []
        self.is_away = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def fetch(self, _: Purchase, method: str, path: str, body: bytes, most: int) -> bytes:
        self.may_answer.wait(30)
        self.asked.append((method, path, body))
        if self.is_away:
            raise PeerUnreachable("is away", who="seller")
        if method == "PUT":
            return b"taken"
        slip = Slip.from_wire(body)
        return self.outputs[slip.digest][:most]


class Desk:
    """A buyer's answers, and what it heard of them."""

    def __init__(self, home: Path) -> None:
        self.face, self.shelf = Face(), Shelf(home)
        self.right: list[Came] = []
        self.wrong: list[tuple[Came, EdgemarkError]] = []
        head = Head(START, START)
        keys = SimpleNamespace(account=PAYER_KEY)
        told = {"domain": DOMAIN, "home": home, "deals": None}  # nothing here is sealed
        station: Any = SimpleNamespace(head=lambda: head, keys=keys, **told)
        self.answers = Answers(
            station,
            self.shelf,
            self.face.fetch,
            self.right.append,
            lambda came, why: self.wrong.append((came, why)),
            draw("sample"),
        )
        self.wanted = Wanted.polynomial(FUNCTION, BATCH, 2)
        self.lot: Lot = draft_lot(
            self.wanted, CHANNEL, 1, cores=1, sample=ALL, out="", asked_at_us=0
        )
        self.shelf.keep(self.wanted)
        self.shelf.add(CHANNEL, self.lot)

    def answer(self, number: int = 1, output: bytes | None = None, **changed: Any) -> Answer:
        """With an output that the face has; honest, unless it is told otherwise."""
        order = self.lot.order(number)
        right = FUNCTION.evaluate(self.wanted.pieces[number - 1])
        shown = right if output is None else output
        self.face.outputs[order.id] = shown
        used = Usage(order.most, 0, order.data_bytes + len(shown), 1000)
        told = WorkAnswer(order.id, End.FINISHED, 0, hash_long(shown), len(shown), used)
        told = replace(told, **changed)
        return Answer(number, (order.most,), told.to_bytes())

    def take(self, answer: Answer) -> None:
        self.answers.take(STATE, Came(CHANNEL, answer, LETTER), Meter.PRODUCTS)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.face.may_answer.set()
    desk.answers.close()


def test_a_right_answer__is_on_the_disk_before_it_is_heard(desk: Desk) -> None:
    answer = desk.answer()
    desk.take(answer)
    wait_until("the answer", lambda: desk.right)
    assert desk.shelf.has_output(CHANNEL, 1)
    assert [came.answer for came in desk.right] == [answer]
    method, path, body = desk.face.asked[0]
    slip = Slip.from_wire(body)
    assert (method, path) == ("POST", OUTPUTS)
    slip.check(Purpose.OUTPUT, PAYER_KEY.address, DOMAIN, START)
    assert desk.wrong == []


def test_an_answer_that_was_checked__is_not_fetched_again(desk: Desk) -> None:
    for _ in range(2):
        desk.take(desk.answer())
        wait_until("the answer", lambda: desk.right)
        desk.right.clear()
    assert len(desk.face.asked) == 1


def test_an_answer_that_comes_again_meanwhile__is_checked_once(desk: Desk) -> None:
    desk.face.may_answer.clear()
    for _ in range(5):
        desk.take(desk.answer())
    desk.face.may_answer.set()
    wait_until("the answer", lambda: desk.right)
    assert (len(desk.face.asked), len(desk.right)) == (1, 1)


WRONG: dict[str, Callable[[Desk], Answer]] = {
    "another value": lambda desk: desk.answer(
        output=b"\x01" + FUNCTION.evaluate(desk.wanted.pieces[0])[1:]
    ),
    "too short": lambda desk: desk.answer(output=b"\x00" * 32),
    "longer than the order allows": lambda desk: desk.answer(output_bytes=16 * 2**20),
    "other bytes than it says": lambda desk: desk.answer(output=b"x", output_bytes=2),
    "of another order": lambda desk: desk.answer(order=desk.lot.order(2).id),
    "unreadable": lambda _: Answer(1, (1,), b"nonsense"),
}


@pytest.mark.parametrize("lie", WRONG.values(), ids=WRONG)
def test_a_wrong_answer__never_counts_and_its_evidence_stays(
    desk: Desk, lie: Callable[[Desk], Answer]
) -> None:
    desk.take(lie(desk))
    wait_until("a verdict", lambda: desk.wrong)
    assert (desk.right, desk.shelf.has_output(CHANNEL, 1)) == ([], False)
    (path,) = desk.shelf.wrong(CHANNEL)
    told = json.loads(path.read_text())
    assert told["letter"] == LETTER.hex()
    assert told["order"] == desk.lot.order(1).to_bytes().hex()
    assert told["why"]["error"] in ("WrongAnswer", "WrongReading")


def test_a_seller_that_is_away__is_no_liar_and_is_asked_again(desk: Desk) -> None:
    desk.face.is_away = True
    desk.take(desk.answer())
    wait_until("a try", lambda: desk.face.asked)
    desk.face.is_away = False

    def is_there() -> bool:
        desk.take(desk.answer())  # it sends its answer until it hears that it is taken
        return bool(desk.right)

    wait_until("the answer", is_there)
    assert desk.wrong == []


def test_an_order_that_is_kept_no_more__accuses_nobody(desk: Desk) -> None:
    answer = desk.answer()
    desk.shelf.drop(CHANNEL, desk.lot)
    desk.take(answer)
    desk.take(desk.answer(2))
    desk.answers.close()
    assert (desk.right, desk.wrong) == ([], [])


def test_parts__are_brought_once_and_again_when_the_seller_lacks_them(desk: Desk) -> None:
    for _ in range(2):
        desk.answers.bring_parts(STATE, desk.lot, 1)
    brought = [path for method, path, _ in desk.face.asked if method == "PUT"]
    order = desk.lot.order(1)
    place = f"{PARTS}/{CHANNEL.hex()}"
    assert brought == [f"{place}/{order.data.hex()}", f"{place}/{order.what.hex()}"]
    slip, part = split_part(desk.face.asked[0][2], CHANNEL, order.data)
    slip.check(Purpose.PART, PAYER_KEY.address, DOMAIN, START)
    assert part == desk.wanted.pieces[0]
    desk.answers.forget_parts(CHANNEL)
    desk.answers.bring_parts(STATE, desk.lot, 1)
    assert len(desk.face.asked) == 4


def test_an_answered_order__leaves_nothing_but_its_function_in_memory(desk: Desk) -> None:
    answers = desk.answers
    for number in (1, 2):
        answers.bring_parts(STATE, desk.lot, number)
        desk.take(desk.answer(number))
    wait_until("both answers", lambda: len(desk.right) == 2)
    assert answers._brought == {CHANNEL: {desk.lot.order(1).what}}
    assert answers._asked_at == {CHANNEL: {}}
    answers.forget(CHANNEL)
    assert (answers._brought, answers._asked_at) == ({}, {})
