"""A ledger that serves over gRPC and TLS, ours or Fabric's, and users who speak in messages."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2
from tests.offchain.ledger.embedded.package_maker import make_package

from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.embedded.running.place import Served
from edgemark.ledger.embedded.running.thread import LedgerThread
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.network.network import network_up
from edgemark.ledger.fabric.network.plan import Plan
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.details import TRAILER, parse_details
from edgemark.ledger.fabric.wire.digests import compute_transaction_id
from edgemark.ledger.fabric.wire.policy.policies import Policy, make_policy
from edgemark.ledger.fabric.wire.proposals import make_proposal
from edgemark.transport.ports import hold_ports
from edgemark_chaincode.shim.interface import Chaincode
from edgemark_chaincode.shim.server import ChaincodeServer

ORG1, ORG2 = "Org1MSP", "Org2MSP"
CHANNEL = "mychannel"
WAIT_S = 30.0
Elsewhere = Callable[[str, str], None]  # starts a program, told its package id and HOST:PORT
BY_GOSSIP_S = 30.0  # until Gateways of Fabric know who runs a new chaincode

T = TypeVar("T")


@dataclass(frozen=True)
class Proposed:
    """A signed proposal."""

    channel: str
    transaction_id: str
    signed: Any


@dataclass
class User:
    """Somebody who asks one Gateway, in messages."""

    signer: Signer
    channel: grpc.Channel
    name: str = CHANNEL

    def propose(
        self,
        chaincode: str,
        *arguments: bytes | str,
        ahead_s: float = 0,
        transient: Mapping[str, bytes] | None = None,
        signature: bytes | None = None,
        channel: str | None = None,
    ) -> Proposed:
        nonce, creator = os.urandom(24), self.signer.identity
        on = self.name if channel is None else channel
        raw = make_proposal(
            on,
            chaincode,
            [each.encode() if isinstance(each, str) else each for each in arguments],
            creator=creator,
            nonce=nonce,
            timestamp_ns=time.time_ns() + int(ahead_s * 10**9),
            transient=transient,
        )
        signed = proposal_pb2.SignedProposal(
            proposal_bytes=raw, signature=self.signer.sign(raw) if signature is None else signature
        )
        return Proposed(on, compute_transaction_id(nonce, creator), signed)

    def evaluate(self, proposed: Proposed, targets: Sequence[str] = ()) -> Any:
        request = gateway_pb2.EvaluateRequest(
            transaction_id=proposed.transaction_id,
            channel_id=proposed.channel,
            proposed_transaction=proposed.signed,
            target_organizations=list(targets),
        )
        return self.call("Evaluate", request, gateway_pb2.EvaluateResponse).result

    def endorse(self, proposed: Proposed, organisations: Sequence[str] = ()) -> Any:
        request = gateway_pb2.EndorseRequest(
            transaction_id=proposed.transaction_id,
            channel_id=proposed.channel,
            proposed_transaction=proposed.signed,
            endorsing_organizations=list(organisations),
        )
        answer = self.call("Endorse", request, gateway_pb2.EndorseResponse)
        return answer.prepared_transaction

    def sign(self, envelope: Any) -> Any:
        return common_pb2.Envelope(
            payload=envelope.payload, signature=self.signer.sign(envelope.payload)
        )

    def submit(self, envelope: Any, transaction_id: str = "", channel: str | None = None) -> None:
        request = gateway_pb2.SubmitRequest(
            transaction_id=transaction_id,
            channel_id=self.name if channel is None else channel,
            prepared_transaction=envelope,
        )
        self.call("Submit", request, gateway_pb2.SubmitResponse)

    def status(
        self, transaction_id: str, wait_s: float = WAIT_S, channel: str | None = None
    ) -> tuple[Code, int]:
        request = gateway_pb2.CommitStatusRequest(
            transaction_id=transaction_id,
            channel_id=self.name if channel is None else channel,
            identity=self.signer.identity,
        ).SerializeToString()
        signed = gateway_pb2.SignedCommitStatusRequest(
            request=request, signature=self.signer.sign(request)
        )
        answer = self.call("CommitStatus", signed, gateway_pb2.CommitStatusResponse, wait_s)
        return Code(answer.result), answer.block_number

    def do(
        self, chaincode: str, *arguments: bytes | str, organisations: Sequence[str] = ()
    ) -> tuple[Code, str]:
        """Endorse, submit, wait."""
        proposed = self.propose(chaincode, *arguments)
        self.submit(self.sign(self.endorse(proposed, organisations)))
        return self.status(proposed.transaction_id)[0], proposed.transaction_id

    def process(self, proposed: Proposed) -> Any:
        kind = proposal_response_pb2.ProposalResponse
        path = "/protos.Endorser/ProcessProposal"
        return self.ask(path, proposed.signed, kind)

    def call(self, method: str, message: Any, kind: Any, wait_s: float = WAIT_S) -> Any:
        return self.ask(f"/gateway.Gateway/{method}", message, kind, wait_s)

    def ask(self, path: str, message: Any, kind: Any, wait_s: float = WAIT_S) -> Any:
        raw = self.channel.unary_unary(path)(message.SerializeToString(), timeout=wait_s)
        return kind.FromString(raw)


def details_of(error: grpc.RpcError) -> list[tuple[str, str]]:
    """(MSP id, words) of each endorser in a refusal."""
    trailers = dict(error.trailing_metadata())
    raw = trailers.get(TRAILER, b"")
    return [(each.msp_id, each.message) for each in parse_details(raw)] if raw else []


class LoopThread:
    """A loop in a thread, for processes of chaincode that need none of their own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@dataclass
class LedgerWorld:
    """A ledger, its identities, and chaincodes of it that run in this process.

    Attributes:
        folders: of all organisations, by MSP id.
        ports: of their servers, by MSP id.
        thread: of the development ledger; None for Fabric.
    """

    folders: Mapping[str, OrganisationFolder]
    ports: Mapping[str, int]
    thread: LedgerThread | None = None
    servers: list[ChaincodeServer] = field(default_factory=list)
    served: list[tuple[Chaincode, str, str]] = field(default_factory=list)
    channels: list[grpc.Channel] = field(default_factory=list)
    loop: LoopThread = field(default_factory=LoopThread)

    @property
    def development(self) -> LedgerThread:
        assert self.thread is not None
        return self.thread

    def signer(self, msp_id: str = ORG1, name: str = "User1") -> Signer:
        folder = self.folders[msp_id]
        return folder.signer(folder.path / "users" / f"{name}@{folder.domain}" / "msp")

    def user(
        self, msp_id: str = ORG1, name: str = "User1", at: str | None = None, on: str = CHANNEL
    ) -> User:
        return User(self.signer(msp_id, name), self.channel(at or msp_id), on)

    def channel(self, msp_id: str) -> grpc.Channel:
        credentials = grpc.ssl_channel_credentials(self.folders[msp_id].tls().root)
        target = f"localhost:{self.ports[msp_id]}"
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
        ]
        made = grpc.secure_channel(target, credentials, options=options)
        self.channels.append(made)
        return made

    def deploy(
        self,
        name: str,
        chaincodes: Mapping[str, Chaincode | Elsewhere],
        *,
        sequence: int = 1,
        policy: Policy | None = None,
        on: str = CHANNEL,
    ) -> None:
        """Install, approve and commit a chaincode, with a server or a program for each of these."""
        said: dict[str, Any] = {"name": name, "version": str(sequence), "sequence": sequence}
        if policy is not None:
            said["validation_parameter"] = make_policy(policy)
        for msp_id, chaincode in chaincodes.items():
            package_id = self._install(f"{name}_{sequence}_{msp_id}", msp_id, chaincode)
            approval = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(**said)
            approval.source.local_package.package_id = package_id
            function = "ApproveChaincodeDefinitionForMyOrg"
            self._agree(function, approval, msp_id, on, organisations=[msp_id])
        commit = lifecycle_pb2.CommitChaincodeDefinitionArgs(**said)
        first = next(iter(chaincodes))
        both = list(self.folders)[:2]
        self._agree("CommitChaincodeDefinition", commit, first, on, organisations=both)
        if self.thread is None:
            for msp_id in chaincodes:
                self._wait_until_known(name, msp_id, on)

    def _agree(
        self, function: str, message: Any, msp_id: str, on: str, organisations: Sequence[str]
    ) -> None:
        admin, raw = self.user(msp_id, "Admin", on=on), message.SerializeToString()

        def agree() -> Code:
            return admin.do("_lifecycle", function, raw, organisations=organisations)[0]

        code = self._when_known(agree)
        assert code is Code.VALID, code

    def _wait_until_known(self, name: str, msp_id: str, on: str) -> None:
        user = self.user(msp_id, on=on)

        def ask() -> None:
            try:
                user.endorse(user.propose(name, "put", "known", "yes"))
            except grpc.RpcError as error:  # of a chaincode that has no such function
                if not any("chaincode response" in words for _, words in details_of(error)):
                    raise

        self._when_known(ask)

    def _when_known(self, does: Callable[[], T]) -> T:
        """Do it as soon as Gateways of Fabric know each other; ours need no such time."""
        until = time.monotonic() + BY_GOSSIP_S
        while True:
            try:
                return does()
            except grpc.RpcError as error:
                early = (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.UNAVAILABLE)
                is_early = error.code() in early and self.thread is None
                if not is_early or time.monotonic() > until:
                    raise
                time.sleep(0.25)

    def _install(self, label: str, msp_id: str, chaincode: Chaincode | Elsewhere) -> str:
        with hold_ports(1) as held:
            address = f"127.0.0.1:{held.numbers[0]}"
        is_here = isinstance(chaincode, Chaincode)  # then it serves before anybody dials
        facts = {"dial_timeout": "2s" if is_here else "10s", "tls_required": False}
        raw = make_package(label, connection={"address": address, **facts})
        admin = self.user(msp_id, "Admin")
        asked = lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=raw)
        proposed = admin.propose(
            "_lifecycle", "InstallChaincode", asked.SerializeToString(), channel=""
        )
        response = admin.process(proposed).response
        assert response.status == 200, response.message
        told = lifecycle_pb2.InstallChaincodeResult.FromString(response.payload)
        if isinstance(chaincode, Chaincode):
            self.served.append((chaincode, told.package_id, address))
            server = ChaincodeServer(*self.served[-1])
            self.servers.append(server)
            self.loop.run(server.start())
        else:
            chaincode(told.package_id, address)
        return str(told.package_id)

    def stop_servers(self) -> None:
        """The chaincodes that run in this process are away until `start_servers`."""
        self.loop.run(self._stop())

    def start_servers(self) -> None:
        """They are back, at the addresses of their packages."""
        self.servers[:] = [ChaincodeServer(*each) for each in self.served]
        for server in self.servers:
            self.loop.run(server.start())

    def close(self) -> None:
        for channel in self.channels:
            channel.close()
        if self.thread is not None:
            self.thread.close()
        self.loop.run(self._stop())
        self.loop.close()

    async def _stop(self) -> None:
        await asyncio.gather(*(server.stop(0) for server in self.servers))


@contextmanager
def development_ledger(folder: Path, organisations: int = 2, **facts: Any) -> Iterator[LedgerWorld]:
    """A development ledger that serves meanwhile."""
    thread = LedgerThread(folder, organisations, Served(**{"metrics_port": -1, **facts}))
    known = thread.ledger.organisations
    folders = {**known.peers, known.orderer.msp_id: known.orderer}
    world = LedgerWorld(folders, thread.ledger.ports, thread)
    try:
        yield world
    finally:
        world.close()


@contextmanager
def fabric_ledger(folder: Path, **facts: Any) -> Iterator[LedgerWorld]:
    """A network of Fabric's own programs."""
    plan = Plan(**facts)
    with hold_ports(plan.port_count) as held:
        network = network_up(folder, plan, held.numbers, stays=False)
    with network:
        places = [*network.places.peers, *network.places.orderers]
        folders = {
            each.msp_id: OrganisationFolder(each.organisation, each.msp_id) for each in places
        }
        world = LedgerWorld(folders, {each.msp_id: each.port for each in places})
        try:
            yield world
        finally:
            world.close()
