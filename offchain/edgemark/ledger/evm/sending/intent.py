"""What an account wants done on the chain, before there is a transaction for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.ledger.evm.contract.interface import Contract, Interface

ACCOUNT = Interface("account", [])


@dataclass(frozen=True)
class Call:
    """A transaction to be.

    Args:
        contract: called contract.
        function: Solidity name.
        args: as the interface has them.
        gas: limit; None lets it be estimated.
        key: identity of the intention, any bytes; see law 2.
        about: what it is for, any bytes, where a later call for the same has other arguments, as
            more signatures: without a key, one that is under way is joined by it. None: calls of
            equal data are for the same.
    """

    contract: Contract
    function: str
    args: tuple[Any, ...] = ()
    gas: int | None = None
    key: bytes | None = None
    about: bytes | None = None


@dataclass(frozen=True)
class LaneLimits:
    """How much gas a transaction may take and how long a lane waits.

    Args:
        max_gas: gas of one transaction at most.
        gas_margin: limit over estimate, >= 1.
        gas_spare: gas of a limit beside that.
        wait_s: seconds until a transaction that is not final is reported as `NotYetMined`.
        bump_after_s: seconds until the fees of a stuck transaction are raised.
        poll_s: seconds between looks at the chain.
    """

    max_gas: int = 15_000_000
    gas_margin: float = 1.25
    # A second may pass from the estimate to the block: what was written with the value that it
    # had (100 gas, EIP-2200) is changed then (2,900), in up to three places.
    gas_spare: int = 10_000
    wait_s: float = 120.0
    bump_after_s: float = 15.0
    poll_s: float = 0.2

    def limit_of(self, estimate: int) -> int:
        """Gas limit of a transaction that is estimated to use that much."""
        return min(self.max_gas, int(estimate * self.gas_margin) + self.gas_spare)


@dataclass(frozen=True)
class Intent:
    """A call, a transfer or a deployment in one form.

    Args:
        to: called contract or payee; None for a deployment.
        value: wei.
        data: call data or creation code.
        gas: limit, or None.
        key: see `Call`.
        contract: for messages and for the errors it declares.
        function: for messages.
        about: see `Call`.
    """

    to: Address | None
    value: int
    data: bytes
    gas: int | None
    key: bytes | None
    contract: Contract
    function: str
    about: bytes | None = None

    @property
    def identity(self) -> bytes:
        """32 bytes that are equal for equal intentions."""
        if self.key is not None:
            return keccak256(b"named" + self.key)
        if self.about is not None:
            return keccak256(b"about" + self.about)
        to = b"" if self.to is None else bytes.fromhex(self.to[2:])
        return keccak256(
            b"plain" + to.rjust(20, b"\0") + self.value.to_bytes(32, "big") + self.data
        )


def intent_of(call: Call) -> Intent:
    """The intention behind a call.

    Raises:
        RefusedInput: the arguments do not fit the function.
    """
    data = call.contract.interface.encode_call(call.function, call.args)
    facts = (data, call.gas, call.key, call.contract, call.function, call.about)
    return Intent(call.contract.address, 0, *facts)


def cancel_identity(nonce: int) -> bytes:
    """Of what does nothing but take a nonce; 32 bytes, equal to no intention's."""
    return keccak256(b"cancel" + nonce.to_bytes(8, "big"))


def transfer_of(to: Address, wei: int, key: bytes | None = None) -> Intent:
    """The intention to send native coin.

    Raises:
        RefusedInput: not an amount.
    """
    if wei < 0:
        raise RefusedInput("is no amount", who="transfer", had=wei, needed=">= 0 wei")
    return Intent(to, wei, b"", None, key, Contract("account", to, ACCOUNT), "transfer")
