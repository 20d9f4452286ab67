"""The seller as a server: gives its word for terms, serves what is ordered, bills, and is paid.

| face                                  | what                                                    |
|---------------------------------------|---------------------------------------------------------|
| POST /v1/initiations                  | a request for a quote -> credential, terms, opening     |
| GET /v1/texts/HASH                    | templates and qualifications, by their Keccak-256       |
| PUT /v1/parts/CHANNEL/DIGEST          | data of an order, under a slip of the payer             |
| POST /v1/outputs                      | a slip -> the output of an order                        |
| POST /v1/letters                      | the payer's word for the next controller                |
| letters, by the channel's controller  | everything else (`dealing`)                             |

A party that others dial has its place in its DID document: the service `EdgemarkSeller`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from edgemark.amounts import Amount
from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput
from edgemark.files import expand_home
from edgemark.identifiers import Hash32, Timestamp, parse_hash32
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.loop.machine import TryAgain, UnderWay
from edgemark.party.agenda import Agenda
from edgemark.party.evm.did.agreeing import grants_of_identity
from edgemark.party.evm.did.announcing import announce
from edgemark.party.evm.opening import describe_server
from edgemark.party.evm.server import EvmServer
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.rounds import Rounds
from edgemark.party.settings import ServerSettings
from edgemark.party.station import TAKEN
from edgemark.party.wishes.granting import Grant
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.asking.quotes import MAX_REQUEST_BYTES, QuoteRequest
from edgemark.systems.trading.protocol.asking.slips import (
    SLIP_BYTES,
    Purpose,
    Slip,
    split_part,
)
from edgemark.systems.trading.protocol.letters import Kind, Letter, Role
from edgemark.systems.trading.protocol.life import PartyMachine, SellerPhase
from edgemark.systems.trading.protocol.messages import MAX_LETTER_BYTES
from edgemark.systems.trading.protocol.views.view import ChannelView, observe
from edgemark.systems.trading.seller.claiming import CLAIM, NAME, draft_claim
from edgemark.systems.trading.seller.dealing import Dealing
from edgemark.systems.trading.seller.market.promising import Journal, Quoter
from edgemark.systems.trading.seller.market.wares import read_controllers, read_shown, read_wares
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.serving.orders import Serving, read_order
from edgemark.systems.trading.seller.serving.parts import FOLDER as PARTS
from edgemark.systems.trading.seller.serving.parts import PartStore, place_of
from edgemark.systems.trading.seller.watching.following import WatchedSales, left_to_answer
from edgemark.systems.trading.seller.watching.watching import Watching
from edgemark.systems.trading.settings import SellerSettings
from edgemark.systems.trading.station.accords.asking import grants_of_seller
from edgemark.systems.trading.station.accords.keys import HomeKeys
from edgemark.systems.trading.station.documents import SELLER_SERVICE
from edgemark.systems.trading.station.pace.answering import Answering
from edgemark.systems.trading.station.papers.tidying import Tidying
from edgemark.systems.trading.station.post.applicant import StationApplicant
from edgemark.systems.trading.station.post.office import PostOffice
from edgemark.systems.trading.station.seeing import see_sides, subject_of
from edgemark.systems.trading.station.speaking import (
    LETTERS,
    Correspondent,
    Pulse,
    find_blocks,
    is_open,
)
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.work import messages as work
from edgemark.systems.trading.work.engine import Engine
from edgemark.systems.trading.work.executing import read_catalogue
from edgemark.transport.faults import NotFound
from edgemark.transport.serving.crowd import group_of
from edgemark.transport.serving.server import Head, Request, Response, Route

KEPT_S = 600.0  # outputs of a channel that ended, for who has yet to fetch them
_SERVING = (SellerPhase.SERVING, SellerPhase.STOPPED)
_ENDING = (SellerPhase.STOPPED, SellerPhase.CLAIMING, SellerPhase.WINDOW)


class Seller(EvmServer[TradingStation]):
    """One seller.

    Args:
        station: keys, chain, contracts, identities.

    Raises:
        SettingInvalid, RefusedInput: its settings, offer and templates do not go together.
        Unrecoverable: the disk of engine or journal is damaged.
    """

    def __init__(self, station: TradingStation) -> None:
        self._taken = station.settings.of(SellerSettings)
        self._ended_at: dict[ChannelId, float] = {}
        self._has_begun = False
        with ExitStack() as undo:
            engine = undo.enter_context(self._open_engine(station))
            self.serving = Serving(engine, PartStore(station.home / PARTS))
            self.wares = read_wares(station, self._taken, engine.status().cores)
            self._shown = read_shown(self.wares, self._taken)
            super().__init__(station, PartyMachine(Sale), NAME)
            undo.callback(super().close)
            self._furnish(station)
            undo.pop_all()

    def _furnish(self, station: TradingStation) -> None:
        self._pulse = Pulse(station)
        self._answering = Answering(station, self.log)
        journal = Journal(self.runtime.states, self.runtime.ask)
        controllers = read_controllers(self._taken)
        self._quoter = Quoter(station, self.wares, self._taken, controllers, journal)
        self._dealing = Dealing(station, self.serving, self._find, self._note, self._pulse)
        self._office = PostOffice(StationApplicant(station, self._find), self._hear_letter)
        keys = HomeKeys.of_station(station)
        self._talk = Correspondent(
            station.domain, Role.SELLER, keys, self._office, self._find, self._take
        )
        self.agenda = Agenda(station.follow(), subject_of)
        self._rounds: Rounds[Sale, ChannelView] = Rounds(
            self, views_of=self._views_of, observe=observe, hear=self._hear
        )
        self._watching = Watching(station, self._taken.max_retainer)
        self._watched = WatchedSales(self._watching, self._taken, self.tell)
        self._tidying = Tidying.of_party(station, self.runtime)

    def _open_engine(self, station: TradingStation) -> Engine:
        taken = self._taken
        path = taken.programs and expand_home(taken.programs, who="trading.seller.programs")
        return Engine(
            station.home / "engine",
            read_catalogue(path or None),
            workers=taken.workers,
            most_bytes=taken.max_spool_mib * 2**20,
            on_answer=self._note_answer,
        )

    # --- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """As any server; then its identity says where it is, and its channels get their letters."""
        self.station.check_answering("trading.seller.min_window_s", self._taken.min_window_s)
        self._watching.start()
        super().start()
        self._has_begun = True
        self._announce()
        if why := self.serving.engine.status().why_not:
            self.log.warning("runs no programs", why=why)
        label, offer = str(self.wares.initiation.label), self.wares.offer.hex()
        self.log.info("sells", template=label, offer=offer)

    def prepare(self) -> None:
        """What no quote came of leaves, while none is made: its deal is written down first."""
        self._tidying.forget_strays(self.runtime.all_keys(), self.station.address)

    def close(self) -> None:
        """Close port, letters, loop and engine; journal and spool keep what is owed."""
        self._office.close()
        super().close()
        self._watching.close()
        self.serving.engine.close()

    def _announce(self) -> None:
        """Let the DID document name this endpoint and key; a failure ends no serving."""
        station = self.station
        try:
            server = station.settings.of(ServerSettings)
            uri, _ = describe_server(server, station.settings.of(RegistrationSettings))
            told = {"uri": uri, "pin": bytes(station.keys.tls.pin).hex()}
            had = station.documents.services(station.did, SELLER_SERVICE)
            announce(station, SELLER_SERVICE, told, had)
        except (RefusedInput, LedgerUnavailable) as error:
            self.log.error("no buyer finds this seller by its identity", error=error)

    # --- for operators -------------------------------------------------------------------------

    def status(self) -> dict[str, object]:
        """Role, channels by phase, what is sold, and how the engine stands."""
        phases = [state.phase.value for state in self._states().values()]
        engine = self.serving.engine.status()
        return {
            "role": NAME,
            "did": str(self.wares.seller),
            "offer": self.wares.offer.hex(),
            "template": self.wares.initiation.version_id.hex(),
            "price": str(Amount(self.wares.price)),
            "least_deposit": str(self._taken.min_deposit),
            "least_bond": str(self._taken.min_bond),
            "channels": {phase: phases.count(phase) for phase in sorted(set(phases))},
            "watched": self._watched.describe(self._states()),
            "too_slow_for": self._answering.late,
            "unpaid": str(Amount(sum(sale.unpaid for sale in self._states().values()))),
            "kernel": engine.kernel,
            "confinement": engine.confinement,
            "programs": [each.describe() for each in engine.programs],
            "open_orders": engine.open_orders,
            "fault": engine.fault,
        }

    def _states(self) -> Mapping[bytes, Sale]:
        return self.runtime.states()

    # --- for commands --------------------------------------------------------------------------

    def grants(self) -> Mapping[str, Grant]:
        """`edgemark trading claim` and `amend`, what is asked about towers, and about its key."""
        claim = {CLAIM: lambda facts: self._claim(facts.text("channel"), facts.flag("close"))}
        watched, ask = self._watched.is_watched, self.runtime.ask
        both = grants_of_seller(self.station, self._require, ask, watched)
        watching, own = self._watched.grants(self._find), grants_of_identity(self.station)
        return {**claim, **both, **watching, **own}

    def _require(self, channel: ChannelId) -> Sale:
        sale: Sale | None = self.runtime.state(channel)
        if sale is None or sale.agreement is None:
            raise NotFound("is not known here", who=f"channel {channel.hex()}")
        return sale

    def _claim(self, channel: str, is_end: bool) -> Mapping[str, object]:
        """Bring what is signed to the chain, or end the channel: then it is claimed at its end."""
        key = parse_channel_id(channel)
        sale = self._require(key)
        if is_end:
            if sale.phase not in _ENDING:  # else it ends by itself
                at = Timestamp(self.station.head().block)
                sale = self.runtime.ask(key, on.AskedStop(at))
            return {"channel": channel, "done": "stopped", "phase": sale.phase.value}
        call, amount = draft_claim(self.station, sale, is_end=False)
        try:
            self.station.submit(call)
        except UnderWay:
            pass  # the lane helps it on
        except TryAgain as refused:
            raise RefusedInput(refused.what, who=refused.who, had=refused.had) from refused
        return {"channel": channel, "amount": str(amount), "done": "sent"}

    # --- faces ---------------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Quotes, texts, parts, outputs."""
        most = SLIP_BYTES + work.MAX_PART_BYTES
        return [
            Route("POST", "/v1/initiations", self._give_quote, MAX_REQUEST_BYTES),
            Route("GET", "/v1/texts/{digest}", self._show_text, 0),
            Route("PUT", "/v1/parts/{channel}/{digest}", self._take_part, most, self._admit_part),
            Route("POST", "/v1/outputs", self._give_output, SLIP_BYTES),
            Route("POST", LETTERS, self._take_handed, MAX_LETTER_BYTES),
        ]

    def _give_quote(self, request: Request) -> Response:
        asked = QuoteRequest.from_wire(request.body)
        return Response(body=self._quoter.answer(asked, group_of(request.peer)).to_wire())

    def _show_text(self, request: Request) -> Response:
        digest = Hash32(parse_hash32(request.params["digest"], who="text"))
        if digest not in self._shown:
            raise NotFound("is not shown here", who=f"text {digest.hex()}")
        return Response(body=self._shown[digest])

    def _admit_part(self, head: Head) -> int | Response:
        """Only of a channel that is served; the payer itself need not bring what is here."""
        channel, digest = place_of(head.params)
        sale = self._open_sale(channel)
        if head.account == sale.known.terms.payer and self.serving.parts.holds(channel, digest):
            return Response(body=TAKEN)
        return SLIP_BYTES + work.MAX_PART_BYTES

    def _take_part(self, request: Request) -> Response:
        channel, digest = place_of(request.params)
        sale = self._open_sale(channel)
        slip, part = split_part(request.body, channel, digest)
        self._check_slip(slip, Purpose.PART, sale)
        self.serving.parts.put(channel, digest, part)
        return Response(body=TAKEN)

    def _give_output(self, request: Request) -> Response:
        slip = Slip.from_wire(request.body)
        self._check_slip(slip, Purpose.OUTPUT, self._require(slip.channel))
        return Response(body=self.serving.output(slip.channel, slip.digest))

    def _take_handed(self, request: Request) -> Response:
        """The payer's word for who issues next, which the present one may not carry any more."""
        letter = Letter.from_wire(request.body)
        if letter.kind is not Kind.AMENDING:
            had, needed = letter.kind.name.lower(), "an amendment; the broker has the rest"
            raise RefusedInput("is not taken here", who="letter", had=had, needed=needed)
        self._open_sale(letter.channel)
        self._talk.hear(letter.channel, request.body)
        return Response(body=TAKEN)

    def _check_slip(self, slip: Slip, purpose: Purpose, sale: Sale) -> None:
        domain, now = self.station.domain, self._pulse.head().block
        slip.check(purpose, sale.in_force.payer_key, domain, now)

    def _open_sale(self, channel: ChannelId) -> Sale:
        sale = self._find(channel)
        if sale is None or sale.phase not in _SERVING:
            had = "unknown" if sale is None else sale.phase.value
            raise NotFound("is not served", who=f"channel {channel.hex()}", had=had)
        return sale

    # --- letters and work ----------------------------------------------------------------------

    def _find(self, channel: ChannelId) -> Sale | None:
        found: Sale | None = self.runtime.state_at_hand(channel)
        return found

    def _note(self, channel: ChannelId, event: on.SellerEvent) -> None:
        self.runtime.ask(channel, event)

    def _hear_letter(self, channel: ChannelId, raw: bytes) -> None:
        self._talk.hear(channel, raw)

    def _take(self, channel: ChannelId, role: Role, message: object) -> None:
        self._dealing.take(self._talk, channel, role, message)  # type: ignore[arg-type]

    def perform(self, state: Sale, effect: do.SellerEffect) -> Sequence[on.SellerEvent]:
        """Carry out one effect; what it found out."""
        if isinstance(effect, do.SubmitResponse):
            self.station.submit(self._watched.draft_response(state))
            return []
        return self._dealing.perform(self._talk, state, effect)

    def _note_answer(self, order: work.Order) -> None:
        """The engine is done with an order; what fails here the effect makes good."""
        sale = self._find(order.channel) if self._has_begun else None
        held = sale.work(order.number) if sale is not None else None
        if held is None or held.answer is not None:
            return
        try:
            pricing = self.station.deals.pricing(order.channel)
            asked = read_order(order.channel, held.request, pricing)
            if asked.id == order.id:
                now = self.station.head().block
                answer = self.serving.complete(held.request, order, pricing, now)
                self.runtime.post(order.channel, on.FoundServed(answer, Timestamp(now)))
        except EdgemarkError as error:
            self.log.warning("answer is noted later", channel=order.channel, error=error)

    # --- chain ---------------------------------------------------------------------------------

    def look(self) -> None:
        """One round over the chain, then over letters, doors and what is left of ended channels."""
        try:
            self._rounds.look()
        finally:
            self._look_around()

    def _look_around(self) -> None:
        self._watched.follow(self._states())
        head = self._pulse.head()
        self.serving.end_with(self._states().values(), head.block)
        self._answering.look(left_to_answer(self._states().values()))
        for key, sale in self._states().items():
            if sale.agreement is None:
                continue
            channel = sale.known.channel
            if is_open(sale):
                self._keep_open(channel, sale)
                stopped = find_blocks(sale.blocks_stopped, head, self._taken.stale_after_s)
                self.tell(key, [*stopped, *self._talk.find_broker(sale, head.block)])
            elif sale.phase in (SellerPhase.ENDED, SellerPhase.DROPPED):
                self._office.leave(channel)
                self._talk.forget(channel)
        self._forget_ended()
        self._tidying.look(head.block)

    def _keep_open(self, channel: ChannelId, sale: Sale) -> None:
        """Its payer is known at the door, its controller carries its letters."""
        self.door.expect(sale.known.terms.payer)
        try:
            self._office.join(sale.in_force.controller, channel, Role.SELLER)
        except (RefusedInput, PeerFault) as error:
            self.log.warning("letters are not carried", channel=channel, error=error)

    def _forget_ended(self) -> None:
        """Engine and parts let a channel go some time after service ended, whoever settles it."""
        now, serving = time.monotonic(), self.serving
        held = {*serving.engine.channels(), *serving.parts.channels()}
        for channel in held:
            sale = self.runtime.state(channel)
            if sale is not None and sale.phase in _SERVING:
                continue
            if now - self._ended_at.setdefault(channel, now) >= KEPT_S:
                serving.forget(channel)
        self._ended_at = {each: at for each, at in self._ended_at.items() if each in held}

    def _hear(self, events: Sequence[ChainEvent]) -> None:
        """Nothing that happens on chain concerns a seller but by its own channels."""

    def _views_of(self, sales: Sequence[Sale], block: int) -> Sequence[ChannelView]:
        return see_sides(self.station, sales, block)
