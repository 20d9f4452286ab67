"""Who is registered, and who may take new work, put together from the registry's events. Pure.

Law 1: fed with all events of a registry in the order of the chain, it says of every server what
       `participant` and `standingOf` of the contract say at the same block (`test_directory.py`).
Law 2: what a server offers (`Resources`) stands in no event: the contract is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from edgemark.identifiers import NO_HASH, NO_TIME, NOBODY, Address, Hash32, Timestamp, Tokens
from edgemark.identity import events as on
from edgemark.identity.records import ProviderStake, Role, Staking
from edgemark.ledger.evm.contract.chain_event import ChainEvent

NO_STAKE = ProviderStake(Tokens(0), NO_TIME, NO_TIME, NO_TIME, NO_TIME)


class Fitness(StrEnum):
    """Whether a server may take new work, or why not: the first reason in this order."""

    GOOD = "good"
    RETIRED = "retired"  # or another account has its place
    PROVIDER_RETIRED = "provider-retired"
    NOT_ADMITTED = "not-admitted"  # never, or dismissed
    UNSTAKED = "unstaked"  # its provider's stake is too low
    UNBONDING = "unbonding"  # its provider takes the stake back
    UNRENEWED = "unrenewed"  # the stake may be gone before a complaint comes
    PAUSED = "paused"  # stake or admission count again from a time on


@dataclass(frozen=True)
class Member:
    """Somebody who is registered.

    Attributes:
        provider: of a server; of an organisation the account that it registered with.
        pin, endpoint: of a server, as it registered them; nobody has looked at them.
        is_retired: it takes no new work.
    """

    account: Address
    role: Role
    provider: Address = NOBODY
    pin: Hash32 = NO_HASH
    endpoint: str = ""
    is_retired: bool = False


@dataclass(frozen=True)
class Standing:
    """How a server stands at a time.

    Attributes:
        until: when a pause ends, Unix seconds; 0 unless it is paused.
    """

    fitness: Fitness
    until: Timestamp = NO_TIME

    @property
    def is_good(self) -> bool:
        """Whether it may take new work."""
        return self.fitness is Fitness.GOOD


@dataclass
class Directory:
    """All that the events of one registry tell.

    Args:
        staking: what the registry asks of providers.
    """

    staking: Staking
    members: dict[Address, Member] = field(default_factory=dict)
    names: dict[Address, str] = field(default_factory=dict)
    stakes: dict[Address, ProviderStake] = field(default_factory=dict)
    admitted: dict[tuple[Address, Address], Timestamp] = field(default_factory=dict)

    def take(self, events: Iterable[ChainEvent]) -> None:
        """Hear events in the order of the chain; those of other contracts change nothing."""
        for event in events:
            self._take_one(event)

    def servers(self, role: Role) -> Iterator[Member]:
        """All that registered in a role, the oldest first; those that have retired too."""
        return (member for member in self.members.values() if member.role is role)

    def standing(self, server: Member, now: Timestamp) -> Standing:
        """Whether a server may take new work at a chain time, as `standingOf` has it."""
        admitted = self.admitted.get((server.provider, server.account), NO_TIME)
        held = self.stakes.get(server.provider, NO_STAKE)
        organisation = self.members.get(server.provider)
        counts_from = max(admitted, held.counts_from)
        reasons = {
            Fitness.RETIRED: server.is_retired,
            Fitness.PROVIDER_RETIRED: organisation is not None and organisation.is_retired,
            Fitness.NOT_ADMITTED: not admitted,
            Fitness.UNSTAKED: held.amount < self.staking.min_stake,
            Fitness.UNBONDING: bool(held.free_at),
            Fitness.UNRENEWED: now + self.staking.unbonding_seconds > held.expires_at,
            Fitness.PAUSED: now < counts_from,
        }
        fitness = next((why for why, is_so in reasons.items() if is_so), Fitness.GOOD)
        return Standing(fitness, counts_from if fitness is Fitness.PAUSED else NO_TIME)

    def _take_one(self, event: ChainEvent) -> None:
        match event:
            case on.ParticipantRegistered(account, role, provider, pin, endpoint):
                self.members[account] = Member(account, Role(role), provider, pin, endpoint)
            case on.ServerUpdated(account, pin, endpoint):
                self.members[account] = replace(self.members[account], pin=pin, endpoint=endpoint)
            case on.ParticipantRetired(account):
                self._retire(account)
            case on.ParticipantSucceeded(account, successor, provider):
                former = self.members[account]
                self.members[successor] = replace(former, account=successor)
                if account != provider:
                    self.members[account] = replace(former, is_retired=True)
            case on.ProviderNamed(provider, name):
                self.names[provider] = name
            case on.MemberAdmitted(provider, account, counts_from):
                self.admitted[provider, account] = counts_from
            case on.MemberDismissed(provider, account):
                self.admitted.pop((provider, account), None)
            case on.ProviderStaked() | on.ProviderUnbonding() | on.ProviderStakeReleased():
                had = self.stakes.get(event.provider, NO_STAKE)
                self.stakes[event.provider] = _change(had, event)
            case _:
                pass

    def _retire(self, account: Address) -> None:
        """Whoever acts for an organisation, it is the organisation that retires."""
        member = self.members[account]
        gone = {account, member.provider} if member.role is Role.PROVIDER else {account}
        for each in gone:
            self.members[each] = replace(self.members[each], is_retired=True)


def _change(
    had: ProviderStake,
    event: on.ProviderStaked | on.ProviderUnbonding | on.ProviderStakeReleased,
) -> ProviderStake:
    match event:
        case on.ProviderStaked(_, _, total, expires_at, counts_from):
            return replace(
                had, amount=total, expires_at=expires_at, free_at=NO_TIME, counts_from=counts_from
            )
        case on.ProviderUnbonding(_, _, free_at):
            return replace(had, free_at=free_at)
        case on.ProviderStakeReleased():
            return replace(had, amount=Tokens(0), expires_at=NO_TIME, free_at=NO_TIME)
