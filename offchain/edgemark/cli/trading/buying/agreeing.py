"""`edgemark trading reduce|amend`: what a channel's both parties have to sign, asked for by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.cli.options.amounts import SOME_MTC
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.begun_ids import KindOfId, Known, find_id
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.trading.buying.channels import find_channel, timeout_option
from edgemark.cli.trading.buying.desks import (
    WISH_S,
    look_at_channel,
    look_at_channels,
    open_desk,
    open_to_look,
)
from edgemark.cli.trading.buying.staying import POLL_S, NotThereYet, Waiting
from edgemark.errors import PeerFault, RefusedInput
from edgemark.files import find_holder
from edgemark.identifiers import Address, Tokens, parse_address
from edgemark.loop.replay import list_keys
from edgemark.party.wishes.asking import ask
from edgemark.settings.settings import Settings
from edgemark.systems.trading.buyer.agreeing import check_reduction
from edgemark.systems.trading.buyer.outlook import describe
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.seller.claiming import NAME as SELLER
from edgemark.systems.trading.seller.claiming import find_sale, open_seller_station
from edgemark.systems.trading.seller.seller import Seller
from edgemark.systems.trading.station.accords.asking import (
    AMEND,
    RENEW,
    check_controller,
    check_renewable,
    facts_of_controller,
)
from edgemark.systems.trading.station.station import TradingStation
from edgemark.untrusted.fields import Fields

Wish = Callable[[str, Mapping[str, Any]], Mapping[str, object]]
"""Has a party do something of a kind, by its facts; what came of it."""

CHANNEL: KindOfId[ChannelId] = KindOfId("channel", 64, parse_channel_id)


class NotAgreed(PeerFault):
    """The other party did not sign in time what was asked for."""


class SellerAtRest(RefusedInput):
    """No seller runs that serves the channel meanwhile, and this home does not say how one may."""


@click.command("reduce")
@spends()
@click.argument("channel")
@click.argument("amount", type=SOME_MTC)
@timeout_option
def reduce_deposit(
    spending: Spending, channel: str, amount: Tokens, timeout_s: float | None
) -> int:
    """Have AMOUNT MTC of the deposit of CHANNEL back, and wait until it came.

    Its seller has to sign, and does when what is left covers all that it claims or will bill. What
    comes back is free in the anchor of this account.
    """
    invocation = spending.invocation
    settings = invocation.settings()
    found = find_channel(settings, channel)
    later = ("When its seller has signed, a transaction of this account brings it: gas.",)
    if spending.is_dry:
        left = check_reduction(look_at_channel(settings.home, found), amount)
        with open_to_look(spending) as station:
            _, price = spending.rehearse(station, _nothing, later)
            told = {"channel": found.hex(), "comes_back": Amount(amount), "deposit": Amount(left)}
            spending.show_dry(price, told)
        return Exit.DONE
    with open_desk(spending) as desk:
        check_reduction(desk.state(found), amount)
        spending.agree(spending.rehearse(desk.station, _nothing, later)[1])
        wanted = desk.reduce(found, amount)
        waiting = Waiting(desk, found, _ends_at(timeout_s), invocation.as_json)
        buying = BuyerPhase.BUYING
        state = waiting.until(lambda each: each.asking is None or each.phase is not buying)
    if state.deposit > wanted:
        raise NotAgreed(
            "did not sign that deposit goes back",
            who=f"seller {state.known.terms.seller}",
            had=Amount(state.deposit),
            needed=Amount(Tokens(wanted)),
            remedy="It stays deposited, and comes back at the end. Ask for less, or `close`.",
        )
    invocation.show(describe(state))
    return Exit.DONE


@click.command("amend")
@spends()
@click.argument("channel")
@click.option("--controller", metavar="ACCOUNT", help="Account that issues next.")
@click.option("--new-key", is_flag=True, help="Instead: sign with a key that is made now.")
@click.option("--wait/--no-wait", default=True, help="Stay until it is on chain.")
@timeout_option
def amend(
    spending: Spending,
    channel: str,
    controller: str | None,
    *,
    new_key: bool,
    wait: bool,
    timeout_s: float | None,
) -> int:
    """Have another controller issue for CHANNEL, or a new key sign.

    This home buys in it, or sells. A controller the other party has to want as well, by its own
    `amend`, or `trading.seller.controllers`: while it does not the channel waits for `patience_s`,
    then this home ends it. Index and amount go on, and the one of before need not be there. To a
    key of this home the other party consents by itself.
    """
    settings = spending.invocation.settings()
    if (controller is None) is not new_key:
        raise RefusedInput(
            "is one thing at a time", who="amend", needed="--controller or --new-key"
        )
    account = None if controller is None else parse_address(controller, who="--controller")
    known = Known("this home", lambda: list(_list_channels(settings)))
    found = find_id(CHANNEL, channel, known)
    wish = Amendment(settings.home, found, account, found in list_keys(settings.home, SELLER))
    later = ("Who brings the other's word to the chain pays its gas, this home or the other.",)
    with open_to_look(spending) as station:
        wish.check(station)
        _, price = spending.rehearse(station, _nothing, later)
    if spending.is_dry:
        spending.show_dry(price, {"channel": found.hex()})
        return Exit.DONE
    spending.agree(price)
    ends_at = _ends_at(timeout_s) if wait else 0.0
    side, wanted = (
        wish.have_sold(spending, ends_at) if wish.is_sold else wish.have_bought(spending, ends_at)
    )
    now = side.in_force
    told = {"controller": now.controller, "epoch": now.epoch, "key": side.keys_in(now)[0]}
    done = "named" if wanted in told.values() else "wanted"
    facts = {"channel": found.hex(), **told, "done": done, "on_chain": done == "named"}
    spending.invocation.show(facts)
    return Exit.DONE


@dataclass(frozen=True)
class Amendment:
    """What one command wants of a channel.

    Attributes:
        home: of the party.
        channel: of it.
        controller: the next one; None: a new key.
        is_sold: the home sells in it.
    """

    home: Path
    channel: ChannelId
    controller: Address | None
    is_sold: bool

    def look(self) -> Side:
        """The party's state, whoever runs."""
        look_up = find_sale if self.is_sold else look_at_channel
        return look_up(self.home, self.channel)

    def check(self, station: TradingStation) -> None:
        """Raise `NotAmended` for what this party can tell by itself."""
        if self.controller is None:
            check_renewable(self.look())
        else:
            check_controller(station, self.look(), self.controller)

    def have_sold(self, spending: Spending, ends_at: float | None) -> tuple[Side, Address]:
        """By the seller of this home, which may be this process; the state, and what was wanted."""
        with self._asking(spending) as wish:
            if self.controller is None:
                wanted = parse_address(str(wish(RENEW, {"channel": self.channel.hex()})["key"]))
            else:
                wanted = self.controller
                wish(AMEND, facts_of_controller(self.channel, wanted))
            return _stay(self.look, wanted, ends_at), wanted

    @contextmanager
    def _asking(self, spending: Spending) -> Iterator[Wish]:
        """Who grants it: the seller that runs here, else one that serves as long as this lasts.

        Raises:
            SellerAtRest: neither, as its settings do not go together.
        """
        journal = self.home / f"{SELLER}.journal"
        if find_holder(journal):
            yield lambda kind, facts: ask(self.home, kind, facts, WISH_S, _held(journal))
            return
        with ExitStack() as opened:
            try:
                station = opened.enter_context(open_seller_station(spending.invocation.settings()))
                seller = opened.enter_context(Seller(station))
                seller.start()
            except RefusedInput as error:
                raise SellerAtRest(
                    "does not run, and cannot be started as this home is set up",
                    who=f"seller of {self.home}",
                    had=error,
                    needed="one that serves the channel while both parties agree",
                    remedy="Start `edgemark seller run` with its options, then ask again.",
                ) from error
            grants = seller.grants()
            yield lambda kind, facts: grants[kind](Fields(dict(facts), f"wish, {kind}"))

    def have_bought(self, spending: Spending, ends_at: float | None) -> tuple[Side, Address]:
        """By the buyer of this home, which may be this process."""
        with open_desk(spending) as desk:
            if self.controller is None:
                wanted = desk.renew(self.channel)
            else:
                wanted = self.controller
                desk.amend(self.channel, wanted)

            def look() -> Side:
                desk.check()
                return desk.state(self.channel)

            return _stay(look, wanted, ends_at), wanted


def _stay(look: Callable[[], Side], wanted: Address, ends_at: float | None) -> Side:
    """The party's state once both named what it wants, or never will; at once for `ends_at` 0.

    Raises:
        NotAgreed: the channel ends instead.
        NotThereYet: neither, in the time given.
    """
    while True:
        side = look()
        if wanted in (side.in_force.controller, side.keys_in(side.in_force)[0]) or ends_at == 0:
            return side
        who = f"channel {side.known.channel.hex()}"
        if side.reason:
            raise NotAgreed(
                "ends, and was not amended before",
                who=who,
                had=side.reason.name.lower(),
                needed=wanted,
                remedy="What was signed is settled. Agree with the other before, open another.",
            )
        if ends_at is not None and time.monotonic() >= ends_at:
            remedy = "It goes on, while its party runs: `edgemark trading channels`."
            raise NotThereYet("is not amended", who=who, needed=wanted, remedy=remedy)
        time.sleep(POLL_S)


def _list_channels(settings: Settings) -> set[str]:
    """Those in which a home buys, or sells."""
    bought = {each.hex() for each in look_at_channels(settings.home)}
    return bought | {each.hex() for each in list_keys(settings.home, SELLER)}


def _held(journal: Path) -> Callable[[], bool]:
    return lambda: bool(find_holder(journal))


def _nothing(_: TradingStation) -> None:
    """What is sent depends on the other's word."""


def _ends_at(timeout_s: float | None) -> float | None:
    return None if timeout_s is None else time.monotonic() + timeout_s
