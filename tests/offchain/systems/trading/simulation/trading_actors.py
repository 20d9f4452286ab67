"""A party of the simulation, with a journal that alone outlives it.

It carries effects out as a process would; what is done and what is written down are two steps,
between which a test may kill it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, assert_never

from tests.offchain.systems.trading.channel_cast import PEOPLE
from tests.offchain.systems.trading.parties_cast import (
    CHANNEL,
    DOMAIN,
    POLICY,
    letter_of,
)
from tests.offchain.systems.trading.simulation.trading_chain import Chain

from edgemark.crypto.ethereum.secp256k1 import SecretKey, recover
from edgemark.errors import EdgemarkError, LedgerUnavailable
from edgemark.identifiers import Address, Timestamp
from edgemark.loop.machine import IllegalMove, Tick
from edgemark.systems.trading.contract.records import Said
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing
from edgemark.systems.trading.protocol.accords.signing import sign_accord
from edgemark.systems.trading.protocol.agreement import BlocksStopped, check_fresh
from edgemark.systems.trading.protocol.letters import (
    Letter,
    Message,
    Role,
    receipt_of,
)
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.protocol.messages import Stop
from edgemark.systems.trading.protocol.views.view import observe


class BrokerAway(EdgemarkError):
    """Letters neither come nor go."""


class Actor(ABC):
    """One party.

    Attributes:
        journal: what is on its disk.
        told: every letter that it ever sent.
        machine_of: what a planted copy replaces.
    """

    role: Role
    blank: Callable[[], Any]

    def __init__(self, world: Any, key: SecretKey) -> None:
        self.world, self.first_key = world, key
        self.chain: Chain = world.chain
        self.machine: PartyMachine[Any] = PartyMachine(type(self).blank)
        self.state = self.machine.initial(CHANNEL)
        self.journal: list[bytes | int] = []

    @property
    def key(self) -> SecretKey:
        """With which it signs."""
        return self.first_key

    # --- its disk ------------------------------------------------------------------------------

    def tell(self, event: Any) -> bool:
        """Let something happen: on the disk first; whether it could."""
        try:
            after, _ = self.machine.step(self.state, event)
        except IllegalMove:
            return False
        if after != self.state:
            is_tick = isinstance(event, Tick)
            self.journal.append(event.now if is_tick else self.machine.encode_event(event))
            self.state = after
            broken = [law for law, holds in after.laws().items() if not holds]
            assert broken == [], (broken, event, after)
            owed = after.owed()
            assert len(set(owed)) == len(owed), owed
            assert not (owed and after.is_finished)
        return True

    def replayed(self) -> Any:
        state = self.machine.initial(CHANNEL)
        for record in self.journal:
            is_tick = isinstance(record, int)
            event = Tick(record) if is_tick else self.machine.decode_event(record)
            state, _ = self.machine.step(state, event)
        return state

    def die(self) -> None:
        """Only its journal is left; its next life owes the same."""
        self.state, before = self.replayed(), self.state
        assert self.state == before

    def condense(self) -> None:
        """What happened is told by what it came to."""
        states = self.machine.condense(self.state)
        self.journal = [self.machine.encode_event(state) for state in states]

    # --- its world -----------------------------------------------------------------------------

    def look(self) -> None:
        """One round over the chain, and the time."""
        try:
            view = self.chain.look()
        except LedgerUnavailable:
            return
        self.tell(self.find_blocks())
        for event in self.observe(view):
            assert self.tell(event), (event, self.state.phase)
        self.tell(Tick(self.chain.block))

    def find_blocks(self) -> on.SawBlocksStop | on.SawBlocksGoOn:
        try:
            check_fresh(self.chain.head, POLICY.stale_after_s)
        except BlocksStopped:
            return on.SawBlocksStop()
        return on.SawBlocksGoOn(Timestamp(self.chain.block))

    def observe(self, view: Any) -> Sequence[Any]:
        return observe(self.state, view)

    def send(self, message: Message, to: Role) -> None:
        self.world.post(letter_of(message, self.role, self.key), to)

    def owed(self) -> Sequence[Any]:
        return self.machine.resume(self.state)

    def perform(self, effect: Any, *, dies: bool = False) -> None:
        """Carry an effect out, and write down what came of it, or die before that."""
        self.world.performed.add(type(effect).__name__)
        try:
            found = self.carry_out(effect)
        except EdgemarkError:
            return  # the loop tries again
        if dies:
            self.die()
            return
        for event in found:
            self.tell(event)

    def hear(self, raw: bytes) -> None:
        """A letter came, from whomever."""
        try:
            role, message = Letter.from_wire(raw).open(DOMAIN, CHANNEL, self.keys())
            self.take(role, message)
            receipt = receipt_of(message)
            if receipt is not None and self.state.phase.value != "unknown":
                self.send(receipt, role)
        except EdgemarkError:
            return

    def note(self, event: Any) -> None:
        """What a checked message means; what cannot happen now is not acknowledged."""
        if event is not None and not self.tell(event):
            raise IllegalMove("not now", who=self.role.value)

    def keys(self) -> dict[Role, Address]:
        if self.state.agreement is None:
            return {}
        signers = self.state.in_force
        keys = {
            Role.BUYER: signers.payer_key,
            Role.SELLER: signers.seller_key,
            Role.CONTROLLER: signers.controller,
        }
        return {role: key for role, key in keys.items() if role is not self.role}

    @abstractmethod
    def carry_out(self, effect: Any) -> Sequence[Any]:
        """As this party does it."""

    @abstractmethod
    def take(self, role: Role, message: Message) -> None:
        """As this party does it."""


class Trader(Actor):
    """Seller or buyer: what both of them do; each has a key more, to sign with next."""

    next_key: SecretKey

    @property
    def key(self) -> SecretKey:
        if self.state.agreement is None:
            return self.first_key
        keys = {each.address: each for each in (self.first_key, self.next_key)}
        return keys[self.state.keys_in(self.state.in_force)[0]]

    @property
    def other_key(self) -> Address:
        """The one of both with which it does not sign at the moment."""
        first, other = self.first_key.address, self.next_key.address
        return other if self.key.address == first else first

    @property
    def other(self) -> Role:
        return Role.BUYER if self.role is Role.SELLER else Role.SELLER

    @property
    def said(self) -> Said:
        return Said(PEOPLE["seller" if self.role is Role.SELLER else "payer"])

    def said_with(self, signer: Address) -> Said:
        """One's own word by sending, and the other's by its signature."""
        is_seller = self.role is Role.SELLER
        return replace(self.said, **{"payer_signer" if is_seller else "seller_signer": signer})

    def share(self, effect: do.Shared) -> Sequence[Any]:  # noqa: C901 - one each
        state = self.state
        match effect:
            case do.SendStop():
                self.send(Stop(state.reason, state.said_stop), self.other)
            case do.KeepCredential(index):
                kept = next(each for each in state.keeping if each.index == index)
                self.world.kept[self.role, index] = kept
                return [on.FoundCredentialKept(index)]
            case do.SignAmending() | do.SignConsent() | do.SignClosing():
                return [sign_accord(state, effect, DOMAIN, self.chain.head, self.key)]
            case do.SendAmending():
                self.send(state.amending, self.other)
            case do.SubmitAmending():
                self.amend(state.offered)
            case do.SendConsent():
                self.send(state.consent, self.other)
            case do.SendReducing():
                is_buyer = self.role is Role.BUYER
                self.send(state.asking if is_buyer else state.reducing, self.other)
            case do.SendClosing():
                unknown = Closing(state.paid, state.known.terms.close_by)
                self.send(state.closing or unknown, self.other)
            case do.SubmitCloseTogether():
                back: Closing = state.closing_back
                digest = DOMAIN.closing(CHANNEL, back.amount, back.valid_until)
                said = self.said_with(recover(digest, back.signature))
                self.chain.close_together(back.amount, back.valid_until, said)
            case do.SubmitSettle():
                self.chain.settle()
            case do.SubmitEndUnclosed():
                self.chain.end_unclosed()
            case _:
                assert_never(effect)
        return []

    def amend(self, offered: Amending) -> None:
        told = (offered.number, offered.amount, offered.signers, offered.valid_until)
        signer = recover(DOMAIN.amendment(CHANNEL, *told), offered.signature)
        self.chain.amend(*told, self.said_with(signer))
