"""A buyer of the tests: it asks, opens, orders and signs as a test wants it to."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.seller.selling_ground import (
    BOND,
    DEPOSIT,
    PRICE,
    QUICK,
    Shop,
)
from tests.waiting import wait_until

from edgemark.closing import Closing
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.identity.credentials.reading import read_signed
from edgemark.systems.trading.buyer.market.asking import ask_quote
from edgemark.systems.trading.buyer.market.choosing import SellerPlace
from edgemark.systems.trading.contract.escrow import BroughtOpening, StoredChannel
from edgemark.systems.trading.credentials.initiation import carried_in
from edgemark.systems.trading.credentials.quoted import Quoted, check_quote
from edgemark.systems.trading.credentials.sealing import claims_in
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.asking.quotes import (
    MAX_QUOTE_BYTES,
    Quote,
    QuoteRequest,
    sign_request,
)
from edgemark.systems.trading.protocol.asking.slips import Purpose, Slip, join_part
from edgemark.systems.trading.protocol.letters import (
    TO_BE_SEALED,
    Kind,
    Letter,
    Message,
    Role,
    read_inner,
    receipt_of,
)
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Countersigned,
    Credential,
    Overdraft,
    Proposal,
    Refusal,
    Request,
    Sealed,
    Stop,
    Taken,
)
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.station.post.applicant import StationApplicant
from edgemark.systems.trading.station.post.office import PostOffice
from edgemark.systems.trading.station.post.seals import Seals
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.work import messages as work
from edgemark.transport.faults import PeerRefused


class Payer(Closing):
    """A buyer of the tests: asks, opens, sends letters, and signs what comes while it is willing.

    Attributes:
        answers, bills, refusals, credentials: that came; of each the newest of its number.
        stops: reasons for which the seller stopped.
        signs: whether it signs bills.
        kinds: of letters that came, as whoever carries them sees it.
    """

    def __init__(self, shop: Shop, role: str = "payer") -> None:
        self.shop, self.station = shop, shop.ground[role]
        self.key: SecretKey = self.station.keys.account
        self.answers: dict[int, Answer] = {}
        self.bills: dict[int, Proposal] = {}
        self.refusals: dict[int, Refusal] = {}
        self.credentials: dict[int, Credential] = {}
        self.stops: list[Stop] = []
        self.warnings: list[Overdraft] = []
        self.signs, self.takes = True, True
        self.strange: list[EdgemarkError] = []
        self._guard = threading.Lock()
        self.quoted: Quoted | None = None
        self.kinds: set[Kind] = set()
        self.seals = Seals.of_station(self.station)
        applicant = StationApplicant(self.station, lambda _: None)
        self.post = PostOffice(applicant, self._hear, limits=QUICK)

    def close(self) -> None:
        self.post.close()

    @property
    def channel(self) -> ChannelId:
        assert self.quoted is not None
        return self.quoted.agreement.channel

    # Asking.

    def draft(self, **changed: Any) -> QuoteRequest:
        """A good request with changes, signed by this account's DID unless `key` says another."""
        ground, now = self.shop.ground, self.shop.ground.now()
        ground.nonce += 1
        key = changed.pop("key", self.key)
        told: dict[str, Any] = {
            "seller": self.shop.account,
            "buyer": self.station.did,
            "payer": self.station.address,
            "payer_key": self.station.address,
            "offer": self.shop.offer,
            "template": self.shop.templates.initiation.version_id,
            "controller": self.shop.controller.station.address,
            "deposit": Tokens(DEPOSIT),
            "bond": Tokens(BOND),
            "window": 10,
            "expires_at": Timestamp(now + 600),
            "close_by": Timestamp(now + 700),
            "nonce": ground.nonce,
            "interval_s": 2,
            "cycles": 1,
            "grace_s": 5,
            "cap": Tokens(2000),
            "credit": Tokens(1000),
            "most_price": Tokens(PRICE),
            "most_first_price": Tokens(0),
            "encryption": Encryption.NONE,
            "valid_until": Timestamp(now + 60),
            **changed,
        }
        request = QuoteRequest(**told)
        return sign_request(request, key.sign(request.digest(self.station.domain)))

    def post_raw(
        self, path: str, body: bytes, method: str = "POST", *, card: bool = True, most: int = 0
    ) -> bytes:
        """Ask the seller over HTTPS."""
        shown = self.station.visitor.card_for(self.shop.account) if card else ""
        return self.station.client.request(
            self.shop.url,
            self.shop.pin,
            method,
            path,
            body,
            most_bytes=most or MAX_QUOTE_BYTES,
            card=shown,
        )

    def ask(self, request: QuoteRequest) -> Quoted:
        """A quote, checked as a buyer does; a sealed one by the buyer itself."""
        if request.encryption is Encryption.JWE:
            place = SellerPlace(self.shop.seller.wares.seller, self.shop.url, self.shop.pin)
            taken = ask_quote(self.station, place, request, self.shop.templates)
            self.station.deals.keep(taken.deal)
            self.quoted = taken.quoted
            return taken.quoted
        quote = Quote.from_wire(self.post_raw("/v1/initiations", request.to_wire()))
        signed = read_signed(quote.token)
        claims = claims_in(carried_in(signed))
        assert claims is not None
        now = self.shop.ground.now()
        asked = (request, quote, signed, claims, self.shop.templates)
        self.quoted = check_quote(*asked, self.station.domain, now)
        self.station.deals.keep(
            Deal.of(self.quoted.agreement.terms, quote.token, self.shop.templates)
        )
        return self.quoted

    def refused(self, request: QuoteRequest | bytes) -> dict[str, Any]:
        """How the seller refuses a request."""
        body = request if isinstance(request, bytes) else request.to_wire()
        with pytest.raises(PeerRefused) as caught:
            self.post_raw("/v1/initiations", body)
        return dict(caught.value.error)

    def open(self, **changed: Any) -> ChannelId:
        """A channel that is served."""
        self.ask(self.draft(**changed))
        self.open_asked()
        wait_until("channel is served", lambda: self.phase() == "serving")
        return self.channel

    def open_asked(self) -> None:
        """Open what was asked for last, and come to its controller."""
        assert self.quoted is not None
        terms, word = self.quoted.agreement.terms, self.quoted.opening
        brought = BroughtOpening(terms, word.valid_until, word.signature)
        self.station.lane.send(self.station.escrow.open([brought]))
        self.join()

    def stored(self) -> StoredChannel:
        """What the chain keeps of the channel."""
        assert self.quoted is not None
        return self.station.escrow.channel(self.quoted.agreement.terms)

    def join(self) -> None:
        """Come to the controller."""
        assert self.quoted is not None
        terms = self.quoted.agreement.terms
        self.post.join(terms.controller, self.channel, Role.BUYER)
        wait_until("letters come and go", lambda: self.post.is_there(self.channel))

    def phase(self) -> str:
        """Of the channel, at its seller."""
        state = self.shop.seller.runtime.state(self.channel)
        return "" if state is None else str(state.phase.value)

    def sale(self) -> Any:
        """The seller's state of the channel."""
        return self.shop.seller.runtime.state(self.channel)

    # Working.

    def slip(self, purpose: Purpose, digest: bytes, **changed: Any) -> Slip:
        """Signed by the payer's key."""
        until = Timestamp(self.shop.ground.now() + 300)
        blank = replace(Slip(self.channel, purpose, Hash32(digest), until), **changed)
        return blank.signed(self.key.sign(blank.signed_digest(self.station.domain)))

    def bring(self, part: bytes, **asked: Any) -> bytes:
        """Put a part."""
        digest = hash_long(part)
        body = join_part(self.slip(Purpose.PART, digest), part)
        path = f"/v1/parts/{self.channel.hex()}/{digest.hex()}"
        return self.post_raw(path, body, "PUT", **asked)

    def fetch(self, order: work.Order) -> bytes:
        """An output."""
        slip = self.slip(Purpose.OUTPUT, order.id)
        return self.post_raw("/v1/outputs", slip.to_wire(), most=work.MAX_PART_BYTES)

    def say(self, message: Message) -> None:
        """Send a letter, if anybody is there to carry it."""
        letter = Letter.of(self.channel, message)
        if letter.kind in TO_BE_SEALED and self.seals.is_sealed(self.channel):
            letter = Letter.of(self.channel, Sealed(self.seals.seal(self.channel, letter.inner)))
        raw = replace(letter, signature=self.key.sign(letter.digest(self.station.domain))).to_wire()
        try:
            self.post.send(self.channel, Role.SELLER, raw)
        except EdgemarkError:
            return  # it is said again

    def order(self, order: work.Order, most: int, parts: tuple[bytes, ...]) -> Answer:
        """Have an order worked at, and wait for its answer."""
        for part in parts:
            self.bring(part)
        self.insist(Request(order.number, most, order.to_bytes()))
        return self.answers[order.number]

    def insist(self, request: Request) -> None:
        """Ask until it is answered."""

        def look() -> bool:
            if request.number in self.answers:
                return True
            self.say(request)
            return False

        wait_until(f"answer {request.number}", look, look_s=0.2)

    # Hearing.

    def _hear(self, channel: ChannelId, raw: bytes) -> None:
        if self.quoted is None or channel != self.channel or not self.takes:
            return
        terms = self.quoted.agreement.terms
        keys = {Role.SELLER: terms.seller_key, Role.CONTROLLER: terms.controller}
        letter = Letter.from_wire(raw)
        try:
            role, message = letter.open(self.station.domain, channel, keys)
            self.kinds.add(letter.kind)
            if isinstance(message, Sealed):
                inner = self.seals.open(channel, Role.BUYER, message.content)
                _, message = read_inner(inner, role)
        except EdgemarkError as error:
            self.strange.append(error)
            return
        with self._guard:
            self._take(message)
        receipt = receipt_of(message)
        if receipt is not None:
            self.say(receipt)

    def _take(self, message: Message) -> None:
        match message:
            case Answer(number):
                self.answers[number] = message
            case Proposal(voucher):
                self.bills[voucher.index] = message
                if self.signs:
                    self.say(self.countersign(message))
            case Refusal(number):
                self.refusals[number] = message
            case Credential():
                self.credentials[message.index] = message
            case Stop():
                self.stops.append(message)
            case Overdraft():
                self.warnings.append(message)
            case Taken(Kind.STOP):
                pass
            case _:
                pass

    def countersign(self, bill: Proposal) -> Countersigned:
        """The voucher of a bill, with this payer's signature."""
        digest = self.station.domain.voucher(self.channel, bill.voucher)
        return Countersigned(bill.voucher, bill.signature, self.key.sign(digest))
