"""ape with one question to the chain for each transaction and each reading, instead of a dozen.

Around each call ape asks for code, nonce, balance, fees and the latest block, waits for the nonce,
and traces what was mined. The tests need none of that, and it is most of the time they take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import PropertyMock, patch

from ape.api.accounts import AccountAPI
from ape.api.providers import ProviderAPI
from ape.contracts.base import ContractMethodHandler
from ape.exceptions import ContractLogicError
from ape_ethereum import Ethereum
from ape_ethereum.transactions import Receipt, TransactionStatusEnum, TransactionType
from eth_utils import encode_hex

GAS = 30_000_000  # of a block: given, not estimated, so that what is refused is mined too


class Refusal(ContractLogicError):
    """A transaction was mined and reverted; holds the revert data."""

    def __init__(self, data: bytes) -> None:
        super().__init__(f"reverted with 0x{data.hex()}")
        self.data = data


@contextmanager
def thrifty(provider: ProviderAPI) -> Iterator[None]:
    """Within it, ape asks no more than it must."""
    # For every request, a session looks through the environment for proxies.
    http = provider.web3.provider
    http._request_session_manager.cache_and_return_session(http.endpoint_uri).trust_env = False
    with (
        patch.object(AccountAPI, "call", _send),
        patch.object(ContractMethodHandler, "_validate_is_contract", lambda _: None),
        patch.object(type(provider), "max_gas", new_callable=PropertyMock, return_value=GAS),
        patch.object(
            Ethereum,
            "default_transaction_type",
            new_callable=PropertyMock,
            return_value=TransactionType.DYNAMIC,
        ),
    ):
        yield


def _send(account: AccountAPI, transaction: Any, **_options: Any) -> Receipt:
    """Send it, unsigned as Anvil allows, and answer its receipt.

    Raises:
        Refusal: it was mined and reverted.
    """
    provider = account.provider
    transaction.sender = account.address
    gas = transaction.gas_limit or GAS
    fields = {
        "from": account.address,
        "data": encode_hex(transaction.data),
        "value": hex(transaction.value or 0),
        "gas": hex(gas),
    }
    if transaction.receiver:
        fields["to"] = transaction.receiver
    mined = provider.make_request("eth_sendTransactionSync", [fields])
    if int(mined["status"], 16) == 0:
        raise Refusal(revert_data(provider, mined["transactionHash"]))
    return Receipt(
        block_number=int(mined["blockNumber"], 16),
        contract_address=mined["contractAddress"],
        gas_limit=gas,
        gas_price=int(mined["effectiveGasPrice"], 16),
        gas_used=int(mined["gasUsed"], 16),
        logs=mined["logs"],
        status=TransactionStatusEnum.NO_ERROR,
        txn_hash=mined["transactionHash"],
        transaction=transaction,
    )


def revert_data(provider: ProviderAPI, transaction_hash: str) -> bytes:
    """The answer of the call that was mined, at its own second: a replay comes a block later."""
    tracer = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
    trace = provider.make_request("debug_traceTransaction", [transaction_hash, tracer])
    return bytes.fromhex(trace.get("output", "0x")[2:])


def read_numbers(contract: Any, calls: Sequence[bytes]) -> list[int]:
    """What these calls of one contract answer at the latest block, asked for together."""
    requests = [
        ("eth_call", [{"to": contract.address, "data": encode_hex(call)}, "latest"])
        for call in calls
    ]
    answers = contract.provider.web3.provider.make_batch_request(requests)
    return [int(answer["result"], 16) for answer in answers]
