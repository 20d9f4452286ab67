"""What a contract may lock is never lowered by asking for more time: it may be promised."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.anchoring.accounts import Allowance
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.ledger.evm.sending.intent import Call
from edgemark.party.evm.joining import ALLOWANCE_S, keep_balance

NOW, DAY = 1_000_000, 86_400
DEPOSIT, PROMISED, FREE = 500, 900, 1_000
LOCKER = Address("0x" + "11" * 20)


class Accounts:
    """Of an anchor that holds one free balance and one allowance."""

    def __init__(self, allowed: int, ends_in_s: int) -> None:
        self.contract = SimpleNamespace(address="anchor")
        self.allowance = Allowance(Tokens(allowed), Timestamp(NOW + ends_in_s))

    def free_balance(self, *_: object) -> int:
        return FREE

    def locker_allowance(self, *_: object) -> Allowance:
        return self.allowance

    def allow_locker(self, locker: Address, amount: int, ends: int) -> Call:
        call: Any = SimpleNamespace(function="allowLocker", args=(locker, amount, ends))
        return call  # type: ignore[no-any-return]


def started_again(allowed: int, ends_in_s: int) -> Allowance:
    """What the system may lock once a server that promised some of it has started."""
    accounts = Accounts(allowed, ends_in_s)

    def send_many(calls: list[Call], **_: object) -> None:
        for call in calls:
            _, amount, ends = call.args
            accounts.allowance = Allowance(Tokens(amount), Timestamp(ends))

    station: Any = SimpleNamespace(
        address="me",
        accounts=accounts,
        token=SimpleNamespace(balance=lambda *_: 0),
        allowing=threading.RLock(),
        lockers=[LOCKER],
        chain=SimpleNamespace(block=lambda *_: SimpleNamespace(timestamp=NOW)),
        lane=SimpleNamespace(send_many=send_many),
    )
    keep_balance(station, DEPOSIT)
    return accounts.allowance


@pytest.mark.parametrize(
    ("allowed", "ends_in_s", "kept"),
    [
        (PROMISED, 20 * DAY, PROMISED),  # longer, not less
        (PROMISED, 0, PROMISED),  # it counts in this very second
        (PROMISED, -1, DEPOSIT),  # what has ended can lock nothing, nor could what was promised
        (100, 20 * DAY, DEPOSIT),
    ],
)
def test_a_server_that_starts_again__lowers_no_allowance_that_counts(
    allowed: int, ends_in_s: int, kept: int
) -> None:
    after = started_again(allowed, ends_in_s)
    assert after.amount == kept
    assert after.expires_at >= NOW + ALLOWANCE_S
