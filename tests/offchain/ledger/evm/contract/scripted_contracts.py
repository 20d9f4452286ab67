"""A scripted node that has contracts too, each of which says the same to everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_abi.abi import encode
from tests.offchain.ledger.evm.contract.abi_values import log_of
from tests.offchain.ledger.evm.reading.scripted_node import Chain, Nodes, View
from tests.offchain.ledger.evm.sending.scripted_lane import PAYEE

from edgemark.cli.catalogue import KINDS
from edgemark.ledger.evm.contract.interface import load_interface

COIN = KINDS["MetaCoin"].at(PAYEE)
REGISTRY = KINDS["ParticipantRegistry"].at(PAYEE)
ONE_WORD = "0x" + "00" * 31 + "07"


def logs(wanted: Any) -> list[dict[str, Any]]:
    found = [
        log_of(load_interface("MetaCoin").events["Transfer"], (PAYEE, PAYEE, 5)),
        log_of(load_interface("ParticipantRegistry").events["ProviderNamed"], (PAYEE, "a name")),
    ]
    return [
        {
            "address": PAYEE,
            "topics": ["0x" + topic.hex() for topic in log.topics],
            "data": "0x" + log.data.hex(),
            "blockNumber": wanted.get("toBlock", "0x1"),
            "blockHash": "0x" + "11" * 32,
            "transactionHash": "0x" + "22" * 32,
            "logIndex": hex(place),
        }
        for place, log in enumerate(found)
    ]


def participant() -> str:
    struct = (2, 7, 0, PAYEE, b"k" * 32, "https://host:1", (1, 2, 3, 4))
    kinds = "(uint8,uint64,uint64,address,bytes32,string,(uint32,uint32,uint32,uint32))"
    return "0x" + encode([kinds], [struct]).hex()


def result_of(request: Any, _: str) -> str:
    name = COIN.interface.decode_call(bytes.fromhex(request["data"][2:]))
    return ONE_WORD if name is not None else participant()


def world() -> tuple[Chain, Nodes]:
    chain = Chain()
    for _ in range(8):
        chain.mine()
    more: dict[str, Callable[..., Any]] = {
        "eth_getLogs": logs,
        "eth_call": result_of,
        "eth_getCode": lambda *_: "0x6001",
        "web3_clientVersion": lambda: "anvil/v1.0",
        "hardhat_getAutomine": lambda: True,
        "hardhat_mine": lambda *_: None,
    }
    return chain, Nodes(View(chain, more=more))
