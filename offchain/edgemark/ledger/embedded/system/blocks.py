"""`qscc`: blocks and transactions of a channel, for its readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import transaction_pb2

from edgemark.ledger.embedded.simulation.calls import FAILED, Call, Completion
from edgemark.ledger.embedded.simulation.ground import Ground
from edgemark.ledger.embedded.system.questions import NotAnswered, find_ground, read_question
from edgemark.ledger.fabric.wire.blocks import parse_block
from edgemark.ledger.fabric.wire.codes import OK
from edgemark.ledger.fabric.wire.messages import parse
from edgemark.ledger.fabric.wire.names import BLOCKS

INFO = "GetChainInfo"
MAX_BLOCK_NUMBER = 2**64 - 1


class Blocks:
    """The chaincode `qscc`.

    Args:
        channels: by name.
    """

    needs_state = False

    def __init__(self, channels: Mapping[str, Ground]) -> None:
        self._channels = channels

    def answer(self, call: Call) -> Completion:
        """A block, a transaction, or the height of a channel."""
        try:
            name, channel = read_question(call, BLOCKS, ("function", "channel"))
            ground = find_ground(self._channels, call, name, channel, "Invalid chain ID")
        except NotAnswered as refused:
            return refused.completion
        return _answer(ground, name, call.arguments[2:])


def _answer(ground: Ground, name: str, rest: tuple[bytes, ...]) -> Completion:
    if name == INFO:
        return Completion(OK, payload=_info(ground))
    find = FUNCTIONS.get(name)
    if find is None:
        return Completion(FAILED, f"Requested function {name[:64]} not found.")
    if not rest:
        return Completion(FAILED, f"missing 3rd argument for {name}")
    try:
        found = find(ground, rest[0])
    except ValueError:
        return Completion(FAILED, f"Failed to parse block number {rest[0][:32]!r}")
    if found is None:
        shown = rest[0][:64]
        text = shown.decode() if shown.isascii() and shown.isalnum() else shown.hex()
        return Completion(FAILED, f"{name}: no such entry on channel {ground.name}: {text}")
    return Completion(OK, payload=found)


def _info(ground: Ground) -> bytes:
    height = ground.height
    raw = ground.block(height - 1)
    info = ledger_pb2.BlockchainInfo(height=height)
    if raw is not None:
        top = parse_block(raw)
        info.currentBlockHash, info.previousBlockHash = top.hash, top.previous_hash
    made: bytes = info.SerializeToString()
    return made


def _by_number(ground: Ground, asked: bytes) -> bytes | None:
    if not asked.isdigit():
        raise ValueError
    number = int(asked[:32])
    if number == MAX_BLOCK_NUMBER:  # Fabric's word for the newest
        number = ground.height - 1
    return ground.block(number) if number < ground.height else None


def _by_hash(ground: Ground, asked: bytes) -> bytes | None:
    return ground.block_by_hash(asked)


def _of_transaction(ground: Ground, asked: bytes) -> bytes | None:
    return ground.block_of(asked.decode(errors="replace"))


def _transaction(ground: Ground, asked: bytes) -> bytes | None:
    found = ground.transaction(asked.decode(errors="replace"))
    if found is None:
        return None
    raw, code = found
    envelope = parse(common_pb2.Envelope, raw, f"channel {ground.name}")
    made: bytes = transaction_pb2.ProcessedTransaction(
        transactionEnvelope=envelope, validationCode=int(code)
    ).SerializeToString()
    return made


FUNCTIONS: dict[str, Callable[[Ground, bytes], bytes | None]] = {
    "GetBlockByNumber": _by_number,
    "GetBlockByHash": _by_hash,
    "GetBlockByTxID": _of_transaction,
    "GetTransactionByID": _transaction,
}
