"""One lane for each account and chain, whoever opens it: two would sign one nonce twice."""

from __future__ import annotations

from pathlib import Path

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Hash32
from edgemark.journal.journal import Journal
from edgemark.ledger.evm.sending.pending import identify
from edgemark.party.evm.station import LANE_FILE, find_lane

ME = SecretKey(bytes([7]) * 32).address
HERE, THERE = identify(1, Hash32(bytes(32)), ME), identify(2, Hash32(bytes(32)), ME)
BESIDE = "lane-2.journal"


def use(path: Path, owner: bytes) -> None:
    with Journal.open(path) as journal:
        journal.append(owner)


def name(home: Path, *, is_main: bool) -> str:
    """Of the lane on the second chain."""
    return find_lane(home, 2, THERE, is_main=is_main).name


def test_fresh_home__has_the_lane_of_transactions_and_another_chains_beside_it(
    tmp_path: Path,
) -> None:
    assert name(tmp_path, is_main=True) == LANE_FILE
    assert name(tmp_path, is_main=False) == BESIDE


def test_home_of_another_chain__keeps_its_lane(tmp_path: Path) -> None:
    use(tmp_path / LANE_FILE, HERE)
    assert name(tmp_path, is_main=False) == BESIDE
    assert name(tmp_path, is_main=True) == LANE_FILE  # which is refused by who opens it


def test_identities_on_the_chain_of_transactions__go_through_its_lane(tmp_path: Path) -> None:
    use(tmp_path / LANE_FILE, THERE)
    assert name(tmp_path, is_main=False) == name(tmp_path, is_main=True) == LANE_FILE


def test_lane_of_identities_that_was_there_first__is_taken_up(tmp_path: Path) -> None:
    use(tmp_path / BESIDE, THERE)
    assert name(tmp_path, is_main=False) == name(tmp_path, is_main=True) == BESIDE


def test_lane_that_a_process_holds__is_found_too(tmp_path: Path) -> None:
    with Journal.open(tmp_path / LANE_FILE) as journal:
        journal.append(THERE)
        assert name(tmp_path, is_main=False) == LANE_FILE
