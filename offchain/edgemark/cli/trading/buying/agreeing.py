"""`edgemark trading reduce|amend`: what a channel's both parties have to sign, asked for by one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

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
from edgemark.systems.trading.seller.claiming import find_sale
from edgemark.systems.trading.station.accords.asking import (
    AMEND,
    check_controller,
    facts_of_controller,
)
from edgemark.systems.trading.station.station import TradingStation

CHANNEL: KindOfId[ChannelId] = KindOfId("channel", 64, parse_channel_id)


class NotAgreed(PeerFault):
    """The other party did not sign in time what was asked for."""


class SellerAtRest(RefusedInput):
    """What is asked for needs a seller that serves the channel meanwhile, and none runs."""


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
@click.option("--controller", required=True, help="Account that issues next.")
@click.option("--wait/--no-wait", default=True, help="Stay until it is named on chain.")
@timeout_option
def amend(
    spending: Spending, channel: str, controller: str, *, wait: bool, timeout_s: float | None
) -> int:
    """Have another controller issue for CHANNEL, in which this home buys or sells.

    The other party has to want the same: by its own `amend`, or by `trading.seller.controllers`.
    While it does not the channel waits for `patience_s`, then this home ends it. Index and amount
    go on, and the controller of before need not be there.
    """
    settings = spending.invocation.settings()
    account = parse_address(controller, who="--controller")
    known = Known("this home", lambda: list(_list_channels(settings)))
    found = find_id(CHANNEL, channel, known)
    is_sold = found in list_keys(settings.home, SELLER)
    side = (find_sale if is_sold else look_at_channel)(settings.home, found)
    later = ("Who brings the other's word to the chain pays its gas, this home or the other.",)
    if spending.is_dry:
        with open_to_look(spending) as station:
            check_controller(station, side, account)
            told = {"channel": found.hex(), "epoch": side.in_force.epoch + 1}
            spending.show_dry(spending.rehearse(station, _nothing, later)[1], told)
        return Exit.DONE
    ask_for = _amend_sold if is_sold else _amend_bought
    return ask_for(spending, found, account, later, _ends_at(timeout_s) if wait else 0.0)


def _amend_sold(
    spending: Spending,
    channel: ChannelId,
    controller: Address,
    later: tuple[str, ...],
    ends_at: float | None,
) -> int:
    home = spending.invocation.settings().home
    journal = home / f"{SELLER}.journal"
    if not find_holder(journal):
        raise SellerAtRest(
            "does not run",
            who=f"seller of {home}",
            needed="one that serves the channel while both parties agree",
            remedy="Start `edgemark seller run`, then ask again.",
        )
    with TradingStation.rehearse(spending.invocation.settings()) as station:
        spending.agree(spending.rehearse(station, _nothing, later)[1])
    ask(home, AMEND, facts_of_controller(channel, controller), WISH_S, _held(journal))
    side = _stay(lambda: find_sale(home, channel), controller, ends_at)
    return _show(spending, side, controller)


def _amend_bought(
    spending: Spending,
    channel: ChannelId,
    controller: Address,
    later: tuple[str, ...],
    ends_at: float | None,
) -> int:
    with open_desk(spending) as desk:
        spending.agree(spending.rehearse(desk.station, _nothing, later)[1])
        desk.amend(channel, controller)

        def look() -> Side:
            desk.check()
            return desk.state(channel)

        side = _stay(look, controller, ends_at)
    return _show(spending, side, controller)


def _stay(look: Callable[[], Side], controller: Address, ends_at: float | None) -> Side:
    """The party's state once the controller issues, or never will; at once where `ends_at` is 0.

    Raises:
        NotAgreed: the channel ends instead.
        NotThereYet: neither, in the time given.
    """
    while True:
        side = look()
        if side.in_force.controller == controller or ends_at == 0:
            return side
        if side.reason:
            raise NotAgreed(
                "did not sign the next controller",
                who=f"other party of channel {side.known.channel.hex()}",
                had=f"the channel ends: {side.reason.name.lower()}",
                needed=controller,
                remedy="What was signed is settled. Agree with it before, and open another.",
            )
        if ends_at is not None and time.monotonic() >= ends_at:
            raise NotThereYet(
                "is not amended",
                who=f"channel {side.known.channel.hex()}",
                had=side.in_force.controller,
                needed=controller,
                remedy="It goes on, while its party runs: `edgemark trading channels`.",
            )
        time.sleep(POLL_S)


def _show(spending: Spending, side: Side, controller: Address) -> int:
    now = side.in_force
    told = {
        "channel": side.known.channel.hex(),
        "controller": now.controller,
        "epoch": now.epoch,
        "done": "named" if now.controller == controller else "wanted",
    }
    spending.invocation.show(told)
    return Exit.DONE


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
