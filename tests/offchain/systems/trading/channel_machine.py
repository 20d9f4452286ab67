"""Whatever anybody tries with one channel, at and around every bound, and what the honest are due.

Every step is a call at a second, made whether it is allowed or not. `ChannelMachine` carries the
calls out on the plain model; the contracts' tests derive from it and make them on chain as well.

Honest are the payer while it closes below nothing that it signed, and the seller while it closes
with its newest voucher, signs nothing below what it is owed, and, in half of the runs, watches: its
tower answers in every window, and it brings its voucher once service is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule
from tests.offchain.systems.trading.channel_cast import (
    BOND,
    PEOPLE,
    ROLES,
    START,
    WINDOW,
    open_one,
    signer,
)

from edgemark.identifiers import Address
from edgemark.systems.trading.contract import channel as moves
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.amounts import End
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import (
    ChannelEnding,
    ChannelPhase,
    Delegation,
    Said,
    Signers,
)
from edgemark.systems.trading.contract.terms import ChannelRefused

ANYBODY = st.sampled_from(ROLES)
MOSTLY_PAYER = st.sampled_from(("payer", "payer", "outsider"))
TOWERS = st.sampled_from((("", 0), ("tower", 2), ("rival", 1), ("tower", 1), ("rival", 3)))
SIGNERS = st.sampled_from(("payer's key", "payer's key", "payer's key", "a thief", ""))
SELDOM = st.sampled_from((False, False, True))
OFF = st.sampled_from((0, 0, 0, 1))  # by how much a number is wrong
NEWEST = ("tower", 9)  # the seller's delegation that nobody shows but its tower
LAST_INDEX = 2**64 - 1


class ChannelMachine(RuleBasedStateMachine):
    """One channel, and whoever wants something of it.

    Attributes:
        people: account by role.
        time: second of the latest call.
        owed: the largest amount that the payer signed.
        gained: what every balance gained since before the opening, by role.
        deposit: what could be paid in all, when the channel ended.
        seen: what happened in any run, if somebody wants to know.
    """

    people: ClassVar[dict[str, Address]] = PEOPLE
    seen: ClassVar[set[str]] = set()
    vouchers = Bundle("vouchers")

    @initialize(watches=st.booleans())
    def begin(self, watches: bool) -> None:
        self.channel, self.time = self.open()
        self.watches, self.owed = watches, 0
        self.payer_cheated = self.seller_bare = False
        self.gained = dict.fromkeys((*self.people, "locked"), 0)
        self.note_moves(None, self.channel)
        self.until, self.deposit = self.time + 10**6, self.channel.deposit

    def open(self) -> tuple[Channel, int]:
        """A channel and the second at which it was opened."""
        return open_one(), START

    def carry_out(
        self,
        role: str,  # noqa: ARG002 - for those that send it
        function: str,  # noqa: ARG002
        said: tuple[Any, ...],  # noqa: ARG002
        expected: Callable[[], Channel],
    ) -> Channel:
        """What a call comes to: the model after it, the same when it was refused."""
        try:
            return expected()
        except ChannelRefused:
            return self.channel

    def send(
        self, role: str, function: str, said: tuple[Any, ...], expected: Callable[[], Channel]
    ) -> bool:
        """Make a call a second after the one before; whether it was done."""
        self.time += 1
        before, self.channel = self.channel, self.carry_out(role, function, said, expected)
        done = self.channel is not before
        if self.channel.end is None:
            self.deposit = self.channel.deposit
        self.seen.add(f"{function} {'done' if done else 'refused'}")
        if done:
            self.note_moves(before, self.channel)
        return done

    def note_moves(self, was: Channel | None, is_now: Channel) -> None:
        for role, amount in moves_of(was, is_now, self.people).items():
            self.gained[role] += amount

    # Time: before it passes, the honest do what cannot wait.

    @rule(data=st.data())
    def wait(self, data: st.DataObject) -> None:
        terms, now = self.channel.terms, self.time
        marks = (terms.expires_at, terms.close_by, self.channel.deadline, self.channel.lock_expiry)
        bounds = {mark + step for mark in marks if mark for step in (-1, 0, 1)}
        later = sorted(each for each in bounds if each > now + 3)
        steps = [now + 4, now + WINDOW // 2]
        self.go_to(data.draw(st.sampled_from([*later[:4], *steps])))

    def go_to(self, second: int) -> None:
        """Let the next call be at this second."""
        phase, terms = self.channel.phase, self.channel.terms
        over = phase.is_closing and self.time < self.channel.deadline < second
        if self.watches and over and phase is not ChannelPhase.CLOSING_BY_SELLER:
            self.time = max(self.time, self.channel.deadline - 2)
            self.answer()
        late = phase is ChannelPhase.OPEN and second > terms.close_by
        if self.watches and late and self.channel.worth(self.owed) > self.channel.paid:
            self.pay("seller", self.owed, "payer's key")
        self.time = max(second - 1, self.time)

    def answer(self) -> None:
        """The tower of the seller's newest delegation shows the newest amount."""
        if self.channel.worth(self.owed) >= self.channel.counted:
            self.show("tower", self.owed, NEWEST, "payer's key")

    # Vouchers.

    @rule(target=vouchers, more=st.sampled_from((1, 90, 300, 700)))
    def sign(self, more: int) -> Any:
        if self.channel.phase is not ChannelPhase.OPEN:
            return multiple()
        self.owed += more
        return self.owed

    # Calls.

    def said(self, role: str, payer: str = "payer's key", seller: str = "seller's key") -> Said:
        return Said(self.people[role], signer(payer), signer(seller))

    @rule(role=ANYBODY, amount=vouchers, payer=SIGNERS)
    def checkpoint(self, role: str, amount: int, payer: str) -> None:
        self.pay(role, amount, payer)

    def pay(self, role: str, amount: int, payer: str) -> None:
        channel, said = self.channel, self.said(role, payer)
        call = (amount, 1, payer)
        self.send(
            role, "checkpoint", call, lambda: moves.checkpoint(channel, amount, self.time, said)
        )

    @rule(role=MOSTLY_PAYER)
    def close_by_index(self, role: str) -> None:
        """With the highest index and nothing (A53)."""
        self.close_with(role, 0, LAST_INDEX, "payer's key")

    @rule(role=st.sampled_from(("seller", "payer", "outsider")), amount=vouchers, payer=SIGNERS)
    def close(self, role: str, amount: int, payer: str) -> None:
        self.close_with(role, amount, 1, payer)

    @rule()
    def claim(self) -> None:
        """The seller closes with its newest voucher."""
        self.close_with("seller", self.owed, 1, "payer's key")

    def close_with(self, role: str, amount: int, index: int, payer: str) -> None:
        channel, said = self.channel, self.said(role, payer)
        if role == "seller" and channel.worth(amount) < channel.worth(self.owed):
            return  # it would give away what it is owed
        call = (amount, index, payer)
        self.send(role, "close", call, lambda: ends.close(channel, amount, self.time, said))
        self.note_closing(channel)

    @rule(role=ANYBODY)
    def close_bare(self, role: str) -> None:
        channel, sender = self.channel, self.people[role]
        self.send(role, "closeBare", (), lambda: ends.close_bare(channel, self.time, sender))
        self.note_closing(channel)

    def note_closing(self, before: Channel) -> None:
        now = self.channel
        if before.phase is ChannelPhase.OPEN and now.phase.is_closing:
            less = now.counted < now.worth(self.owed)
            self.payer_cheated = less and now.phase is ChannelPhase.CLOSING_BY_PAYER
            self.seller_bare = now.phase is ChannelPhase.CLOSING_BY_SELLER

    @rule(role=ANYBODY, amount=vouchers, delegation=TOWERS, payer=SIGNERS)
    def respond(self, role: str, amount: int, delegation: tuple[str, int], payer: str) -> None:
        self.show(role, amount, delegation, payer)

    def show(self, role: str, amount: int, delegation: tuple[str, int], payer: str) -> None:
        channel, (tower, number) = self.channel, delegation
        by_seller = channel.phase is ChannelPhase.CLOSING_BY_SELLER
        victim = "payer's key" if by_seller else "seller's key"
        named = Delegation(self.people[tower], number, signer(victim)) if tower else None
        call = (amount, tower, number, payer, victim)
        by = signer(payer)
        self.send(
            role, "respond", call, lambda: ends.respond(channel, amount, self.time, by, named)
        )

    @rule(role=ANYBODY)
    def settle(self, role: str) -> None:
        channel = self.channel
        self.send(role, "settle", (), lambda: ends.settle(channel, self.time))

    @rule(role=ANYBODY)
    def end_unclosed(self, role: str) -> None:
        channel = self.channel
        self.send(role, "endUnclosed", (), lambda: ends.end_unclosed(channel, self.time))

    @rule(
        role=ANYBODY,
        kind=st.sampled_from(("more", "less", "owed")),
        seller=st.sampled_from((False, False, True)),
    )
    def close_together(self, role: str, kind: str, seller: bool) -> None:
        channel = self.channel
        owed = max(channel.worth(self.owed), channel.paid)
        amount = {"owed": owed, "less": max(0, channel.paid - 1), "more": owed + 50}[kind]
        if channel.paid <= amount < owed:
            return  # the seller does not sign that
        by_seller = "seller's key" if seller else "a thief"
        said, until = self.said(role, seller=by_seller), self.until
        call = (amount, until, "payer's key", by_seller)
        done = self.send(
            role,
            "closeTogether",
            call,
            lambda: ends.close_together(channel, amount, self.time, until, said),
        )
        self.owed = max(self.owed, amount) if done else self.owed

    @rule(role=MOSTLY_PAYER, amount=st.sampled_from((40, 1, 0, 10**7)))
    def top_up(self, role: str, amount: int) -> None:
        channel, sender = self.channel, self.people[role]
        call = (amount,)
        self.send(role, "topUp", call, lambda: moves.top_up(channel, amount, self.time, sender))

    @rule(role=ANYBODY, amount=st.sampled_from((7, 7, 0, 5000)), off=OFF)
    def reduce(self, role: str, amount: int, off: int) -> None:
        channel, until, said = self.channel, self.until, self.said(role)
        number = channel.agreements + off
        if channel.deposit - amount < self.owed and amount <= channel.locked - BOND:
            return  # the seller does not sign that
        call = (number, amount, until)
        self.send(
            role,
            "reduce",
            call,
            lambda: moves.reduce(channel, number, amount, self.time, until, said),
        )

    @rule(role=ANYBODY, next_=st.sampled_from(ROLES), off=OFF, skipped=OFF)
    def amend(self, role: str, next_: str, off: int, skipped: int) -> None:
        """Another controller, or the same; all that is owed is paid by it."""
        channel, until, said = self.channel, self.until, self.said(role)
        number, controller = channel.agreements + off, self.people[next_]
        epoch = channel.signers.epoch + (controller != channel.signers.controller) + skipped
        amount = max(channel.paid, channel.worth(self.owed))
        keys = (signer("payer's key"), signer("seller's key"))
        signers = Signers(*keys, controller, epoch)
        call = (number, amount, signers, until)
        self.send(
            role,
            "amend",
            call,
            lambda: moves.amend(channel, number, amount, signers, self.time, until, said),
        )

    # The end: a stranger ends what is left, and everybody has its due.

    def teardown(self) -> None:
        if not hasattr(self, "channel"):
            return
        before = self.channel
        if self.channel.phase is ChannelPhase.OPEN:
            self.go_to(max(self.time, before.terms.close_by) + 2)
            self.end_unclosed("outsider")
        elif self.channel.phase.is_closing:
            self.go_to(max(self.time, before.deadline) + 2)
            self.settle("outsider")
            if self.channel.phase is not ChannelPhase.ENDED:  # it is too late for that
                self.end_unclosed("outsider")
        assert self.channel.end is not None, "no exit"
        self.seen.add(self.channel.end.ending.name)
        self.check_dues(self.channel.end)

    def check_dues(self, end: End) -> None:
        """Nobody honest is below its due, and nobody gains by sending."""
        gained = self.gained
        assert sum(gained.values()) == 0, "tokens appeared or vanished"
        assert gained["outsider"] == 0, "who only sends was paid"
        if end.ending is ChannelEnding.LAPSED:
            return  # for weeks nobody came: the anchor returns what is left to the payer
        assert gained["locked"] == 0
        fine = BOND if self.payer_cheated else 0
        assert -gained["payer"] <= max(self.owed, end.amount) + fine, "the payer paid unsigned"
        if self.watches:
            assert gained["rival"] == 0 or self.seller_bare, "a dismissed tower was paid"
        if self.watches and not self.seller_bare:
            due = min(self.owed, self.deposit)
            assert gained["seller"] >= due, "the seller was not paid what was signed"
        if self.seller_bare:
            assert end.amount - gained["seller"] <= BOND


def moves_of(was: Channel | None, is_now: Channel, people: dict[str, Address]) -> dict[str, int]:
    """What each balance gains or loses from one state of a channel to the next, by role."""
    terms, moved = is_now.terms, dict.fromkeys((*people, "locked"), 0)
    if was is is_now:
        return {}
    had = was.locked if was else 0
    if was and is_now.end is not None:
        names = {account: role for role, account in people.items()}
        for account, amount in is_now.end.credits(terms.payer, terms.seller).items():
            moved[names[account]] += amount
        moved["locked"] = -is_now.end.division.total
    else:
        to_seller = is_now.paid - (was.paid if was else 0)
        moved["seller"] += to_seller
        moved["locked"] = is_now.locked - had
        moved["payer"] += -moved["locked"] - to_seller
    return {role: amount for role, amount in moved.items() if amount}
