"""Everything in a run that nobody may print, and everywhere that something was printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.stage.leaks import split_elements

from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.systems.outsourcing.contract.hashes import split_share
from edgemark.systems.outsourcing.device.job import DeviceJob

Secret = tuple[str, bytes]
WORD = 32


def secrets_of_keys(folder: Path) -> Iterator[Secret]:
    """Account and TLS key of every home below a folder."""
    for path in sorted(folder.glob("*/keys/account.key")):
        yield f"account key of {path.parts[-3]}", bytes.fromhex(path.read_text().split()[0])
    for path in sorted(folder.glob("*/keys/tls.pem")):
        key = load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        scalar = key.private_numbers().private_value.to_bytes(WORD, "big")
        yield f"TLS key of {path.parts[-3]}", scalar


def secrets_of_job(name: str, state: DeviceJob, batch: bytes) -> Iterator[Secret]:
    """Inputs, shares, checking key, job key, answers and result of a job."""
    order = state.known
    yield f"{name}: job key", order.job_secret
    yield f"{name}: alpha", order.alpha.to_bytes(17, "big")
    for element in split_elements(batch):
        yield f"{name}: input", element
    for task in order.tasks:
        values, weight = split_share(task.share, order.terms.inputs, order.terms.batch)
        yield f"{name}: w({task.index})", weight.to_bytes(17, "big")
        for element in split_elements(values):
            yield f"{name}: v({task.index})", element
    for answer in state.answers:
        for element in split_elements(answer.outputs):
            yield f"{name}: answer {answer.index}", element
    for element in split_elements(state.result or b""):
        yield f"{name}: result", element


def read_logs(folder: Path) -> dict[str, str]:
    """What every process printed: standard output, standard error, log."""
    return {
        str(path.relative_to(folder)): path.read_text(errors="replace")
        for path in sorted(
            [*folder.glob("*/*.jsonl"), *folder.glob("*.jsonl"), *folder.glob("*/*.log")]
        )
    }


def read_chain(chain: EvmChain) -> dict[str, str]:
    """Every transaction, receipt and event, as the node tells them, by block."""
    texts: dict[str, str] = {}
    for number in range(chain.head() + 1):
        block = chain.rpc("eth_getBlockByNumber", hex(number), True)
        parts = [json.dumps(block)]
        for transaction in block["transactions"]:
            parts.append(json.dumps(chain.rpc("eth_getTransactionReceipt", transaction["hash"])))
        texts[f"block {number}"] = "\n".join(parts)
    return texts
