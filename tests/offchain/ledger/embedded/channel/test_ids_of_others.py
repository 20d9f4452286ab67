"""An id is its creator's alone: who claims another's is answered for by none, and takes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.consortium import (
    CHANNEL,
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    firm,
    orderer,
)
from tests.offchain.ledger.embedded.validation.forging import Parts, good, stolen_transaction

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.ordering import Orderer
from edgemark.ledger.embedded.channel.verifying import verify_file
from edgemark.ledger.embedded.doors.delivery import _filtered
from edgemark.ledger.embedded.doors.events import _after
from edgemark.ledger.fabric.wire.blocks import parse_block
from edgemark.ledger.fabric.wire.codes import Code

ORDERER = firm("OrdererMSP").organisation


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trade.sqlite"


@pytest.fixture
def channel(path: Path) -> Iterator[Channel]:
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as made:
        define(made)
        yield made


def claim(victim: Draft) -> bytes:
    """An envelope of another member whose header says the victim's id."""
    return stolen_transaction(Parts(victim))


def unendorsed(draft: Draft) -> bytes:
    """Its creator's own envelope of the same id, which does not count."""
    return good(nonce=draft.nonce, endorsers=[firm("Org1MSP").peer]).envelope()


def check_told(channel: Channel, path: Path, victim: Draft, number: int) -> None:
    identity = victim.transaction_id
    assert channel.status(identity) == (Code.VALID, number)
    assert channel.transaction(identity) == (victim.envelope(), Code.VALID)
    raw = channel.block_of(identity)
    assert raw is not None
    assert parse_block(raw).number == number
    verify_file(path, CHANNEL, ORDERER)


def test_id_claimed_by_another_in_the_block__stays_with_whom_it_is(
    channel: Channel, path: Path
) -> None:
    victim = good()
    victim_envelope = victim.envelope()
    victim.envelope = lambda: victim_envelope  # type: ignore[method-assign]
    block = channel.commit([claim(victim), victim_envelope])
    assert block.flags == (Code.BAD_PROPOSAL_TXID, Code.VALID)
    check_told(channel, path, victim, 2)
    shown = _filtered(block, channel).filtered_block.filtered_transactions
    assert [each.txid for each in shown] == ["", victim.transaction_id]
    assert _after(block, victim.transaction_id).envelopes == ()


def test_id_claimed_by_another_in_an_earlier_block__is_not_used_up(
    channel: Channel, path: Path
) -> None:
    victim = good()
    victim_envelope = victim.envelope()
    victim.envelope = lambda: victim_envelope  # type: ignore[method-assign]
    assert channel.commit([claim(victim)]).flags == (Code.BAD_PROPOSAL_TXID,)
    assert channel.status(victim.transaction_id) is None
    assert not channel.has_transaction(victim.transaction_id)
    assert channel.status("") is None
    assert channel.commit([victim_envelope]).flags == (Code.VALID,)
    check_told(channel, path, victim, 3)


def test_id_that_stands_twice_in_a_block__is_told_as_the_one_that_counts(
    channel: Channel, path: Path
) -> None:
    twice = good()
    counts = twice.envelope()
    twice.envelope = lambda: counts  # type: ignore[method-assign]
    block = channel.commit([unendorsed(twice), counts])
    assert block.flags == (Code.ENDORSEMENT_POLICY_FAILURE, Code.VALID)
    check_told(channel, path, twice, 2)
    assert channel.commit([counts]).flags == (Code.DUPLICATE_TXID,)
    check_told(channel, path, twice, 2)


@pytest.mark.parametrize("before", [claim, unendorsed])
def test_wait__ends_with_the_code_of_the_one_that_counts(
    channel: Channel, before: Callable[[Draft], bytes]
) -> None:
    async def scene() -> None:
        victim = good()
        async with Orderer(channel, count=2, timeout_s=5) as one:
            waiting = asyncio.create_task(one.wait_for(victim.transaction_id))
            await asyncio.sleep(0)
            await one.submit(before(victim))
            await one.submit(victim.envelope())
            assert await waiting == (Code.VALID, 2)

    asyncio.run(asyncio.wait_for(scene(), 30))
