"""T20: a controller's bond: brought at its start, lost for two issuances, taken home."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.controller.controller_ground import ControllerHouse, house
from tests.offchain.systems.trading.controller.equivocation import issue
from tests.offchain.systems.trading.station.trading_ground import WEALTH

from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens
from edgemark.identity.keys import KeyStore
from edgemark.settings.settings import Settings
from edgemark.systems.trading.controller import bonding
from edgemark.systems.trading.controller.bonding import NoEquivocation, NotBonded

__all__ = ["house"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(10)]


def admitted(house: ControllerHouse, name: str, **decided: object) -> Settings:
    settings = house.settings(name, **decided)
    house.admit(settings)
    return settings


def test_t20_a_controller__is_bonded_at_its_start_and_only_once(house: ControllerHouse) -> None:
    settings = admitted(house, "first")
    least = house.ground["seller"].controllers.bonding().min_bond
    with house.open(settings) as station:
        assert station.controllers.is_in_standing(station.address)
        assert station.controllers.bond_of(station.address).amount == least
    with house.open(settings) as station:
        assert station.lane.gas_used == 0
        bonding.provide_bond(station, Tokens(5))
        assert station.controllers.bond_of(station.address).amount == least + 5
    with house.open(settings) as station:
        assert station.controllers.bond_of(station.address).amount == least + 5


def test_t20_a_larger_bond__is_brought_where_the_settings_ask_for_it(
    house: ControllerHouse,
) -> None:
    least = house.ground["seller"].controllers.bonding().min_bond
    settings = admitted(house, "rich", bond=Tokens(2 * least))
    with house.open(settings) as station:
        assert station.controllers.bond_of(station.address).amount == 2 * least
    poor = house.settings("poor", bond=Tokens(5 * least))
    house.admit(poor)
    with pytest.raises(RefusedInput, match="too few tokens"):
        house.open(poor)


def test_a54_two_issuances_of_one_index__take_the_whole_bond_to_the_pool(
    house: ControllerHouse,
) -> None:
    settings = admitted(house, "liar")
    outsider = house.ground["outsider"]
    with house.open(settings) as station:
        key = station.keys.account
        first, second = issue(station, key, 10), issue(station, key, 10, at=1)
        assert first.credential.digest != second.credential.digest
        bond = station.controllers.bond_of(station.address).amount
    pool = outsider.decided.pool
    had = [outsider.accounts.free_balance(each) for each in (pool, outsider.address, key.address)]
    assert bonding.convict(outsider, first, second) == key.address
    has = [outsider.accounts.free_balance(each) for each in (pool, outsider.address, key.address)]
    assert has == [had[0] + bond, had[1], had[2]], "none of it to who reports, or to the liar"
    assert outsider.controllers.bond_of(key.address).convicted_at
    with pytest.raises(RefusedInput, match="convict is refused"):
        bonding.convict(outsider, first, second)
    with pytest.raises(NotBonded, match="lost its bond"):
        house.open(settings)
    assert KeyStore.of(settings).account.address == key.address
    assert outsider.accounts.free_balance(outsider.address) == WEALTH


def test_a54_what_is_no_equivocation__takes_nothing(house: ControllerHouse) -> None:
    settings = admitted(house, "honest")
    outsider = house.ground["outsider"]
    with house.open(settings) as station:
        key = station.keys.account
        first = issue(station, key)
    other = house.ground.key("seller")
    broken = replace(issue(outsider, key, at=1), issuance=bytes(65))
    for second, what in (
        (first, "are one"),
        (issue(outsider, key, index=2), "different indices"),
        (issue(outsider, other), "different keys"),
        (broken, "signature that is none"),
    ):
        with pytest.raises(NoEquivocation, match=what):
            bonding.convict(outsider, first, second)
    assert outsider.controllers.is_in_standing(key.address)


def test_t20_who_leaves__is_not_bonded_again_unasked_and_has_its_bond_back_in_time(
    house: ControllerHouse,
) -> None:
    settings = admitted(house, "leaving")
    with house.open(settings) as station:
        free_at = bonding.unbond(station)
        assert not station.controllers.is_in_standing(station.address)
        for act in (bonding.unbond, lambda s: bonding.release_bond(s, s.address)):
            with pytest.raises(RefusedInput, match="is refused"):
                act(station)
        account = station.address
    with pytest.raises(NotBonded, match="left"):
        house.open(settings)
    outsider = house.ground["outsider"]
    house.ground.pass_to(free_at + 1)  # the last test here: everybody's bond is old from now on
    had = outsider.accounts.free_balance(account)
    released = bonding.release_bond(outsider, account)
    assert outsider.accounts.free_balance(account) == had + released > 0
