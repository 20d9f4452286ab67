"""A channel with everything that a bundle may have: three settlements, evidence of all kinds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.offchain.systems.trading.controller.controller_ground import raise_house
from tests.offchain.systems.trading.station.trading_ground import TradingGround

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Tokens
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.identifier import make_did
from edgemark.storage.cid import Cid
from edgemark.systems.trading.contract.escrow import BroughtVoucher
from edgemark.systems.trading.contract.evidence.pieces import InitiationPiece, SettlementPiece
from edgemark.systems.trading.contract.market.records import TemplateDraft
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.controller.recording.lists import EvidencePiece, describe
from edgemark.systems.trading.credentials import initiation
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.credentials.keeping import KeptCredentials
from edgemark.systems.trading.credentials.payloads import Period
from edgemark.systems.trading.credentials.sealing import carry
from edgemark.systems.trading.credentials.settlement import (
    Issued,
    Signed,
    draft_settlement,
    issue_settlement,
)
from edgemark.systems.trading.demo.market import draft_templates
from edgemark.systems.trading.identifiers import NO_TEMPLATE, ChannelId
from edgemark.systems.trading.protocol.messages import Credential
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.story.evidence.exporting import Exported, export_bundle
from edgemark.systems.trading.story.evidence.retrial import Witness
from edgemark.systems.trading.story.evidence.witness import find_witness
from edgemark.systems.trading.story.reading import Chronicle, Lookout
from edgemark.systems.trading.story.story import ChannelStory

UNITS, PRICE, INTERVAL_S = 500, 200, 10  # a fee of 100 each
FEE = UNITS * PRICE // 1000
MANY = 3


@dataclass
class ProvenTrade:
    """What the seller of a channel that ended holds, and where its chain is."""

    ground: TradingGround
    controller: TradingStation
    templates: Templates
    terms: Terms
    token: str
    keys: dict[str, SecretKey]
    issued: list[Issued] = field(default_factory=list)

    @property
    def seller(self) -> TradingStation:
        return self.ground["seller"]

    @property
    def channel(self) -> ChannelId:
        return self.seller.escrow.id_of(self.terms)

    @property
    def story(self) -> ChannelStory:
        return Chronicle(self.ground.chain, self.ground.deployment).read(self.channel)

    def fetch(self, _: object, cid: Cid) -> bytes:
        """From the controller's home."""
        return self.controller.content.get(cid)

    def export(self, last: int = MANY) -> Exported:
        return export_bundle(self.seller, self.story, last, self.fetch)

    def witness(self, story: ChannelStory) -> Witness:
        """A stranger's."""
        lookout = Lookout.open(self.ground.settings("stranger"))
        return find_witness(lookout, self.ground["outsider"].documents, story)


@contextmanager
def play_trade(folder: Path) -> Iterator[ProvenTrade]:
    """Play it to its end."""
    with raise_house(folder) as house:
        ground = house.ground
        settings = house.settings("controller")
        house.admit(settings)
        with house.open(settings) as controller:
            trade = _open(ground, controller, _register(ground))
            for index in range(1, MANY + 1):
                trade.issued.append(_settle(trade, index))
            _record(trade)
            escrow = ground["seller"].escrow
            ground.send("seller", escrow.checkpoint, _brought(trade, 2))
            ground.send("seller", escrow.close, _brought(trade, MANY))
            yield trade


def play_rekeyed(trade: ProvenTrade, party: str, amount: int) -> ProvenTrade:
    """Another channel of the same parties: one takes another key, at an amount, before the last."""
    ground = trade.ground
    again = _open(ground, trade.controller, trade.templates)
    for index in range(1, MANY):
        again.issued.append(_settle(again, index))
    key, had = SecretKey(keccak256(again.channel)), again.terms.signers
    changed = {f"{party}_key": key.address}
    amendment = ground.amendment(again.terms, 0, amount, replace(had, **changed))  # type: ignore[arg-type]
    ground.send("seller", ground["seller"].escrow.amend, amendment)
    again.keys[party] = key
    again.issued.append(_settle(again, MANY))
    return again


def _register(ground: TradingGround) -> Templates:
    seller = ground["seller"]
    templates = draft_templates(make_did(31337, seller.address))
    tit, tst = templates.initiation, templates.settlement
    for template, named in ((tst, NO_TEMPLATE), (tit, tst.version_id)):
        seller.lane.send(seller.templates.register(TemplateDraft.of(template, named)))
    return templates


def _open(ground: TradingGround, controller: TradingStation, templates: Templates) -> ProvenTrade:
    seller, payer = ground["seller"], ground["payer"]
    dids = make_did(31337, seller.address), make_did(31337, payer.address)
    tit, tst = templates.initiation, templates.settlement
    fixed = {
        name: part["const"] for name, part in tit.schema["properties"].items() if "const" in part
    }
    claims = {
        **fixed,
        **{"buyer": str(dids[1]), "unitPrice": str(PRICE), "firstPrice": "0"},
        **{"encryption": "none", "intervalS": INTERVAL_S, "cycles": 2, "graceS": 5},
        **{"credit": "1000", "intervalCap": "1000"},
    }
    period = Period(ground.now(), ground.now() + 10_000)
    facts = initiation.draft_initiation(carry(claims), tit, *dids, period)
    token = CredentialSigner(seller.keys.account, dids[0]).sign(facts)
    terms = ground.open(
        initiation=digest_of(token),
        initiation_template=tit.version_id,
        settlement_template=tst.version_id,
        controller=controller.address,
    )
    seller.deals.keep(Deal.of(terms, token, templates))
    keys = {role: ground.key(role) for role in ("payer", "seller")}
    return ProvenTrade(ground, controller, templates, terms, token, keys)


def _settle(trade: ProvenTrade, index: int) -> Issued:
    """Both sign, the controller issues, the seller keeps it."""
    ground, seller, controller = trade.ground, trade.seller, trade.controller
    dids = make_did(31337, seller.address), make_did(31337, ground.address("payer"))
    begun = trade.story.opened.time
    claims = {
        "template": trade.templates.settlement.constant("template"),
        **{"seller": str(dids[0]), "buyer": str(dids[1]), "fee": str(FEE), "encryption": "none"},
        **{"start": begun + 5 * (index - 1), "end": begun + 5 * index},
        "readings": {"before": [str(UNITS * (index - 1))], "after": [str(UNITS * index)]},
    }
    tst = trade.templates.settlement
    voucher = Voucher(index, Tokens(FEE * index), tst.version_id, controller.address)
    digest = seller.domain.voucher(trade.channel, voucher)
    signed = (trade.keys[role].sign(digest) for role in ("payer", "seller"))
    said = Signed(*dids, trade.channel, voucher, *signed, carry(claims))
    facts = draft_settlement(said, tst, controller.did, Period(begun + 5 * index))
    signer = CredentialSigner(controller.keys.account, controller.did)
    issued = issue_settlement(signer, facts, said, seller.domain, seller.controllers_domain)
    credential = Credential(voucher, issued.token.encode(), issued.signatures.controller)
    KeptCredentials(seller.home).keep(trade.channel, credential)
    return issued


def _record(trade: ProvenTrade) -> None:
    """The first credential and settlement 1 by themselves, the others under a root."""
    ground, controller, channel = trade.ground, trade.controller, trade.channel
    evidence, first = controller.evidence, trade.terms.initiation
    said = evidence.domain.initiation(channel, first)
    both = (ground.key(role).sign(said) for role in ("payer", "seller"))
    controller.lane.send(evidence.record_initiations([InitiationPiece(channel, first, *both)]))
    one, *others = trade.issued
    piece = SettlementPiece(one.claim, one.signatures)
    controller.lane.send(evidence.record_settlements([piece]))
    pieces = [EvidencePiece(each.claim, each.signatures) for each in others]
    domains = controller.domain, controller.controllers_domain
    head, pages = describe(pieces, controller.address, *domains)
    for content in (*pages, head.to_bytes()):
        controller.content.put(content)
    controller.lane.send(evidence.anchor_root(head.root, head.leaves, str(head.cid)))


def _brought(trade: ProvenTrade, index: int) -> BroughtVoucher:
    issued = trade.issued[index - 1]
    signatures = issued.signatures
    return BroughtVoucher(trade.terms, issued.claim.voucher, signatures.payer, signatures.seller)
