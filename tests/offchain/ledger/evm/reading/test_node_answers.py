"""N1, N5, N7: whatever a node answers, what leaves `ledger` is a result or a typed fault."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode as decode_by_eth_abi
from eth_abi.exceptions import DecodingError
from tests.offchain.ledger.evm.contract.scripted_contracts import COIN, REGISTRY, participant, world
from tests.offchain.ledger.evm.reading.junk import Junk
from tests.offchain.ledger.evm.reading.scripted_node import KEY, Chain, View, chain_through
from tests.offchain.ledger.evm.sending.scripted_lane import PATIENT, PAYEE

from edgemark.errors import EdgemarkError, LedgerUnavailable, RefusedInput
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.evm.contract import interface
from edgemark.ledger.evm.development.mining import BlockMaking
from edgemark.ledger.evm.faults import (
    ContractRefused,
    GasAboveCap,
    NoChain,
    NoCode,
    NodeAnswerMalformed,
    NodeRefused,
    NoFunds,
    OtherChainsFile,
    ReorgTooDeep,
    TransactionRefused,
)
from edgemark.ledger.evm.reading import answers
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.reading.follower import LogFollower
from edgemark.ledger.evm.reading.posting import HttpAnswer
from edgemark.ledger.evm.reading.wire import Quiet, RpcWire
from edgemark.ledger.evm.sending.intent import Call, LaneLimits
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.token.metacoin import MetaCoin

EXPECTED = (
    LedgerUnavailable,
    ContractRefused,
    NoCode,
    NoFunds,
    GasAboveCap,
    TransactionRefused,
)
FUZZED = 10_000
EARLY = 0  # a seed that draws a large length soon
NOW = LaneLimits(wait_s=0.0, bump_after_s=0.0, poll_s=0.0)


def questions(chain: EvmChain) -> list[Callable[[], Any]]:
    """Everything that asks a node, but for the lane."""
    registry = ParticipantRegistry(chain, REGISTRY)
    coin = MetaCoin(chain, COIN)
    block = chain.block(1)
    return [
        chain.connect,
        chain.head,
        chain.confirmed,
        chain.block,
        lambda: chain.block(3),
        lambda: chain.headers([1, 2, 3]),
        lambda: chain.senders(2),
        lambda: chain.receipt(block.hash),
        lambda: chain.mined([block.hash, block.parent_hash]),
        lambda: chain.nonces_used(KEY.address, 4),
        chain.now,
        lambda: chain.balance(PAYEE),
        lambda: chain.code(PAYEE),
        lambda: chain.require_code(COIN),
        lambda: chain.call(COIN, "totalSupply"),
        lambda: chain.call_many([Call(COIN, "totalSupply"), Call(COIN, "balanceOf", (PAYEE,))], 3),
        lambda: chain.logs([PAYEE], 2, 4),
        lambda: chain.logs_of_block([PAYEE], block),
        lambda: coin.balance(PAYEE),
        lambda: registry.participant(PAYEE),
        lambda: registry.role_of(PAYEE),
        lambda: registry.is_active(PAYEE),
        lambda: LogFollower(chain, [COIN]).poll(),
        lambda: LogFollower(chain, [REGISTRY]).poll(),
        lambda: BlockMaking.of(chain).make(),
    ]


def test_n1_ten_thousand_spoiled_answers__raise_typed_faults_and_nothing_else() -> None:
    outcomes = ask_while_spoiled()
    assert {"answered", "NodeAnswerMalformed", "NodeRefused", "ChainBusy"} <= outcomes.keys()
    assert outcomes["NodeAnswerMalformed"] > FUZZED / 10


def test_n1_as_it_was__a_length_of_half_a_word_ended_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Planted: only the decoder's own errors were taken for the node's."""

    def decode(kinds: Sequence[str], data: bytes) -> Any:
        try:
            return decode_by_eth_abi(kinds, data)
        except DecodingError as error:
            raise RefusedInput("bytes do not fit the types") from error

    monkeypatch.setattr(interface, "decode", decode)
    with pytest.raises(OverflowError):
        ask_while_spoiled(EARLY)


def ask_while_spoiled(seed: int = 1) -> dict[str, int]:
    """Everything is asked, all answers are spoiled: how often it ended how."""
    _, nodes = world()
    chain = chain_through(nodes)
    asking = questions(chain)
    for ask in asking:
        with suppress(NodeRefused, RefusedInput, LedgerUnavailable):
            ask()
    junk = Junk(seed)
    spoiled = 0

    def spoil(answer: HttpAnswer) -> HttpAnswer:
        nonlocal spoiled
        spoiled += 1
        return junk.spoil(answer)

    nodes.after = spoil
    outcomes: dict[str, int] = {}
    while spoiled < FUZZED:
        chain._wire._quiet = Quiet()
        chain._chain_id = None
        try:
            junk.draw.choice(asking)()
            said = "answered"
        except (*EXPECTED, RefusedInput) as fault:
            said = type(fault).__name__
            str(fault).encode()  # may be printed, whatever a node said
        outcomes[said] = outcomes.get(said, 0) + 1
    return outcomes


@pytest.mark.parametrize("seed", range(6))
def test_n1_a_lane_over_spoiled_answers__raises_typed_faults_and_pays_once(
    tmp_path: Path, seed: int
) -> None:
    chain, nodes = world()
    nodes.block_every = 4
    junk = Junk(seed)

    def spoil_some(answer: HttpAnswer) -> HttpAnswer:
        return junk.spoil(answer) if junk.draw.random() < 0.2 else answer

    def live(limits: LaneLimits) -> None:
        through = chain_through(nodes)
        through._wire._patience_s = 0.0
        with TransactionLane(through, KEY, tmp_path / "lane", limits=limits) as lane:
            lane.transfer(PAYEE, 5, key=b"once")

    with suppress(LedgerUnavailable):
        live(NOW)
    nodes.after = spoil_some
    for _ in range(100):
        try:
            live(NOW)
        except EdgemarkError as fault:  # another block 0 is another chain, for all that is known
            assert isinstance(fault, (*EXPECTED, OtherChainsFile, ReorgTooDeep)), repr(fault)
    nodes.after = lambda answer: answer
    live(PATIENT)
    assert chain.paid(PAYEE) == [5]


# --- single answers ------------------------------------------------------------------------------


def saying(result: Any, method: str, **beside: Any) -> EvmChain:
    """A chain whose node answers one method so."""
    _, nodes = world()

    def answer(body: bytes) -> HttpAnswer:
        asked = json.loads(body)
        if isinstance(asked, list) or asked["method"] != method:
            return nodes(body)
        facts = {"jsonrpc": "2.0", "id": asked["id"], "result": result, **beside}
        return HttpAnswer(200, {}, json.dumps(facts).encode())

    return chain_through(answer)


N1_METHODS: list[tuple[str, Callable[[EvmChain], Any]]] = [
    ("eth_chainId", EvmChain.connect),
    ("eth_blockNumber", EvmChain.head),
    ("eth_getBalance", lambda chain: chain.balance(PAYEE)),
    ("eth_getTransactionCount", lambda chain: chain.nonces_used(PAYEE)),
    ("eth_call", lambda chain: chain.call(COIN, "totalSupply")),
    ("eth_getCode", lambda chain: chain.code(PAYEE)),
]


@pytest.mark.parametrize(("method", "ask"), N1_METHODS)
@pytest.mark.parametrize("result", [None, "0x0g", 7, True, [], {}, "seven", "0x" + "f" * 65])
def test_n1_an_unexpected_type__is_a_fault_of_the_node(
    method: str, ask: Callable[[EvmChain], Any], result: Any
) -> None:
    with pytest.raises((NodeAnswerMalformed, NoChain)):
        ask(saying(result, method))


class WireAsItWas(RpcWire):
    """Planted: an answer is a mapping, and its member `error` is an error whatever it holds."""

    def _result_of(self, answer: Any, _: int | None) -> Any:
        if "error" in answer:
            raise NodeRefused(0, str(answer["error"]), b"", who=self.place)
        return answer["result"]


def through_as_it_was(chain: EvmChain) -> EvmChain:
    wire = chain._wire
    chain._wire = WireAsItWas(chain.url, timeout_s=0.5, attempts=1, post=wire._post)
    return chain


@pytest.mark.parametrize("body", [b"null", b"7", b"{}"])
def test_n1_as_it_was__an_unexpected_answer_is_no_fault_of_anybody(body: bytes) -> None:
    through = chain_through(lambda _: HttpAnswer(200, {}, body))
    with pytest.raises(NodeAnswerMalformed):
        through.head()
    with pytest.raises((TypeError, KeyError)):
        through_as_it_was(through).head()


def test_n5_a_null_error_beside_a_result__is_none() -> None:
    assert saying("0x9", "eth_blockNumber", error=None).head() == 9


def test_n5_as_it_was__a_null_error_refused_everything() -> None:
    with pytest.raises(NodeRefused):
        through_as_it_was(saying("0x9", "eth_blockNumber", error=None)).head()


@pytest.mark.parametrize("number", [None, "1", 1.0, True, 0, [1]])
def test_n1_an_answer_to_another_request__is_a_fault_of_the_node(number: Any) -> None:
    with pytest.raises(NodeAnswerMalformed):
        saying("0x9", "eth_blockNumber", id=number).head()


def test_n1_answers_of_a_batch__are_told_apart_by_their_ids() -> None:
    _, nodes = world()

    def backwards(answer: HttpAnswer) -> HttpAnswer:
        return HttpAnswer(200, {}, json.dumps(json.loads(answer.body)[::-1]).encode())

    nodes.after = backwards
    assert [block.number for block in chain_through(nodes).headers([1, 2, 3])] == [1, 2, 3]


def test_n1_another_block_than_was_asked_for__is_a_fault_of_the_node() -> None:
    block = View(Chain()).answer("eth_getBlockByNumber", ["0x0", False])
    with pytest.raises(NodeAnswerMalformed):
        saying(block, "eth_getBlockByNumber").block(1)


def test_n7_bytes_in_hex__are_read_in_little_more_memory_than_their_own() -> None:
    text = "0x" + "ab" * answers.MOST_DATA_BYTES
    assert memory_of(lambda: answers.data_of(text, "data")) < 2 * len(text)
    with pytest.raises(NodeAnswerMalformed):
        answers.data_of(text + "ab", "data")
    for wrong in ("0xa", "0x0g", "ab", "x0ab", "0xab\n"):
        assert not answers.is_data(wrong, 2)


def test_n7_as_it_was__bytes_in_hex_took_many_times_their_memory() -> None:
    """Planted: the pattern with a group that repeats."""
    text = "0x" + "ab" * 2**16
    pattern = re.compile(r"0x([0-9a-fA-F]{2})*")
    assert memory_of(lambda: pattern.fullmatch(text)) > 10 * len(text)


def memory_of(work: Callable[[], Any]) -> int:
    """Bytes that it takes at most, beside what was there."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("other", ["transactionHash", "hash"])
def test_n1_another_transaction_than_was_asked_for__is_a_fault_of_the_node(other: str) -> None:
    chain, nodes = world()
    wanted, another = ("0x" + block.hash.hex() for block in chain.blocks[3:5])
    call = {"from": PAYEE, "to": PAYEE, "input": "0x", "hash": wanted}
    receipt: dict[str, Any] = {"transactionHash": wanted, "blockNumber": "0x3", "blockHash": wanted}
    receipt |= {"status": "0x1", "gasUsed": "0x1", "effectiveGasPrice": "0x1", "logs": []}
    nodes.views[0].more["eth_getTransactionByHash"] = lambda _: call
    nodes.views[0].more["eth_getTransactionReceipt"] = lambda _: receipt
    through = chain_through(nodes)
    (found,) = through.mined([chain.blocks[3].hash])
    assert found.call.hash == found.receipt.tx_hash
    (call if other == "hash" else receipt)[other] = another
    with pytest.raises(NodeAnswerMalformed):
        through.mined([chain.blocks[3].hash])


def test_n1_text_on_the_chain_that_is_no_utf_8__is_read_all_the_same() -> None:
    """A stranger may register any bytes as its name or endpoint."""
    raw = bytes.fromhex(participant()[2:]).replace(b"https://", b"\xff\xfetps://")
    found = ParticipantRegistry(saying("0x" + raw.hex(), "eth_call"), REGISTRY).participant(PAYEE)
    assert found.endpoint.startswith("\N{REPLACEMENT CHARACTER}")


def test_n1_no_other_module__reads_numbers_of_a_node() -> None:
    chains = Path(answers.__file__).parents[1]
    readers = [path.name for path in chains.rglob("*.py") if re.search(r", 16\)", path.read_text())]
    assert readers == ["answers.py"]


def test_a_seed__spoils_alike() -> None:
    body = HttpAnswer(200, {}, b'{"jsonrpc": "2.0", "id": 1, "result": {"a": ["0x1"]}}')
    assert [Junk(3).spoil(body) for _ in range(3)] == [Junk(3).spoil(body)] * 3
