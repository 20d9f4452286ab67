"""Who takes part, where to reach it, and which TLS key it must show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.records import Participant, ProviderStake, Role
from edgemark.identity.registration import SignedRegistration
from edgemark.identity.resources import Resources
from edgemark.identity.statements import RegistryDomain
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.answers import member_of
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.transport.asking.endpoint import parse_endpoint


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

    @property
    def address(self) -> Address:
        """Where the registry is; in the anchor it is the locker of the providers' stakes."""
        return self._contract.address

    def domain(self) -> RegistryDomain:
        """What participants sign for this registry."""
        return RegistryDomain(self._chain.chain_id, self._contract.address)

    def nonce(self, account: Address) -> int:
        """Of the next statement that the account signs."""
        return int(self._chain.call(self._contract, "nonces", account, block="latest"))

    def participant(self, account: Address, *, block: int | str = "latest") -> Participant:
        """What is registered of an account; role NONE when nothing is."""
        return Participant.from_struct(
            self._chain.call(self._contract, "participant", account, block=block)
        )

    def participants(self, accounts: Sequence[Address]) -> list[Participant]:
        """What is registered of each account, as of the latest block."""
        return [Participant.from_struct(struct) for struct in self._ask("participant", accounts)]

    def standings(self, accounts: Sequence[Address]) -> list[tuple[Role, Address, bool]]:
        """(role, provider, may take new work) of each account, as of the latest block."""
        found = self._ask("standingOf", accounts)
        return [(member_of(Role, role), provider, bool(good)) for role, provider, good in found]

    def role_of(self, account: Address) -> Role:
        """Role of an account, as of the latest block."""
        role = self._chain.call(self._contract, "roleOf", account, block="latest")
        return member_of(Role, role)

    def name_of(self, provider: Address) -> str:
        """What an organisation calls itself, in whatever letters; empty when it is none."""
        return str(self._chain.call(self._contract, "nameOf", provider, block="latest"))

    def is_admitted(self, provider: Address, account: Address) -> bool:
        """Whether the provider admitted the account, as of the latest block."""
        return bool(
            self._chain.call(self._contract, "isAdmitted", provider, account, block="latest")
        )

    def admitted_from(self, provider: Address, account: Address) -> Timestamp:
        """From when the provider's admission counts for new work; 0 when there is none."""
        found = self._chain.call(self._contract, "admittedFrom", provider, account, block="latest")
        return Timestamp(found)

    def is_active(self, account: Address) -> bool:
        """Whether a server may take new work: it and its provider are in good standing now."""
        _, _, active = self._chain.call(self._contract, "standingOf", account, block="latest")
        return bool(active)

    def stake_of(self, provider: Address, *, block: int | str = "latest") -> ProviderStake:
        """A provider's stake."""
        return ProviderStake(*self._chain.call(self._contract, "stakeOf", provider, block=block))

    def active_stake(self, provider: Address) -> Tokens:
        """What of a provider's stake counts for new work."""
        return Tokens(self._chain.call(self._contract, "activeStakeOf", provider, block="latest"))

    def min_stake(self) -> Tokens:
        """What a provider needs at stake."""
        return Tokens(self._chain.call(self._contract, "minStake", block="latest"))

    def server(self, account: Address) -> ServerEntry:
        """Endpoint and pin of a server.

        Raises:
            RefusedInput: not registered as a server.
            EndpointInvalid: it registered an endpoint that is none.
        """
        return server_of(account, self.participant(account))

    def _ask(self, function: str, accounts: Sequence[Address]) -> list[Any]:
        calls = [Call(self._contract, function, (account,)) for account in accounts]
        return self._chain.call_many(calls, self._chain.block("latest").number)

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

    def register_signed(self, statement: SignedRegistration) -> Call:
        """Register the account that signed, whoever sends this."""
        arguments = (
            statement.account,
            statement.as_abi(),
            statement.deadline,
            statement.signature,
        )
        return Call(self._contract, "registerSigned", arguments)

    def dismiss(self, account: Address) -> Call:
        """Withdraw the sender's admission of an account: no new work for it."""
        return Call(self._contract, "dismiss", (account,))

    def update_server(self, pin: Hash32, endpoint: str, resources: Resources) -> Call:
        """Give the sender, a server, another TLS key, endpoint and resources.

        Raises:
            RefusedInput: the endpoint is none.
        """
        parse_endpoint(endpoint)
        return Call(self._contract, "updateServer", (pin, endpoint, resources.as_abi()))

    def retire(self) -> Call:
        """The sender takes no new work from now on, for good."""
        return Call(self._contract, "retire")

    def succeed(self, account: Address, deadline: Timestamp, signature: bytes) -> Call:
        """The sender takes the place of `account`, which signed that."""
        return Call(self._contract, "succeed", (account, deadline, signature))

    def stake(self, amount: int) -> Call:
        """The sender, a provider, locks so much more, and renews what it has at stake."""
        return Call(self._contract, "stake", (amount,))

    def unstake(self) -> Call:
        """The sender's stake counts for nothing new, and is free after the unbonding time."""
        return Call(self._contract, "unstake")

    def release_stake(self, provider: Address) -> Call:
        """Give a provider its stake back when its time has come; anyone may."""
        return Call(self._contract, "releaseStake", (provider,))


def server_of(account: Address, found: Participant) -> ServerEntry:
    """Endpoint and pin of a server, of what is registered of it.

    Raises:
        RefusedInput: it is no server.
        EndpointInvalid: it registered an endpoint that is none.
    """
    if not found.role.is_server:
        raise RefusedInput(
            "is no registered server", who=account, had=found.role.word, needed="a server role"
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
