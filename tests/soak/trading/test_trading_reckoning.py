"""The reckoning finds what it is there to find: every rule is broken once on purpose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import PEOPLE
from tests.soak.trading.reckoning import Traded, check_issued, check_traded, compute_changes
from tests.soak.trading.soak_buyer import RESULTS
from tests.soak.trading.soak_stage import RETAINER
from tests.soak.trading.witness import Witness

from edgemark.identifiers import Hash32
from edgemark.receipt import Receipt

ONE, TWO, THREE = (Hash32(bytes([number]) * 32) for number in (1, 2, 3))
SOUND = Traded(
    name="channel",
    payer=PEOPLE["payer"],
    seller=PEOPLE["seller"],
    ending="claimed",
    amount=60,
    penalty=0,
    is_over=True,
    reason="asked_by_buyer",
    owed=60,
    signed=60,
    due=60,
    ordered=4,
    right=4,
    of_seller={1: ONE, 2: TWO},
    of_buyer={2: TWO},
    newest=2,
    issued=2,
    recorded=[(1, ONE), (2, TWO)],
)


def broken(traded: list[Traded]) -> list[str]:
    """Rules of which a check failed."""
    receipt = Receipt("trading")
    check_traded(receipt, traded)
    return [each.name.removeprefix("channel: ") for each in receipt.checks if not each.passed]


def test_channel_as_it_should_be__breaks_no_rule() -> None:
    assert broken([SOUND]) == []
    assert broken([]) == ["channels were played"]


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({"ending": ""}, ["ended"]),
        ({"is_over": False}, ["ended"]),
        ({"owed": 70, "due": 70}, ["amount, as the seller has it"]),
        ({"signed": 70}, ["amount, as the buyer signed it"]),
        ({"due": 30}, ["billed, by the answers that came"]),
        ({"penalty": 1}, ["penalty"]),
        ({"right": 3}, ["lots with the right result"]),
        ({"of_buyer": {2: THREE}}, ["indices with two credentials"]),
        ({"recorded": [(1, ONE), (2, TWO), (2, TWO)]}, ["evidence, each once"]),
        ({"recorded": [(1, THREE), (2, TWO)]}, ["evidence of what nobody holds"]),
        ({"issued": 3}, ["newest credential", "newest evidence"]),
        ({"recorded": [(1, ONE)]}, ["newest evidence"]),
    ],
    ids=", ".join,
)
def test_channel_that_breaks_a_rule__is_found(change: dict[str, Any], rules: list[str]) -> None:
    assert broken([replace(SOUND, **change)]) == rules


def test_settlements_without_a_credential__are_those_at_whose_end_a_controller_was_away() -> None:
    bare = replace(SOUND, newest=3)
    for deaths, bares, is_sound in ((0, 0, True), (0, 1, False), (1, 2, True), (1, 3, False)):
        receipt = Receipt("trading")
        check_issued(receipt, [SOUND, *[bare] * bares], deaths)
        assert receipt.ok is is_sound
    receipt = Receipt("trading")
    check_issued(receipt, [replace(SOUND, issued=3)], 9)
    assert not receipt.ok, "a credential of what nobody signed"


def test_changes__are_what_is_owed_and_the_retainers() -> None:
    tower = PEOPLE["tower"]
    changes = compute_changes([SOUND, SOUND], tower, 2)
    assert changes == {
        SOUND.payer: -120,
        SOUND.seller: 120 - 2 * RETAINER,
        tower: 2 * RETAINER,
    }


def test_witness__finds_what_is_gone_changed_or_less(tmp_path: Path) -> None:
    seller, buyer = tmp_path / "seller", tmp_path / "buyer"
    paths = [buyer / RESULTS / f"{number}.json" for number in range(3)]
    paths[0].parent.mkdir(parents=True)
    for path in paths:
        path.write_text("[[1]]")
    witness = Witness(seller, [buyer])
    witness.look()
    witness.signed[buyer.name, "aa"] = 7

    def check(last: int) -> list[str]:
        receipt = Receipt("trading")
        witness.check(receipt, {(buyer.name, "aa"): last})
        return [each.name.split()[0] for each in receipt.checks if not each.passed]

    assert check(7) == []
    assert check(6) == ["channels"]
    paths[1].write_text("[[2]]")
    assert check(8) == ["credentials"]
    paths[1].write_text("[[1]]")
    paths[2].unlink()
    assert check(7) == ["credentials"]
