"""Typed events match the contracts' interfaces field for field."""

from __future__ import annotations

import typing
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.ledger.evm.contract.abi_values import HERE, is_same, log_of, values_of

from edgemark.cli.catalogue import CONTRACTS, KINDS
from edgemark.identifiers import Hash32, parse_address
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_log, decode_logs, receipt_events
from edgemark.ledger.evm.contract.interface import load_interface, snake_case
from edgemark.ledger.evm.reading.blocks import RawLog, Receipt
from edgemark.systems.outsourcing.contract.events import JobStarted
from edgemark.token.events import Transfer

ELSEWHERE = parse_address("0x" + "55" * 20)
OF_OTHERS = {"EIP712DomainChanged"}  # declared by what our contracts inherit, never written


def event_entries() -> list[Any]:
    return [
        pytest.param(name, entry, id=f"{name}.{entry['name']}")
        for name in CONTRACTS
        for entry in load_interface(name).events.values()
        if entry["name"] not in OF_OTHERS
    ]


def event_of(contract: str, event: str) -> type[ChainEvent]:
    return {kind.__name__: kind for kind in KINDS[contract].events}[event]


def entry_of(contract: str, event: str) -> Any:
    return load_interface(contract).events[event]


@pytest.mark.parametrize(("name", "entry"), event_entries())
def test_every_event__has_a_type_with_its_fields_in_order(name: str, entry: Any) -> None:
    kind = event_of(name, entry["name"])
    own = [each.name for each in fields(kind) if each.name != "at"]
    assert own == [snake_case(part["name"]) for part in entry["inputs"]]


def test_every_type__has_an_event() -> None:
    for name, kind in KINDS.items():
        named = [event.__name__ for event in kind.events]
        assert set(named) <= set(load_interface(name).events)
        assert len(set(named)) == len(named)


@pytest.mark.parametrize(("name", "entry"), event_entries())
@settings(max_examples=5)
@given(data=st.data())
def test_decode_log__any_values__are_in_the_fields(
    name: str, entry: Any, data: st.DataObject
) -> None:
    values = data.draw(values_of(entry["inputs"]))
    event = decode_log(KINDS[name].at(HERE), log_of(entry, values))
    assert event is not None
    assert is_same(tuple(getattr(event, each.name) for each in fields(event)[1:]), values)
    place = event.at
    assert (place.contract, place.block_number, place.log_index) == (HERE, 7, 3)


@pytest.mark.parametrize(("name", "entry"), event_entries())
def test_every_field_with_an_own_type__is_that_type(name: str, entry: Any) -> None:
    hints = typing.get_type_hints(event_of(name, entry["name"]))
    for part in entry["inputs"]:
        if part["type"] == "address":
            assert hints[snake_case(part["name"])].__name__ == "Address"


def test_decode_log__of_another_address__is_none() -> None:
    log = log_of(entry_of("MetaCoin", "Transfer"), (HERE, ELSEWHERE, 5))
    assert decode_log(KINDS["MetaCoin"].at(ELSEWHERE), log) is None


def test_decode_logs__of_many_contracts__keeps_the_order_and_the_known() -> None:
    coin = KINDS["MetaCoin"].at(HERE)
    logs = [
        log_of(entry_of("MetaCoin", "Transfer"), (HERE, ELSEWHERE, value)) for value in range(3)
    ]
    unknown = RawLog(HERE, (Hash32(bytes(32)),), b"", 1, Hash32(bytes(32)), Hash32(bytes(32)), 0)
    found = decode_logs([coin], [logs[2], unknown, logs[0], logs[1]])
    assert [event.value for event in found if isinstance(event, Transfer)] == [2, 0, 1]
    assert len(found) == 3


def test_equality__of_events__does_not_ask_where_they_stand() -> None:
    entry = entry_of("JobSettlement", "JobStarted")
    log = log_of(entry, (b"\x01" * 32, 1700))
    moved = RawLog(HERE, log.topics, log.data, 99, Hash32(b"\x63" * 32), log.tx_hash, 0)
    settlement = KINDS["JobSettlement"].at(HERE)
    assert decode_log(settlement, log) == decode_log(settlement, moved)
    assert isinstance(decode_log(settlement, log), JobStarted)


def test_receipt_events__of_one_contract__leaves_out_the_others() -> None:
    log = log_of(entry_of("MetaCoin", "Transfer"), (HERE, ELSEWHERE, 5))
    foreign = RawLog(ELSEWHERE, log.topics, log.data, 7, log.block_hash, log.tx_hash, 4)
    receipt = Receipt(log.tx_hash, 7, log.block_hash, True, 1, 1, None, (foreign, log))
    (event,) = receipt_events(receipt, KINDS["MetaCoin"].at(HERE))
    assert event.at.log_index == 3
