"""Which network of Fabric: how many of whom, which channels, which ports.

An orderer is a member of every channel or spare: started, known to nobody, and ready to be taken
into a channel later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.identities.layout import (
    ADMIN,
    CRYPTO,
    ORDERER_DOMAIN,
    ORDERER_MSP,
    domain_of,
    msp_id_of,
    msp_of,
    organisation_that_orders,
    organisation_with_peers,
)
from edgemark.ledger.fabric.wire.names import CHANNEL

RAFT, BFT = "etcdraft", "BFT"
MOST_ORDERERS = 7
LEAST_OF_BFT = 4  # 3f + 1, of which f = 1 may lie
MOST_ORGANISATIONS = 8
MOST_PEERS = 4  # of an organisation
MOST_CHANNELS = 8
MOST_MESSAGES = 10_000  # of a block
LEAST_ORGANISATIONS = 2  # fewer have nobody to agree with
SHORTEST_BATCH_MS, LONGEST_BATCH_MS = 10, 60_000
WHO = "fabric network"


@dataclass(frozen=True)
class Plan:
    """What network is wished.

    Attributes:
        orderers: 1 .. MOST_ORDERERS, spare ones among them.
        members: orderers of every channel, the first ones; for BFT >= LEAST_OF_BFT.
        consensus: `RAFT`, or `BFT` (Fabric 3 alone).
        organisations: with peers, LEAST_ORGANISATIONS .. MOST_ORGANISATIONS.
        peers: of each of them, 1 .. MOST_PEERS.
        channels: their names.
        batch_timeout_ms: until a block is cut that is not full,
            SHORTEST_BATCH_MS .. LONGEST_BATCH_MS.
        batch_messages: transactions of a full block, 1 .. MOST_MESSAGES.
        execute_timeout_s: seconds that a chaincode has for an answer, 1 .. 600.
    """

    orderers: int = 1
    members: int = 1
    consensus: str = RAFT
    organisations: int = 2
    peers: int = 1
    channels: tuple[str, ...] = ("mychannel",)
    batch_timeout_ms: int = 200
    batch_messages: int = 100
    execute_timeout_s: int = 30

    def __post_init__(self) -> None:
        least = LEAST_OF_BFT if self.consensus == BFT else 1
        for what, had, lowest, highest in (
            ("orderers", self.orderers, 1, MOST_ORDERERS),
            ("members of a channel", self.members, least, self.orderers),
            ("organisations", self.organisations, LEAST_ORGANISATIONS, MOST_ORGANISATIONS),
            ("peers of an organisation", self.peers, 1, MOST_PEERS),
            ("channels", len(self.channels), 1, MOST_CHANNELS),
            ("batch timeout in ms", self.batch_timeout_ms, SHORTEST_BATCH_MS, LONGEST_BATCH_MS),
            ("messages of a block", self.batch_messages, 1, MOST_MESSAGES),
            ("seconds for a chaincode", self.execute_timeout_s, 1, 600),
        ):
            if not lowest <= had <= highest:
                needed = f"{lowest} .. {highest}" if lowest <= highest else f">= {lowest}"
                raise RefusedInput(f"number of {what}", who=WHO, had=had, needed=needed)
        if self.consensus not in (RAFT, BFT):
            raise _wrong("consensus", self.consensus, f"{RAFT} or {BFT}")
        for name in self.channels:
            if not CHANNEL.fits(name):
                raise _wrong("name of a channel", name[:80], CHANNEL.needed)
        if len(set(self.channels)) != len(self.channels):
            raise _wrong("names of channels", ", ".join(self.channels), "each once")

    @property
    def port_count(self) -> int:
        """How many ports its nodes listen on: three each, see `NodePlace`."""
        return 3 * (self.orderers + self.organisations * self.peers)

    def place(self, folder: Path, ports: Sequence[int]) -> Places:
        """Its nodes in a folder, each with ports.

        Args:
            folder: of the network.
            ports: `port_count` of them.

        Raises:
            RefusedInput: there are fewer, or more.
        """
        if len(ports) != self.port_count:
            raise _wrong("number of ports", len(ports), self.port_count)
        given = iter(zip(ports[::3], ports[1::3], ports[2::3], strict=True))
        root = folder / CRYPTO
        orderers = []
        for at in range(1, self.orderers + 1):
            home = organisation_that_orders(root)
            node = (f"orderer{at}", home, ORDERER_DOMAIN, ORDERER_MSP)
            orderers.append(OrdererPlace(*node, *next(given), is_member=at <= self.members))
        peers = []
        for at in range(1, self.organisations + 1):
            domain, msp_id = domain_of(at), msp_id_of(at)
            home = organisation_with_peers(root, domain)
            for host in (f"peer{number}" for number in range(self.peers)):
                peers.append(PeerPlace(host, home, domain, msp_id, *next(given)))
        return Places(tuple(orderers), tuple(peers))

    def as_facts(self) -> dict[str, Any]:
        """For a note."""
        return {**asdict(self), "channels": list(self.channels)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Plan:
        """Of a note.

        Raises:
            RefusedInput: they are those of no network.
        """
        try:
            return cls(**{**facts, "channels": tuple(facts["channels"])})
        except (TypeError, KeyError, AttributeError) as error:
            raise _wrong("what is noted of it", str(facts)[:200], "the fields of a plan") from error


@dataclass(frozen=True)
class NodePlace:
    """Where a node stands, and on which ports it listens.

    Attributes:
        FAMILY: folder of its organisation in which nodes of its kind stand.
        host: its name in its organisation.
        organisation: folder of its organisation.
        domain: of its organisation.
        msp_id: of its organisation.
        port: for everybody.
        own_port: of an orderer for its administrator, of a peer for chaincode that dials it.
        operations_port: health and metrics.
    """

    FAMILY: ClassVar[str]

    host: str
    organisation: Path
    domain: str
    msp_id: str
    port: int
    own_port: int
    operations_port: int

    @property
    def name(self) -> str:
        """Its name, which nobody else of the network has."""
        return f"{self.host}.{self.domain}"

    @property
    def admin_msp(self) -> Path:
        """Folder of its organisation's administrator."""
        return msp_of(self.organisation, ADMIN)

    @property
    def msp(self) -> Path:
        """Folder of its own identity."""
        return self.organisation / self.FAMILY / self.name / "msp"

    @property
    def tls(self) -> Path:
        """Folder with `server.crt`, `server.key` and `ca.crt`."""
        return self.msp.parent / "tls"


@dataclass(frozen=True)
class OrdererPlace(NodePlace):
    """Where an orderer stands.

    Attributes:
        is_member: of every channel, from its first block on; else it is spare.
    """

    FAMILY: ClassVar[str] = "orderers"

    is_member: bool


@dataclass(frozen=True)
class PeerPlace(NodePlace):
    """Where a peer stands."""

    FAMILY: ClassVar[str] = "peers"


@dataclass(frozen=True)
class Places:
    """All nodes of a network."""

    orderers: tuple[OrdererPlace, ...]
    peers: tuple[PeerPlace, ...]

    def __iter__(self) -> Iterator[OrdererPlace | PeerPlace]:
        yield from self.orderers
        yield from self.peers

    @property
    def members(self) -> tuple[OrdererPlace, ...]:
        """Orderers of the channels."""
        return tuple(each for each in self.orderers if each.is_member)

    @property
    def organisations(self) -> dict[str, tuple[PeerPlace, ...]]:
        """Peers of each organisation, by its MSP id."""
        return {
            peer.msp_id: tuple(each for each in self.peers if each.msp_id == peer.msp_id)
            for peer in self.peers
        }


def _wrong(what: str, had: object, needed: object) -> RefusedInput:
    return RefusedInput(f"{what} is wrong", who=WHO, had=had, needed=needed)
