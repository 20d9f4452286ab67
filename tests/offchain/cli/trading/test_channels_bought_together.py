"""T9: a batch is shared out among channels, and its results are put together in their order."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.work.work_cast import make_batch, make_dense
from tests.stage.command_line import edgemark_here

from edgemark.cli.trading.buying import together
from edgemark.cli.trading.buying.quoting import Quoting
from edgemark.cli.trading.buying.reading import Whom, Work
from edgemark.cli.trading.buying.staying import NotThereYet
from edgemark.cli.trading.buying.together import Faults, Together, count_channels, join, name_part
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.polynomial.fixed_point import to_signed
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Tokens
from edgemark.systems.trading.buyer.market.bidding import TooDear, Wishes
from edgemark.systems.trading.buyer.money.means import TooFewTokens
from edgemark.systems.trading.buyer.orders.shelf import Done
from edgemark.systems.trading.protocol.life import BuyerPhase

FUNCTION = make_dense()
INPUTS = 7
BATCH = make_batch(FUNCTION, INPUTS)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    values = [to_signed(element) for element in FIELD.unpack(BATCH)]
    rows = [values[at : at + FUNCTION.inputs] for at in range(0, len(values), FUNCTION.inputs)]
    (tmp_path / "F").write_bytes(FUNCTION.to_bytes())
    (tmp_path / "x.json").write_text(json.dumps(rows))
    return Work(tmp_path / "F", None, tmp_path / "x.json", None, 1)


@pytest.mark.parametrize("many", [1, 2, 3, INPUTS])
def test_t9_inputs__are_shared_out_evenly_and_in_order(work: Work, many: int) -> None:
    parts: list[Any] = work.read_parts(many)
    pieces = [piece for part in parts for piece in part.pieces]
    assert b"".join(pieces) == BATCH
    sizes = [len(part.pieces[0]) * INPUTS // len(BATCH) for part in parts]
    assert (len(parts), sum(sizes)) == (many, INPUTS)
    assert max(sizes) - min(sizes) <= 1


def test_more_channels_than_inputs_or_a_program__are_refused_by_name(
    work: Work, tmp_path: Path
) -> None:
    with pytest.raises(RefusedInput, match="are too many") as many:
        work.read_parts(INPUTS + 1)
    assert (many.value.who, many.value.had) == ("--channels", INPUTS + 1)
    program = Work(None, "count-lines", tmp_path / "x.json", 1, 1)
    assert len(program.read_parts(1)) == 1
    with pytest.raises(RefusedInput, match="in one channel"):
        program.read_parts(2)


def test_channels__are_one_of_each_offer_unless_more_are_named() -> None:
    assert [count_channels(None, offers) for offers in (0, 1, 3)] == [1, 1, 3]
    assert (count_channels(5, 0), count_channels(5, 2)) == (5, 5)
    with pytest.raises(RefusedInput, match="fewer than the offers"):
        count_channels(2, 3)


@pytest.mark.parametrize("many", ["0", "33", "-1", "x", "1.5"])
def test_a_number_that_no_transaction_takes__is_refused(tmp_path: Path, many: str) -> None:
    done = edgemark_here(
        "trading", "buy", "ab" * 32, "--channels", many, "--home", tmp_path, environ={}
    )
    assert done.status == 2
    assert "--channels" in done.error


def test_results_of_parts__become_one_and_their_files_go(tmp_path: Path) -> None:
    out = tmp_path / "y.json"
    parts = [name_part(str(out), number) for number in (1, 2)]
    for part, rows in zip(parts, ([[1], [2]], [[3]]), strict=True):
        Path(part).write_text(json.dumps(rows))
    join(parts, out)
    assert json.loads(out.read_text()) == [[1], [2], [3]]
    assert [path.name for path in tmp_path.iterdir()] == ["y.json"]
    assert name_part("", 3) == ""


class Broken(PeerFault):
    """One seller delivers nothing."""


class Buying:
    """A desk, its channels and their waiting, of which one may break somewhere."""

    def __init__(self, breaks: str = "") -> None:
        self.breaks = breaks
        self.did: list[str] = []

    def note(self, what: str) -> None:
        if what == self.breaks:
            raise Broken("did not", who=what)
        self.did.append(what)

    def done(self, number: int) -> Done:
        self.note(f"done {number}")
        return Done(f"out.{number}", {})

    def errand(self, number: int) -> Any:
        def order(*_: Any) -> int:
            self.note(f"order {number}")
            return 1

        wait = SimpleNamespace(
            channel=number,
            until_open=lambda: self.note(f"open {number}"),
            until_done=lambda _: self.done(number),
        )
        return SimpleNamespace(keep_open=False, wait_for=lambda *_: wait, order=order)

    def state(self, _: Any) -> Any:
        return SimpleNamespace(phase=BuyerPhase.BUYING)

    def show(self, facts: Any, _: str) -> None:
        self.did.extend(each["out"] for each in facts["channels"])

    def buy(self, monkeypatch: pytest.MonkeyPatch) -> int:
        monkeypatch.setattr(together, "end", lambda _, each: self.note(f"end {each.channel}"))
        monkeypatch.setattr(together, "describe", lambda _: dict.fromkeys(together.COLUMNS, ""))
        many: Any = Together(tuple(map(self.errand, (1, 2))), (), (), "")
        quoted = [SimpleNamespace(wanted=None)] * 2
        status: int = many._order(SimpleNamespace(invocation=self), self, [1, 2], quoted)
        return status


def test_every_channel__is_opened_before_any_is_ordered_in(monkeypatch: pytest.MonkeyPatch) -> None:
    buying = Buying()
    assert buying.buy(monkeypatch) == 0
    assert buying.did == [
        *("open 1", "open 2", "order 1", "order 2"),
        *("done 1", "end 1", "done 2", "end 2"),
        *("out.1", "out.2"),
    ]


@pytest.mark.parametrize(
    ("breaks", "did"),
    [
        ("open 1", ["open 2", "end 1", "end 2"]),
        ("order 2", ["open 1", "open 2", "order 1", "done 1", "end 1", "end 2"]),
        (
            "done 1",
            ["open 1", "open 2", "order 1", "order 2", "end 1", "done 2", "end 2"],
        ),
        (
            "end 1",
            ["open 1", "open 2", "order 1", "order 2", "done 1", "done 2", "end 2"],
        ),
    ],
)
def test_what_breaks_in_one_channel__ends_all_of_them_and_is_told_then(
    monkeypatch: pytest.MonkeyPatch, breaks: str, did: list[str]
) -> None:
    buying = Buying(breaks)
    with pytest.raises(Broken):
        buying.buy(monkeypatch)
    assert buying.did == did


def test_time_that_is_over__is_told_at_once() -> None:
    faults = Faults()
    with pytest.raises(NotThereYet), faults.kept():
        raise NotThereYet("is not as far")
    assert faults.first is None


def test_offers_of_several_sellers__take_their_turns() -> None:
    whom = [Whom(offer, None, 0, 0, None, None, None, None) for offer in ("a", "b")]
    asked: list[tuple[Any, int]] = []

    class Asking:
        def __init__(self, *_: Any) -> None:
            pass

        def ask(self, who: Any, _: Any, works: Any) -> Any:
            asked.append((who.offer, len(works)))
            return [(who.offer, work) for work in works]

    errands = tuple(SimpleNamespace(work=n, ends_at=None) for n in range(5))
    turns = tuple(whom[n % 2] for n in range(5))
    many = Together(cast(Any, errands), turns, cast(Any, turns), "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together, "Quoting", Asking)
        found = many._ask(cast(Any, None), cast(Any, None))
    assert asked == [("a", 3), ("b", 2)]
    assert found == [("a", 0), ("b", 1), ("a", 2), ("b", 3), ("a", 4)]


def bid(deposit: int) -> Any:
    return SimpleNamespace(money=SimpleNamespace(deposit=deposit, bond=1))


def test_what_all_lock_together__is_bounded_before_a_seller_is_asked() -> None:
    has = SimpleNamespace(
        address="0x" + "11" * 20,
        accounts=SimpleNamespace(free_balance=lambda _: 40),
        token=SimpleNamespace(balance=lambda _: 4),
    )
    unasked, named = Wishes(), Wishes(deposit=Tokens(10))
    given: Any = SimpleNamespace(bid=bid(10))
    asking = Quoting(cast(Any, None), cast(Any, has), None, (given,))
    asking._check_sum([bid(10), bid(10)], unasked, Tokens(30))
    with pytest.raises(TooDear):
        asking._check_sum([bid(10), bid(10)], unasked, Tokens(29))
    asking._check_sum([bid(10), bid(10), bid(10)], named, Tokens(29))
    with pytest.raises(TooFewTokens):
        asking._check_sum([bid(10), bid(10), bid(11)], named, Tokens(29))
