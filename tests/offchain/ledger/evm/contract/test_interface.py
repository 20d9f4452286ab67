"""Calls, results, errors and events to and from bytes, against web3 as an independent codec."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.ledger.evm.contract.abi_values import (
    HERE,
    is_same,
    log_of,
    signature,
    types_of,
    values_of,
)
from web3 import Web3

from edgemark.cli.catalogue import CONTRACTS, KINDS
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.identifiers import Hash32, parse_address
from edgemark.ledger.evm.contract.interface import (
    explain_revert,
    load_bytecode,
    load_interface,
    snake_case,
)
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.ledger.evm.reading.blocks import RawLog


def entries(kind: str) -> list[Any]:
    """Every function, event or error of our contracts, with the contract's name."""
    return [
        pytest.param(name, entry, id=f"{name}.{entry['name']}")
        for name in CONTRACTS
        for entry in load_interface(name).abi
        if entry["type"] == kind
    ]


# There are two hundred of them, each with strategies of its own to build.
FEW = settings(max_examples=max(2, settings().max_examples // 20))


@pytest.mark.parametrize(("name", "entry"), entries("function"))
@FEW
@given(data=st.data())
def test_encode_call__any_arguments__web3_reads_them(
    name: str, entry: dict[str, Any], data: st.DataObject
) -> None:
    args = data.draw(values_of(entry["inputs"]))
    call = load_interface(name).encode_call(entry["name"], args)
    oracle = Web3().eth.contract(abi=load_interface(name).abi)
    _, found = oracle.decode_function_input(call)
    assert is_same(tuple(plain(value) for value in found.values()), args)


def plain(value: Any) -> Any:
    """What web3 decodes as mappings and lists, as tuples."""
    if isinstance(value, dict):
        return tuple(plain(each) for each in value.values())
    if isinstance(value, list | tuple):
        return tuple(plain(each) for each in value)
    return value


@pytest.mark.parametrize(("name", "entry"), entries("function"))
@FEW
@given(data=st.data())
def test_decode_result__any_values__come_back(
    name: str, entry: dict[str, Any], data: st.DataObject
) -> None:
    values = data.draw(values_of(entry["outputs"]))
    raw = encode(types_of(entry["outputs"]), values)
    found = load_interface(name).decode_result(entry["name"], raw)
    if not values:
        assert found is None
    elif len(values) == 1:
        assert is_same(found, values[0])
    else:
        assert is_same(found, values)


@pytest.mark.parametrize(("name", "entry"), entries("error"))
@FEW
@given(data=st.data())
def test_explain_revert__any_error_of_ours__gives_name_and_values(
    name: str, entry: dict[str, Any], data: st.DataObject
) -> None:
    values = data.draw(values_of(entry["inputs"]))
    raw = signature(entry)[:4] + encode(types_of(entry["inputs"]), values)
    for at in CONTRACTS:  # the revert may come from a contract further down
        found, by_name = explain_revert(raw, load_interface(at))
        assert found == entry["name"]
        assert is_same(tuple(by_name.values()), values)
        assert list(by_name) == [snake_case(part["name"]) for part in entry["inputs"]]


@pytest.mark.parametrize(("name", "entry"), entries("event"))
@FEW
@given(data=st.data())
def test_decode_event__any_values__come_back_in_the_order_of_declaration(
    name: str, entry: dict[str, Any], data: st.DataObject
) -> None:
    values = data.draw(values_of(entry["inputs"]))
    found = load_interface(name).decode_event(log_of(entry, values))
    assert found is not None
    assert found[0] == entry["name"]
    assert is_same(tuple(found[1].values()), values)


def test_decode_event__of_nobody__is_none() -> None:
    entry = {"name": "Unheard", "inputs": [{"name": "x", "type": "uint256", "indexed": False}]}
    assert load_interface("JobSettlement").decode_event(log_of(entry, (1,))) is None
    nameless = RawLog(HERE, (), b"", 1, Hash32(bytes(32)), Hash32(bytes(32)), 0)
    assert load_interface("JobSettlement").decode_event(nameless) is None


def test_decode_event__same_signature_other_indexing__is_none() -> None:
    entry = next(e for e in load_interface("MetaCoin").abi if e.get("name") == "Transfer")
    unindexed = {**entry, "inputs": [{**part, "indexed": False} for part in entry["inputs"]]}
    log = log_of(unindexed, (HERE, HERE, 5))
    assert load_interface("MetaCoin").decode_event(log) is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ("", {})),
        (b"\x01\x02", ("", {"data": b"\x01\x02"})),
        (
            keccak(text="Error(string)")[:4] + encode(["string"], ["no"]),
            ("Error", {"reason": "no"}),
        ),
        (keccak(text="Panic(uint256)")[:4] + encode(["uint256"], [17]), ("Panic", {"code": 17})),
        (keccak(text="Panic(uint256)")[:4], ("", {"data": keccak(text="Panic(uint256)")[:4]})),
    ],
)
def test_explain_revert__reasons_of_the_language__are_named(
    data: bytes, expected: tuple[str, dict[str, Any]]
) -> None:
    assert explain_revert(data, load_interface("MetaCoin")) == expected


def test_explain_revert__of_a_hostile_contract__keeps_little_of_it() -> None:
    _, values = explain_revert(b"\xff" * 10**6, load_interface("MetaCoin"))
    assert len(values["data"]) == 256


@pytest.mark.parametrize(
    ("function", "args"),
    [
        ("transfer", (HERE,)),
        ("transfer", (HERE, -1)),
        ("transfer", (HERE, 2**256)),
        ("transfer", ("0x12", 1)),
        ("transfer", (HERE, "1")),
        ("mint", (HERE, 1)),
    ],
)
def test_encode_call__what_does_not_fit__is_refused(function: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(RefusedInput):
        load_interface("MetaCoin").encode_call(function, args)


@pytest.mark.parametrize("raw", [b"", b"\x01", bytes(31)])
def test_decode_result__too_short__is_unrecoverable(raw: bytes) -> None:
    with pytest.raises(Unrecoverable, match=r"MetaCoin\.totalSupply"):
        load_interface("MetaCoin").decode_result("totalSupply", raw)


@pytest.mark.parametrize("load", [load_interface, load_bytecode])
def test_load__no_such_contract__names_the_remedy(load: Any) -> None:
    with pytest.raises(Unrecoverable, match="make contracts"):
        load("NoSuchContract")


@pytest.mark.parametrize(
    ("solidity", "python"),
    [
        ("jobKey", "job_key"),
        ("tlsKeyHash", "tls_key_hash"),
        ("ramMiB", "ram_mi_b"),
        ("URL", "url"),
        ("HTTPServer", "http_server"),
        ("from", "from_"),
        ("_value", "value"),
        ("sha256Of", "sha256_of"),
    ],
)
def test_snake_case__a_name__reads_like_python(solidity: str, python: str) -> None:
    assert snake_case(solidity) == python


def test_a_struct__comes_back_with_named_fields() -> None:
    parts = next(
        e["outputs"] for e in load_interface("JobSettlement").abi if e.get("name") == "limits"
    )
    raw = encode(types_of(parts), [(1, 2, 3, 4, 5, 6, 7, 8)])
    found = load_interface("JobSettlement").decode_result("limits", raw)
    assert (found.min_fee, found.exit_grace) == (1, 8)
    assert type(found).__name__ == "Limits"


def test_named__an_address_in_lower_case__is_checksummed() -> None:
    mixed = parse_address(b"\xab" * 20)
    assert KINDS["MetaCoin"].at(mixed.lower()).address == mixed


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"minWindow".ljust(32, b"\0"), "minWindow"),
        (bytes(32), "00" * 32),
        (b"\x01".rjust(32, b"a"), "61" * 31 + "01"),
        (b"minWindow", b"minWindow".hex()),
        (7, "7"),
    ],
)
def test_contract_refused__a_value__reads_as_what_it_is(value: object, shown: str) -> None:
    refused = ContractRefused("JobSettlement", "constructor", "OutOfBounds", {"field": value})
    assert refused.had == f"field {shown}"
