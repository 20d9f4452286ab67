"""T6, T24, T25, A53: whatever anybody does in a channel, a tower that looks owes nobody anything.

A plain channel and a tower beside it. Payer, stranger, seller and dismissed tower act as they like;
both parties add to the deposit, and put other keys in force and former ones back, until the last
second; the seller hands in what it likes; the tower looks, late, and does what it owes; time goes
on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.offchain.systems.trading.channel_cast import (
    DEPOSIT,
    LIMITS,
    PEOPLE,
    START,
    open_one,
    signer,
)
from tests.offchain.systems.trading.tower.tower_cast import CLAIM_S, TOWER, Keeper, held_of

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.contract import channel as moves
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import ChannelPhase, Delegation, Said, Signers
from edgemark.systems.trading.contract.terms import ChannelRefused
from edgemark.systems.trading.contract.towers.liability import compute_due, may_be_due
from edgemark.systems.trading.contract.towers.records import Receipt, Watching
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.tower import events as on
from edgemark.systems.trading.tower.taking import StateRefused, check_newer
from edgemark.systems.trading.tower.watch import TowerPhase, Watch

WATCHING = Watching(CLAIM_S)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
HOW = settings(
    max_examples=max(150, settings().max_examples), stateful_step_count=15, phases=PHASES
)
HOW_OF_MISTAKES = settings(HOW, max_examples=400, phases=(Phase.generate,), print_blob=False)
LONGEST_SLEEP = 40  # below the margin and every window
PAYERS, SELLERS = ("payer's key", "payer's next key"), ("seller's key", "seller's next key")
PAIRS = [(signer(payer), signer(seller)) for payer in PAYERS for seller in SELLERS]


class TowerAtWork(RuleBasedStateMachine):
    """The chain moves by calls of the plain model; `keeper.channel` is what it shows.

    Attributes:
        seen: effects that a tower carried out, and endings, of all examples.
    """

    seen: set[str] = set()  # noqa: RUF012 - a test gives its own

    @initialize(covered=st.booleans())
    def begin(self, covered: bool) -> None:
        self.now = START + 1
        self.keeper = Keeper(open_one())
        self.receipts: list[Receipt] = []
        self.is_covering = False
        self.signed = 100  # the most that the payer signed
        self.keeper.promise(100, cover=700)
        self.work()
        if covered:
            self.cover_arrives()
            self.hand(100, 1)

    @property
    def channel(self) -> Channel:
        return self.keeper.channel

    # --- the tower -----------------------------------------------------------------------------

    def work(self) -> None:
        """Look, then do what is owed, until nothing is."""
        for _ in range(8):
            self.keeper.see()
            self.keeper.reach(self.now)
            before = self.channel
            for effect in self.keeper.owed:
                self.perform(effect)
            if self.channel is before:
                return
        raise AssertionError(f"never done: {self.keeper.owed}")

    def perform(self, effect: on.TowerEffect) -> None:
        """As the chain takes it; it refuses nothing that a tower sends after a look."""
        self.seen.add(type(effect).__name__)
        watch, now = self.keeper.watch, self.now
        held = watch.newest
        match effect:
            case on.SubmitCover():
                self.is_covering = True
            case on.SubmitUncover():
                assert not may_be_due(self.channel, self.keeper.cover, WATCHING, now)
                self.keeper.cover = replace(self.keeper.cover, amount=Tokens(0))
            case do.SubmitCheckpoint():
                said = Said(TOWER.address, *held.keys)
                self.keeper.channel = moves.checkpoint(self.channel, held.amount, now, said)
            case do.SubmitResponse():
                word = Delegation(TOWER.address, held.number, held.seller_key)
                shown = word if watch.delegates else None
                self.keeper.channel = ends.respond(
                    self.channel, held.amount, now, held.payer_key, shown
                )
            case do.SubmitSettle():
                self.keeper.channel = ends.settle(self.channel, now)
            case do.SubmitEndUnclosed():
                self.keeper.channel = ends.end_unclosed(self.channel, now)

    @rule()
    def cover_arrives(self) -> None:
        """The chain takes its time for it, but no longer than anybody waits."""
        if self.is_covering:
            self.keeper.cover_now()
            self.is_covering = False

    # --- the seller ----------------------------------------------------------------------------

    @rule(
        amount=st.one_of(st.just(100), st.integers(100, DEPOSIT + 350)),
        number=st.sampled_from((1, 1, 2, 4)),
        is_seen=st.booleans(),
    )
    def hand(self, amount: int, number: int, is_seen: bool = True) -> None:
        """What it likes, at any time, by the checks of the tower, which may not have looked."""
        if is_seen:
            self.work()
        self.signed = max(self.signed, amount)
        watch = self.keeper.watch
        if watch.signers is None:
            raise AssertionError("a channel that was taken up has signers")
        payer, seller = watch.signers.keys
        held = replace(held_of(self.channel, amount, number), payer_key=payer, seller_key=seller)
        try:
            if watch.is_finished or not (check_newer(watch, held) or not watch.is_bound):
                return
            signed = b"r" * 65 if self.gives(watch) else b""
            self.keeper.step(on.HeardState(replace(held, receipt=signed)))
        except (StateRefused, IllegalMove):
            return
        if signed:
            expiry = watch.known.lock_expiry
            self.receipts.append(Receipt(self.channel.id, Tokens(amount), payer, seller, expiry))

    def gives(self, watch: Watch) -> bool:
        """Whether the tower signs a receipt for what it takes."""
        return watch.covered > 0

    # --- everybody else ------------------------------------------------------------------------

    @rule(
        role=st.sampled_from(("payer", "payer", "payer", "seller", "outsider")),
        amount=st.sampled_from((-1, 0, 99, DEPOSIT)),
    )
    def close(self, role: str, amount: int) -> None:
        who = PEOPLE[role]
        if amount < 0:
            self.call(lambda c: ends.close_bare(c, self.now, who))
        elif role == "payer":
            self.call(lambda c: ends.close(c, amount, self.now, Said(who)))

    @rule(
        amount=st.integers(0, DEPOSIT),
        tower=st.sampled_from(("", "rival", "tower")),
        number=st.integers(1, 4),
    )
    def respond(self, amount: int, tower: str, number: int) -> None:
        """Anybody, with what the payer signed, or a copy of what the tower showed."""
        amount = min(amount, self.signed)
        payer, seller = self.channel.signers.keys
        word = Delegation(PEOPLE[tower], number, seller) if tower else None
        self.call(lambda c: ends.respond(c, amount, self.now, payer, word))

    @rule(less=st.integers(0, DEPOSIT))
    def checkpoint(self, less: int) -> None:
        """Of an older voucher."""
        amount = self.signed - less
        if amount > 0:
            self.call(lambda c: moves.checkpoint(c, amount, self.now, self.both()))

    def both(self) -> Said:
        """What both parties say, by the keys in force."""
        return Said(PEOPLE["outsider"], *self.channel.signers.keys)

    @rule()
    def settle(self) -> None:
        self.call(lambda c: ends.settle(c, self.now))

    @rule()
    def end_unclosed(self) -> None:
        """Whoever is glad of it, in the first second."""
        self.call(lambda c: ends.end_unclosed(c, self.now))

    @rule(amount=st.integers(1, 300))
    def reduce(self, amount: int) -> None:
        number, said = self.channel.agreements, self.both()
        self.call(lambda c: moves.reduce(c, number, amount, self.now, self.now, said))

    @rule(pair=st.sampled_from((PAIRS[0], *PAIRS)))
    def put_in_force(self, pair: tuple[Address, Address]) -> None:
        """Both name other keys, with which what the tower holds counts no more; or former ones."""
        channel, said = self.channel, self.both()
        signers = Signers(*pair, channel.signers.controller, channel.signers.epoch)
        at = (self.now, self.now)
        if pair != channel.signers.keys:
            self.call(
                lambda c: moves.amend(c, channel.agreements, channel.paid, signers, *at, said)
            )

    @rule(amount=st.integers(1, 300))
    def top_up(self, amount: int) -> None:
        """The payer, also in the last second in which it may."""
        self.call(lambda c: moves.top_up(c, amount, self.now, PEOPLE["payer"]))

    def call(self, move: Callable[[Channel], Channel]) -> None:
        try:
            self.keeper.channel = move(self.channel)
        except (ChannelRefused, RefusedInput):
            return

    # --- time ----------------------------------------------------------------------------------

    @rule(seconds=st.integers(1, LONGEST_SLEEP))
    def pass_time(self, seconds: int) -> None:
        """The tower sleeps no longer than its margin."""
        self.cover_arrives()
        self.now += seconds
        self.work()

    @rule(after=st.integers(-1, 1), what=st.sampled_from(("expires", "close_by", "window", "lock")))
    def come_to(self, after: int, what: str) -> None:
        """To the second around a deadline, the tower looking on the way."""
        terms = self.channel.terms
        seconds = {
            "expires": terms.expires_at,
            "close_by": terms.close_by,
            "window": self.channel.deadline,
            "lock": terms.lock_expiry(LIMITS.exit_grace),
        }
        aim = seconds[what] + after
        if aim <= self.now or (what == "window" and self.channel.phase is ChannelPhase.ENDED):
            return
        self.cover_arrives()
        last = self.channel.deadline
        stops = [terms.close_by - 49, terms.close_by - 9, last - 9, last + 1, aim]
        for stop in sorted({each for each in stops if self.now < each <= aim}):
            self.now = stop
            self.work()

    def teardown(self) -> None:
        """To the last second: whoever is glad of an end below a receipt brings it first."""
        if not hasattr(self, "keeper"):
            return
        self.come_to(0, "close_by")
        self.top_up(300)  # and with the keys of the first receipt, if the escrow takes it
        self.put_in_force(PAIRS[0])
        self.now = max(self.now, self.channel.terms.close_by + 1)
        self.end_unclosed()
        self.work()
        self.come_to(1, "window")
        self.come_to(1, "lock")
        self.end_unclosed()
        self.tower_that_looked__owes_nothing()
        assert self.channel.end is not None
        self.seen.add(self.channel.end.ending.name)

    # --- laws ----------------------------------------------------------------------------------

    @invariant()
    def tower_that_looked__owes_nothing(self) -> None:
        if not hasattr(self, "keeper") or self.channel.phase is not ChannelPhase.ENDED:
            return
        for receipt in self.receipts:
            due = compute_due(self.channel, receipt, self.keeper.cover, WATCHING, self.now)
            assert due == 0, (receipt, self.channel)

    @invariant()
    def receipt__stands_on_a_cover(self) -> None:
        if hasattr(self, "keeper") and self.receipts:
            assert self.keeper.watch.covered or self.keeper.watch.phase is TowerPhase.RELEASED
            assert Timestamp(self.now) >= START


@pytest.mark.lasts(8)
def test_t6_whatever_anybody_does__a_tower_that_looks_owes_nothing() -> None:
    seen: set[str] = set()
    run_state_machine_as_test(type("SeenTower", (TowerAtWork,), {"seen": seen}), settings=HOW)
    assert {"SETTLED", "UNCLOSED"} <= seen
    sent = {"SubmitCover", "SubmitCheckpoint", "SubmitResponse", "SubmitSettle"}
    assert sent <= seen, sent - seen


class NeverSettles(TowerAtWork):
    """A tower that leaves a channel alone after its window."""

    def perform(self, effect: on.TowerEffect) -> None:
        if not isinstance(effect, do.SubmitSettle):
            super().perform(effect)


class NeverResponds(TowerAtWork):
    """A tower that withholds what a receipt binds it to show."""

    def perform(self, effect: on.TowerEffect) -> None:
        if not (self.keeper.watch.is_bound and isinstance(effect, do.SubmitResponse)):
            super().perform(effect)


class SignsEarly(TowerAtWork):
    """A tower that signs a receipt before its cover stands."""

    def gives(self, watch: Watch) -> bool:
        return watch.promise is not None


class SignsLate(TowerAtWork):
    """A tower that signs a receipt within the margin, and after `close_by`."""


@pytest.mark.lasts(15)
@pytest.mark.parametrize("mistaken", [NeverSettles, NeverResponds, SignsEarly, SignsLate])
def test_tower_with_a_mistake__is_found(
    mistaken: type[TowerAtWork], monkeypatch: pytest.MonkeyPatch
) -> None:
    if mistaken in (SignsEarly, SignsLate):  # which its machine and its checks would refuse
        monkeypatch.setattr(Watch, "_newer", lambda watch, held: replace(watch, held=(held,)))
        monkeypatch.setattr(f"{__name__}.check_newer", lambda watch, held: True)  # noqa: ARG005
    with pytest.raises(AssertionError):
        run_state_machine_as_test(mistaken, settings=HOW_OF_MISTAKES)


@pytest.mark.parametrize(
    ("role", "amount"), [("payer", -1), ("payer", 0), ("payer", 99), ("outsider", -1), ("", 0)]
)
def test_tower_that_looked__owes_nothing_by_whichever_end(role: str, amount: int) -> None:
    """The same to the end, for each way in which others end a channel below a receipt."""
    played = TowerAtWork()
    TowerAtWork.begin(played, covered=True)
    assert played.receipts
    if role == "outsider":
        TowerAtWork.come_to(played, after=1, what="expires")
    if role:
        TowerAtWork.close(played, role=role, amount=amount)
        assert played.channel.phase.is_closing
    played.teardown()
    assert played.channel.paid == played.receipts[0].amount
