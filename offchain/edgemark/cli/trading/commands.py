"""Where the commands of this system are, each with its summary; imported when they are called."""

from __future__ import annotations

import click

from edgemark.cli.terminal.lazy import LazyGroup, NetworkPlace, Place

OFFER = {
    "clear": Place("trading.market.offering", "clear", "Give back deposits of expired offers."),
    "list": Place("trading.market.listing", "list_offers", "List offers of a category."),
    "post": Place("trading.market.offering", "post", "List an offer; lock its deposit."),
    "renew": Place("trading.market.offering", "renew", "List an offer for longer."),
    "show": Place("trading.market.listing", "show_offer", "Print an offer."),
    "withdraw": Place("trading.market.offering", "withdraw", "Take an offer off the list."),
}
QUALIFICATION = {
    "record": Place(
        "trading.market.auditing", "record", "Record evidence of what you say of a seller."
    ),
}
SETTLEMENT = {
    "check": Place(
        "trading.evidence.settlements", "check", "Check that a ledger has evidence of them."
    ),
    "record": Place(
        "trading.evidence.settlements", "record", "Record evidence of settlement credentials."
    ),
}
TEMPLATE = {
    "check": Place("trading.template", "check", "Check a template, and print its hash and CID."),
    "deprecate": Place("trading.registering", "deprecate", "Let a version be for no new offer."),
    "list": Place("trading.registering", "list_templates", "List registered templates."),
    "register": Place("trading.registering", "register", "Register a template, and keep its text."),
    "registered": Place(
        "trading.registering", "show_registered", "Print a template that a chain has."
    ),
    "show": Place("trading.template", "show", "Print what a template asks for, and what it costs."),
}
COMMANDS = {
    "amend": Place(
        "trading.buying.agreeing", "amend", "Have another controller issue, or a new key sign."
    ),
    "reduce": Place(
        "trading.buying.agreeing", "reduce_deposit", "Have deposit of a channel back early."
    ),
    "channels": Place(
        "trading.channels", "channels", "List channels of an account from the chain alone."
    ),
    "claim": Place(
        "trading.selling", "claim_channels", "Be paid what is signed, and not paid yet."
    ),
    "buy": Place("trading.buying.buy", "buy", "Buy work, check it, pay for it, close the channel."),
    "close": Place("trading.buying.channels", "close", "End a channel in which this home buys."),
    "status": Place("trading.buying.channels", "status", "Print channels in which this home buys."),
    "topup": Place("trading.buying.channels", "top_up", "Add to the deposit of a channel."),
    "compensate": Place(
        "trading.watching", "compensate", "Have towers pay what they did not bring."
    ),
    "dismiss": Place("trading.watching", "dismiss", "Let nobody watch a channel any more."),
    "evidence": Place(
        "trading.evidence.exporting", "export_channel", "Write down what a channel came to."
    ),
    "explain": Place("trading.explaining", "explain_channel", "Tell the whole life of a channel."),
    "offer": Place("trading.commands", "offer", "Offers: what is sold, and at which price."),
    "qualification": Place(
        "trading.commands", "qualification", "What auditors say of sellers, on chain."
    ),
    "replay": Place(
        "trading.evidence.replaying", "replay_channel", "Check evidence, and compute bills again."
    ),
    "recommend": Place(
        "trading.market.recommending", "recommend", "List offers that suit a demand."
    ),
    "settlement": Place(
        "trading.commands", "settlement", "Evidence of settlements, on either ledger."
    ),
    "template": Place(
        "trading.commands", "template", "What a trade and its settlements say, and cost."
    ),
    "watch": Place("trading.watching", "watch", "Let a tower watch a channel of this seller."),
    "watched": Place("trading.watching", "watched", "Print who watches a channel, or why nobody."),
}

GROUPS = {
    "controller": Place(
        "trading.controller", "controller", "A controller: issues credentials of channels."
    ),
    "seller": Place("trading.selling", "seller", "A seller: works for buyers, who pay as it goes."),
    "tower": Place("trading.tower", "tower", "A tower: watches channels for their sellers."),
    "buyer": Place("trading.buying.channels", "buyer", "A buyer: stays with its channels."),
    "trading": Place("trading.commands", "trading", "Computing power sold by the minute."),
}
DEMOS = {
    "ledger": Place(
        "trading.evidence.ledger_demo", "demonstrate", "Evidence on a consortium ledger; kills."
    ),
    "trading": Place(
        "trading.demo", "demonstrate", "Computing power sold by the minute; cheats gain nothing."
    ),
}
NETWORKS = {  # of `edgemark chain up`, by what they have, as in `--with-sellers`
    "sellers": NetworkPlace(
        "edgemark.systems.trading.demo.network:SELLERS",
        least=1,
        most=8,  # a hundred megabytes each
        summary="With contracts, a controller and so many sellers, for development.",
    ),
}
QUERIES = {  # of the index
    "channels": Place("trading.queries.channels", "channels", "List channels, the newest first."),
    "offers": Place("trading.queries.offers", "offers", "List offers, the newest first."),
}
UNREGISTERED = ("seller",)  # parties that serve and register nowhere
STAYING = ("buyer",)  # those that run on, and serve nobody
RESERVES: tuple[Place, ...] = ()  # of an account's tokens, for matters that are under way
FINDINGS = (Place("trading.findings", "find_trading", "what trading needs"),)  # of `doctor`


@click.group(cls=LazyGroup, places=COMMANDS)
def trading() -> None:
    """Computing power sold by the minute, settled off chain."""


@click.group(cls=LazyGroup, places=TEMPLATE)
def template() -> None:
    """Claim templates of sellers: what a trade says (TIT), and what a settlement says (TST)."""


@click.group(cls=LazyGroup, places=OFFER)
def offer() -> None:
    """Offers of sellers: what is sold, at which price, for how many channels at once."""


@click.group(cls=LazyGroup, places=QUALIFICATION)
def qualification() -> None:
    """What auditors say of sellers, recorded so that offers can name it."""


@click.group(cls=LazyGroup, places=SETTLEMENT)
def settlement() -> None:
    """Evidence of settlement credentials: on a chain, or on a consortium ledger."""
