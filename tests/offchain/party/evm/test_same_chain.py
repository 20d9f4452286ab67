"""A new chain in the place of the old one is told at once, by log and health, to who looks too."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.development import faucet
from edgemark.ledger.evm.faults import NoCode, OtherChain, OtherChainsFile
from edgemark.ledger.evm.sending.pending import PendingFile, check_owner, identify
from edgemark.logs import configure_logs
from edgemark.metrics.health import find_faults
from edgemark.party.evm.monitoring import ChainFigures
from edgemark.party.evm.same_chain import APART_S, SameChain

OLD, NEW = Hash32(bytes(31) + b"\1"), Hash32(bytes(31) + b"\2")
ME = SecretKey(bytes([7] * 32)).address


class Chain:
    """One whose first block a test chooses."""

    place = "http://127.0.0.1:8545"

    def __init__(self) -> None:
        self.genesis = OLD
        self.code_there = b"\1"
        self.is_silent = False

    def block(self, number: int) -> Any:
        assert number == 0
        if self.is_silent:
            raise LedgerUnavailable("does not answer", who=self.place)
        return SimpleNamespace(hash=self.genesis)

    def code(self, _: object) -> bytes:
        return self.code_there


class Clock:
    """Monotonic seconds; each look is as late as it has to be."""

    now = 0.0

    def __call__(self) -> float:
        self.now += APART_S
        return self.now


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged at info."""
    stream = io.StringIO()
    configure_logs("info", stream)
    yield stream
    configure_logs("info", io.StringIO())


def test_another_chain__is_one_line_and_so_is_its_end(lines: io.StringIO) -> None:
    chain: Any = Chain()
    same = SameChain(chain, OLD, Clock())
    for genesis in (OLD, NEW, NEW, OLD, OLD):
        chain.genesis = genesis
        same.look()
    chain.is_silent = True
    same.look()
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(line["level"], line["event"]) for line in told] == [
        ("error", "another chain answers"),
        ("info", "the chain is back"),
    ]
    assert told[0]["error"]["had"] == NEW.hex()


def test_the_first_block__is_not_asked_for_all_the_time() -> None:
    chain: Any = Chain()
    chain.block = None  # would fail
    SameChain(chain, OLD, lambda: 0.0).look()


def figures(chain: Any) -> ChainFigures:
    """What is asked for a page of health."""
    asking = ChainFigures.__new__(ChainFigures)
    contract = SimpleNamespace(address="0x", name="AssetAnchor")
    asking._chain, asking._accounts = chain, SimpleNamespace(contract=contract)  # type: ignore[assignment]
    station = SimpleNamespace(same_chain=SameChain(chain, OLD))
    asking._party = SimpleNamespace(station=station)  # type: ignore[assignment]
    return asking


def test_health__speaks_of_a_chain_that_is_another_or_empty() -> None:
    chain = Chain()
    asking = figures(chain)
    assert find_faults({}, [asking], 0.0) == []
    chain.code_there = b""
    assert find_faults({}, [asking], 0.0) == ["chain: no contract at the address"]
    with pytest.raises(NoCode):
        asking.ask()
    chain.genesis = NEW
    (fault,) = find_faults({}, [asking], 0.0)
    assert fault == "chain: another chain answers, which has another first block"
    with pytest.raises(OtherChain):
        asking.ask()
    chain.is_silent = True
    assert find_faults({}, [asking], 0.0) == ["chain: does not answer"]


def test_who_only_looks__is_told_that_the_home_is_of_another_chain(tmp_path: Path) -> None:
    path = tmp_path / "lane.journal"
    check_owner(path, identify(31337, OLD, ME))
    pending = PendingFile(path, 31337, OLD, ME)  # a process holds it
    check_owner(path, identify(31337, OLD, ME))
    with pytest.raises(OtherChainsFile, match="belongs to another chain or account"):
        check_owner(path, identify(31337, NEW, ME))
    pending.close()


def test_faucet__of_a_chain_that_is_gone_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "faucet.journal"
    PendingFile(path, 31337, OLD, ME).close()
    monkeypatch.setattr(
        faucet,
        "TransactionLane",
        lambda node, _, file: PendingFile(file, 31337, node.genesis, ME),
    )
    node: Any = Chain()
    node.genesis = NEW
    faucet.open_faucet(node, path).close()
    check_owner(path, identify(31337, NEW, ME))
