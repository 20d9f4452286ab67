"""The load goes on through failures, and counts conflicts apart from them (L9)."""

from __future__ import annotations

import asyncio

from benchmarks.ledger_load import put_load

from edgemark.ledger.fabric.faults import LedgerSilent, TransactionInvalid
from edgemark.ledger.fabric.wire.codes import Code


def invalid(code: Code) -> TransactionInvalid:
    error = TransactionInvalid("does not count")
    error.code = code
    return error


def test_load__goes_on_through_failures__and_counts_conflicts_apart() -> None:
    under_way = most = 0

    async def call(number: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        if number % 4 == 1:
            raise invalid(
                Code.MVCC_READ_CONFLICT if number % 8 == 1 else Code.PHANTOM_READ_CONFLICT
            )
        if number % 4 == 2:
            raise invalid(Code.ENDORSEMENT_POLICY_FAILURE)
        if number % 4 == 3:
            raise LedgerSilent("is silent")

    load = asyncio.run(put_load(call, 40, 8))
    assert (load.done, load.conflicts) == (10, 10)
    assert load.failures == {"ENDORSEMENT_POLICY_FAILURE": 10, "LedgerSilent": 10}
    assert most == 8
    assert 0 < load.middle_s <= load.tail_s
    assert load.rate > 0
    assert "10 done, 10 conflicts" in load.tell()


def test_load_of_nothing_that_works__has_no_rate() -> None:
    async def call(_: int) -> None:
        raise LedgerSilent("is silent")

    load = asyncio.run(put_load(call, 3, 2))
    assert (load.done, load.rate) == (0, 0.0)
    assert load.failures == {"LedgerSilent": 3}
