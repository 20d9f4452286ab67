"""What every coalition gains by every end of a channel, against the honest end.

Pure: the amounts are those of trading's plain model (`contract.closing`), who can bring about
which end is written down here. Measured in tokens. At the honest end the seller has what it is owed
for work that is worth it, and the payer the rest of deposit and bond: nobody gains by that.

| role     | in a coalition                                                                    |
|----------|-----------------------------------------------------------------------------------|
| payer    | closes as it likes, signs what it likes for others of the coalition               |
| seller   | holds every voucher, closes and signs as it likes                                 |
| tower    | of the newest delegation of whoever is the victim                                 |
| dismissed | a tower of an older delegation                                                   |
| stranger | any other account, and a payer's or seller's second one                           |
| watched  | no role: whether somebody honest answers every window (the victim, or its tower)  |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from edgemark.identifiers import NO_HASH, NOBODY, Address, Timestamp, Tokens
from edgemark.systems.trading.contract import channel as moves
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import (
    ChannelPhase,
    Delegation,
    Limits,
    Said,
)
from edgemark.systems.trading.contract.terms import ChannelRefused, Terms
from edgemark.systems.trading.identifiers import NO_OFFER, ChannelId

PEOPLE = ("payer", "seller", "tower", "dismissed", "stranger")
AT: dict[str, Address] = {
    role: Address("0x" + f"{place:040x}") for place, role in enumerate(PEOPLE, 1)
}
PAYER_KEY, SELLER_KEY = Address("0x" + "a" * 40), Address("0x" + "b" * 40)
BOTH = Said(AT["stranger"], PAYER_KEY, SELLER_KEY)
WINDOW = 10
EXPIRES, CLOSE_BY = 1000, 1100
NEWEST, OLDER = ("tower", 2), ("dismissed", 1)


Shown = tuple[int, tuple[str, int] | None]
"""A response: the amount, and of the delegation with it the role of the tower and the number."""


@dataclass(frozen=True)
class Money:
    """Of one channel.

    Attributes:
        deposit: D.
        bond: b.
        paid: p, what the seller has by checkpoints.
        owed: a, the largest amount that the payer signed; p <= a <= D.
    """

    deposit: int
    bond: int
    paid: int
    owed: int


@dataclass(frozen=True)
class Coalition:
    """Who acts together, and whether an honest one of the others watches."""

    members: frozenset[str]
    is_watched: bool

    def __str__(self) -> str:
        return ", ".join(role for role in PEOPLE if role in self.members) or "nobody"


@dataclass(frozen=True)
class Deed:
    """One way in which a channel can end.

    Attributes:
        name: in words.
        needs: who has to take part in it.
        closer: role that closes; empty: nobody does.
        amount: with which; None: without a voucher.
        shown: (amount, delegation) of each response, in order.
    """

    name: str
    needs: frozenset[str]
    closer: str = ""
    amount: int | None = None
    shown: tuple[Shown, ...] = ()


def every_coalition() -> Iterator[Coalition]:
    """All of them, the smallest first."""
    for watched, *parts in product((True, False), *[(False, True)] * len(PEOPLE)):
        members = frozenset(role for role, part in zip(PEOPLE, parts, strict=True) if part)
        yield Coalition(members, watched)


def list_deeds(who: Coalition, money: Money) -> Iterator[Deed]:
    """What a coalition can bring about at one channel while all others are honest."""
    nobody: frozenset[str] = frozenset()
    owed, paid = money.owed, money.paid
    yield Deed("honest: the seller closes", nobody, "seller", owed)
    yield Deed("nobody closes; the seller has brought its voucher", nobody)
    answers = list(_answers(who, money))
    for amount in dict.fromkeys((None, 0, paid, owed)):
        how = "without a voucher" if amount is None else f"at {_name(amount, money)}"
        for told, shown in answers:
            name = f"the payer closes {how}{told}"
            yield Deed(name, frozenset({"payer"}), "payer", amount, shown)
    yield Deed("the seller closes at less", frozenset({"seller"}), "seller", paid)
    for told, shown in answers:
        name = f"the seller closes without a voucher{told}"
        yield Deed(name, frozenset({"seller"}), "seller", None, shown)
        name = f"a stranger closes after expires_at{told}"
        yield Deed(name, frozenset({"stranger"}), "stranger", None, shown)


def _answers(who: Coalition, money: Money) -> Iterator[tuple[str, tuple[Shown, ...]]]:
    """Responses of one window, whoever is honest included."""
    last: tuple[Shown, ...] = ((money.owed, NEWEST),) if who.is_watched else ()
    yield (", answered" if last else ", unanswered"), last
    middle = (money.paid + money.owed + 1) // 2
    own: list[tuple[str, Shown]] = [
        ("itself", (middle, None)),
        ("itself in full", (money.owed, None)),
    ]
    if "dismissed" in who.members:
        own.append(("by a dismissed tower", (money.owed, OLDER)))
    if "tower" in who.members:
        own.append(("by its tower", (money.owed, NEWEST)))
    for told, response in own:
        yield f", answered {told}" + (" and again" if last else ""), (response, *last)


def _name(amount: int, money: Money) -> str:
    return {money.owed: "what it owes", money.paid: "what is paid"}.get(amount, "0")


def play(deed: Deed, money: Money) -> dict[str, int]:
    """What everybody has of the channel afterwards, what was paid before included."""
    channel = open_channel(money)
    if not deed.closer:
        channel = ends.end_unclosed(_pay(channel, money.owed), CLOSE_BY + 1)
    return count(close(channel, deed), money.paid if deed.closer else money.owed)


def close(channel: Channel, deed: Deed) -> Channel:
    """The channel after the way in which a deed ends it; as it is when nobody closes."""
    if deed.closer:
        channel = _close(channel, deed)
    if channel.phase.is_closing:
        for amount, named in deed.shown:
            channel = _respond(channel, amount, named)
        channel = ends.settle(channel, channel.deadline + 1)
    return channel


def count(channel: Channel, paid: int) -> dict[str, int]:
    """What everybody has of a channel that ended, of which the seller was paid so much before."""
    if channel.end is None:
        raise ValueError("the channel did not end")
    had = dict.fromkeys(PEOPLE, 0)
    had["seller"] = paid
    names = {account: role for role, account in AT.items()}
    for account, amount in channel.end.credits(AT["payer"], AT["seller"]).items():
        had[names[account]] += amount
    return had


def open_channel(money: Money) -> Channel:
    """A channel of which the seller was paid a part."""
    terms = Terms(
        payer=AT["payer"],
        seller=AT["seller"],
        payer_key=PAYER_KEY,
        seller_key=SELLER_KEY,
        deposit=Tokens(money.deposit),
        bond=Tokens(money.bond),
        window=WINDOW,
        expires_at=Timestamp(EXPIRES),
        close_by=Timestamp(CLOSE_BY),
        initiation_template=NO_HASH,
        settlement_template=NO_HASH,
        initiation=NO_HASH,
        controller=NOBODY,
        offer=NO_OFFER,
        nonce=0,
    )
    limits = Limits(1, 100, 1000, Tokens(max(money.deposit, money.bond)))
    said = Said(AT["payer"], seller_signer=AT["seller"])
    channel = moves.open_channel(ChannelId(bytes(32)), terms, limits, 0, 0, said)
    return _pay(channel, money.paid)


def _pay(channel: Channel, amount: int) -> Channel:
    return moves.checkpoint(channel, amount, 1, BOTH) if amount > channel.paid else channel


def _close(channel: Channel, deed: Deed) -> Channel:
    if deed.amount is None:
        return ends.close_bare(channel, EXPIRES + 1, AT[deed.closer])
    said = replace(BOTH, sender=AT[deed.closer])
    return ends.close(channel, deed.amount, EXPIRES + 1, said)


def _respond(channel: Channel, amount: int, named: tuple[str, int] | None) -> Channel:
    """A response, unless it shows nothing: what is refused changes nothing."""
    by_seller = channel.phase is ChannelPhase.CLOSING_BY_SELLER
    victim = PAYER_KEY if by_seller else SELLER_KEY
    delegation = Delegation(AT[named[0]], named[1], victim) if named else None
    try:
        return ends.respond(channel, amount, channel.deadline, PAYER_KEY, delegation)
    except ChannelRefused:
        return channel


def compute_gain(who: Coalition, deed: Deed, money: Money) -> int:
    """What the coalition has more than at the honest end."""
    honest = {"payer": money.deposit - money.owed + money.bond, "seller": money.owed}
    had = play(deed, money)
    return sum(had[role] - honest.get(role, 0) for role in who.members)


def find_best(who: Coalition, money: Money) -> tuple[int, Deed]:
    """(the largest gain, how), of what it can do."""
    deeds = [deed for deed in list_deeds(who, money) if deed.needs <= who.members]
    return max(
        ((compute_gain(who, deed, money), deed) for deed in deeds), key=lambda found: found[0]
    )
