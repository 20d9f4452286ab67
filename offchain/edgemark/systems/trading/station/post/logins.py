"""What a party and a controller say to each other before the first letter, as bytes. Pure.

    POST /v1/nonces                 -> Nonce
    POST /v1/logins   Application   -> Pass

The login stands as `protocol.letters.Login` has it, with its signature. A Pass opens the broker:
its place, its key, a session with a password that counts once, and all channels of the session.
Where a login only adds a channel to a session that is in, there is no password.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgemark.encoding import MalformedMessage, Reader, Writer
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Hash32, Timestamp, parse_address
from edgemark.identity.credentials.jose.compact import MAX_TOKEN_BYTES
from edgemark.logs import Secret
from edgemark.systems.trading.contract.terms import TERMS_BYTES, Terms, read_terms, write_terms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import NONCE_BYTES, Login, Role
from edgemark.systems.trading.protocol.messages import SIGNATURE_BYTES
from edgemark.systems.trading.station.post.topics import MOST_CHANNELS, topics_of_all
from edgemark.systems.trading.templates.template import MAX_TEXT_BYTES
from edgemark.transport.asking.endpoint import MAX_ENDPOINT_CHARS, parse_endpoint
from edgemark.transport.broker.tickets import MOST_SESSION_CHARS, Ticket, check_session

NONCES, LOGINS = "/v1/nonces", "/v1/logins"
MAX_SERVICE_BYTES = MAX_ENDPOINT_CHARS
MAX_PASSWORD_BYTES = 128
TIME_BYTES, PORT_BYTES, COUNT_BYTES = 8, 2, 2
LOGIN_BYTES = 4 + MAX_SERVICE_BYTES + 20 + 3 * 32 + TIME_BYTES + SIGNATURE_BYTES
WORD_BYTES = 1 + SIGNATURE_BYTES
PAPERS_BYTES = 12 + TERMS_BYTES + MAX_TOKEN_BYTES + 2 * MAX_TEXT_BYTES
MAX_APPLICATION_BYTES = LOGIN_BYTES + 2 + PAPERS_BYTES + WORD_BYTES
MAX_NONCE_BYTES = NONCE_BYTES + TIME_BYTES
MAX_PASS_BYTES = 1024 + 32 * MOST_CHANNELS


class PassInvalid(PeerFault):
    """A controller let a session in that is none."""


@dataclass(frozen=True)
class Nonce:
    """To be signed once.

    Attributes:
        nonce: 32 bytes.
        until: last second at which it counts, by the controller's clock.
    """

    nonce: bytes
    until: Timestamp

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        return Writer().fixed(self.nonce, NONCE_BYTES).integer(self.until, TIME_BYTES).finish()

    @staticmethod
    def from_wire(raw: bytes) -> Nonce:
        """Parse; raises `MalformedMessage`."""
        reader = Reader(raw, who="nonce")
        found = Nonce(reader.fixed(NONCE_BYTES), Timestamp(reader.integer(TIME_BYTES)))
        reader.finish()
        return found


@dataclass(frozen=True)
class Papers:
    """What a controller has to know of a channel.

    Attributes:
        terms: whose hash, with chain and escrow, the channel is.
        token: the initiation credential, as it was signed.
        initiation: text of its template.
        settlement: text of the settlement template.
    """

    terms: Terms
    token: str = field(repr=False)
    initiation: bytes = field(repr=False)
    settlement: bytes = field(repr=False)


@dataclass(frozen=True)
class Application:
    """A party asks for the topics of a channel.

    Attributes:
        login: signed.
        papers: None when the controller has them.
        is_more: the session is in, and this channel is to be one more of it.
        word: the party's signature under evidence of the initiation credential, by the account in
            the terms, EIP-712 `Initiation`; empty: it gives none.
    """

    login: Login
    papers: Papers | None = None
    is_more: bool = False
    word: bytes = field(default=b"", repr=False)

    def to_wire(self) -> bytes:
        """Canonical bytes.

        Raises:
            MalformedMessage: a field is none of its kind.
        """
        login, papers = self.login, self.papers
        writer = Writer().text(login.service).fixed(bytes.fromhex(login.controller[2:]), 20)
        writer.fixed(login.pin, 32).fixed(login.channel, 32).fixed(login.nonce, NONCE_BYTES)
        writer.integer(login.expiry, TIME_BYTES).fixed(login.signature, SIGNATURE_BYTES)
        writer.integer(self.is_more, 1).integer(papers is not None, 1)
        if papers is not None:
            write_terms(writer, papers.terms)
            writer.text(papers.token).variable(papers.initiation).variable(papers.settlement)
        writer.integer(bool(self.word), 1)
        if self.word:
            writer.fixed(self.word, SIGNATURE_BYTES)
        return writer.finish()

    @staticmethod
    def from_wire(raw: bytes) -> Application:
        """Parse; nothing is checked but the form. Raises `MalformedMessage`."""
        reader = Reader(raw, who="login")
        service = reader.text(most=MAX_SERVICE_BYTES)
        controller = parse_address(reader.fixed(20))
        pin, channel = Hash32(reader.fixed(32)), ChannelId(reader.fixed(32))
        nonce, expiry = reader.fixed(NONCE_BYTES), Timestamp(reader.integer(TIME_BYTES))
        signature = reader.fixed(SIGNATURE_BYTES)
        login = Login(service, controller, pin, channel, nonce, expiry, signature)
        is_more, has_papers = reader.integer(1, most=1), reader.integer(1, most=1)
        papers = None
        if has_papers:
            terms, token = read_terms(reader), reader.text(most=MAX_TOKEN_BYTES)
            texts = [reader.variable(most=MAX_TEXT_BYTES) for _ in range(2)]
            papers = Papers(terms, token, *texts)
            if not token.isascii():
                raise MalformedMessage("is no signed text", who="login, credential")
        word = reader.fixed(SIGNATURE_BYTES) if reader.integer(1, most=1) else b""
        reader.finish()
        return Application(login, papers, bool(is_more), word)


@dataclass(frozen=True)
class Pass:
    """A session may come in.

    Attributes:
        host, port, pin: of the broker.
        session: its name.
        password: counts once; empty where the session is in already.
        channels: all that it has.
    """

    host: str
    port: int
    pin: Hash32
    session: str
    password: Secret[str]
    channels: frozenset[ChannelId]

    @staticmethod
    def of(ticket: Ticket, channels: frozenset[ChannelId]) -> Pass:
        """Of a ticket that a broker gave."""
        place = ticket.host, ticket.port, ticket.pin
        return Pass(*place, ticket.session, ticket.password, channels)

    @property
    def is_more(self) -> bool:
        """Whether it is for a session that is in."""
        return not self.password.reveal()

    def without_password(self) -> Pass:
        """The same for a session that is in."""
        return replace(self, password=Secret(""))

    def ticket(self, role: Role) -> Ticket:
        """With what a party logs in at the broker."""
        topics = topics_of_all(self.channels, role)
        return Ticket(self.host, self.port, self.pin, self.session, self.password, topics)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer().text(self.host).integer(self.port, PORT_BYTES).fixed(self.pin, 32)
        writer.text(self.session).text(self.password.reveal())
        writer.integer(len(self.channels), COUNT_BYTES)
        for channel in sorted(self.channels):
            writer.fixed(channel, 32)
        return writer.finish()

    @staticmethod
    def from_wire(raw: bytes) -> Pass:
        """Parse what a controller sent.

        Raises:
            PassInvalid: no pass, or to no place that can be dialled.
        """
        try:
            return _read_pass(Reader(raw, who="pass"))
        except RefusedInput as error:
            raise PassInvalid(
                error.what, who="controller's pass", had=error.had, needed=error.needed
            ) from error


def _read_pass(reader: Reader) -> Pass:
    host, port = reader.text(most=MAX_ENDPOINT_CHARS), reader.integer(PORT_BYTES)
    named = f"[{host}]" if ":" in host else host
    parse_endpoint(f"https://{named}:{port}")
    pin, session = Hash32(reader.fixed(32)), reader.text(most=MOST_SESSION_CHARS)
    check_session(session)
    password = reader.text(most=MAX_PASSWORD_BYTES)
    count = reader.integer(COUNT_BYTES, most=MOST_CHANNELS)
    channels = [ChannelId(reader.fixed(32)) for _ in range(count)]
    reader.finish()
    if channels != sorted(set(channels)):
        raise MalformedMessage("channels are not in order, each once", who="pass", had=count)
    return Pass(host, port, pin, session, Secret(password), frozenset(channels))
