"""Two organisations with endorsers, channels in memory and real chaincode processes over gRPC."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fabric_protos.peer import proposal_pb2
from tests.offchain.ledger.embedded.kept_channels import KeptChannel

from edgemark.ledger.embedded.link.links import Links
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.simulation.endorsing import Endorsed, Endorser
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.packages.connection import Connection
from edgemark.ledger.fabric.wire.proposals import Proposal, make_proposal, parse_proposal
from edgemark_chaincode.shim.interface import Chaincode
from edgemark_chaincode.shim.server import ChaincodeServer, ServerTls

ORG1, ORG2 = "Org1MSP", "Org2MSP"
CHANNEL = "market"


def package_id_of(name: str) -> str:
    return f"{name}_1:{'0' * 64}"


def client_of(organisations: Organisations, msp_id: str, name: str = "User1") -> Signer:
    folder = organisations.folder_of(msp_id)
    one = next(each for each in folder.identities() if each.name == name)
    return folder.signer(one.folder / "msp")


@dataclass
class World:
    """What a test has.

    Attributes:
        organisations: of the ledger.
        channels: by name.
        links, endorser: of the ledger.
        connections: where processes listen, by (MSP id, package id).
    """

    organisations: Organisations
    channels: dict[str, KeptChannel]
    links: Links
    endorser: Endorser
    connections: dict[tuple[str, str], Connection] = field(default_factory=dict)

    def ask(
        self,
        chaincode: str,
        *arguments: bytes | str,
        channel: str = CHANNEL,
        by: Signer | None = None,
        transient: Mapping[str, bytes] | None = None,
    ) -> tuple[Proposal, bytes, Signer]:
        signer = by or client_of(self.organisations, ORG1)
        raw = make_proposal(
            channel,
            chaincode,
            [each.encode() if isinstance(each, str) else each for each in arguments],
            creator=signer.identity,
            nonce=os.urandom(24),
            timestamp_ns=time.time_ns(),
            transient=transient,
        )
        signed = proposal_pb2.SignedProposal(proposal_bytes=raw, signature=signer.sign(raw))
        return parse_proposal(raw), signed.SerializeToString(), signer

    async def endorse(
        self,
        chaincode: str,
        *arguments: bytes | str,
        channel: str = CHANNEL,
        at: str = ORG1,
        by: Signer | None = None,
        transient: Mapping[str, bytes] | None = None,
    ) -> Endorsed:
        asked = self.ask(chaincode, *arguments, channel=channel, by=by, transient=transient)
        return await self.put_to(asked, at)

    async def put_to(self, asked: tuple[Proposal, bytes, Signer], at: str = ORG1) -> Endorsed:
        """Have one organisation endorse what was asked."""
        proposal, signed, signer = asked
        member = self.organisations.organisations[signer.msp_id].admit(signer.identity, at=None)
        ground = self.channels.get(proposal.channel)
        view = None if ground is None else ground.view()
        try:
            return await self.endorser.endorse(proposal, signed, member, ground, view, at)
        finally:
            if view is not None:
                assert not view.open_ranges
                view.close()

    async def do(self, chaincode: str, *arguments: bytes | str, at: str = ORG1) -> bytes:
        """Have it endorsed and written; what the chaincode answered."""
        endorsed = await self.endorse(chaincode, *arguments, at=at)
        assert endorsed.simulated.is_good, endorsed.simulated.message
        self.channels[CHANNEL].commit(endorsed.simulated.results)
        return endorsed.simulated.response

    @asynccontextmanager
    async def running(
        self,
        name: str,
        chaincode: Chaincode,
        *,
        by: tuple[str, ...] = (ORG1,),
        tls: ServerTls | None = None,
        connection: Mapping[str, object] | None = None,
        channels: tuple[str, ...] = (CHANNEL,),
    ) -> AsyncIterator[ChaincodeServer]:
        """Serve a chaincode, agreed on and approved by some organisations."""
        package_id = package_id_of(name)
        server = ChaincodeServer(chaincode, package_id, "127.0.0.1:0", tls)
        address = await server.start()
        try:
            self.know(name, address, by, connection)
            for channel in channels:
                self.channels[channel].define(name, {each: package_id for each in by})
            yield server
        finally:
            await self.links.close()  # else the server waits for its streams
            await server.stop(0)

    def know(
        self,
        name: str,
        address: str,
        by: tuple[str, ...] = (ORG1,),
        connection: Mapping[str, object] | None = None,
    ) -> None:
        """Have organisations install a package that says where its process listens."""
        for each in by:
            where = Connection(address, **dict(connection or {}))  # type: ignore[arg-type]
            self.connections[each, package_id_of(name)] = where


@asynccontextmanager
async def endorsing(
    made: Path,
    *,
    timeout_s: float = 20.0,
    keepalive_s: float = 0.0,
    channels: tuple[str, ...] = (CHANNEL,),
) -> AsyncIterator[World]:
    """A world on organisations made before."""
    organisations = Organisations.open(made)
    grounds = {each: KeptChannel(each, organisations.organisations) for each in channels}
    connections: dict[tuple[str, str], Connection] = {}
    links = Links(
        lambda msp_id, package_id: connections[msp_id, package_id],
        timeout_s=timeout_s,
        keepalive_s=keepalive_s,
    )
    endorser = Endorser(grounds, links, {}, organisations.peer_signer)
    try:
        yield World(organisations, grounds, links, endorser, connections)
    finally:
        await links.close()
