"""The registry of identities on one chain: what it says, and what changes it."""

from __future__ import annotations

from dataclasses import fields

from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.identity.did.acts import (
    Act,
    AttributeRevocation,
    AttributeSetting,
    Deactivation,
    DelegateAddition,
    DelegateRevocation,
    OwnerChange,
)
from edgemark.identity.did.identifier import Did, make_did
from edgemark.identity.did.signed_act import SignedAct
from edgemark.identity.did.statements import IdentityDomain
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call


class DidRegistry:
    """The registry on chain.

    Args:
        chain: where it is.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        self._chain = chain
        self._contract = contract

    def did(self, identity: Address) -> Did:
        """The DID of an account; every account has one."""
        return make_did(self._chain.chain_id, identity)

    def domain(self) -> IdentityDomain:
        """What owners sign for this registry."""
        return IdentityDomain(self._chain.chain_id, self._contract.address)

    def owner(self, identity: Address) -> Address:
        """Who may change the identity, as of the latest block; NOBODY once it was deactivated."""
        return Address(self._chain.call(self._contract, "identityOwner", identity, block="latest"))

    def nonce(self, identity: Address) -> int:
        """Of the next statement for the identity."""
        return int(self._chain.call(self._contract, "nonces", identity, block="latest"))

    def change_owner(self, identity: Address, owner: Address) -> Call:
        """Give an identity of the sender's to another account."""
        return Call(self._contract, "changeOwner", (identity, owner))

    def add_delegate(
        self, identity: Address, kind: Hash32, delegate: Address, validity_s: int
    ) -> Call:
        """Let a delegate act for an identity of the sender's."""
        return Call(self._contract, "addDelegate", (identity, kind, delegate, validity_s))

    def revoke_delegate(self, identity: Address, kind: Hash32, delegate: Address) -> Call:
        """Let it act no longer."""
        return Call(self._contract, "revokeDelegate", (identity, kind, delegate))

    def set_attribute(self, identity: Address, name: Hash32, value: bytes, validity_s: int) -> Call:
        """Say something of an identity of the sender's."""
        return Call(self._contract, "setAttribute", (identity, name, value, validity_s))

    def revoke_attribute(self, identity: Address, name: Hash32, value: bytes) -> Call:
        """Say it no longer."""
        return Call(self._contract, "revokeAttribute", (identity, name, value))

    def deactivate(self, identity: Address) -> Call:
        """End an identity of the sender's, for good."""
        return Call(self._contract, "deactivate", (identity,))

    def revoke_signatures(self, identity: Address) -> Call:
        """Void what was signed for an identity of the sender's, and not used."""
        return Call(self._contract, "revokeSignatures", (identity,))

    def by_owner(self, act: Act, now: Timestamp) -> Call:
        """An act as a transaction of the owner's.

        Args:
            act: what is to be done.
            now: chain time; what is valid until a second is so for as long as from here to there.
        """
        match act:
            case OwnerChange(identity, owner):
                return self.change_owner(identity, owner)
            case Deactivation(identity):
                return self.deactivate(identity)
            case DelegateAddition(identity, kind, delegate, valid_to):
                return self.add_delegate(identity, kind, delegate, valid_to - now)
            case DelegateRevocation(identity, kind, delegate):
                return self.revoke_delegate(identity, kind, delegate)
            case AttributeSetting(identity, name, value, valid_to):
                return self.set_attribute(identity, name, value, valid_to - now)
            case AttributeRevocation(identity, name, value):
                return self.revoke_attribute(identity, name, value)

    def by_signature(self, signed: SignedAct) -> Call:
        """An act that its owner signed, whoever sends it."""
        values = tuple(getattr(signed.act, part.name) for part in fields(signed.act))
        arguments = (*values, signed.deadline, signed.signature)
        return Call(self._contract, f"{signed.act.FUNCTION}BySignature", arguments)
