"""`edgemark controller bond|unbond|release|convict`: prices, refusals with reasons, the pool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.controller.controller_ground import ControllerHouse, house
from tests.offchain.systems.trading.controller.equivocation import issue
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.identity.keys import KeyStore
from edgemark.settings.settings import Settings
from edgemark.systems.trading.credentials.kept import KeptSettlement, write_kept

__all__ = ["house"]
pytestmark = [pytest.mark.chain, pytest.mark.lasts(10)]

UNIT = 10**18


def run(house: ControllerHouse, settings: Settings, *words: object) -> Finished:
    environ = {
        "EDGEMARK_CHAIN_URL": house.ground.chain.url,
        "EDGEMARK_CONFIRMATIONS": "0",
        "EDGEMARK_MANIFEST": str(house.ground.folder / "deployment.json"),
    }
    command = ("controller", *map(str, words), "--home", settings.home)
    return edgemark_here(*command, environ=environ)


def bonded(house: ControllerHouse, name: str) -> Settings:
    settings = house.settings(name)
    house.admit(settings)
    house.open(settings).close()
    return settings


def write(folder: Path, name: str, kept: KeptSettlement) -> Path:
    path = folder / name
    path.write_bytes(write_kept(kept.credential.token, kept.issuance))
    return path


def facts_of(told: Finished) -> Any:
    assert told.status == Exit.DONE, told.error
    return told.value


def test_bond__is_brought_taken_home_and_priced_before(house: ControllerHouse) -> None:
    settings = bonded(house, "bonding")
    controllers, account = house.ground["seller"].controllers, KeyStore.of(settings).account
    had = controllers.bond_of(account.address).amount
    told = run(house, settings, "bond", "3", "--dry-run")
    assert told.status == Exit.DONE, told.error
    assert "3 MTC" in told.out + told.error
    assert controllers.bond_of(account.address).amount == had, "nothing was sent"
    facts = facts_of(run(house, settings, "bond", "3", "--json"))
    assert (facts["bonded"], facts["in_standing"]) == (str(had + 3 * UNIT), True)
    early = run(house, settings, "release")
    assert early.status == Exit.REFUSED_INPUT
    assert "NotLeaving" in early.error
    facts = facts_of(run(house, settings, "unbond", "--json"))
    assert facts["controller"] == account.address
    assert facts["free_at"] > house.ground.now()
    again = run(house, settings, "unbond")
    assert again.status == Exit.REFUSED_INPUT
    assert "AlreadyLeaving" in again.error
    left = run(house, settings, "release")
    assert "TooEarly" in left.error
    stays = facts_of(run(house, settings, "bond", "--json"))
    assert stays["in_standing"], "a bond ends unbonding"


def test_bond_of_who_is_no_controller__is_refused(house: ControllerHouse) -> None:
    stranger = house.settings("stranger")
    house.admit(stranger)
    told = run(house, stranger, "bond")
    assert told.status == Exit.REFUSED_INPUT
    assert "NotAController" in told.error


def test_a54_two_credentials_of_one_index__convict_by_anybodys_word(
    house: ControllerHouse, tmp_path: Path
) -> None:
    liar = bonded(house, "liar")
    with house.open(liar) as station:
        key = station.keys.account
        first, second = issue(station, key), issue(station, key, at=1)
    seller = house.ground["seller"]
    reporter = house.settings("reporter")
    house.admit(reporter)
    files = write(tmp_path, "first", first), write(tmp_path, "second", second)
    had = seller.accounts.free_balance(seller.decided.pool)
    bond = seller.controllers.bond_of(key.address).amount
    facts = facts_of(run(house, reporter, "convict", *files, "--json"))
    assert (facts["controller"], facts["index"]) == (key.address, 1)
    assert seller.accounts.free_balance(seller.decided.pool) == had + bond
    once = run(house, reporter, "convict", *files)
    assert once.status == Exit.REFUSED_INPUT
    assert "NothingBonded" in once.error or "AlreadyConvicted" in once.error


def test_files_that_show_nothing__are_refused_by_name_before_anything_is_paid(
    house: ControllerHouse, tmp_path: Path
) -> None:
    honest = bonded(house, "honest")
    with house.open(honest) as station:
        key = station.keys.account
        first, other = issue(station, key), issue(station, key, index=2)
    good, later = write(tmp_path, "good", first), write(tmp_path, "later", other)
    bad = []
    for name, raw in (
        ("empty", b""),
        ("token", first.credential.token.encode()),
        ("cut", good.read_bytes()[:-20]),
        ("spaced", good.read_bytes().replace(b":", b": ")),
        ("huge", b"x" * 200_000),
        ("deep", b"[" * 100_000),
    ):
        (tmp_path / name).write_bytes(raw)
        bad.append(tmp_path / name)
    for path in (*bad, tmp_path / "nowhere"):
        told = run(house, honest, "convict", good, path)
        assert told.status in (Exit.REFUSED_INPUT, 2), told.error
        assert "Traceback" not in told.error
    for path, what in ((good, "are one"), (later, "different indices")):
        told = run(house, honest, "convict", good, path)
        assert told.status == Exit.REFUSED_INPUT
        assert what in told.error
    assert house.ground["seller"].controllers.is_in_standing(key.address)
