"""A chain on which every run is the same to the byte, so that gas can be compared to the unit.

No base fee, so accounts need no coin; one block a transaction and one second a block; accounts are
drawn from their names, signatures are deterministic (RFC 6979). Nothing else of the chain shows in
the gas that a transaction uses.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from eth_utils.crypto import keccak

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Made
from edgemark.ledger.evm.contract.interface import Contract, load_bytecode, load_interface
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.faults import NodeRefused
from edgemark.ledger.evm.reading.blocks import Receipt, receipt_from_json
from edgemark.ledger.evm.reading.chain import EvmChain

START = 1_800_000_000  # Unix seconds of the first block
LOOKS, PAUSE_S = 50, 0.1  # for a transaction that was sent and not mined yet
GAS = 29_000_000  # of a transaction: below Anvil's block


class Reverted(Exception):
    """A step of the scenario was refused: the scenario no longer fits the contracts."""


@cache
def key_of(name: str) -> SecretKey:
    """The account of a role, such as "node 3"."""
    return SecretKey(keccak(text=f"gas of {name}"))


class GasLab:
    """Sends transactions and notes what they used.

    Attributes:
        gas: by "Contract.function", by case.
    """

    def __init__(self, chain: EvmChain) -> None:
        self.chain = chain
        self.gas: dict[str, dict[str, int]] = {}

    def send(self, sender: SecretKey, contract: Contract, function: str, *args: object) -> Receipt:
        """Mine one call.

        Raises:
            Reverted: the contract refused it.
        """
        data = contract.interface.encode_call(function, args)
        request = {"from": sender.address, "to": contract.address, "data": "0x" + data.hex()}
        receipt = self._mine(request)
        if not receipt.is_success:
            self.chain.call(contract, function, *args, block="latest", sender=sender.address)
            raise Reverted(f"{contract.name}.{function}")
        return receipt

    def measure(
        self, case: str, sender: SecretKey, contract: Contract, function: str, *args: object
    ) -> Receipt:
        """The same, and note the gas under `case`."""
        receipt = self.send(sender, contract, function, *args)
        self._note(f"{contract.name}.{function}", case, receipt.gas_used)
        return receipt

    def make(self, case: str | None, sender: SecretKey, name: str, *args: object) -> Made:
        """Deploy a contract and note the gas under its name and `case`, if there is one."""
        data = load_bytecode(name) + load_interface(name).encode_constructor(args)
        receipt = self._mine({"from": sender.address, "data": "0x" + data.hex()})
        if not receipt.is_success or receipt.contract_address is None:
            raise Reverted(f"{name}.constructor")
        if case is not None:
            self._note(f"{name}.constructor", case, receipt.gas_used)
        return Made(receipt.contract_address, receipt.block_number)

    def now(self) -> int:
        """Unix seconds of the latest block."""
        return self.chain.now()

    def wait_until(self, timestamp: int) -> None:
        """Let the next block be at this time."""
        self.chain.rpc("evm_setNextBlockTimestamp", hex(timestamp))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens inside did not happen afterwards; its gas is kept."""
        snapshot = self.chain.rpc("evm_snapshot")
        yield
        if self.chain.rpc("evm_revert", snapshot) is not True:
            raise Reverted("the chain did not go back")
        # What was undone must not wait in the pool with the nonces of what comes next.
        self.chain.rpc("anvil_dropAllTransactions")

    def _mine(self, request: dict[str, str]) -> Receipt:
        """Mine one transaction once: a request whose answer was lost is sent again."""
        nonce = self._nonce_of(request["from"])
        request |= {"gas": hex(GAS), "gasPrice": "0x0", "nonce": nonce}
        try:
            return receipt_from_json(self.chain.rpc("eth_sendTransactionSync", request))
        except NodeRefused as refused:
            return self._find_mined(request["from"], nonce, refused)

    def _find_mined(self, account: str, nonce: str, refused: NodeRefused) -> Receipt:
        """The receipt of a request that was sent twice, which may still wait to be mined."""
        for _ in range(LOOKS):
            if self._nonce_of(account) != nonce:
                (mined,) = self.chain.rpc("eth_getBlockByNumber", "latest", False)["transactions"]
                return receipt_from_json(self.chain.rpc("eth_getTransactionReceipt", mined))
            time.sleep(PAUSE_S)
        raise refused

    def _nonce_of(self, account: str) -> str:
        return str(self.chain.rpc("eth_getTransactionCount", account, "latest"))

    def _note(self, function: str, case: str, gas: int) -> None:
        cases = self.gas.setdefault(function, {})
        if case in cases:
            raise KeyError(f"{function} has two cases '{case}'")
        cases[case] = gas


@contextmanager
def open_lab(folder: Path, hardfork: str) -> Iterator[GasLab]:
    """A lab under the rules of a hard fork."""
    options = AnvilOptions(
        block_time_s=None,
        hardfork=hardfork,
        base_fee_wei=0,
        accounts=1,
        extra=("--gas-price", "0", "--timestamp", str(START), "--auto-impersonate"),
    )
    with AnvilNode.start(folder, options) as node:
        chain = EvmChain(node.url, confirmations=0).connect()
        chain.rpc("anvil_setBlockTimestampInterval", 1)
        yield GasLab(chain)
