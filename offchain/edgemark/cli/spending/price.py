"""What a command would come to for who calls it: tokens and gas, told before anything is paid.

All of it is read from what the contracts would log, so it holds for whatever a system's contracts
do: MTC that leave the wallet, what is locked and until when it is back at the latest, what comes
back, and gas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.amounts import Amount, Coin
from edgemark.anchoring import events as anchored
from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address, Hash32, Moment
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.sending.rehearsed_lane import Rehearsal
from edgemark.token.events import Transfer
from edgemark.token.kinds import META_COIN
from edgemark.words import count


@dataclass(frozen=True)
class Held:
    """Tokens that a contract would lock, or hold for longer than before.

    Attributes:
        by: name of the contract.
        amount: smallest units, beside what it has; 0 where it only holds that for longer.
        until: when all is back at the latest, Unix seconds; 0 when the lock is an older one.
    """

    by: str
    amount: int
    until: int

    def __str__(self) -> str:
        if not self.amount:
            return f"what {self.by} has locked stays so until {Moment(self.until)} at the latest"
        until = f" until {Moment(self.until)} at the latest" if self.until else ""
        return f"{Amount(self.amount)} are locked by {self.by}{until}"


@dataclass(frozen=True)
class Returned:
    """Tokens that a contract would give out of a lock.

    Attributes:
        by: name of the contract.
        amount: smallest units, into the free balance.
    """

    by: str
    amount: int

    def __str__(self) -> str:
        return f"{Amount(self.amount)} come back from {self.by} into the free balance"


@dataclass(frozen=True)
class Price:
    """What a command would come to.

    Attributes:
        rehearsal: what it would send.
        leaves: MTC that leave the wallet, smallest units; negative when some come in.
        anchored: of them into the free balance in the anchor; negative when out of it.
        held: what contracts would lock of the free balance, and what they would hold for longer.
        returned: what contracts would give back into it.
        later: sentences about what may follow.
        has_tokens: whether there are any on this chain.
    """

    rehearsal: Rehearsal
    leaves: int = 0
    anchored: int = 0
    held: tuple[Held, ...] = ()
    returned: tuple[Returned, ...] = ()
    later: tuple[str, ...] = ()
    has_tokens: bool = True

    @property
    def is_nothing(self) -> bool:
        """Whether nothing would be sent."""
        return not self.rehearsal.calls

    def as_facts(self) -> dict[str, Any]:
        """For programs."""
        done = self.rehearsal
        held = [
            {"by": each.by, "amount": Amount(each.amount), "until": Moment(each.until)}
            for each in self.held
        ]
        return {
            "calls": list(done.calls),
            "leaves_wallet": Amount(self.leaves),
            "locked": held,
            "returned": [{"by": each.by, "amount": Amount(each.amount)} for each in self.returned],
            "gas": done.gas,
            "gas_wei": str(done.fee_wei),
            "coin_wei": str(done.value_wei),
            "later": list(self.later),
        }

    def tell(self) -> str:
        """For people, in one line."""
        return " ".join([f"Price: {'; '.join(self._parts()).rstrip('.')}.", *self.later])

    def _parts(self) -> Iterator[str]:
        done = self.rehearsal
        if self.is_nothing:
            yield "nothing now" if self.later else "nothing, for nothing has to be sent"
            return
        many = count(len(done.calls), "transaction")
        if done.unknown is not None:
            yield f"not known beforehand for {many}: {done.unknown}"
            return
        if self.has_tokens:
            yield from self._tell_tokens()
        if done.value_wei:
            yield f"{Coin(done.value_wei)} are given away"
        yield f"about {Coin(done.fee_wei).rounded()} for gas ({done.gas:,} gas, {many})"

    def _tell_tokens(self) -> Iterator[str]:
        gone = self.leaves - self.anchored
        if self.anchored > 0:
            yield f"{Amount(self.anchored)} leave the wallet for its free balance in the anchor"
        if self.leaves < 0:
            yield f"{Amount(-self.leaves)} come into the wallet"
        elif gone > 0 or not self.leaves:
            yield f"{Amount(gone)} leave the wallet{' for good' if gone else ''}"
        yield from map(str, (*self.returned, *self.held))
        locked = sum(each.amount for each in self.held)
        stays = self.anchored - locked
        if locked and stays > 0:
            yield f"{Amount(stays)} stay free in the anchor, for what may be locked later"


def price_of(
    rehearsal: Rehearsal, deployment: Deployment, account: Address, later: Sequence[str] = ()
) -> Price:
    """What was rehearsed, as it is for an account.

    Args:
        rehearsal: of its transactions.
        deployment: whose contracts log.
        account: whose tokens count.
        later: sentences about what may follow.
    """
    contracts = [deployment.contract(name) for name in deployment.contracts]
    events = decode_logs(contracts, rehearsal.logs)
    leaves = into_anchor = 0
    for event in events:
        match event:
            case Transfer(from_=giver, to=taker, value=value):
                leaves += value * ((giver == account) - (taker == account))
            case anchored.Deposited(account=owner, payer=payer, received=amount):
                into_anchor += amount * (owner == payer == account)
            case anchored.Withdrawn(account=owner, to=to, amount=amount):
                into_anchor -= amount * (owner == to == account)
            case _:
                pass
    names = {address: name for name, address in deployment.contracts.items()}
    held = tuple(_find_held(events, names, account))
    returned = tuple(_find_returned(events, names, account))
    has_tokens = META_COIN.name in deployment.contracts
    return Price(rehearsal, leaves, into_anchor, held, returned, tuple(later), has_tokens)


def _find_held(
    events: Sequence[ChainEvent], names: Mapping[Address, str], account: Address
) -> Iterator[Held]:
    amounts: Counter[tuple[Address, Hash32]] = Counter()
    ends: dict[tuple[Address, Hash32], int] = {}
    renewed: set[tuple[Address, Hash32]] = set()
    for event in events:
        match event:
            case anchored.Locked() | anchored.LockIncreased():
                key = (event.locker, event.subject)
                amounts[key] += event.amount * (event.owner == account)
                if isinstance(event, anchored.Locked):
                    ends[key] = event.expires_at
            case anchored.LockRenewed():
                key = (event.locker, event.subject)
                amounts[key] += 0  # no event says whose it is: who asks renews what is its own
                ends[key] = event.expires_at
                renewed.add(key)
            case _:
                pass
    for place, amount in amounts.items():
        if amount or place in renewed:
            yield Held(names.get(place[0], place[0]), amount, ends.get(place, 0))


def _find_returned(
    events: Sequence[ChainEvent], names: Mapping[Address, str], account: Address
) -> Iterator[Returned]:
    amounts: Counter[Address] = Counter()
    for event in events:
        match event:
            case (
                anchored.Paid(locker=locker, to=owner)
                | anchored.LockReturned(locker=locker, owner=owner)
            ):
                amounts[locker] += event.amount * (owner == account)
            case _:
                pass
    for locker, amount in amounts.items():
        if amount:
            yield Returned(names.get(locker, locker), amount)
