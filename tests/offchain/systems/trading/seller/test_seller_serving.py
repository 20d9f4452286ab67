"""A seller whole: a real chain, a real broker, real HTTPS; quotes, work, bills, money."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.offchain.systems.trading.seller.selling_ground import (
    BOND,
    DEPOSIT,
    TAKEN,
    Shop,
    shop,
)
from tests.offchain.systems.trading.seller.selling_payer import Payer
from tests.offchain.systems.trading.work.work_cast import make_batch, make_dense, order_values
from tests.stage.command_line import Finished, edgemark_here, write_settings
from tests.waiting import wait_until

from edgemark.confinement.limits import End
from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.agreement import ATTRIBUTE, AgreementKeys
from edgemark.identity.credentials.jose.encryption import AgreementKey
from edgemark.identity.credentials.keys import KeyUnusable
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.registry import DidRegistry
from edgemark.party.evm.contracts import DidContracts
from edgemark.party.evm.did.announcing import announce
from edgemark.resolver.opening import open_identities
from edgemark.systems.trading.buyer.market.asking import find_readers_of
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.credentials.keeping import KeptCredentials
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Reason
from edgemark.systems.trading.protocol.letters import Kind, Role
from edgemark.systems.trading.protocol.messages import Request
from edgemark.systems.trading.station.documents import SELLER_SERVICE
from edgemark.systems.trading.station.post.seals import Seals
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.work import messages as work
from edgemark.systems.trading.work.checking import count_units

__all__ = ["shop"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(42)]

FUNCTION = make_dense()
BATCH = make_batch(FUNCTION, 10)
UNITS = count_units(FUNCTION, 10)
PARTS = (BATCH, FUNCTION.to_bytes())


@pytest.fixture
def payer(shop: Shop) -> Iterator[Payer]:
    with Payer(shop) as there:
        yield there


def order_of(payer: Payer, number: int = 1) -> work.Order:
    return order_values(FUNCTION, BATCH, channel=payer.channel, number=number, most=UNITS)


def buy(payer: Payer, number: int = 1) -> work.Order:
    order = order_of(payer, number)
    payer.order(order, UNITS, PARTS)
    return order


def test_channel__from_the_quote_to_the_money(shop: Shop, payer: Payer) -> None:
    accounts = payer.station.accounts
    before = {
        role: accounts.free_balance(shop.ground.address(role)) for role in ("payer", "seller")
    }
    payer.open()
    order = buy(payer)
    answer = work.Answer.from_bytes(payer.answers[1].content)
    assert (answer.end, answer.used.units, payer.answers[1].used) == (End.FINISHED, UNITS, (UNITS,))
    assert payer.fetch(order) == FUNCTION.evaluate(BATCH)
    wait_until("voucher is signed", lambda: payer.sale().signed == UNITS)
    wait_until("credential is issued", lambda: payer.sale().credential == 1)
    wait_until(
        "credential is kept",
        lambda: KeptCredentials(shop.seller.station.home).indices(payer.channel) == [1],
    )
    at = Timestamp(shop.ground.now())
    shop.seller.runtime.ask(payer.channel, on.AskedStop(at))
    wait_until("channel has ended", lambda: payer.phase() == "ended")
    sale = payer.sale()
    assert (sale.reason, sale.amount) == (Reason.ASKED_BY_SELLER, UNITS)
    after = {role: accounts.free_balance(shop.ground.address(role)) for role in before}
    assert after["seller"] - before["seller"] == UNITS
    assert before["payer"] - after["payer"] == UNITS
    assert payer.stops and not payer.strange
    terms = sale.known.terms
    assert payer.station.escrow.channel(terms).phase is ChannelPhase.ENDED


def say_agreement_key(station: TradingStation) -> AgreementKey:
    """A key for agreement, in a home and in the document of its identity."""
    made = AgreementKeys.make(station.home)
    chain, deployment = open_identities(station.settings, (DidContracts,))
    registry = DidRegistry(chain, deployment.contract("DidRegistry"))
    named = encode_name(ATTRIBUTE)
    station.lane.send(registry.set_attribute(station.address, named, made.public_key, 10**7))
    return made


def test_sealed_channel__is_sold_billed_and_issued_and_none_but_its_parties_reads_what_was_done(
    shop: Shop, payer: Payer
) -> None:
    seller, me, wanted = shop.seller.wares.seller, payer.station, Encryption.JWE
    with pytest.raises(KeyUnusable, match="edgemark identity agreement"):
        find_readers_of(me, seller, wanted)  # asked before the buyer signs
    stations = {seller: shop.seller.station, me.did: me}
    keys = {did: say_agreement_key(each).public_key for did, each in stations.items()}

    def is_said() -> bool:
        with suppress(RefusedInput):
            readers = [
                (each.documents.reader(did).key, key)
                for each in stations.values()
                for did, key in keys.items()
            ]
            return all(had == key for had, key in readers)
        return False

    wait_until("both keys are known", is_said, look_s=0.2)
    payer.open(encryption=wanted)
    order = buy(payer)
    assert payer.fetch(order) == FUNCTION.evaluate(BATCH)
    wait_until("voucher is signed", lambda: payer.sale().signed == UNITS)
    wait_until("credential is here", lambda: 1 in payer.credentials)
    wait_until("credential is kept", lambda: payer.sale().credential == 1)
    assert Kind.SEALED in payer.kinds
    assert not payer.kinds & {Kind.ANSWER, Kind.PROPOSAL}
    bill, issued = payer.bills[1], payer.credentials[1]
    claims = payer.seals.read_issued(payer.channel, Role.BUYER, issued)
    assert (claims.fee, claims.readings.after) == (bill.fee, bill.readings.after)
    desk = shop.controller.runtime.state(payer.channel)
    assert desk.issued.settlement.proposal.readings.after == ()
    assert desk.issued.settlement.sealed
    AgreementKeys.make(me.home)  # a newer one takes nothing away
    again = Seals.of_station(me).read_issued(payer.channel, Role.BUYER, issued)
    assert again == claims
    assert not payer.strange


def test_did_document__names_the_seller_and_its_key(shop: Shop, payer: Payer) -> None:
    (service,) = payer.station.documents.services(shop.seller.wares.seller, SELLER_SERVICE)
    assert service.endpoint == {"uri": shop.url, "pin": shop.pin.hex()}


def test_did_document__names_another_place_alone_once_it_is_announced(shop: Shop) -> None:
    station, did = shop.seller.station, shop.seller.wares.seller

    def told() -> list[object]:
        return [each.endpoint for each in station.documents.services(did, SELLER_SERVICE)]

    here = {"uri": shop.url, "pin": shop.pin.hex()}
    there = {"uri": "https://127.0.0.1:9", "pin": shop.pin.hex()}
    for place, other in ((there, here), (here, there)):
        wait_until("it is known", lambda other=other: told() == [other], look_s=0.2)  # type: ignore[misc]
        had = station.documents.services(did, SELLER_SERVICE)
        assert announce(station, SELLER_SERVICE, place, had)
    wait_until("it is known", lambda: told() == [here], look_s=0.2)
    had = station.documents.services(did, SELLER_SERVICE)
    assert not announce(station, SELLER_SERVICE, here, had)


def test_status__tells_what_is_sold_and_what_is_owed(shop: Shop) -> None:
    told = shop.seller.status()
    assert told["role"] == "seller" and told["offer"] == shop.offer.hex()
    assert told["fault"] == "" and told["kernel"]


def test_texts__are_shown_by_their_hash(shop: Shop, payer: Payer) -> None:
    for template in (shop.templates.initiation, shop.templates.settlement):
        digest = template.content_hash.hex()
        assert (
            payer.station.client.request(
                shop.url, shop.pin, "GET", f"/v1/texts/{digest}", most_bytes=2**17
            )
            == template.text
        )


def test_profits__are_taken_again_and_again_while_the_channel_is_open(
    shop: Shop, payer: Payer
) -> None:
    """At the bond, 500; two orders are 900."""
    payer.open()
    for many in (2, 4):
        buy(payer, many - 1)
        buy(payer, many)
        wait_until("profits are taken", lambda many=many: payer.sale().paid == many * UNITS)  # type: ignore[misc]
    assert payer.phase() == "serving"
    assert UNITS < BOND < 2 * UNITS


def test_overdraft__is_announced_then_service_stops(shop: Shop, payer: Payer) -> None:
    payer.open(deposit=2 * UNITS + 10, bond=200)
    buy(payer, 1)
    buy(payer, 2)
    wait_until("overdraft is announced", lambda: payer.warnings)
    order = order_of(payer, 3)
    for part in PARTS:
        payer.bring(part)

    def refused() -> bool:
        payer.say(Request(3, UNITS, order.to_bytes()))
        return 3 in payer.refusals

    wait_until("work is refused", refused, look_s=0.2)
    shop.pass_by(TAKEN["patience_s"])
    wait_until("service stops, and all is paid", lambda: payer.phase() == "ended")
    assert payer.sale().reason is Reason.OVERDRAWN
    assert payer.sale().amount == 2 * UNITS


def test_payer_that_signs_no_more__is_served_no_more_and_pays_what_it_signed(
    shop: Shop, payer: Payer
) -> None:
    payer.open()
    buy(payer, 1)
    wait_until("voucher is signed", lambda: payer.sale().signed == UNITS)
    payer.signs = False
    buy(payer, 2)
    wait_until("bill is out", lambda: payer.sale().claimed == 2 * UNITS)
    shop.pass_by(TAKEN["patience_s"])
    wait_until("seller claims", lambda: payer.phase() == "ended")
    assert payer.sale().reason is Reason.VOUCHER_LATE
    assert payer.sale().amount == UNITS


def test_close_below_what_was_signed__is_answered_and_costs_the_bond(
    shop: Shop, payer: Payer
) -> None:
    payer.open()
    buy(payer, 1)
    wait_until("voucher is signed", lambda: payer.sale().signed == UNITS)
    accounts = payer.station.accounts
    before = accounts.free_balance(payer.station.address)
    terms = payer.sale().known.terms
    payer.station.lane.send(payer.station.escrow.close_bare([terms]))
    wait_until("it is answered", lambda: payer.stored().is_answered)
    shop.pass_by(2 * terms.window)
    wait_until("window is over", lambda: payer.phase() == "ended")
    assert payer.sale().amount == UNITS
    assert accounts.free_balance(payer.station.address) - before == DEPOSIT - UNITS


def test_seller_that_is_started_again__goes_on_where_it_was(shop: Shop, payer: Payer) -> None:
    request = payer.draft()
    first = payer.post_raw("/v1/initiations", request.to_wire())
    payer.open()
    buy(payer, 1)
    shop.close()
    shop.open()
    assert payer.post_raw("/v1/initiations", request.to_wire()) == first
    wait_until("letters come and go", lambda: payer.phase() == "serving")
    buy(payer, 2)
    wait_until("all is signed", lambda: payer.sale().signed == 2 * UNITS)
    (service,) = payer.station.documents.services(shop.seller.wares.seller, SELLER_SERVICE)
    assert service.endpoint == {"uri": shop.url, "pin": shop.pin.hex()}


# --- by hand -----------------------------------------------------------------------------------


def claim(shop: Shop, channel: bytes, *words: str) -> Finished:
    """`edgemark trading claim`, in the seller's home."""
    home = write_settings(shop.settings())
    return edgemark_here("trading", "claim", channel.hex(), *words, "--home", home, "--json")


def test_claim__of_a_seller_that_runs__is_a_wish(shop: Shop, payer: Payer) -> None:
    payer.open()
    refused = claim(shop, payer.channel)
    assert "nothing signed that is not paid" in refused.error, refused.error
    buy(payer, 1)
    wait_until("voucher is signed", lambda: payer.sale().signed == UNITS)
    dry = claim(shop, payer.channel, "--dry-run")
    assert dry.status == 0 and dry.value["dry_run"] is True, dry.error
    assert payer.sale().paid == 0
    done = claim(shop, payer.channel)
    assert done.status == 0 and done.value["amount"] == str(UNITS), done.error
    wait_until("it is paid", lambda: payer.sale().paid == UNITS)
    assert payer.phase() == "serving"
    ended = claim(shop, payer.channel[:4], "--close")
    assert ended.status == 0 and ended.value["done"] == "stopped", ended.error
    wait_until("channel has ended", lambda: payer.phase() == "ended")
    assert payer.sale().amount == UNITS


def test_claim__where_no_seller_runs__is_sent_by_the_command(shop: Shop, payer: Payer) -> None:
    payer.open()
    buy(payer, 1)
    wait_until("voucher is signed", lambda: payer.sale().signed == UNITS)
    terms = payer.sale().known.terms
    shop.close()
    done = claim(shop, payer.channel, "--close")
    assert done.status == 0 and done.value["done"] == "closed", done.error
    assert payer.station.escrow.channel(terms).phase is ChannelPhase.ENDED
    unknown = claim(shop, bytes(32))
    assert unknown.status != 0 and "is not known here" in unknown.error
    shop.open()
    wait_until("seller saw the end", lambda: payer.phase() == "ended")
    assert payer.sale().amount == UNITS
