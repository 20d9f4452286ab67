"""Who is silent: a ledger of this home, which is started, or what its endorsers spoke of."""

from __future__ import annotations

import pytest

from edgemark.cli.ledger.asking.naming import say_how_to_start
from edgemark.ledger.fabric.client.refusals import Asking, Refusal, explain
from edgemark.ledger.fabric.faults import EndorserWords, LedgerSilent
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, PROFILE, LedgerSettings

REFUSED = "failed to connect to all addresses; last error: Connection refused"
AWAY = EndorserWords("127.0.0.1:7", "Org1MSP", f"chaincode cannot be reached: {REFUSED}")
LATE = EndorserWords("127.0.0.1:8", "Org2MSP", "timeout expired while executing transaction")


def silent(*words: EndorserWords, details: str = "") -> LedgerSilent:
    """What a command hears."""
    refusal = Refusal(Asking.EVALUATE, "UNAVAILABLE", details, words, "127.0.0.1:7")
    error = explain(refusal)
    assert isinstance(error, LedgerSilent)
    return error


@pytest.mark.parametrize(
    ("kind", "command"), [(DEVELOPMENT, "edgemark ledger up"), (FABRIC, "edgemark fabric up")]
)
def test_a_ledger_where_nobody_listens__is_started(kind: str, command: str) -> None:
    error = silent(details=REFUSED)
    say_how_to_start(error, LedgerSettings(kind=kind))
    assert error.remedy == f"It is down: start it with `{command}`."


@pytest.mark.parametrize("words", [(AWAY, LATE), (LATE, AWAY)], ids=["away-late", "late-away"])
def test_a_ledger_whose_chaincode_is_away__runs_and_is_not_to_be_started(
    words: tuple[EndorserWords, ...],
) -> None:
    error = silent(*words)
    say_how_to_start(error, LedgerSettings(kind=DEVELOPMENT))
    assert "It is down" not in error.remedy
    assert "process runs" in error.remedy


def test_a_ledger_elsewhere__is_not_started_from_here() -> None:
    error = silent(details=REFUSED)
    say_how_to_start(error, LedgerSettings(kind=PROFILE, profile="p.json"))
    assert "It is down" not in error.remedy
