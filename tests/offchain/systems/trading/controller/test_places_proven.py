"""Another's place at a controller: for tokens that were locked for a while, and for no others."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import LIMITS, START
from tests.offchain.systems.trading.controller.recording.evidence_cast import channel_of
from tests.offchain.systems.trading.controller.test_channel_places import Loop
from tests.offchain.systems.trading.parties_cast import TERMS
from tools.print_place_payoffs import main as print_payoffs

from edgemark.identifiers import TOKEN_UNIT, Tokens
from edgemark.systems.trading.contract.records import ChannelEnding
from edgemark.systems.trading.controller.channels import watching
from edgemark.systems.trading.controller.channels.apart import SetApart
from edgemark.systems.trading.controller.channels.floors import (
    MOST_FLOORS,
    Floors,
    compute_least_bond,
)
from edgemark.systems.trading.controller.channels.floors import compute_hold as compute_bonds
from edgemark.systems.trading.controller.channels.known import KnownChannels
from edgemark.systems.trading.controller.channels.places import (
    AGAIN_S,
    MOST_STEPS,
    PROVEN_S,
    SMALL,
    Claim,
    NoPlace,
    Rises,
    compute_hold,
    find_leaving,
    pause_after,
)
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.settings import SellerSettings

D = TOKEN_UNIT  # what an honest channel locks
ONE, TWO, THREE, FOUR = map(channel_of, range(4))


def proven(claim: Claim) -> int:
    return claim.locked - sum(amount for _, amount in claim.young)


class Chain:
    """What channels lock, second by second, and how a controller follows it."""

    def __init__(self, channels: int, rises: Rises | None = None) -> None:
        self.rises = Rises() if rises is None else rises
        self.now = START
        self.locked = {channel_of(number): 0 for number in range(channels)}
        self.past = {channel: [(START, 0)] for channel in self.locked}
        self.rises.look(0, START)

    def move(self, channel: ChannelId, amount: int) -> None:
        rises, had = self.rises, self.locked[channel]
        if had == 0:
            rises.begin(channel, self.now)
        elif amount > 0:
            rises.rise(channel, self.now, amount)
        else:
            rises.fall(channel, -amount)
        self.locked[channel] = had + amount
        if self.locked[channel] == 0:
            rises.drop(channel)
        self.past[channel].append((self.now, self.locked[channel]))

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        self.rises.look(self.now, self.now)

    def claim(self, channel: ChannelId) -> Claim:
        return self.rises.claim(channel, self.locked[channel])

    def least(self, channel: ChannelId) -> int:
        """By hand: of all that it had locked at any moment of the last `PROVEN_S`."""
        past, start = self.past[channel], self.now - PROVEN_S
        before = [amount for at, amount in past if at <= start][-1:] or [0]
        return min([*before, *(amount for at, amount in past if at > start)])


@pytest.mark.parametrize("seed", range(20))
def test_what_has_no_place__weighs_the_least_it_had_locked_for_a_while(seed: int) -> None:
    drawn, chain = random.Random(seed), Chain(3)
    for _ in range(200):
        channel = drawn.choice(list(chain.locked))
        had = chain.locked[channel]
        chain.move(channel, drawn.choice((-had, -(had // 2), 1, 50, drawn.randrange(100))))
        chain.pass_time(drawn.choice((0, 1, 60, 130, PROVEN_S)))
        for each in chain.locked:
            steps = len(chain.rises._steps.get(each, ()))
            if steps < MOST_STEPS:
                assert proven(chain.claim(each)) == chain.least(each)
            assert proven(chain.claim(each)) <= chain.least(each)


@pytest.mark.parametrize("seed", range(10))
def test_tokens_that_one_moves_among_many_channels__weigh_no_more_than_it_had_at_any_moment(
    seed: int,
) -> None:
    drawn, chain, tokens = random.Random(seed), Chain(12), 1000 * D
    for _ in range(150):
        free = tokens - sum(chain.locked.values())
        channel = drawn.choice(list(chain.locked))
        leaves = chain.locked[channel] and drawn.random() < 0.5
        chain.move(channel, -chain.locked[channel] if leaves else drawn.randrange(free + 1))
        chain.pass_time(drawn.choice((1, 12, 100, PROVEN_S // 2)))
        together = Claim.together(map(chain.claim, chain.locked))
        assert proven(together) <= min(tokens, together.locked)
        assert proven(together) == sum(chain.least(each) for each in chain.locked)


def test_a_claim__says_when_it_is_enough() -> None:
    chain = Chain(1)
    chain.move(ONE, 5 * D)
    chain.pass_time(200)
    chain.move(ONE, 3 * D)
    claim = chain.claim(ONE)
    assert claim.weight == SMALL
    assert claim.wait_s(4 * D) == PROVEN_S - 200
    assert claim.wait_s(5 * D) == PROVEN_S
    assert claim.wait_s(8 * D) is None
    with pytest.raises(NoPlace) as caught:
        find_leaving({"holder": 4 * D}, claim, 1, what="places")
    refused = caught.value
    assert refused.retry_after_s == PROVEN_S - 200
    assert f"counts in {PROVEN_S - 200} s" in refused.remedy
    assert "8 MTC locked, of which 0.1 MTC count" in str(refused.had)
    assert "4 MTC locked for 600 s" in str(refused.needed)
    assert pause_after(refused) == AGAIN_S, "a place may get free before"
    with pytest.raises(NoPlace) as caught:
        find_leaving({"holder": 8 * D}, claim, 1, what="places")
    assert caught.value.retry_after_s == AGAIN_S
    chain.pass_time(PROVEN_S - 200)
    assert find_leaving({"holder": 4 * D}, chain.claim(ONE), 1, what="places") == "holder"


def test_limits__fit_each_other() -> None:
    assert SellerSettings().min_bond == SMALL, "locked to the end, whatever is paid"
    assert 10 * AGAIN_S < PROVEN_S < watching.LOOKED_FOR_S


def test_before_the_chain_was_read_and_where_too_many_rise__nothing_counts() -> None:
    rises = Rises(most=2)
    assert rises.claim(ONE, D) == Claim(D, ((PROVEN_S, D),))
    rises.look(1, START)
    assert proven(rises.claim(ONE, D)) == D
    for channel in (ONE, TWO, THREE):
        rises.rise(channel, START + 10, 1)
    rises.look(2, START + 10)
    assert (len(rises), proven(rises.claim(FOUR, D))) == (2, 0)
    assert rises.claim(FOUR, D).wait_s(SMALL) == PROVEN_S
    rises.look(3, START + 10 + PROVEN_S)
    assert (len(rises), proven(rises.claim(FOUR, D))) == (0, D)


# --- places, by desks -------------------------------------------------------------------------


class House(Loop):
    """The desks of a controller with two places, held by who locked D and 2 D long ago."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, most=2)
        self.chain = Chain(0, self.places.rises)
        self.chain.past = {}
        self.come(ONE, D)
        self.come(TWO, 2 * D)

    def lock(self, channel: ChannelId, amount: int) -> None:
        self.chain.locked.setdefault(channel, 0)
        self.chain.past.setdefault(channel, [(START, 0)])
        self.chain.move(channel, amount)

    def wants(self, channel: ChannelId) -> None:
        self.come(channel, self.chain.locked[channel])

    def end(self, channel: ChannelId) -> None:
        self.places.rises.drop(channel)
        ended = on.SawEnded(ChannelEnding.TOGETHER, TERMS.deposit)
        self.tell(self.places.key(channel), [ended])
        self.chain.locked[channel] = 0

    def has(self, *channels: ChannelId) -> bool:
        return {each.known.channel for each in self.places.open().values()} == set(channels)


def test_tokens_that_come_back_at_once__take_nobody_s_place_however_many_they_are(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    for number in range(20):
        flash = channel_of(100 + number)
        house.lock(flash, 10_000 * D)
        with pytest.raises(NoPlace) as caught:
            house.wants(flash)
        assert caught.value.retry_after_s == PROVEN_S
        house.chain.move(flash, -10_000 * D)
        house.chain.pass_time(24)
    assert house.has(ONE, TWO)
    assert house.places.displaced == 0


def test_a_free_place__is_given_at_once_and_whoever_has_it_is_no_prey_of_dust(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    house.lock(FOUR, SMALL)
    house.chain.pass_time(10 * PROVEN_S)
    house.end(TWO)
    house.lock(THREE, D // 2)
    house.wants(THREE)
    assert house.has(ONE, THREE)
    with pytest.raises(NoPlace):
        house.wants(FOUR)


def test_a_top_up__counts_after_a_while_for_who_has_no_place_and_at_once_for_who_has_one(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    house.lock(THREE, D)
    house.chain.pass_time(PROVEN_S)
    with pytest.raises(NoPlace):
        house.wants(THREE)
    house.lock(THREE, 1)
    house.chain.pass_time(PROVEN_S - 1)
    with pytest.raises(NoPlace) as caught:
        house.wants(THREE)
    assert caught.value.retry_after_s == 1
    house.chain.pass_time(1)
    house.tell(house.places.key(ONE), [on.SawMoney(Tokens(2 * D), Tokens(0), 0)])
    with pytest.raises(NoPlace):
        house.wants(THREE)
    house.lock(THREE, 2 * D)
    house.chain.pass_time(PROVEN_S)
    house.wants(THREE)
    assert house.has(ONE, THREE), "TWO was the lightest by then"


def test_what_is_less_for_a_moment__counts_less_for_a_while(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.lock(THREE, 5 * D)
    house.chain.pass_time(PROVEN_S)
    house.chain.move(THREE, -4 * D)
    house.chain.move(THREE, 4 * D)
    with pytest.raises(NoPlace):
        house.wants(THREE)
    house.chain.pass_time(PROVEN_S)
    house.wants(THREE)
    assert house.has(TWO, THREE)


def test_places_held_with_less_than_any_seller_takes__make_nobody_wait(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.end(ONE)
    house.end(TWO)
    dust = [channel_of(10 + number) for number in range(2)]
    for channel in dust:
        house.lock(channel, SMALL - 1)
        house.wants(channel)
    house.chain.pass_time(10 * PROVEN_S)
    house.lock(THREE, D)
    house.wants(THREE)
    assert house.places.terms(THREE) is not None


@pytest.mark.parametrize("has", [0.5, 1.0, 1.9, 2.1, 4.2])
def test_strangers_together__keep_out_no_more_than_what_they_lock_for_so_long_is_worth(
    has: float,
) -> None:
    """They play against M that lock D each, and keep out as many as have D + 1 of theirs each."""
    most, drawn = 8, random.Random(int(10 * has))
    chain, tokens = Chain(24), int(has * D)
    honest = [f"honest {number}" for number in range(most)]
    holders: set[Any] = set(honest)
    worst = 0

    def enter(who: Any, claim: Claim) -> None:
        held = {each: chain.locked.get(each, D) for each in holders}
        with contextlib.suppress(NoPlace):
            leaving = find_leaving(held, claim, most, what="places")
            if leaving in honest:
                assert chain.least(who) > D, "for so long it had nothing else of that"
            holders.discard(leaving)
            holders.add(who)

    for _ in range(600):
        channel = drawn.choice(list(chain.locked))
        free = tokens - sum(chain.locked.values())
        if chain.locked[channel]:
            chain.move(channel, -chain.locked[channel])
            holders.discard(channel)
        elif free > 0:
            chain.move(channel, min(free, drawn.choice((D + 1, free))))
        wants = [each for each in chain.locked if each not in holders and chain.locked[each]]
        for each in drawn.sample(wants, len(wants)):
            enter(each, chain.claim(each))
        for name in honest:  # whoever was put out asks again
            if name not in holders:
                enter(name, Claim(D))
        worst = max(worst, sum(each not in holders for each in honest))
        chain.pass_time(drawn.choice((1, 15, 60, PROVEN_S)))
    assert worst == tokens // (D + 1), "it can be had for that, and for nothing less"
    assert worst * compute_hold(D, 1) <= tokens


# --- what is over, and floors -----------------------------------------------------------------


def known_of(loop: Loop) -> KnownChannels:
    station: Any = SimpleNamespace(
        evidence_domain=None, deals=None, decided=SimpleNamespace(limits=LIMITS)
    )
    return KnownChannels(station, 10, loop.places, SetApart())


@pytest.mark.parametrize(
    ("event", "weight"),
    [
        (lambda: on.SawEnded(ChannelEnding.TOGETHER, TERMS.deposit), 0),
        (lambda: on.SawMoney(TERMS.deposit, TERMS.deposit, 0), TERMS.bond),
    ],
)
def test_a_channel_that_is_over__weighs_nothing_whatever_it_was_named_with(
    tmp_path: Path, event: Callable[[], object], weight: int
) -> None:
    loop = Loop(tmp_path)
    known = known_of(loop)
    known.named.note(ONE, TERMS, 1)
    assert known.weight(ONE) == known.claim(ONE).locked == TERMS.deposit + TERMS.bond
    loop.come(ONE, TERMS.deposit + TERMS.bond)
    loop.tell(ONE, [event()])
    assert (known.weight(ONE), known.claim(ONE)) == (weight, Claim(weight))
    assert known.weight(TWO) == 0


def test_a_floor__is_kept_while_its_channel_is_open_and_no_longer(tmp_path: Path) -> None:
    floors = Floors(tmp_path / "f")
    for channel in (ONE, TWO):
        floors.keep(channel, 7, 50)
    floors.forget(ONE)
    floors.forget(THREE)
    assert (floors.find(ONE), floors.find(TWO)) == (0, 7)
    assert Floors(tmp_path / "f").find(TWO) == 7
    assert len(list((tmp_path / "f").iterdir())) == 1


def test_places_of_floors__cost_the_more_the_fewer_are_left(tmp_path: Path) -> None:
    floors = Floors(tmp_path / "f", most=4)
    for number in range(4):
        floors.check_bond(channel_of(9), compute_least_bond(number, 4))
        if least := compute_least_bond(number, 4):
            with pytest.raises(NoPlace, match="nearly all"):
                floors.check_bond(channel_of(9), least - 1)
        floors.keep(channel_of(number), 1, 50)
    floors.check_bond(channel_of(3), 0)
    with pytest.raises(NoPlace):
        floors.check_bond(channel_of(9), 3 * SMALL)
    assert [compute_least_bond(taken, 4) for taken in range(5)] == [
        *(0, 0),
        SMALL,
        3 * SMALL,
        4 * SMALL,
    ]


def test_who_fills_all_places_of_floors__locks_as_much_as_the_page_says() -> None:
    taken, bonds = compute_bonds(TOKEN_UNIT, MOST_FLOORS)
    assert (
        compute_least_bond(taken, MOST_FLOORS)
        > TOKEN_UNIT
        >= compute_least_bond(taken - 1, MOST_FLOORS)
    )
    assert bonds == sum(compute_least_bond(each, MOST_FLOORS) for each in range(taken))
    all_, most = compute_bonds(10**9 * TOKEN_UNIT, MOST_FLOORS)
    assert (all_, most > 60_000 * TOKEN_UNIT) == (MOST_FLOORS, True)
    assert print_payoffs(["--check"]) == 0
