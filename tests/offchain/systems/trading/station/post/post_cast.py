"""A controller that lets parties in, and parties that write letters: real HTTPS, a real broker.

What the chain says of channels and identities, and what a disk keeps of papers, is a table here:
a test changes it where a chain would take minutes. All that travels is real.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.mosquitto_process import MosquittoProcess
from tests.offchain.systems.trading.channel_cast import (
    CHAIN_ID,
    ESCROW,
    PEOPLE,
    draft_terms,
    key_of,
)

from edgemark.closing import Closing
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.did.identifier import Did, make_did
from edgemark.identity.statements import RegistryDomain
from edgemark.identity.visiting import Doorkeeper, Visitor
from edgemark.systems.trading.contract.terms import Terms, compute_channel_id
from edgemark.systems.trading.controller.channels.places import Claim
from edgemark.systems.trading.controller.door import Here
from edgemark.systems.trading.controller.reception import Reception
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import ChannelDomain, Login, Role
from edgemark.systems.trading.station.post.logins import Papers
from edgemark.systems.trading.station.post.office import PostOffice
from edgemark.transport.asking.http import HttpClient
from edgemark.transport.broker.mosquitto import Mosquitto
from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.tickets import OwnBroker
from edgemark.transport.limits import ClientLimits, ServerLimits
from edgemark.transport.ports import hold_ports
from edgemark.transport.serving.server import HttpServer
from edgemark.transport.tls import TlsKey

DOMAIN = ChannelDomain(CHAIN_ID, ESCROW)
REGISTRY = RegistryDomain(CHAIN_ID, Address("0x" + "9a" * 20))
CONTROLLER = key_of("controller 0")
SELLER, BUYER, STRANGER = (key_of(role) for role in ("seller", "payer", "outsider"))
KEY_OF = {Role.SELLER: SELLER, Role.BUYER: BUYER}
DIDS = {role: make_did(CHAIN_ID, key.address) for role, key in KEY_OF.items()}
KEY = TlsKey.generate()
QUICK = ClientLimits(least_pause_s=0.05, most_pause_s=0.5)


def a_channel(number: int = 1, buyer: SecretKey = BUYER) -> tuple[ChannelId, Terms]:
    """Its terms name the papers of the tests."""
    terms = draft_terms(
        {**PEOPLE, "payer": buyer.address},
        int(time.time()),
        number,
        controller=CONTROLLER.address,
        initiation=digest_of("header.payload.signature"),
    )
    return compute_channel_id(CHAIN_ID, ESCROW, terms), terms


PAPERS = Papers(
    a_channel()[1], "header.payload.signature", b'{"initiation": 1}', b'{"settlement": 1}'
)


@dataclass
class Table:
    """What a controller knows of its channels; see `reception.Channels`."""

    opened: dict[ChannelId, Terms] = field(default_factory=dict)
    kept: dict[ChannelId, Papers] = field(default_factory=dict)
    whose: dict[ChannelId, Mapping[Role, Did]] = field(default_factory=dict)
    now: dict[Did, list[Address]] = field(default_factory=dict)
    signing: dict[ChannelId, Mapping[Role, Address]] = field(default_factory=dict)
    locked: dict[ChannelId, int] = field(default_factory=dict)
    young: dict[ChannelId, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    words: dict[tuple[ChannelId, Role], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = {DIDS[role]: [key.address] for role, key in KEY_OF.items()}

    def open(self, number: int = 1, buyer: SecretKey = BUYER) -> ChannelId:
        channel, terms = a_channel(number, buyer)
        self.opened[channel] = terms
        did = make_did(CHAIN_ID, buyer.address)
        self.whose[channel] = {Role.BUYER: did, Role.SELLER: DIDS[Role.SELLER]}
        self.now.setdefault(did, [buyer.address])
        return channel

    def is_named(self, channel: ChannelId) -> bool:
        return channel in self.opened

    def is_served(self, channel: ChannelId) -> bool:
        return channel in self.opened

    def pinned(self, channel: ChannelId) -> Mapping[Role, Address]:
        return self.signing.get(channel, {})

    def weight(self, channel: ChannelId) -> int:
        return self.locked.get(channel, 0)

    def claim(self, channel: ChannelId) -> Claim:
        return Claim(self.weight(channel), self.young.get(channel, ()))

    def terms(self, channel: ChannelId) -> Terms | None:
        return self.opened.get(channel)

    def parties(self, channel: ChannelId) -> Mapping[Role, Did] | None:
        return self.whose[channel] if channel in self.kept else None

    def keep(self, channel: ChannelId, papers: Papers) -> Mapping[Role, Did]:
        if digest_of(papers.token) != self.opened[channel].initiation:
            raise RefusedInput("is not the one that the terms name", who="initiation credential")
        self.kept[channel] = papers
        return self.whose[channel]

    def note_word(self, channel: ChannelId, role: Role, word: bytes) -> None:
        self.words[channel, role] = word

    def keys(self, did: Did) -> Collection[Address]:
        return self.now[did]


class House(Closing):
    """The controller: a server, a broker, a reception; any of them may be started again.

    Attributes:
        heard: letters that came, in order.
    """

    def __init__(self, ports: tuple[int, int], limits: ServerLimits | None = None) -> None:
        self.ports, self.limits = ports, limits
        self.table, self.heard = Table(), list[tuple[ChannelId, bytes]]()
        self.broker: OwnBroker = self.make_broker()
        self.here = Here(f"127.0.0.1:{ports[0]}", CONTROLLER.address, KEY.pin)
        self.start()

    def make_broker(self) -> OwnBroker:
        """Which broker it is."""
        return EmbeddedBroker(KEY, port=self.ports[1])

    def start(self) -> None:
        """Again after `close`; the table is its disk, and the chain."""
        self.broker = self.make_broker()
        self.broker.start()
        self.open_reception()

    def open_reception(self) -> None:
        doorkeeper = Doorkeeper(CONTROLLER.address, REGISTRY)
        self.reception = Reception(
            self.broker,
            self.table,
            lambda: self.here,
            DOMAIN,
            lambda channel, raw: self.heard.append((channel, raw)),
            expect=doorkeeper.expect,
            key_s=0.0,
        )
        self.reception.start()
        routes, port = self.reception.routes(), self.ports[0]
        self.http = HttpServer(routes, KEY, port=port, limits=self.limits, door=doorkeeper)
        self.http.start()
        for terms in self.table.opened.values():
            doorkeeper.expect(terms.payer, terms.seller)

    def close(self) -> None:
        self.http.close()
        self.reception.close()
        self.broker.close()

    def close_reception(self) -> None:
        self.http.close()
        self.reception.close()


@contextmanager
def a_house(limits: ServerLimits | None = None) -> Iterator[House]:
    """One that is open."""
    with hold_ports(2) as ports, House((ports.numbers[0], ports.numbers[1]), limits) as house:
        yield house


class MosquittoHouse(House):
    """The same with a Mosquitto beside it."""

    def __init__(self, ports: tuple[int, int], process: MosquittoProcess) -> None:
        self.process = process
        super().__init__(ports)

    def make_broker(self) -> OwnBroker:
        return Mosquitto(self.process.place)


@contextmanager
def a_mosquitto_house(folder: Path) -> Iterator[MosquittoHouse]:
    """One that is open, with a Mosquitto that a test may kill and start."""
    with hold_ports(2) as ports:
        process = MosquittoProcess(folder, ports.numbers[1])
        process.start()
        try:
            with MosquittoHouse((ports.numbers[0], ports.numbers[1]), process) as house:
                yield house
        finally:
            process.kill()


class Party(Closing):
    """A party with its post; see `office.Applicant`.

    Args:
        house: the controller.
        role: of the party.
        key: that signs its logins.
        account: that shows its card.

    Attributes:
        heard: letters that came, in order.
        hold: cleared, it takes no letter.
    """

    def __init__(
        self,
        house: House,
        role: Role,
        key: SecretKey | None = None,
        account: SecretKey | None = None,
        limits: ClientLimits = QUICK,
    ) -> None:
        self.house, self.role, self.key = house, role, key or KEY_OF[role]
        self.heard = list[tuple[ChannelId, bytes]]()
        self.hold = threading.Event()
        self.hold.set()
        self.other: SecretKey | None = None  # of its channels
        self.asked = 0
        self._client = HttpClient(timeout_s=10.0)
        self._visitor = Visitor(account or KEY_OF[role], REGISTRY)
        self.post = PostOffice(self, self.take, limits=limits)

    def close(self) -> None:
        self.hold.set()
        self.post.close()
        self._client.close()

    def take(self, channel: ChannelId, raw: bytes) -> None:
        self.hold.wait(60)
        self.heard.append((channel, raw))

    def join(self, channel: ChannelId) -> None:
        self.post.join(CONTROLLER.address, channel, self.role)

    def place_of(self, controller: Address) -> tuple[str, Hash32]:
        assert controller == CONTROLLER.address
        return f"https://127.0.0.1:{self.house.ports[0]}", KEY.pin

    def ask(self, controller: Address, path: str, body: bytes, *, most: int) -> bytes:
        self.asked += 1
        endpoint, pin = self.place_of(controller)
        card = self._visitor.card_for(controller)
        return self._client.request(endpoint, pin, "POST", path, body, most_bytes=most, card=card)

    def sign(self, login: Login) -> bytes:
        return self.key.sign(DOMAIN.login(login))

    def sign_as_party(self, login: Login) -> bytes | None:
        return None if self.other is None else self.other.sign(DOMAIN.login(login))

    def papers(self, channel: ChannelId) -> Papers:  # noqa: ARG002 - of all the same
        return PAPERS

    def word(self, channel: ChannelId) -> bytes:  # noqa: ARG002 - it gives none
        return b""


def signed(login: Login, key: SecretKey) -> Login:
    """A login with a signature."""
    return replace(login, signature=key.sign(DOMAIN.login(login)))
