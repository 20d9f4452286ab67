"""F4: no number of forged cards, in whatever name, makes a stranger of an honest party."""

from __future__ import annotations

import pytest
from tests.offchain.transport.known_cards import KnownCards

from edgemark.transport.limits import ServerLimits
from edgemark.transport.rates import RateLimit
from edgemark.transport.serving import cards as cards_module
from edgemark.transport.serving.cards import Cards
from edgemark.transport.serving.crowd import Crowd, Guest
from edgemark.transport.serving.reception import Reception

CARD = "payer:card"
BURST_S = 2.0  # of a `RateLimit`
FLOOD = 3000  # cards at once


@pytest.fixture
def door() -> KnownCards:
    return KnownCards({CARD: "payer"})


def flood(cards: Cards, *, groups: int, names: int = 1, now: float = 0.0) -> None:
    """Forged cards, all different; of one name it is the payer's."""
    for number in range(FLOOD):
        name = f"party {number % names}" if names > 1 else "payer"
        assert cards.recognise(f"{name}:forged {now} {number}", f"{number % groups}", now) is None


@pytest.mark.parametrize(
    ("groups", "names"), [(1, 1), (1, 100), (300, 1), (300, 100)], ids=lambda n: f"{n}"
)
def test_f4_forged_cards__keep_out_nobody_of_another_address(
    door: KnownCards, groups: int, names: int
) -> None:
    cards = Cards(door)
    flood(cards, groups=groups, names=names)
    assert cards.recognise(CARD, "honest", 0.0) == "payer"


def test_f4_the_planted_bucket__was_the_names_and_shut_its_owner_out() -> None:
    planted = RateLimit(5.0, 5.0)
    for _ in range(FLOOD):
        planted.take("payer", 0.0, is_known=True)
    assert planted.take("payer", 0.0, is_known=True) > 0


def test_f4_forged_cards_of_any_number_of_addresses__are_checked_as_often_as_there_is_time(
    door: KnownCards,
) -> None:
    cards = Cards(door)
    for second in range(4):
        flood(cards, groups=FLOOD, now=float(second))
    most = cards_module.OWN_CHECKS_PER_S + cards_module.MORE_CHECKS_PER_S
    assert len(door.checked) <= most * (3 + BURST_S)


def test_f4_forged_cards_of_one_address__are_checked_a_few_times(door: KnownCards) -> None:
    cards = Cards(door)
    flood(cards, groups=1)
    most = cards_module.OWN_CHECKS_PER_S_OF_GROUP + cards_module.MORE_CHECKS_PER_S_OF_NAME
    assert len(door.checked) == most * BURST_S


def test_f4_more_addresses_than_checks__shut_a_new_card_out_until_they_pause(
    door: KnownCards,
) -> None:
    cards, seen = Cards(door), Cards(door)
    flood(cards, groups=FLOOD)
    assert cards.recognise(CARD, "honest", 0.0) is None
    assert cards.recognise(CARD, "honest", 0.1) == "payer"
    assert seen.recognise(CARD, "honest", 0.0) == "payer"
    flood(seen, groups=FLOOD)
    assert seen.recognise(CARD, "honest", 0.0) == "payer"


def test_f4_cards_in_no_expected_name__are_not_checked(
    door: KnownCards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "named", lambda _: None)
    assert Cards(door).recognise(CARD, "a", 0.0) is None
    assert Cards(None).recognise(CARD, "a", 0.0) is None
    assert door.checked == []


def test_f4_a_card_that_was_recognised__counts_always_and_is_checked_once(door: KnownCards) -> None:
    cards = Cards(door)
    assert {cards.recognise(CARD, "a", 0.0) for _ in range(FLOOD)} == {"payer"}
    assert door.checked == [CARD]


def test_f4_a_reception__knows_who_shows_a_card_beside_forged_ones(door: KnownCards) -> None:
    honest = Guest("honest")
    with Reception(ServerLimits(), Crowd(9, 9), lambda: "server", door, None) as desk:
        for number in range(100):
            forger = Guest("forger")
            desk._show(forger, f"payer:forged {number}")
            assert forger.account is None
        desk._show(honest, CARD)
        desk._show(honest, "")
    assert honest.account == "payer"
