"""The controller (TCC): admits the parties of channels that name it, and issues their credentials.

| what                     | face or effect                                                      |
|--------------------------|---------------------------------------------------------------------|
| login                    | POST /v1/nonces, /v1/logins (`reception`)                           |
| credential               | a letter of the seller -> `Issue` -> `SendCredential` to both       |
| ... in the 1.1 form      | POST /v1/credentials/legacy: a credential -> another signed text    |
| evidence                 | `SubmitEvidence` -> `recording.recorder`                            |
| list of an anchored root | GET /v1/contents/CID                                                |

Which channels there are the chain says, what is remembered of each is its `Desk`. No channel waits
for another one's disk, chain or party.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import assert_never

from edgemark.errors import EdgemarkError, PeerFault, RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.identity.credentials.jose.compact import MAX_TOKEN_BYTES
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.loop.machine import NotOwed
from edgemark.metrics.broker import BrokerReadings
from edgemark.metrics.health import Dependency
from edgemark.party.agenda import Agenda
from edgemark.party.evm.cursor import Cursor
from edgemark.party.evm.opening import describe_server
from edgemark.party.evm.server import EvmServer
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.rounds import Rounds
from edgemark.party.settings import ServerSettings
from edgemark.party.watcher import Watcher
from edgemark.storage.cid import parse_cid
from edgemark.storage.content import ContentMissing
from edgemark.systems.trading.controller.bonding import ControllerStation
from edgemark.systems.trading.controller.channels.apart import SetApart
from edgemark.systems.trading.controller.channels.desks import Desks
from edgemark.systems.trading.controller.channels.floors import FOLDER, Floors
from edgemark.systems.trading.controller.channels.known import KnownChannels
from edgemark.systems.trading.controller.channels.watching import MOST_EXPECTED, ChannelWatch
from edgemark.systems.trading.controller.desk import Desk, credential_of, observe_desk
from edgemark.systems.trading.controller.door import Here
from edgemark.systems.trading.controller.hub import Hub
from edgemark.systems.trading.controller.issuance.hearing import Hearing
from edgemark.systems.trading.controller.issuance.issuing import Issuer, evidence_of
from edgemark.systems.trading.controller.reception import Reception
from edgemark.systems.trading.controller.recording.figures import (
    EvidenceFigures,
    LetterFigures,
    PlaceFigures,
)
from edgemark.systems.trading.controller.recording.firsts import FirstPiece, FirstRecorder
from edgemark.systems.trading.controller.recording.lists import Piece
from edgemark.systems.trading.controller.recording.recorder import (
    EvidenceReading,
    Recorder,
    tell_paces,
)
from edgemark.systems.trading.controller.recording.waiting import Form
from edgemark.systems.trading.controller.recording.waits import PartyAway, Queued, Sent
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.life import ControllerPhase, PartyMachine
from edgemark.systems.trading.protocol.messages import Credential
from edgemark.systems.trading.protocol.views.view import ChannelView
from edgemark.systems.trading.settings import ControllerSettings
from edgemark.systems.trading.station.ledgers.records import open_records
from edgemark.systems.trading.station.post.office import name_service
from edgemark.systems.trading.station.seeing import see, subject_of
from edgemark.systems.trading.station.speaking import Pulse, find_blocks
from edgemark.systems.trading.templates.allowance import adapt_cycles
from edgemark.transport.broker.settings import BrokerSettings
from edgemark.transport.faults import NotFound
from edgemark.transport.own_broker import make_broker
from edgemark.transport.serving.server import Request, Response, Route

ADAPT_S = 10.0  # between two changes of N
STANDING_S = 600.0  # between two looks whether the bond still counts


class Controller(EvmServer[ControllerStation]):
    """One controller.

    Args:
        station: keys, chain, papers.
    """

    def __init__(self, station: ControllerStation) -> None:
        self._decided = decided = station.settings.of(ControllerSettings)
        self._furnish(station)
        domains, account = (station.domain, station.controllers_domain), station.keys.account
        self._issuer = Issuer(account, station.did, *domains)
        self._hearing = Hearing(
            account, station.domain, self._known.trade, self._issuer, decided.stale_after_s
        )
        self._broker = make_broker(station.settings.of(BrokerSettings), station.keys.tls)
        self._reception = Reception(
            self._broker,
            self._known,
            self._here,
            station.domain,
            self._take_letter,
            expect=self._expect_accounts,
        )
        home, collect_s, form = station.home, decided.collect_s, Form(decided.evidence)
        self._records = to = open_records(station, decided.ledger)
        noted, begun = self._note_recorded, self._note_initiated
        self._recorder = Recorder(to.sink, home / "evidence", form, collect_s, noted)
        self._firsts = FirstRecorder(to.sink, home / "initiations", collect_s, begun)
        super().__init__(station, PartyMachine(Desk), "controller")
        self.instruments.registry.register(EvidenceFigures(self._recorder.read))
        self.instruments.registry.register(PlaceFigures(self._watch.read_places))
        self._letters = LetterFigures(self.instruments.registry)
        self._cursor = Cursor(station.home / "controller.cursor", station.escrow.address)
        first = self._cursor.read(station.deployment.block)
        self.agenda = Agenda(station.follow(first), subject_of)
        self._rounds = Rounds(self, views_of=self._views_of, observe=self._observe, hear=self._hear)
        pace_s = station.paces.poll_s
        self._recording = Watcher(self._record, pace_s, "controller-recorder", self._stop_on)
        self._pulse = Pulse(station)
        self._beating = Watcher(self._beat, pace_s, "controller-pulse", self._stop_on)
        self._adapted = self._stood = time.monotonic()
        self._in_standing = True

    def _furnish(self, station: ControllerStation) -> None:
        """What it knows of channels."""
        decided, apart, floors = self._decided, SetApart(), Floors(station.home / FOLDER)
        most, idle_s = decided.max_channels, decided.idle_s
        self._desks = Desks(lambda: self.runtime, self.tell, floors, most=most, idle_s=idle_s)
        self._known = KnownChannels(station, decided.cycles, self._desks, apart)
        self._watch = ChannelWatch(station, self._known, self._desks, apart)
        self._known.expect, self._known.check_room = self._watch.expect, self._watch.check_room

    def routes(self) -> Sequence[Route]:
        """Logins, the 1.1 form, content."""
        return [
            *self._reception.routes(),
            Route("POST", "/v1/credentials/legacy", self._give_legacy, MAX_TOKEN_BYTES),
            Route("GET", "/v1/contents/{cid}", self._give_content, 0),
        ]

    def status(self) -> dict[str, object]:
        """Role, channels by phase, sessions, evidence and the least N."""
        phases = [state.phase.value for state in self.runtime.states().values()]
        return {
            "role": "controller",
            "channels": {phase: phases.count(phase) for phase in sorted(set(phases))},
            "awaited": len(self._known.named.strangers()),
            "displaced": self._desks.displaced,
            "set_apart": self._watch.apart.names(),
            "sessions": self._reception.sessions,
            "letters_refused": self.letters_refused,
            "in_standing": self._in_standing,
            "evidence": {**tell_paces(self._recorder.read()), "ledger": self._records.place},
            "initiations": {**self._firsts.tell()},
        }

    @property
    def recording(self) -> EvidenceReading:
        """One look at its evidence."""
        return self._recorder.read()

    @property
    def hub(self) -> Hub:
        """Its own session at its broker."""
        return self._reception.hub

    @property
    def letters_refused(self) -> int:
        """Since the start."""
        return self._letters.refused

    def dependencies(self) -> Sequence[Dependency]:
        """Its chain and its broker."""
        return (*super().dependencies(), BrokerReadings(self._broker))

    # --- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Serve, take up what was open, let parties in."""
        self.station.documents.follow()
        self._broker.start()
        super().start()
        for desk in self._desks.open().values():
            self._reception.serve(desk.known.channel)
        for channel in self.station.deals.channels()[:MOST_EXPECTED]:
            if self._desks.find(channel) is None:
                self._watch.expect(channel)
        self._reception.start()
        self._recording.start()
        self._beating.start()

    def close(self) -> None:
        """Let nobody in any more, and end; the journal keeps what is owed."""
        self._beating.stop()
        for end in (self._recorder.end, self._firsts.end, self._records.interrupt):
            end()
        self._recording.stop()
        self._records.close()
        self._reception.close()
        super().close()
        self._broker.close()

    # --- faces ---------------------------------------------------------------------------------

    def _give_legacy(self, request: Request) -> Response:
        """Whoever has a credential has it in the other form: it says nothing else."""
        try:
            token = request.body.decode("ascii").removesuffix("\n")
        except UnicodeDecodeError:
            raise RefusedInput("is no signed text", who="credential", needed="ASCII") from None
        signed = self._issuer.sign_legacy(token)
        return Response(body=signed.encode(), content_type="application/jwt")

    def _give_content(self, request: Request) -> Response:
        """Lists of anchored roots, by the name that the chain has."""
        try:
            return Response(body=self.station.content.get(parse_cid(request.params["cid"])))
        except ContentMissing as error:
            raise NotFound(error.what, who=error.who) from error

    def _here(self) -> Here:
        settings = self.station.settings
        endpoint, _ = describe_server(
            settings.of(ServerSettings), settings.of(RegistrationSettings)
        )
        pin = Hash32(bytes(self.station.keys.tls.pin))
        return Here(name_service(endpoint), self.station.address, pin)

    def _take_letter(self, channel: ChannelId, raw: bytes) -> None:
        desk = self._desks.find(channel)
        if desk is None:  # not yet, or no more: it is said again as long as it matters
            return
        try:
            self._hearing.take(desk, raw, self._pulse.last(), self._post, self.hub.send)
        except EdgemarkError as error:
            self._letters.note_refused(error)
            raise

    def _post(self, channel: ChannelId, event: at.ControllerEvent) -> None:
        if isinstance(event, at.HeardSettlement):
            self._desks.note_used(channel)
        self.runtime.post(self._desks.key(channel), event)

    # --- effects -------------------------------------------------------------------------------

    def perform(self, state: Desk, effect: do.ControllerEffect) -> Sequence[at.ControllerEvent]:
        """Carry out one effect; what it found out."""
        match effect:
            case do.Issue():
                return [at.FoundIssued(self._issue(state))]
            case do.SendCredential(index, to_buyer):
                to = Role.BUYER if to_buyer else Role.SELLER
                self._hand_over(state.known.channel, to, credential_of(state, index))
            case do.SubmitEvidence(index):
                self._recorder.offer(evidence_of(credential_of(state, index)))
                raise Queued("waits for the chain", who="evidence", had=index)
            case do.KeepFloor(index):
                until = state.known.terms.lock_expiry(self.station.decided.limits.exit_grace)
                self._desks.floors.keep(state.known.channel, index, until)
                return [at.FoundFloorKept()]
            case do.SubmitInitiation():
                self._offer_first(state)
            case _:
                assert_never(effect)
        return []

    def _issue(self, desk: Desk) -> Credential:
        if desk.due is None:
            raise NotOwed("nothing is due")
        channel, valid_from = desk.known.channel, self.station.clock.believed
        made = self._issuer.issue(channel, desk.due, self._known.trade(channel), valid_from)
        self._recorder.note_issued()
        return made

    def _hand_over(self, channel: ChannelId, to: Role, credential: Credential) -> None:
        """Send it; again and again, until its party says that it has it."""
        raw = self._hearing.letter_of(channel, credential)
        try:
            self.hub.send(channel, to, raw)
        except (PeerFault, RefusedInput) as away:
            raise PartyAway(away.what, who=away.who, had=away.had) from away
        raise Sent("is sent", who=f"credential {credential.index}")

    def _offer_first(self, desk: Desk) -> None:
        if (said := desk.initiation) is None:
            raise NotOwed("evidence of the first credential is there")
        channel, digest = desk.known.channel, desk.known.terms.initiation
        signed = said.payer_signature, said.seller_signature
        self._firsts.offer(FirstPiece(channel, digest, *signed))
        raise Queued("waits for the chain", who="evidence of the first credential")

    def _record(self) -> None:
        """A turn of the recorders; now and then N follows the queue."""
        try:
            try:
                self._recorder.turn()
            finally:  # whatever holds up the one holds up the other by nothing
                self._firsts.turn()
        finally:
            if time.monotonic() - self._adapted >= ADAPT_S:
                self._adapted = time.monotonic()
                self._adapt()

    def _adapt(self) -> None:
        reading = self._recorder.read()
        late, least = reading.late, reading.paces.least
        for key, desk in self.runtime.states().items():
            if desk.phase is not ControllerPhase.ISSUING:
                continue
            most = desk.known.conditions.most_cycles
            if adapt_cycles(desk.cycles, late, least=least, most=most) != desk.cycles:
                self.runtime.post(key, at.FoundQueue(late, least))

    def _note_recorded(self, pieces: Sequence[Piece]) -> None:
        self._note(pieces, lambda each: at.SawEvidence(each.index))

    def _note_initiated(self, pieces: Sequence[Piece]) -> None:
        self._note(pieces, lambda _: at.SawInitiation())

    def _note(
        self, pieces: Sequence[Piece], event_of: Callable[[Piece], at.ControllerEvent]
    ) -> None:
        """Evidence is on chain; returns when every channel has that written down."""
        *before, last = pieces
        for each in before:
            self._post(each.channel, event_of(each))
        try:
            self.runtime.ask(self._desks.key(last.channel), event_of(last))
        except RefusedInput as over:  # it ended, and left, in the life that sent this
            self.log.debug("evidence of what is over", channel=last.channel, error=over)

    # --- chain ---------------------------------------------------------------------------------

    def look(self) -> None:
        """One round over the chain, at confirmed depth."""
        self._rounds.look()
        self._watch.measure(self.agenda.block)
        self._watch.take_up(self.agenda.block)
        self._reception.look()
        self._take_words()
        self._forget_finished()
        self._known.drop_lapsed(self._pulse.last().block)
        self._cursor.note(self._watch.passed(self.agenda.cursor))
        self._look_at_standing()

    def _beat(self) -> None:
        """Let every desk know whether blocks come; a chain that is away closes nothing.

        Apart from the rounds: one that takes long, or fails, stops no blocks.
        """
        head = self._pulse.head()
        for key, desk in self._desks.open().items():
            for event in find_blocks(desk.blocks_stopped, head, self._decided.stale_after_s):
                self.runtime.post(key, event)

    def _take_words(self) -> None:
        """What both parties said of their first credential goes to its desk, once there is one."""

        def is_wanted(channel: ChannelId) -> bool:
            desk = self._desks.find(channel)
            return desk is not None and desk.wants_initiation

        for channel, said in self._known.words.take(is_wanted):
            self._post(channel, at.HeardInitiation(said.payer, said.seller))

    def _forget_finished(self) -> None:
        """Papers of what is over, and of which nothing is owed, are nobody's business any more."""
        for channel in self._desks.find_over():
            self._known.forget(channel)

    def _look_at_standing(self) -> None:
        if time.monotonic() - self._stood < STANDING_S:
            return
        self._stood = time.monotonic()
        self._in_standing = self.station.controllers.is_in_standing(self.station.address)
        if not self._in_standing:
            self.log.warning("in no good standing: parties that ask the chain name another")

    def _expect_accounts(self, *accounts: Address) -> None:
        self.door.expect(*accounts)

    def _hear(self, events: Sequence[ChainEvent]) -> None:
        for channel in self._watch.hear(events, self.agenda.block):
            self.log.info("channel names this controller", channel=channel)

    def _views_of(self, desks: Sequence[Desk], block: int) -> Sequence[ChannelView]:
        agreements = [desk.known for desk in desks]
        return see(self.station, agreements, block, told={each.channel for each in agreements})

    def _observe(self, desk: Desk, view: ChannelView) -> Sequence[at.ControllerEvent]:
        terms = desk.known.terms
        self.door.expect(terms.payer, terms.seller)
        return observe_desk(desk, desk.known, view, self.station.address)
