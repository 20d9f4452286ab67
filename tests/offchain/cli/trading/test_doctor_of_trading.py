"""What doctor says of trading: contracts, bonds, controllers of own channels, a seller's place."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.offchain.small_chain import set_up_provider
from tests.offchain.systems.trading.credentials.trade_cast import (
    BUYER,
    PARTIES,
    SELLER,
    TEMPLATES,
    TERMS,
    TIC,
    TIT_SCHEMA,
    did_of,
    initiate,
)
from tests.offchain.systems.trading.station.trading_ground import (
    UNTIL_S,
    TradingGround,
    ground,
)
from tests.offchain.systems.trading.templates.template_forms import (
    claims_of_initiation,
    draft_initiation,
    text_of,
)
from tests.stage.command_line import edgemark_here

from edgemark.cli.catalogue import GROUPS
from edgemark.cli.doctor.chain_findings import OnChain
from edgemark.cli.doctor.findings import Finding
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.trading.findings import find_trading
from edgemark.crypto.field.randomness import Randomness
from edgemark.deployment.deployment import Deployment
from edgemark.identity.credentials.agreement import ATTRIBUTE, AgreementKeys
from edgemark.identity.credentials.jose.encryption import AgreementKey, Reader
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.identifier import make_did
from edgemark.identity.did.registry import DidRegistry
from edgemark.identity.resources import Resources
from edgemark.systems.trading.contract.market.records import TemplateDraft
from edgemark.systems.trading.credentials.sealing import seal
from edgemark.systems.trading.identifiers import (
    NO_TEMPLATE,
    compute_template_id,
    compute_version_id,
)
from edgemark.systems.trading.station.contracts import CONTROLLER
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.templates.template import read_template

__all__ = ["ground"]
pytestmark = [pytest.mark.chain, pytest.mark.lasts(8)]

SELLS, YEAR_S = encode_name("did/svc/EdgemarkSeller"), 365 * 86_400


def find(ground: TradingGround, role: str) -> dict[str, Finding]:
    settings = ground.settings(role)
    known = Deployment.load(ground.folder / "deployment.json", GROUPS)
    entry = ground["seller"].registry.participant(ground.address(role))
    reached = OnChain(ground.chain, known, entry)
    return {each.name: each for each in find_trading(settings, reached)}


@pytest.fixture
def serving(ground: TradingGround) -> Iterator[None]:
    """The seller's home has the journal of one that serves."""
    path = ground.settings("seller").home / "seller.journal"
    path.touch()
    yield
    path.unlink()


def test_home_without_channels__is_told_what_the_escrow_takes(ground: TradingGround) -> None:
    found = find(ground, "payer")
    assert found.keys() == {"new channels"}
    assert (found["new channels"].fine, found["new channels"].needed) == (True, False)
    assert "takes deposits of up to" in found["new channels"].seen


def test_seller_that_nobody_finds__is_told_so(ground: TradingGround, serving: None) -> None:
    service = find(ground, "seller")["seller's service"]
    assert (service.fine, service.needed) == (False, True)
    assert "does not say where it serves" in service.seen
    assert "seller run" in service.remedy

    seller, registry = ground["seller"], ground.deployment.contract("DidRegistry")
    identities = DidRegistry(ground.chain, registry)
    for pin, told in (
        ("00" * 32, "names another TLS key"),
        (seller.keys.tls.pin.hex(), "127.0.0.1:9"),  # nobody listens there
    ):
        place = json.dumps({"uri": "https://127.0.0.1:9", "pin": pin}).encode()
        seller.lane.send(identities.set_attribute(seller.address, SELLS, place, YEAR_S))
        again = find(ground, "seller")["seller's service"]
        assert not again.fine
        assert told in again.seen
    assert not (ground.settings("seller").home / "index").exists()


def lock_bond(ground: TradingGround, role: str) -> None:
    """Let a controller have the least bond."""
    station, anchor = ground[role], ground[role].accounts
    least, until = station.controllers.bonding().min_bond, ground.now() + UNTIL_S
    ground.operator.send(station.token.approve(anchor.contract.address, least))
    ground.operator.send(anchor.deposit(station.address, least))
    station.lane.send(anchor.allow_locker(station.controllers.address, least, until))
    station.lane.send(station.controllers.bond(least))


def test_controller__is_told_of_its_bond_and_parties_of_their_controller(
    ground: TradingGround,
) -> None:
    outsider, payer = ground["outsider"], ground["payer"]
    provider = ground["seller"]
    set_up_provider(ground.chain, ground.deployment, ground.operator, provider.lane, "Provider")
    provider.lane.send(provider.registry.admit(outsider.address))
    pin, place = outsider.keys.tls.pin, "https://127.0.0.1:9"
    outsider.lane.send(
        outsider.registry.register_server(
            CONTROLLER, provider.address, pin, place, Resources(1, 1, 1, 1)
        )
    )
    bond = find(ground, "outsider")["controller bond"]
    assert (bond.fine, bond.needed) == (False, True)
    assert "edgemark controller bond" in bond.remedy

    terms = ground.terms(
        initiation=TIC.digest,
        initiation_template=TERMS.initiation_template,
        settlement_template=TERMS.settlement_template,
    )
    payer.deals.keep(Deal.of(terms, TIC.token, TEMPLATES))
    assert find(ground, "payer").keys() == {"new channels"}  # it was never opened
    ground.open(terms)
    name = f"controller {outsider.address[:10]}"
    named = find(ground, "payer")[name]
    assert (named.fine, named.needed) == (False, False)
    assert "issues for 1 open channel of this home" in named.seen

    lock_bond(ground, "outsider")
    assert find(ground, "outsider")["controller bond"].fine
    assert find(ground, "payer")[name].fine

    outsider.lane.send(outsider.controllers.unbond())
    leaving = find(ground, "outsider")["controller bond"]
    assert (leaving.fine, "leaving" in leaving.seen) == (False, True)


def test_sealed_channel__is_told_when_its_key_is_gone(ground: TradingGround) -> None:
    payer, home = ground["payer"], ground.settings("payer").home
    mine, other = AgreementKeys.make(home), AgreementKey(bytes([9]) * 32)
    readers = [
        Reader(f"{did_of(SELLER)}#k", other.public_key),
        Reader(f"{did_of(BUYER)}#k", mine.public_key),
    ]
    claims = claims_of_initiation(TIT_SCHEMA, **PARTIES, encryption="jwe")
    signed = initiate(seal(claims, readers, Randomness()))
    terms = ground.terms(
        initiation=signed.digest,
        initiation_template=TERMS.initiation_template,
        settlement_template=TERMS.settlement_template,
    )
    payer.deals.keep(Deal.of(terms, signed.token, TEMPLATES, claims, readers))
    assert "sealed channels" not in find(ground, "payer")  # it was never opened
    ground.open(terms)
    fine = find(ground, "payer")["sealed channels"]
    assert (fine.fine, fine.needed) == (True, True)
    assert "1 open channel" in fine.seen
    (path,) = (home / "keys" / "agreement").glob("*.key")
    path.rename(path.with_suffix(".aside"))
    gone = find(ground, "payer")["sealed channels"]
    path.with_suffix(".aside").rename(path)
    assert not gone.fine
    assert mine.public_key.hex() in gone.seen
    assert "Restore keys/agreement" in gone.remedy


def test_seller_of_sealed_claims__is_told_that_nobody_can_seal_for_it(
    ground: TradingGround,
) -> None:
    seller, home = ground["seller"], ground.settings("seller").home
    settled = compute_template_id(seller.address, TEMPLATES.settlement.label.name)
    named = TemplateDraft.of(TEMPLATES.settlement, NO_TEMPLATE)
    seller.lane.send(seller.templates.register(named))
    for version, part in ((1, {"enum": ["none", "jwe"]}), (2, {"const": "jwe"})):
        schema = draft_initiation(TEMPLATES.settlement)
        schema["properties"]["seller"]["const"] = str(make_did(31337, seller.address))
        schema["properties"]["template"]["const"]["version"] = version
        schema["properties"]["encryption"] = part
        text = read_template(text_of(schema))
        seller.content.put(text.text)
        told = find(ground, "seller").get("key for agreement")
        assert (told is None) == (version == 1), "it is registered nowhere"
        draft = TemplateDraft.of(text, compute_version_id(settled, 1))
        seller.lane.send(seller.templates.register(draft))
        lacks = find(ground, "seller")["key for agreement"]
        assert (lacks.fine, lacks.needed) == (False, version == 2)
        assert "edgemark identity agreement" in lacks.remedy

    identities = DidRegistry(ground.chain, ground.deployment.contract("DidRegistry"))
    said = AgreementKey(bytes([8]) * 32).public_key
    name = encode_name(ATTRIBUTE)
    seller.lane.send(identities.set_attribute(seller.address, name, said, YEAR_S))
    other = find(ground, "seller")["key for agreement"]
    assert (other.fine, "is not in this home" in other.seen) == (False, True)
    mine = AgreementKeys.make(home).public_key
    seller.lane.send(identities.set_attribute(seller.address, name, mine, YEAR_S))
    assert find(ground, "seller")["key for agreement"].fine


def test_damaged_deal__is_a_finding_and_no_end(ground: TradingGround) -> None:
    folder = ground.settings("payer").home / "deals"
    folder.mkdir(exist_ok=True, mode=0o700)
    wrong = folder / f"{'00' * 32}.json"
    wrong.write_text("{}")
    deals = find(ground, "payer")["deals"]
    assert (deals.fine, "kept agreement" in deals.seen) == (False, True)
    wrong.unlink()


def test_tower_without_a_bond__is_told_what_to_do(ground: TradingGround) -> None:
    path = ground.settings("payer").home / "tower.journal"
    path.touch()
    tower = find(ground, "payer")["tower bond"]
    path.unlink()
    assert (tower.fine, "edgemark tower bond" in tower.remedy) == (False, True)


def test_command__shows_it_beside_all_else(ground: TradingGround) -> None:
    environ = {
        "EDGEMARK_CHAIN_URL": ground.chain.url,
        "EDGEMARK_CONFIRMATIONS": "0",
        "EDGEMARK_MANIFEST": str(ground.folder / "deployment.json"),
    }
    home = ground.settings("nobody").home
    ran = edgemark_here("doctor", "--json", "--home", home, environ=environ)
    assert ran.status in (Exit.DONE, Exit.CHECK_FAILED)
    assert ran.value["new channels"]["fine"] is True
    assert not home.exists()
