"""One envelope that makes a check raise what nobody foresaw stops no channel, and verify agrees."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.consortium import (
    CHANNEL,
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    definition_read,
    firm,
    orderer,
    puts,
)

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.ordering import Orderer
from edgemark.ledger.embedded.channel.verifying import ChannelDiffers, verify_file
from edgemark.ledger.embedded.state.tables import StoreDamaged, StoreUnavailable
from edgemark.ledger.embedded.validation.blocks import Validator
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.embedded.validation.conflicts import BlockSoFar
from edgemark.ledger.embedded.validation.ground import Ground
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.read_write_sets import NamespaceSet
from edgemark.logs import configure_logs

POISON = "poison"


@dataclass
class Faulty:
    """A check with a mistake: what is in `errors` comes at a transaction that writes POISON."""

    errors: list[Exception] = field(default_factory=list)
    is_once: bool = False

    def alone(self, candidate: Candidate, _: Ground) -> Code | None:
        self._raise(candidate.sets)
        return None

    def reads(self, each: NamespaceSet, _: BlockSoFar) -> Code | None:
        self._raise((each,))
        return None

    def _raise(self, sets: tuple[NamespaceSet, ...]) -> None:
        if self.errors and any(write.key == POISON for each in sets for write in each.writes):
            raise self.errors.pop() if self.is_once else self.errors[0]


def validator_of(faulty: Faulty, where: str) -> Validator:
    ours = Validator()
    if where == "reads":
        return replace(ours, of_reads=(*ours.of_reads, faulty.reads))
    return replace(ours, of_transactions=(*ours.of_transactions, faulty.alone))


def make_channel(path: Path, validator: Validator) -> Channel:
    Channel.make(path, configuration_of(*ORGANISATIONS), orderer()).close()
    channel = Channel(path, CHANNEL, orderer(), validator)
    define(channel)
    return channel


@pytest.mark.parametrize("where", ["alone", "reads"])
def test_envelope_that_makes_a_check_fail__does_not_count__and_its_block_is_kept(
    tmp_path: Path, where: str
) -> None:
    path = tmp_path / "trade.sqlite"
    validator = validator_of(Faulty([KeyError("nobody foresaw it")]), where)
    log = io.StringIO()
    configure_logs("info", log)

    async def scene(channel: Channel) -> None:
        reads = definition_read(channel)
        good, bad, last = (Draft([reads, puts({key: b"v"})]) for key in ("a", POISON, "b"))
        async with Orderer(channel, count=3, timeout_s=1) as ordering:
            for each in (good, bad, last):
                await ordering.submit(each.envelope())
            found = [await ordering.wait_for(each.transaction_id) for each in (good, bad, last)]
            assert [each.code for each in found] == [Code.VALID, Code(255), Code.VALID]
            assert {each.block for each in found} == {2}
            assert ordering.fault is None
        told = [json.loads(line) for line in log.getvalue().splitlines()]
        (error,) = [each for each in told if each["level"] == "error"]
        assert error["transaction"] == bad.transaction_id
        assert (error["channel"], error["block"], error["position"]) == (CHANNEL, 2, 1)
        assert error["kind"] == "KeyError"
        assert "test_unforeseen_errors.py" in error["place"]

    with make_channel(path, validator) as channel:
        asyncio.run(asyncio.wait_for(scene(channel), 30))
        with channel.view() as view:
            assert view.get("code", POISON) is None
    configure_logs("info", io.StringIO())
    ordered_by = firm("OrdererMSP").organisation
    assert verify_file(path, CHANNEL, ordered_by, validator).valid == 4
    with pytest.raises(ChannelDiffers, match="has another flag"):  # without the mistake it counts
        verify_file(path, CHANNEL, ordered_by)


def test_error_that_comes_once__changes_no_verdict(tmp_path: Path) -> None:
    path = tmp_path / "trade.sqlite"
    faulty = Faulty([RuntimeError("changed while it was read")], is_once=True)
    with make_channel(path, validator_of(faulty, "alone")) as channel:
        draft = Draft([definition_read(channel), puts({POISON: b"v"})])
        assert channel.commit([draft.envelope()]).flags == (Code.VALID,)
        assert not faulty.errors
    assert verify_file(path, CHANNEL, firm("OrdererMSP").organisation).valid == 3


@pytest.mark.parametrize("where", ["alone", "reads"])
@pytest.mark.parametrize(
    "error", [StoreUnavailable("no room"), StoreDamaged("damaged"), OSError("disk"), MemoryError()]
)
def test_what_says_nothing_of_an_envelope__keeps_no_block(
    tmp_path: Path, where: str, error: Exception
) -> None:
    faulty = Faulty()
    with make_channel(tmp_path / "trade.sqlite", validator_of(faulty, where)) as channel:
        draft = Draft([definition_read(channel), puts({POISON: b"v"})])
        faulty.errors.append(error)
        with pytest.raises(type(error)):
            channel.commit([draft.envelope()])
        assert channel.height == 2
        faulty.errors.clear()
        assert channel.commit([draft.envelope()]).flags == (Code.VALID,)
