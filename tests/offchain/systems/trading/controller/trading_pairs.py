"""Buyer and seller of many channels at controllers: they log in, settle, and keep credentials.

What they say travels by their posts, over real HTTPS and a real broker; what they agree to stands
on a real chain. They do no work: the seller bills units that nobody counted, and the buyer signs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.offchain.systems.trading.channel_cast import SERVICE
from tests.offchain.systems.trading.station.trading_ground import TradingGround
from tests.offchain.systems.trading.templates.template_forms import (
    claims_of_initiation,
    draft_initiation,
    draft_settlement,
    text_of,
)

from edgemark.closing import Closing
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.identity.credentials.agreement import AgreementKeys
from edgemark.identity.credentials.jose.encryption import AgreementKey, Reader
from edgemark.identity.credentials.reading import read_signed
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.identifier import make_did, parse_did
from edgemark.identity.did.registry import DidRegistry
from edgemark.party.evm.contracts import DidContracts
from edgemark.resolver.opening import open_identities
from edgemark.systems.trading.contract.escrow import BroughtVoucher
from edgemark.systems.trading.contract.market.records import TemplateDraft
from edgemark.systems.trading.contract.records import Signers, Voucher
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.credentials.initiation import draft_initiation as draft_credential
from edgemark.systems.trading.credentials.payloads import Period
from edgemark.systems.trading.credentials.sealing import carry, seal
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import Readings
from edgemark.systems.trading.protocol.letters import (
    Kind,
    Letter,
    Message,
    Role,
    check_credential,
)
from edgemark.systems.trading.protocol.messages import Credential, Proposal, Settlement, Taken
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.station.post.applicant import StationApplicant
from edgemark.systems.trading.station.post.office import PostOffice
from edgemark.systems.trading.station.post.seals import Seals, find_readers
from edgemark.systems.trading.templates.template import Template, read_template
from edgemark.transport.limits import ClientLimits

QUICK = ClientLimits(least_pause_s=0.05, most_pause_s=0.5)
ACCOUNT_OF = {Role.BUYER: "payer", Role.SELLER: "seller"}


@dataclass
class Chest:
    """Credentials that a party has, by channel and index, and everything that was wrong."""

    held: dict[tuple[ChannelId, int], list[Credential]] = field(default_factory=dict)
    strange: list[EdgemarkError] = field(default_factory=list)


class TradingPairs(Closing):
    """Both parties of all channels of a ground.

    Args:
        ground: the chain.

    Attributes:
        silent: channels whose parties do not say that they have a credential.
        drafted, vouchers: what both signed, by channel and index; the newest one.
    """

    def __init__(self, ground: TradingGround) -> None:
        self.ground = ground
        self.deals: dict[ChannelId, Deal] = {}
        self.signers: dict[ChannelId, Signers] = {}
        self.settled: dict[ChannelId, Settlement] = {}
        self.silent: set[ChannelId] = set()
        self.drafted: dict[tuple[ChannelId, int], Settlement] = {}
        self.vouchers: dict[tuple[ChannelId, int], Voucher] = {}
        self.chests = {role: Chest() for role in ACCOUNT_OF}
        self._guard = threading.Lock()
        self.posts = {role: self._open_post(role) for role in ACCOUNT_OF}
        self.templates = self._register()

    def close(self) -> None:
        for post in self.posts.values():
            post.close()

    # What stands on the chain.

    def _register(self) -> Templates:
        """TIT and TST of the seller."""
        seller = self.ground["seller"]

        def of_seller(schema: dict[str, Any]) -> Template:
            schema["properties"]["seller"]["const"] = str(seller.did)
            return read_template(text_of(schema))

        tst = of_seller(draft_settlement())
        self.schema = draft_initiation(tst)
        tit = of_seller(self.schema)
        for template, named in ((tst, None), (tit, tst)):
            draft = TemplateDraft.of(template, *(() if named is None else (named.version_id,)))
            seller.lane.send(seller.templates.register(draft))
        return Templates(tit, tst)

    def give_agreement_keys(self) -> dict[Role, AgreementKey]:
        """Both parties' keys for what is sealed, in their homes and documents."""
        keys = {}
        for role, name in ACCOUNT_OF.items():
            keys[role] = AgreementKeys.make(self.ground[name].home)
            self.set_attribute(name, "did/pub/X25519/enc/base64", keys[role].public_key)
        return keys

    def set_attribute(self, name: str, attribute: str, value: bytes) -> None:
        """Of a party's identity."""

        station = self.ground[name]
        chain, deployment = open_identities(station.settings, (DidContracts,))
        registry = DidRegistry(chain, deployment.contract("DidRegistry"))
        call = registry.set_attribute(station.address, encode_name(attribute), value, 10**7)
        station.lane.send(call)

    def open(self, controller: Address, *, is_sealed: bool = False, **claims: Any) -> ChannelId:
        """A channel that names this controller, with its papers in both homes."""
        (channel,) = self.open_many(controller, 1, is_sealed=is_sealed, **claims)
        return channel

    def open_many(
        self, controller: Address, count: int, *, is_sealed: bool = False, **claims: Any
    ) -> list[ChannelId]:
        """So many, in one transaction."""
        payer, drafted = self.ground["payer"], []
        token, opened, readers = self._initiate(is_sealed=is_sealed, **claims)
        for _ in range(count):
            terms = self.ground.terms(
                initiation=read_signed(token).digest,
                initiation_template=self.templates.initiation.version_id,
                settlement_template=self.templates.settlement.version_id,
                controller=controller,
                expires_at=Timestamp(self.ground.now() + SERVICE * 50),
                close_by=Timestamp(self.ground.now() + SERVICE * 51),
            )
            drafted.append(terms)
        openings = [self.ground.opening(terms) for terms in drafted]
        payer.lane.send(payer.escrow.open(openings))
        return [
            self._keep(Deal.of(terms, token, self.templates, opened, readers)) for terms in drafted
        ]

    def _keep(self, deal: Deal) -> ChannelId:
        terms = deal.terms
        channel = self.ground["payer"].escrow.id_of(terms)
        for name in ACCOUNT_OF.values():
            self.ground[name].deals.keep(deal)
        self.deals[channel], self.signers[channel] = deal, terms.signers
        return channel

    def _initiate(
        self, *, is_sealed: bool, **claims: Any
    ) -> tuple[str, dict[str, Any] | None, tuple[Reader, ...]]:
        seller, buyer = (make_did(31337, self.ground.address(each)) for each in ("seller", "payer"))
        method = {"encryption": "jwe"} if is_sealed else {}
        told = claims_of_initiation(
            self.schema, seller=str(seller), buyer=str(buyer), **method, **claims
        )
        readers: tuple[Reader, ...] = ()
        if is_sealed:
            payer = self.ground["payer"]
            readers = find_readers(payer.documents, payer.home, seller, buyer, buyer)
        carried = seal(told, readers, Randomness()) if is_sealed else carry(told)
        period = Period(self.ground.now() - 10)
        facts = draft_credential(carried, self.templates.initiation, seller, buyer, period)
        token = CredentialSigner(self.ground.key("seller"), seller).sign(facts)
        return token, told if is_sealed else None, readers

    # What they say.

    def join(self, *channels: ChannelId) -> None:
        """Both come to the controller in force."""
        for channel in channels:
            for role, post in self.posts.items():
                post.join(self.signers[channel].controller, channel, role)

    def draft(self, channel: ChannelId, index: int, amount: int, **changes: Any) -> Settlement:
        """A bill that both signed."""
        deal, signers = self.deals[channel], self.signers[channel]
        template, now = deal.templates.settlement.version_id, self.ground.now()
        voucher = Voucher(index, Tokens(amount), template, signers.controller, signers.epoch)
        voucher = replace(voucher, **changes)
        digest = self.ground["payer"].domain.voucher(channel, voucher)
        by_seller, by_payer = (self.ground.key(each).sign(digest) for each in ("seller", "payer"))
        readings = Readings(Timestamp(now - 60), Timestamp(now), (0,), (amount,))
        until = Timestamp(now + 600)
        proposal = Proposal(voucher, readings, Tokens(amount), until, False, by_seller)
        return Settlement(proposal, by_payer)

    def settle(self, channel: ChannelId, index: int, amount: int) -> Settlement:
        """The seller has a credential issued of an interval; it asks for it until it has it."""
        made = self.settled[channel] = self.draft(channel, index, amount)
        self.drafted[channel, index], self.vouchers[channel, index] = made, made.proposal.voucher
        self.ask_again(channel)
        return self.settled[channel]

    def ask_again(self, channel: ChannelId) -> None:
        """What a seller's state owes as long as the credential is not there."""
        seals = Seals.of_station(self.ground["seller"])
        self.say(channel, Role.SELLER, seals.hide(channel, self.settled[channel]))

    def letter(self, channel: ChannelId, role: Role, message: Message) -> bytes:
        """A letter of a party."""
        station = self.ground[ACCOUNT_OF[role]]
        letter = Letter.of(channel, message)
        signature = station.keys.account.sign(letter.digest(station.domain))
        return replace(letter, signature=signature).to_wire()

    def say(self, channel: ChannelId, role: Role, message: Message) -> None:
        """Send it, if anybody is there to carry it."""
        self.send_raw(channel, role, self.letter(channel, role, message))

    def send_raw(self, channel: ChannelId, role: Role, raw: bytes) -> None:
        """Send what need be no letter."""
        other = Role.BUYER if role is Role.SELLER else Role.SELLER
        try:
            self.posts[role].send(channel, other, raw)
        except EdgemarkError:
            return  # it is said again

    def sign_letter(self, key: SecretKey, channel: ChannelId, message: Message) -> bytes:
        """A letter of whoever has this key."""
        letter = Letter.of(channel, message)
        signature = key.sign(letter.digest(self.ground["seller"].domain))
        return replace(letter, signature=signature).to_wire()

    def sign_as(self, key: SecretKey, facts: Any) -> bytes:
        """What a credential says, signed by a stranger in its issuer's name."""
        return CredentialSigner(key, parse_did(facts["issuer"])).sign(facts).encode()

    def brought(self, terms: Terms, settlement: Settlement) -> BroughtVoucher:
        """A voucher as the escrow takes it."""
        proposal = settlement.proposal
        signed = settlement.payer_signature, proposal.signature
        return BroughtVoucher(terms, proposal.voucher, *signed)

    def indices(self, channel: ChannelId, role: Role) -> list[int]:
        """Of the credentials that a party has."""
        with self._guard:
            return sorted(index for each, index in self.chests[role].held if each == channel)

    def credential(self, channel: ChannelId, index: int, role: Role = Role.SELLER) -> Credential:
        """The one that a party has; every copy is the same."""
        with self._guard:
            copies = self.chests[role].held[channel, index]
        assert len(set(copies)) == 1, "two credentials of one index"
        return copies[0]

    def has_all(self, channel: ChannelId, *indices: int) -> Callable[[], bool]:
        """Whether both have the credentials of these indices; the seller asks until they do."""

        def look() -> bool:
            there = [set(indices) <= set(self.indices(channel, role)) for role in ACCOUNT_OF]
            if not all(there):
                self.ask_again(channel)
            return all(there)

        return look

    def _open_post(self, role: Role) -> PostOffice:
        applicant = StationApplicant(self.ground[ACCOUNT_OF[role]], lambda _: None)
        return PostOffice(
            applicant, lambda channel, raw: self._take(role, channel, raw), limits=QUICK
        )

    def _take(self, role: Role, channel: ChannelId, raw: bytes) -> None:
        station, signers = self.ground[ACCOUNT_OF[role]], self.signers[channel]
        letter = Letter.from_wire(raw)
        if letter.kind is not Kind.CREDENTIAL:
            return
        keys = {Role.CONTROLLER: signers.controller}
        _, message = letter.open(station.domain, channel, keys)
        assert isinstance(message, Credential)
        domains = station.domain, station.controllers_domain
        check_credential(message, channel, signers.controller, *domains)
        with self._guard:
            copies = self.chests[role].held.setdefault((channel, message.index), [])
            copies.append(message)
        if channel not in self.silent:
            self.say(channel, role, Taken(Kind.CREDENTIAL, message.index))
