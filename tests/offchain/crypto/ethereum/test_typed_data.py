"""EIP-712 digests against eth-account, which implements the whole of it."""

from __future__ import annotations

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from edgemark.crypto.ethereum.typed_data import DOMAIN, Domain, StructType
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, ShareIndex, Timestamp, Tokens, parse_address
from edgemark.systems.outsourcing.contract.statements import (
    ACCEPTANCE,
    READ_REQUEST,
    RESULT,
    SERVED,
    VERDICT,
    SettlementDomain,
)
from edgemark.systems.outsourcing.identifiers import JobId, TaskId
from edgemark.token.statements import PERMIT, TokenDomain

words = st.binary(min_size=32, max_size=32)
addresses = st.binary(min_size=20, max_size=20).map(parse_address)
numbers = st.one_of(st.integers(0, 3), st.integers(0, 2**256 - 1))
NODE = parse_address(b"\7" * 20)
VALUES = {"bytes32": words, "address": addresses, "uint256": numbers, "uint8": st.integers(0, 255)}


def digest_elsewhere(domain: Domain, kind: StructType, values: list[object]) -> bytes:
    """The same digest by eth-account."""
    message = {
        "types": {
            each.name: [{"type": t, "name": n} for t, n in each.fields] for each in (DOMAIN, kind)
        },
        "primaryType": kind.name,
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": domain.contract,
        },
        "message": {n: v for (_, n), v in zip(kind.fields, values, strict=True)},
    }
    return bytes(_hash_eip191_message(encode_typed_data(full_message=message)))


@pytest.mark.parametrize("kind", [ACCEPTANCE, SERVED, VERDICT, RESULT, READ_REQUEST], ids=str)
@given(data=st.data(), chain=st.integers(0, 2**64), contract=addresses)
def test_digest__equals_that_of_eth_account(
    kind: StructType, data: st.DataObject, chain: int, contract: str
) -> None:
    domain = SettlementDomain(chain, parse_address(contract))
    values = [data.draw(VALUES[t]) for t, _ in kind.fields]
    assert domain.digest(kind, values) == digest_elsewhere(domain, kind, values)


def test_messages__are_their_structs_in_order() -> None:
    domain = SettlementDomain(5, parse_address(b"\5" * 20))
    job, task = JobId(b"\1" * 32), TaskId(b"\2" * 32)
    a, b, index = Hash32(b"\3" * 32), Hash32(b"\4" * 32), ShareIndex(6)
    reader, server = parse_address(b"\7" * 20), parse_address(b"\x08" * 20)
    until = Timestamp(9)
    pairs = [
        (
            domain.acceptance(job, index, a, b, Tokens(10), until),
            (ACCEPTANCE, [job, index, a, b, 10, until]),
        ),
        (domain.served(job, index, a, reader, 1), (SERVED, [job, index, a, reader, 1])),
        (
            domain.verdict(job, index, a, reader, 1, 2),
            (VERDICT, [job, index, a, reader, 1, 2]),
        ),
        (
            domain.result(job, task, index, reader, a, b, bytes(32)),
            (RESULT, [job, task, index, reader, a, b, bytes(32)]),
        ),
        (
            domain.read_request(job, index, reader, server, until),
            (READ_REQUEST, [job, index, reader, server, until]),
        ),
    ]
    for digest, (kind, values) in pairs:
        assert digest == digest_elsewhere(domain, kind, values)
    assert len({digest for digest, _ in pairs}) == 5


def test_a28_digest_for_another_chain_or_contract__is_another() -> None:
    here, there = parse_address(b"\5" * 20), parse_address(b"\6" * 20)
    job, index = JobId(bytes(32)), ShareIndex(1)
    domains = [SettlementDomain(1, here), SettlementDomain(2, here), SettlementDomain(1, there)]
    charge = (job, index, Hash32(bytes(32)), here, 1)
    assert len({domain.served(*charge) for domain in domains}) == 3
    # planted: without the domain, as the paper signs, all three would be one
    assert len({SERVED.hash_struct(charge) for _ in domains}) == 1


@pytest.mark.parametrize(
    "values",
    [
        [bytes(32), 1, bytes(32), NODE],
        [bytes(32), 1, bytes(32), NODE, 1, 1],
        [bytes(31), 1, bytes(32), NODE, 1],
        ["0x" + "00" * 32, 1, bytes(32), NODE, 1],
        [bytes(32), -1, bytes(32), NODE, 1],
        [bytes(32), 2**256, bytes(32), NODE, 1],
        [bytes(32), "1", bytes(32), NODE, 1],
        [bytes(32), True, bytes(32), NODE, 1],
        [bytes(32), 1, bytes(33), NODE, 1],
        [bytes(32), 1, bytes(32), bytes(20), 1],
        [bytes(32), 1, bytes(32), NODE, 256],
    ],
)
def test_values_that_do_not_fit__are_refused(values: list[object]) -> None:
    with pytest.raises(RefusedInput):
        SERVED.hash_struct(values)


def test_uint8_of_256__is_refused() -> None:
    with pytest.raises(RefusedInput):
        VERDICT.hash_struct([bytes(32), 1, bytes(32), NODE, 1, 256])


@pytest.mark.parametrize(
    ("kind", "value"), [("uint256[]", [1]), ("uint8[1]", [1]), ("(uint8)", (1,)), ("bytes", b"")]
)
def test_type_that_is_not_atomic__is_refused(kind: str, value: object) -> None:
    with pytest.raises(RefusedInput):
        StructType("List", ((kind, "value"),)).hash_struct([value])


def test_permit__is_for_the_token_of_this_name_and_version() -> None:
    token, spender = parse_address(b"\1" * 20), parse_address(b"\2" * 20)
    digest = TokenDomain(5, token).permit(NODE, spender, Tokens(7), 1, Timestamp(9))
    values = [NODE, spender, 7, 1, 9]
    assert digest == digest_elsewhere(Domain("MetaCoin", "1", 5, token), PERMIT, values)
