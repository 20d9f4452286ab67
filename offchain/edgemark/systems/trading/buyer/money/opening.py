"""Channels that are opened together: all of them by one transaction, or none.

Law 1: none is opened before all are in the journal, so one transaction has them all.
Law 2: where one is refused before, the others are given up: nothing was sent for them.
Law 3: a buyer that was killed in between opens those that its journal has, together; for one that
       was killed after the transaction was sent, its lane has that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgemark.errors import EdgemarkError
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.machine import NotOwed
from edgemark.systems.trading.buyer.money.sending import call_of_openings
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.escrow import EscrowContract
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.life import BuyerPhase


class Openings:
    """Of one buyer; one thread at a time begins, any calls.

    Args:
        ask: lets an event happen in a channel; on the disk when it returns.
        state_of: a channel's present state; None of one that is not at hand.
    """

    def __init__(
        self, ask: Callable[..., Any], state_of: Callable[[ChannelId], Purchase | None]
    ) -> None:
        self._ask, self._state_of = ask, state_of
        self._beginning: frozenset[ChannelId] = frozenset()  # not all are in the journal yet

    def begin(self, asked: Mapping[ChannelId, on.AskedBuy]) -> None:
        """Take terms of channels that name one another, or of one alone.

        Raises:
            EdgemarkError: one is refused; the others are dropped.
        """
        self._beginning = frozenset(asked)
        begun: list[ChannelId] = []
        try:
            for channel, event in asked.items():
                self._ask(channel, event)
                begun.append(channel)
        except EdgemarkError as error:
            for channel in begun:
                self._ask(channel, on.FoundOpeningRefused(f"with another: {error.what}"))
            raise
        finally:
            self._beginning = frozenset()

    def call(self, escrow: EscrowContract, state: Purchase) -> Call:
        """What opens a channel, with all that are to be opened still beside it.

        Raises:
            NotOwed: not all of them are in the journal yet.
        """
        if not self._beginning.isdisjoint(state.beside):
            raise NotOwed("waits for those that are opened with it", who="opening")
        found = [self._state_of(each) for each in state.beside]
        waiting = [each for each in found if each and each.phase is BuyerPhase.AGREED]
        return call_of_openings(escrow, waiting or [state])
