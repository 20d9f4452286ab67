"""Who takes part, where to reach it, and which TLS key it must show."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.intent import Call
from edgemark.ledger.interface import Contract
from edgemark.ledger.records import Participant, Resources, Role
from edgemark.transport.endpoint import parse_endpoint

SERVER_ROLES = (Role.COMPUTE_NODE, Role.ENCLAVE, Role.CONSENSUS_NODE)


class EndpointInvalid(PeerFault):
    """A server cannot be reached at what it registered."""


@dataclass(frozen=True)
class ServerEntry:
    """A registered server.

    Attributes:
        endpoint: https URL without path.
        pin: SHA-256 of the SubjectPublicKeyInfo of its TLS key.
    """

    address: Address
    provider: Address
    endpoint: str
    pin: Hash32


class ParticipantRegistry:
    """The registry on chain.

    Args:
        chain: where it is.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        self._chain = chain
        self._contract = contract

    def participant(self, account: Address, *, block: int | str = "latest") -> Participant:
        """What is registered of an account; role NONE when nothing is."""
        return Participant.from_struct(
            self._chain.call(self._contract, "participant", account, block=block)
        )

    def role_of(self, account: Address) -> Role:
        """Role of an account, as of the latest block."""
        return Role(self._chain.call(self._contract, "roleOf", account, block="latest"))

    def is_admitted(self, provider: Address, account: Address) -> bool:
        """Whether the provider admitted the account, as of the latest block."""
        return bool(
            self._chain.call(self._contract, "isAdmitted", provider, account, block="latest")
        )

    def server(self, account: Address) -> ServerEntry:
        """Endpoint and pin of a server.

        Raises:
            RefusedInput: not registered as a server.
            EndpointInvalid: it registered an endpoint that is none.
        """
        found = self.participant(account)
        if found.role not in SERVER_ROLES:
            raise RefusedInput(
                "is no registered server", who=account, had=found.role.name, needed="a server role"
            )
        try:
            parse_endpoint(found.endpoint)
        except RefusedInput as error:  # the contract limits its length only
            raise EndpointInvalid(
                "registered an endpoint that is none",
                who=account,
                had=error.had,
                needed=error.needed,
                remedy="Choose another server.",
            ) from error
        return ServerEntry(account, found.provider, found.endpoint, found.tls_key_hash)

    def register_device(self) -> Call:
        """Register the sender as a device."""
        return Call(self._contract, "registerDevice")

    def register_provider(self, name: str) -> Call:
        """Register the sender as an organisation."""
        return Call(self._contract, "registerProvider", (name,))

    def admit(self, account: Address) -> Call:
        """Let an account register as a member of the sender."""
        return Call(self._contract, "admit", (account,))

    def register_server(
        self, role: Role, provider: Address, pin: Hash32, endpoint: str, resources: Resources
    ) -> Call:
        """Register the sender as a server of `provider`.

        Raises:
            RefusedInput: the endpoint is none.
        """
        parse_endpoint(endpoint)
        arguments = (int(role), provider, pin, endpoint, resources.as_abi())
        return Call(self._contract, "registerServer", arguments)
