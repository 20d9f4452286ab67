"""What a seller refuses, over real HTTPS and a real broker: by name, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.seller.selling_ground import Shop, shop
from tests.offchain.systems.trading.seller.selling_payer import Payer
from tests.offchain.systems.trading.work.work_cast import make_batch, make_dense, order_values
from tests.waiting import wait_until

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Timestamp, Tokens
from edgemark.identity.did.acts import Deactivation
from edgemark.identity.did.identifier import make_did
from edgemark.party.evm.did.acting import act_as_owner
from edgemark.party.evm.did.announcing import opening_identities
from edgemark.systems.trading.identifiers import ChannelId, OfferId, TemplateVersionId
from edgemark.systems.trading.protocol.agreement import Reason
from edgemark.systems.trading.protocol.asking.slips import SLIP_BYTES, Purpose, join_part
from edgemark.systems.trading.protocol.letters import Letter, Role
from edgemark.systems.trading.protocol.messages import Countersigned, Request, Stop
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.work.checking import count_units
from edgemark.transport.faults import PeerRefused

__all__ = ["shop"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(25)]

THIEF = SecretKey(bytes([7]) * 32)
FUNCTION = make_dense()
BATCH = make_batch(FUNCTION, 10)
UNITS = count_units(FUNCTION, 10)
PARTS = (BATCH, FUNCTION.to_bytes())


@pytest.fixture(scope="module")
def outsider(shop: Shop) -> Iterator[Payer]:
    with Payer(shop, "outsider") as there:
        yield there


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Payer]:
    """One whose channel is open."""
    with Payer(shop) as there:
        there.open()
        yield there


def count_promises(shop: Shop) -> int:
    return len(shop.seller.runtime.all_keys())


Change = Callable[[Payer, Shop], dict[str, Any]]
BAD: dict[str, tuple[Change, str, str]] = {
    "of another seller": (lambda p, _: {"seller": p.station.address}, "NotSold", "seller"),
    "by a stranger's key": (lambda *_: {"key": THIEF}, "NotSold", "no key of its buyer"),
    "for a stranger's account": (
        lambda *_: {"payer": THIEF.address},
        "NotSold",
        "did not sign the request",
    ),
    "of a stranger's DID": (
        lambda *_: {"buyer": make_did(31337, THIEF.address)},
        "NotSold",
        "no key of its buyer",
    ),
    "of a DID on another chain": (
        lambda p, _: {"buyer": make_did(1, p.station.address)},
        "DidNotFound",
        "chain",
    ),
    "of the seller's own DID": (
        lambda _, shop: {"buyer": shop.seller.station.did},
        "ClaimsRefused",
        "buyer",
    ),
    "for another offer": (lambda *_: {"offer": OfferId(bytes(32))}, "NotSold", "offer"),
    "by another template": (
        lambda _, shop: {"template": shop.templates.settlement.version_id},
        "NotSold",
        "template",
    ),
    "by a template of nobody": (
        lambda *_: {"template": TemplateVersionId(bytes(32))},
        "NotSold",
        "template",
    ),
    "at a controller of nobody": (
        lambda *_: {"controller": THIEF.address},
        "NotSold",
        "good standing",
    ),
    "that is over": (lambda *_: {"valid_until": Timestamp(1)}, "NotSold", "valid until"),
    "below the price": (lambda *_: {"most_price": Tokens(999)}, "NotSold", "most price"),
    "above the escrow's limit": (
        lambda *_: {"deposit": Tokens(10**6 + 1), "bond": Tokens(10**6)},
        "ChannelRefused",
        "deposit",
    ),
    "with too small a bond": (lambda *_: {"bond": Tokens(499)}, "ChannelRefused", "bond"),
    "with tokens that it has not": (
        lambda *_: {"deposit": Tokens(10**6), "bond": Tokens(10**6)},
        "NotSold",
        "less than deposit and bond",
    ),
    "with a window that is none": (lambda *_: {"window": 1}, "ChannelRefused", "window"),
    "that expired": (lambda *_: {"expires_at": Timestamp(1)}, "ChannelRefused", "expiresAt"),
    "with an interval beyond the template": (
        lambda *_: {"interval_s": 301},
        "ClaimsRefused",
        "intervalS",
    ),
    "sealed for who has no key": (
        lambda *_: {"encryption": Encryption.JWE},
        "KeyUnusable",
        "encrypt",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_request__that_is_bad__is_refused_by_name(shop: Shop, outsider: Payer, name: str) -> None:
    change, error, words = BAD[name]
    before = count_promises(shop)
    told = outsider.refused(outsider.draft(**change(outsider, shop)))
    said = " ".join(str(told.get(part)) for part in ("who", "what", "had", "needed"))
    assert (told["error"], words in said) == (error, True), told
    assert count_promises(shop) == before


@pytest.mark.parametrize("body", [b"", b"quote", bytes(300), b"\xff" * 2048])
def test_request__that_is_none__is_refused(shop: Shop, outsider: Payer, body: bytes) -> None:
    assert outsider.refused(body)["who"]


def test_request__of_10_megabytes__is_refused_unread(outsider: Payer) -> None:
    assert outsider.refused(bytes(10 * 2**20))["error"] == "TooLarge"


def test_nonce__that_was_used_for_another_request__is_refused(shop: Shop, outsider: Payer) -> None:
    request = outsider.draft()
    first = outsider.post_raw("/v1/initiations", request.to_wire())
    assert outsider.post_raw("/v1/initiations", request.to_wire()) == first
    for changed in ({"deposit": Tokens(4999)}, {"cap": Tokens(1)}, {"payer_key": THIEF.address}):
        other = outsider.draft(**{**changed, "nonce": request.nonce})
        assert "used for another request" in outsider.refused(other)["what"]


def test_places__of_one_payer__are_few(shop: Shop, outsider: Payer) -> None:
    """It has one from the test before, or none."""

    def is_full() -> bool:
        try:
            outsider.post_raw("/v1/initiations", outsider.draft().to_wire())
        except PeerRefused as refused:
            return refused.error["error"] == "Overloaded" and refused.retry_after_s > 0
        return False

    wait_until("no place is left", is_full, look_s=0.6)
    agreed = [s for s in shop.seller.runtime.states().values() if s.phase.value == "agreed"]
    assert len([s for s in agreed if s.known.terms.payer == outsider.station.address]) <= 4


def test_t7_buyer_that_ended_its_identity__gets_no_new_channel(shop: Shop, outsider: Payer) -> None:
    with opening_identities(outsider.station) as identities:
        act_as_owner(identities, lambda _now: Deactivation(identities.address))

    def told() -> str:
        return str(outsider.refused(outsider.draft())["error"])

    wait_until("it is known", lambda: told() == "DidDeactivated", look_s=0.6)


# --- parts and outputs -------------------------------------------------------------------------


def put(payer: Payer, body: bytes, channel: bytes, digest: bytes) -> dict[str, Any]:
    with pytest.raises(PeerRefused) as caught:
        payer.post_raw(f"/v1/parts/{channel.hex()}/{digest.hex()}", body, "PUT")
    return dict(caught.value.error)


def test_part__under_anothers_slip__is_refused(served: Payer) -> None:
    digest = hash_long(b"data")
    slip = served.slip(Purpose.PART, digest)
    theirs = slip.signed(THIEF.sign(slip.signed_digest(served.station.domain)))
    for body, error in (
        (join_part(theirs, b"data"), "BadSignature"),
        (join_part(slip, b"other"), "SlipRefused"),
        (join_part(served.slip(Purpose.OUTPUT, digest), b"data"), "SlipRefused"),
        (
            join_part(served.slip(Purpose.PART, digest, valid_until=Timestamp(1)), b"data"),
            "SlipRefused",
        ),
        (bytes(SLIP_BYTES - 1), "MalformedMessage"),
    ):
        assert put(served, body, served.channel, digest)["error"] == error
    elsewhere = served.slip(Purpose.PART, digest, channel=ChannelId(bytes(32)))
    assert put(served, join_part(elsewhere, b"data"), served.channel, digest)["error"] == (
        "SlipRefused"
    )
    assert put(served, join_part(slip, b"data"), bytes(32), digest)["error"] == "NotFound"


def test_long_part__is_taken_of_the_payer_alone(shop: Shop, served: Payer) -> None:
    part = bytes(range(256)) * 300
    with pytest.raises(PeerRefused):
        served.bring(part, card=False)
    wait_until("it is known at the door", lambda: served.station.address in known(shop))
    served.bring(part)
    assert shop.seller.serving.parts.holds(served.channel, hash_long(part))
    served.bring(part)


def known(shop: Shop) -> set[str]:
    return set(shop.seller.door._parties)


def test_output__for_a_stranger_or_of_nothing__is_refused(served: Payer) -> None:
    order = order_values(FUNCTION, BATCH, channel=served.channel, most=UNITS)
    for slip, error in (
        (served.slip(Purpose.OUTPUT, order.id), "OrderRefused"),
        (served.slip(Purpose.PART, order.id), "SlipRefused"),
        (served.slip(Purpose.OUTPUT, order.id, channel=ChannelId(bytes(32))), "NotFound"),
    ):
        with pytest.raises(PeerRefused) as caught:
            served.post_raw("/v1/outputs", slip.to_wire())
        assert caught.value.error["error"] == error


# --- letters -----------------------------------------------------------------------------------


def send_raw(payer: Payer, raw: bytes) -> None:
    payer.post.send(payer.channel, Role.SELLER, raw)


def test_letters_that_are_strange__change_nothing(shop: Shop, served: Payer) -> None:
    """A thief's, garbage, a request without an order, another's bill; then work goes on."""
    domain, before = served.station.domain, served.sale()
    stop = Letter.of(served.channel, Stop(Reason.EXPIRED))
    send_raw(served, replace(stop, signature=THIEF.sign(stop.digest(domain))).to_wire())
    send_raw(served, b"letter")
    send_raw(served, bytes(60_000))
    served.say(Request(1, UNITS, b"no order"))
    foreign = order_values(FUNCTION, BATCH, channel=ChannelId(bytes(32)), most=UNITS)
    served.say(Request(1, UNITS, foreign.to_bytes()))
    cheap = order_values(FUNCTION, BATCH, channel=served.channel, most=UNITS)
    served.say(Request(1, UNITS - 1, cheap.to_bytes()))
    served.say(Request(2**63, UNITS, cheap.to_bytes()))
    order = order_values(FUNCTION, BATCH, channel=served.channel, most=UNITS)
    served.order(order, UNITS, PARTS)
    wait_until("voucher is signed", lambda: served.sale().signed == UNITS)
    assert served.sale().phase is before.phase
    bill = max(served.bills.values(), key=lambda each: each.voucher.index)
    for changed in ({"amount": Tokens(0)}, {"amount": Tokens(10**9)}, {"index": 2**63}):
        other = replace(bill.voucher, **changed)
        digest = domain.voucher(served.channel, other)
        served.say(Countersigned(other, served.key.sign(digest), served.key.sign(digest)))
    second = order_values(FUNCTION, BATCH, channel=served.channel, number=2, most=UNITS)
    served.order(second, UNITS, PARTS)
    wait_until("voucher is signed", lambda: served.sale().signed == 2 * UNITS)
