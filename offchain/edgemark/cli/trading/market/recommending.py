"""`edgemark trading recommend`: offers that suit a demand, and for which auditors still vouch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from edgemark.cli.options.amounts import SOME_MTC
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.trading.buying.reading import read_qualifications
from edgemark.cli.trading.market.listing import limit_option, open_book, show_offers, tell_none
from edgemark.cli.trading.market.wares import MOST, Ware, takes_ware
from edgemark.errors import RefusedInput
from edgemark.identifiers import NOBODY, Address, Timestamp, parse_address
from edgemark.identity.did.identifier import make_did, parse_did
from edgemark.systems.trading.buyer.market.choosing import Auditor
from edgemark.systems.trading.buyer.market.picking.vouching import Onlooker, Vouching
from edgemark.systems.trading.contract.evidence.registry import EvidenceContract
from edgemark.systems.trading.contract.market.records import (
    MAX_ISSUERS,
    MAX_PLACES,
    MAX_PRICE,
    Demand,
)
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.systems.trading.story.reading import Lookout
from edgemark.words import count

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("recommend")
@takes_settings
@takes_ware(needs_template=False)
@click.option("--most-price", type=SOME_MTC, help="The most that a unit may cost.")
@click.option(
    "--channels",
    type=WholeRange(1, MOST),
    default=1,
    show_default=True,
    help="How many are to be opened.",
)
@click.option("--until", type=WholeRange(1, 2**40 - 1), help="Unix second until which it stands.")
@click.option(
    "--auditor",
    "auditors",
    metavar="DID",
    multiple=True,
    help=f"Who has to vouch for the seller; all of them, at most {MAX_ISSUERS}.",
)
@click.option("--auditor-account", metavar="ACCOUNT", help="That signs for it, if another.")
@click.option("--qualification", "tokens", type=FILE, multiple=True, help="A credential at hand.")
@limit_option
def recommend(invocation: Invocation, ware: Ware, limit: int, **given: Any) -> None:
    """List the offers that suit a demand, best first, as the contract chooses them.

    By price, then by place. With --auditor those for whose sellers it vouches: it recorded a
    qualification on the chain, and that still stands by its DID and status list. The credential is
    asked of the seller; offers that fail are told with why. DID may be an account, of the chain of
    this home's identities.
    """
    settings, at_hand = invocation.settings(), dict(read_qualifications(given["tokens"]))
    lookout = Lookout.open(settings)
    book, evidence = open_book(lookout)
    with Onlooker.open(settings, lookout.chain, lookout.deployment) as onlooker:
        auditors = read_auditors(onlooker, given["auditors"], given["auditor_account"])
        demand = _read_demand(book.escrow, evidence, ware, auditors, given)
        found, many = book.recommend_all(demand, MAX_PLACES if auditors else limit)
        none = "" if found else tell_none(len(book.listed(ware.category)))
        if not auditors:
            show_offers(invocation, found, many, none=none, evidence=evidence)
            return
        vouching = Vouching(onlooker, auditors, at_hand, settings.of(BuyerSettings).choose_s)
        vouched = vouching.keep_vouched(found)
    passed = [each.as_dict() for each in vouching.passed_over]
    for each in () if invocation.as_json else vouching.passed_over:
        click.echo(f"offer {each.offer.hex()[:16]} is passed over: {each.why}", err=True)
    none = none or f"None is vouched for of {count(many, 'offer')} that would suit."
    more = {"credentials_checked": True, "passed_over": passed}
    kept = vouched[:limit]
    show_offers(invocation, kept, len(vouched), none=none, evidence=evidence, more=more)


def _read_demand(
    escrow: Address,
    evidence: EvidenceContract,
    ware: Ware,
    auditors: Sequence[Auditor],
    given: Mapping[str, Any],
) -> Demand:
    price, until = given["most_price"], given["until"]
    return Demand(
        escrow=escrow,
        category=ware.category,
        template=ware.template,
        least=ware.specification,
        most_price=MAX_PRICE if price is None else price,
        channels=given["channels"],
        until=Timestamp(until or 0),
        evidence=evidence.address if auditors else NOBODY,
        issuers=tuple(each.account for each in auditors),
    )


def read_auditors(
    onlooker: Onlooker, typed: Sequence[str], account: str | None
) -> tuple[Auditor, ...]:
    """Who has to vouch, by DID or by account.

    Args:
        onlooker: knows the chain of this home's identities, of which an account is.
        typed: as they were named.
        account: that signs for the only one of them.

    Raises:
        RefusedInput: one is neither, they are too many, or an account is of none or several.
    """
    if len(typed) > MAX_ISSUERS:
        raise RefusedInput("are too many", who="--auditor", had=len(typed), needed=MAX_ISSUERS)
    if account is not None and len(typed) != 1:
        needed = "whose account it is: --auditor DID, once"
        raise RefusedInput("is of no auditor", who="--auditor-account", needed=needed)
    dids = [
        parse_did(each)
        if each.startswith("did:")
        else make_did(onlooker.documents.chain_id, parse_address(each, who="--auditor"))
        for each in typed
    ]
    signer = None if account is None else parse_address(account, who="--auditor-account")
    return tuple(Auditor(each, signer or each.identity) for each in dids)
