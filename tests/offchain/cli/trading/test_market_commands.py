"""T1, T19, T30: offers are posted, found by a demand, prolonged, taken down; deposits come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.offchain.cli.town import MTC, Town
from tests.offchain.cli.trading.market_town import HOME, market, write
from tests.offchain.systems.trading.templates.template_forms import (
    draft_initiation,
    draft_settlement,
)
from tests.stage.command_line import edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.cli.trading.market.listing import tell_none
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.keeping import write_token
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.identifier import make_did
from edgemark.identity.keys import KeyStore
from edgemark.systems.trading.credentials.payloads import Period
from edgemark.systems.trading.credentials.qualification import Qualification, draft_qualification

__all__ = ["market"]
pytestmark = [pytest.mark.chain, pytest.mark.lasts(14)]

AUDITOR, BUYER = "auditor", "buyer"
CATEGORY = "products of polynomials, price of 1000"


def run(town: Town, *words: Any, home: str = HOME) -> Any:
    return town.run(home, "trading", *map(str, words))


def do(town: Town, *words: Any, home: str = HOME) -> dict[str, Any]:
    return town.do(home, "trading", *map(str, words))


@pytest.fixture(scope="module")
def shop(market: Town) -> dict[str, Any]:
    """A seller with templates and an auditor's word, and 1000 MTC."""
    market.enrich(HOME, 1000 * MTC)
    tst_file, tst = write(market, "tst.json", draft_settlement())
    tit_file, tit = write(market, "tit.json", draft_initiation(tst))
    do(market, "template", "register", tst_file, "--yes")
    do(market, "template", "register", tit_file, "--settlement", tst_file, "--yes")
    market.do(AUDITOR, "account", "address")
    market.enrich(AUDITOR)
    file = audit(market, market.folder / "qualification.jwt")
    return {"tit": tit.version_id.hex(), "file": file}


def audit(
    town: Town, path: Path, home: str = AUDITOR, subject: str = "products of polynomials"
) -> Path:
    """A qualification of the seller, signed by a home's account."""
    key = KeyStore.open(town.folder / home / "keys").account
    chain_id = town.ground.chain.chain_id
    issuer, seller = make_did(chain_id, key.address), make_did(chain_id, town.address(HOME))
    facts = draft_qualification(Qualification(issuer, seller, (subject,)), Period(Timestamp(1)))
    path.write_bytes(write_token(CredentialSigner(key, issuer).sign(facts)))
    return path


def post(shop: dict[str, Any], *more: Any, price: str = "0.01", category: str = CATEGORY) -> Any:
    head = ("offer", "post", "--category", category, "--template", shop["tit"], "--price", price)
    return (*head, "--capacity", 3, "--days", 2, "--cores", 2, "--ram", 1024, *more)


def test_t30_offer_with_an_auditors_word__is_recommended_to_who_demands_it(
    market: Town, shop: dict[str, Any]
) -> None:
    dry = run(market, "qualification", "record", shop["file"], "--dry-run", home=AUDITOR)
    assert (dry.status, dry.value["dry_run"]) == (Exit.DONE, True)
    audited = do(market, "qualification", "record", shop["file"], "--yes", home=AUDITOR)
    assert audited["auditor"] == market.address(AUDITOR)
    assert audited["services"] == ["products of polynomials"]
    name, named = audited["named_by"].split()
    dear = do(market, *post(shop, name, named, "--yes", price="0.02"))
    cheap = do(market, *post(shop, "--yes"))
    assert (dear["price"], dear["free"], dear["of"]) == (str(MTC // 50), 3, 3)
    assert dear["deposit"] == str(100 * MTC)

    asked = ("recommend", "--category", CATEGORY)
    found = do(market, *asked, home=BUYER)
    assert [each["offer"] for each in found["offers"]] == [cheap["offer"], dear["offer"]]
    assert found["in_all"] == 2
    at_hand = ("--auditor", audited["auditor"], "--qualification", shop["file"])
    vouched = do(market, *asked, *at_hand, home=BUYER)
    assert (vouched["credentials_checked"], "credentials_checked" in found) == (True, False)
    assert (vouched["in_all"], vouched["passed_over"]) == (1, [])
    assert [each["offer"] for each in vouched["offers"]] == [dear["offer"]]
    told = vouched["offers"][0]["qualifications"]
    assert [(each["issuer"], each["credential"]) for each in told] == [
        (audited["auditor"], audited["credential"])
    ]
    assert told[0]["recorded_at"] > 0
    assert not (market.folder / BUYER / "keys").exists(), "who looks makes nothing"
    listed = do(market, "offer", "list", "--category", CATEGORY, "--seller", market.address(HOME))
    assert [each["offer"] for each in listed["offers"]] == [cheap["offer"], dear["offer"]]
    assert do(market, "offer", "show", dear["offer"])["qualifications"] == told


def test_recommend_with_an_auditor__keeps_none_whose_word_nobody_can_show(
    market: Town, shop: dict[str, Any]
) -> None:
    asked, category = ("recommend", "--category", "vouched"), "vouched"
    token = audit(market, market.folder / "second.jwt", subject="products of the second")
    named = do(market, "qualification", "record", token, "--yes", home=AUDITOR)["named_by"]
    offer = do(market, *post(shop, *named.split(), "--yes", category=category))["offer"]
    did = str(make_did(market.ground.chain.chain_id, market.address(AUDITOR)))
    kept = do(market, *asked, "--auditor", did, "--qualification", token, home=BUYER)
    assert [each["offer"] for each in kept["offers"]] == [offer]
    alone = do(market, *asked, "--auditor", did, home=BUYER)
    assert (alone["offers"], alone["in_all"]) == ([], 0)
    (passed,) = alone["passed_over"]
    assert passed["offer"] == offer
    assert "does not say where it serves" in passed["why"], "its seller has the credential"
    other = do(market, *asked, "--auditor", did, "--qualification", shop["file"], home=BUYER)
    assert other["passed_over"] == alone["passed_over"], "another credential shows nothing"
    foreign = did.replace("0x7a69", "0x7a6a")
    nobody = do(market, *asked, "--auditor", foreign, "--qualification", token, home=BUYER)
    assert nobody["offers"] == []
    for bad in (
        ("--auditor", "nobody"),
        ("--auditor", "did:web:example.com"),
        ("--auditor-account", market.address(AUDITOR)),
        ("--auditor", did, "--auditor", did, "--auditor-account", market.address(AUDITOR)),
        ("--auditor", did) * 5,
        ("--auditor", did, "--qualification", market.folder / "nowhere.jwt"),
    ):
        assert run(market, *asked, *bad, home=BUYER).status == Exit.REFUSED_INPUT, bad


def test_t1_demand__leaves_out_what_does_not_suit(market: Town, shop: dict[str, Any]) -> None:
    asked, category = ("recommend", "--category", "demanded"), "demanded"
    do(market, *post(shop, "--yes", category=category))
    dear = do(market, *post(shop, "--yes", price="0.02", category=category))
    for demand, many in (
        (("--most-price", "0.01"), 1),
        (("--most-price", "0.009"), 0),
        (("--cores", 2, "--ram", 1024), 2),
        (("--cores", 3), 0),
        (("--channels", 3), 2),
        (("--channels", 4), 0),
        (("--until", dear["expires_at"] + 3600), 0),
        (("--template", shop["tit"]), 2),
        (("--template", "11" * 32), 0),
        (("--auditor", market.address(HOME)), 0),
        (("--limit", 1), 1),
    ):
        assert len(do(market, *asked, *demand, home=BUYER)["offers"]) == many, demand


def test_an_empty_list__says_whether_the_category_is_known(market: Town) -> None:
    assert "the exact text" in tell_none(0)
    assert tell_none(2).startswith("None that suits of 2 offers;")
    nothing = edgemark_here(
        *("trading", "recommend", "--category", "nobody sells this"),
        *("--home", market.folder / BUYER, "--chain-url", market.ground.chain.url),
        *("--manifest", market.folder / "deployment.json"),
        environ={"EDGEMARK_CONFIRMATIONS": "0"},
    )
    assert (nothing.status, nothing.out.strip()) == (Exit.DONE, tell_none(0))


def test_t19_offer__is_prolonged_withdrawn_and_its_deposit_comes_back_after_the_expiry(
    market: Town, shop: dict[str, Any]
) -> None:
    me, category = market.address(HOME), "to be taken down"
    dry = run(market, *post(shop, "--dry-run", category=category))
    assert (dry.status, dry.value["dry_run"]) == (Exit.DONE, True)
    free = market.anchor.free_balance(me)
    said = run(market, *post(shop, "--yes", "--deposit", 150, category=category))
    assert "150 MTC are locked by OfferBook until" in said.error
    offer = said.value["offer"]
    assert said.value["deposit"] == str(150 * MTC)
    longer = do(market, "offer", "renew", offer, "--days", 3, "--yes")
    assert longer["expires_at"] > said.value["expires_at"]
    assert do(market, "offer", "show", offer)["expires_at"] == longer["expires_at"]

    early = run(market, "offer", "clear", offer, "--yes")
    assert early.status == Exit.REFUSED_INPUT
    gone = do(market, "offer", "withdraw", offer, "--yes")
    assert gone["deposit_free_after"] == longer["expires_at"]
    shown = run(market, "offer", "show", offer)
    assert (shown.status, "not listed" in shown.complaint) == (Exit.REFUSED_INPUT, True)
    market.pass_to(longer["expires_at"] + 1)
    do(market, "offer", "clear", offer, "--yes", home=AUDITOR)
    assert market.anchor.free_balance(me) == free + 150 * MTC
    again = run(market, "offer", "clear", offer, "--yes")
    assert again.status == Exit.REFUSED_INPUT


def test_offers_that_cannot_be__are_refused_with_what_was_needed(
    market: Town, shop: dict[str, Any]
) -> None:
    poor = run(market, *post(shop, "--yes", "--deposit", 99, category="dear"))
    assert (poor.status, "100 MTC or more" in poor.complaint) == (Exit.REFUSED_INPUT, True)
    rich = run(market, *post(shop, "--yes", "--deposit", 10**7, category="dear"))
    assert rich.status == Exit.REFUSED_INPUT
    for bad, complaint in (
        (("--qualification", "nobody"), "--qualification"),
        (("--qualification", f"{market.address(AUDITOR)}:xyz"), "--qualification"),
        (("--price", "0"), "--price"),
        (("--template", "22" * 32), "registered by nobody"),
        (("--days", 40), "post is refused"),
        (("--capacity", 0), "--capacity"),
        (("--cores", "1_0"), "--cores"),
    ):
        ran = run(market, *post(shop, "--yes", *bad, category="dear"))
        assert ran.status in (Exit.REFUSED_INPUT, 2), bad
        assert complaint in ran.error, bad
    unknown = "33" * 32
    for words in (("renew", unknown, "--days", 2), ("withdraw", unknown), ("show", "12")):
        assert run(market, "offer", *words).status == Exit.REFUSED_INPUT
    many = ["44" * 32] * 33
    assert "too many" in run(market, "offer", "clear", *many, "--yes").complaint


def test_offer_of_another_seller__is_left_alone(market: Town, shop: dict[str, Any]) -> None:
    offer = do(market, *post(shop, "--yes", category="mine"))["offer"]
    for words in (("renew", offer, "--days", 5), ("withdraw", offer)):
        ran = run(market, "offer", *words, "--yes", home=AUDITOR)
        assert (ran.status, "another seller's" in ran.complaint) == (Exit.REFUSED_INPUT, True)
    do(market, "offer", "withdraw", offer, "--yes")


def test_qualification_of_another_or_twice__is_not_recorded(
    market: Town, shop: dict[str, Any]
) -> None:
    ran = run(market, "qualification", "record", shop["file"], "--yes")
    assert (ran.status, "issued by another" in ran.complaint) == (Exit.REFUSED_INPUT, True)
    again = run(market, "qualification", "record", shop["file"], "--yes", home=AUDITOR)
    assert (again.status, "is refused" in again.complaint) == (Exit.REFUSED_INPUT, True)
    none = market.folder / "none.jwt"
    none.write_text("a.b.c")
    assert run(market, "qualification", "record", none, home=AUDITOR).status != Exit.DONE


def test_template_that_is_deprecated__is_for_no_new_offer_for_good(
    market: Town, shop: dict[str, Any]
) -> None:
    asked = run(market, "template", "deprecate", "products", 1)
    assert (asked.status, "cannot be undone" in asked.complaint) == (Exit.REFUSED_INPUT, True)
    done = do(market, "template", "deprecate", "products", 1, "--yes")
    assert done["version_id"] == f"0x{shop['tit']}"
    assert done["deprecated"] > 0
    again = run(market, "template", "deprecate", "products", 1, "--yes")
    assert (again.status, "deprecated already" in again.complaint) == (Exit.REFUSED_INPUT, True)
    unknown = run(market, "template", "deprecate", "products", 7, "--yes")
    assert (unknown.status, "registered by nobody" in unknown.complaint) == (2, True)
    late = run(market, *post(shop, "--yes", category="late"))
    assert (late.status, "TemplateUnfit" in late.complaint) == (Exit.REFUSED_INPUT, True)
