"""How a seller answers a request for a quote: what it asks chain and identities, signs and keeps.

| step                                                  | by                                    |
|-------------------------------------------------------|---------------------------------------|
| somebody signed it                                    | `QuoteRequest.signer`                 |
| it is for what is sold, within all bounds             | `quoting.check_asked`                 |
| its peer asks not too often                           | `askers.Askers`                       |
| it was the payer, a key of the buyer's DID, not ended | `Quoter._check_buyer`                 |
| the same request came before                          | the same answer, from the journal     |
| a place, a free one of the offer                      | `quoting.Promises.check`              |
| offer listed, template not deprecated, escrow open    | `Quoter._check_market`                |
| controller that it takes, in good standing, reachable | `Quoter._check_controller`            |
| the payer has deposit and bond                        | `Quoter._check_means`                 |
| sealed claims: both documents have a key for these    | `Quoter._readers`                     |
| credential signed, deal on the disk, `AskedSell`      | `Quoter._promise`                     |

Law 1: terms bear the seller's signature in the journal before they leave, and nothing is promised
       twice: one request at a time is answered.
Law 2: what is looked at on this machine alone comes first, and counts against no rate: whoever asks
       for what is not sold takes nothing from those that ask for what is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.amounts import Amount
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.credentials.jose.encryption import Reader
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.identifier import is_same
from edgemark.systems.trading.contract.market.records import Offer
from edgemark.systems.trading.credentials.initiation import Templates, draft_initiation
from edgemark.systems.trading.credentials.payloads import Period
from edgemark.systems.trading.credentials.sealing import carry, seal
from edgemark.systems.trading.identifiers import NO_OFFER, ChannelId
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import (
    Agreement,
    Conditions,
    Head,
    Opening,
    check_fresh,
)
from edgemark.systems.trading.protocol.asking.quotes import Quote, QuoteRequest, draft_terms
from edgemark.systems.trading.protocol.life import SellerPhase
from edgemark.systems.trading.seller.market.askers import Askers
from edgemark.systems.trading.seller.market.quoting import (
    NotSold,
    Promise,
    Promises,
    Wares,
    check_asked,
    count_occupied,
    draft_claims,
    draft_policy,
    promise_until,
)
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.settings import SellerSettings
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.station.post.seals import find_readers
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.fields import Encryption

MEANS_S = 10.0  # for which it is believed what payers of promises have, while places are few


@dataclass(frozen=True)
class Journal:
    """The seller's matters, as its loop has them.

    Attributes:
        states: the present ones, by channel.
        ask: lets an event happen, and answers when it is on the disk.
    """

    states: Callable[[], Mapping[bytes, Sale]]
    ask: Callable[[bytes, on.AskedSell], Sale]


class Quoter:
    """Answers requests for quotes; safe for many threads.

    Args:
        station: of the seller.
        wares: what it sells.
        taken: its settings.
        controllers: whom it takes; empty: any in good standing.
        journal: of the seller.
        randomness: for what is sealed.
    """

    def __init__(
        self,
        station: TradingStation,
        wares: Wares,
        taken: SellerSettings,
        controllers: tuple[Address, ...],
        journal: Journal,
        randomness: Randomness | None = None,
    ) -> None:
        self._station, self._wares, self._taken = station, wares, taken
        self._controllers, self._journal = controllers, journal
        self._randomness = randomness or Randomness()
        self._limits = station.decided.limits
        self._promising, self._counting = threading.Lock(), threading.Lock()
        self._askers = Askers()
        self._means: dict[Address, tuple[int, float]] = {}  # of payers, and when it was looked at
        self._peers: dict[ChannelId, str] = {}  # of promises of this process

    def answer(self, request: QuoteRequest, peer: str) -> Quote:
        """What a request is answered with, now and whenever it comes again.

        Args:
            request: as it came.
            peer: from where: an address, or the network of one.

        Raises:
            NotSold, ChannelRefused, RefusedInput: not on these terms.
            DidDeactivated: the buyer's identity has ended.
            BadSignature: nobody signed the request.
            BlocksStopped, LedgerUnavailable, Overloaded: not now.
        """
        if request.seller != self._wares.account:
            what, needed = "is of another seller", self._wares.account
            raise NotSold(what, who="request, seller", had=request.seller, needed=needed)
        signer = request.signer(self._station.domain)
        if (known := self._find_known(request)) is not None:
            self._count(peer)
            self._check_buyer(request, signer)
            return self._tell_again(request, known)
        head = self._station.head()
        check_fresh(head, self._taken.stale_after_s)
        check_asked(request, self._wares, self._taken, self._limits, head.block)
        self._check_pace(request.window)
        claims, _ = draft_claims(request, self._wares)
        self._count(peer)
        self._check_buyer(request, signer)
        self._check_controller(request.controller)
        with self._promising:
            if (known := self._find_known(request)) is not None:
                return self._tell_again(request, known)
            promise = self._draft(request, peer, head)
            self._check_means(promise, self._check_places(promise, head))
            return self._promise(request, claims, promise, head)

    def _check_pace(self, window: int) -> None:
        """A close within it can be answered, by the pace that the chain has now."""
        if not self._station.may_answer(window):
            needed = f"> {self._station.bringing_s()} s, as blocks come now"
            what = "is none that this seller takes"
            raise NotSold(what, who="request, window", had=f"{window} s", needed=needed)

    # --- what came before ----------------------------------------------------------------------

    def _find_known(self, request: QuoteRequest) -> Sale | None:
        """What the payer was answered under this nonce, if it was."""
        for sale in self._journal.states().values():
            if sale.agreement is None or sale.opening is None:
                continue
            terms = sale.agreement.terms
            if (terms.payer, terms.nonce) == (request.payer, request.nonce):
                return sale
        return None

    def _tell_again(self, request: QuoteRequest, sale: Sale) -> Quote:
        """The same answer again.

        Raises:
            NotSold: it was another request.
        """
        deal, terms = self._station.deals.get(sale.known.channel), sale.known.terms
        drafted = draft_terms(
            request, terms.seller_key, self._wares.settlement.version_id, terms.initiation
        )
        agreed = deal.agreed
        asked = (
            request.interval_s,
            request.cap,
            request.credit,
            request.grace_s,
            request.cycles,
            request.encryption,
        )
        given = (
            agreed.interval_s,
            agreed.interval_cap,
            agreed.credit,
            agreed.grace_s,
            agreed.cycles,
            agreed.encryption,
        )
        if drafted != terms or asked != given or not is_same(agreed.buyer, request.buyer):
            raise NotSold(
                "was used for another request",
                who="request, nonce",
                had=request.nonce,
                remedy="Ask with another nonce.",
            )
        template = self._wares.settlement.version_id
        if sale.opening is None:
            raise LookupError("a sale that was promised has the word for its opening")
        return Quote(deal.token, terms.seller_key, template, sale.opening)

    # --- checks --------------------------------------------------------------------------------

    def _count(self, peer: str) -> None:
        with self._counting:
            wait = self._askers.take(peer, time.monotonic())
        if wait:
            raise Overloaded("asks too often", who="buyer", retry_after_s=max(1.0, wait))

    def _check_buyer(self, request: QuoteRequest, signer: Address) -> None:
        """The account that is to pay signed it, and it is a key of the DID.

        A DID's document names keys without their word: by another key of it anybody could have
        promises made that are backed by what a stranger owns.
        """
        documents = self._station.documents
        documents.document(request.buyer)  # one that has ended is refused by name
        keys = documents.assertion(request.buyer) | documents.authentication(request.buyer)
        if signer not in keys:
            needed = f"a key of {request.buyer}"
            raise NotSold("is by no key of its buyer", who="request", had=signer, needed=needed)
        if request.payer != signer:
            who, needed = "request, payer", f"{signer}, which signed it"
            raise NotSold("did not sign the request", who=who, had=request.payer, needed=needed)

    def _check_controller(self, controller: Address) -> None:
        if self._controllers and controller not in self._controllers:
            needed = f"one of: {', '.join(self._controllers)}"
            raise NotSold(
                "is none that this seller takes",
                who="request, controller",
                had=controller,
                needed=needed,
            )
        if not self._station.controllers.is_in_standing(controller):
            raise NotSold(
                "is in no good standing",
                who="request, controller",
                had=controller,
                needed="a controller that is registered and bonded for long enough",
            )
        self._station.server(controller)  # it says where it is

    def _check_market(self, promise: Promise) -> Offer | None:
        """Offer and template, as the chain has them now."""
        station, wares = self._station, self._wares
        if station.escrow.is_stopped():
            raise NotSold("opens no new channels", who="escrow", needed="a deployment that does")
        if station.templates.version_of(wares.initiation.version_id).deprecated_at:
            who = f"template {wares.initiation.label}"
            raise NotSold("is deprecated", who=who, needed="a newer version, and another request")
        if promise.offer == NO_OFFER:
            return None
        offer = station.offers.offer(promise.offer)
        if offer.draft.expires_at < promise.until:
            had, needed = offer.draft.expires_at, f">= {promise.until}"
            raise NotSold("has expired, or soon will", who="offer", had=had, needed=needed)
        if (offer.draft.price, offer.draft.template) != (wares.price, wares.initiation.version_id):
            raise NotSold("is another than this seller began with", who="offer", had=offer.id.hex())
        return offer

    def _check_places(self, promise: Promise, head: Head) -> Promises:
        """Those that are out beside this one, for which there is a place.

        Where there is none it is looked whether the payers of the others still have what they were
        promised for: the same tokens, moved from account to account, hold one place.

        Raises:
            Overloaded: there is no place.
        """
        promises, offer = self._promises(head), self._check_market(promise)
        counts = offer, count_occupied(self._journal.states().values()), self._taken.max_channels
        try:
            promises.check(promise, *counts)
        except Overloaded:
            promises = promises.backed(self._tokens_lately)
            promises.check(promise, *counts)
        return promises

    def _tokens_of(self, payer: Address) -> int:
        return self._station.accounts.free_balance(payer) + self._station.token.balance(payer)

    def _tokens_lately(self, payer: Address) -> int:
        """As `_tokens_of`; not asked again and again while places are few."""
        now = time.monotonic()
        self._means = {each: told for each, told in self._means.items() if now - told[1] < MEANS_S}
        if payer not in self._means:
            self._means[payer] = (self._tokens_of(payer), now)
        return self._means[payer][0]

    def _check_means(self, promise: Promise, promises: Promises) -> None:
        """So places are for who could open: a stranger's promises cost it tokens that it has."""
        payer = promise.payer
        had = self._tokens_of(payer)
        needed = promises.count_tokens(payer) + promise.deposit
        if had < needed:
            raise NotSold(
                "has less than deposit and bond",
                who=f"payer {payer}",
                had=Amount(Tokens(had)),
                needed=Amount(Tokens(needed)),
            )

    # --- promises ------------------------------------------------------------------------------

    def _promises(self, head: Head) -> Promises:
        """Those that are out: agreed, not open, and not over."""
        out: dict[ChannelId, Promise] = {}
        for sale in self._journal.states().values():
            if sale.phase is not SellerPhase.AGREED or sale.opening is None:
                continue
            channel, terms = sale.known.channel, sale.known.terms
            if sale.opening.valid_until >= head.block:
                peer = self._peers.get(channel, "")
                both = terms.deposit + terms.bond
                until = sale.opening.valid_until
                out[channel] = Promise(terms.payer, both, terms.offer, peer, until)
        self._peers = {each: peer for each, peer in self._peers.items() if each in out}
        return Promises(out)

    def _draft(self, request: QuoteRequest, peer: str, head: Head) -> Promise:
        until = promise_until(request, self._taken, head.block)
        return Promise(request.payer, request.deposit + request.bond, request.offer, peer, until)

    def _promise(
        self, request: QuoteRequest, claims: Mapping[str, Any], promise: Promise, head: Head
    ) -> Quote:
        """Sign the credential and the terms; both are on the disk when this returns."""
        station, wares = self._station, self._wares
        readers = self._readers(request)
        token = self._sign_credential(request, claims, readers, head)
        template = wares.settlement.version_id
        terms = draft_terms(request, wares.key, template, digest_of(token))
        opened = claims if readers else None
        deal = Deal.of(terms, token, Templates(wares.initiation, wares.settlement), opened, readers)
        channel = station.deals.keep(deal)
        until = Timestamp(promise.until)
        opening = Opening(until, station.keys.account.sign(station.domain.opening(channel, until)))
        policy = draft_policy(self._taken, self._limits, terms, self._controllers)
        agreement = Agreement(channel, terms, Conditions.of(deal.agreed))
        try:
            self._journal.ask(channel, on.AskedSell(agreement, policy, opening))
        except RefusedInput:  # for good; one that may still be taken keeps its deal
            station.deals.forget(channel)
            raise
        self._peers[channel] = promise.peer
        return Quote(token, wares.key, template, opening)

    def _readers(self, request: QuoteRequest) -> tuple[Reader, ...]:
        """For whom the claims are sealed; nobody where they are in the clear."""
        if request.encryption is Encryption.NONE:
            return ()
        station, seller = self._station, self._wares.seller
        return find_readers(station.documents, station.home, seller, request.buyer, seller)

    def _sign_credential(
        self,
        request: QuoteRequest,
        claims: Mapping[str, Any],
        readers: tuple[Reader, ...],
        head: Head,
    ) -> str:
        wares = self._wares
        carried = seal(claims, readers, self._randomness) if readers else carry(claims)
        period = Period(head.block, request.close_by)
        facts = draft_initiation(carried, wares.initiation, wares.seller, request.buyer, period)
        return CredentialSigner(self._station.keys.account, wares.seller).sign(facts)
