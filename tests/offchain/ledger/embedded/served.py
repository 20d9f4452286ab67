"""A ledger that serves over real gRPC and TLS, and a user who speaks to it in messages."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2
from tests.offchain.ledger.embedded.package_maker import make_package

from edgemark.ledger.embedded.running.place import Served
from edgemark.ledger.embedded.running.thread import LedgerThread
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.details import TRAILER, parse_details
from edgemark.ledger.fabric.wire.digests import compute_transaction_id
from edgemark.ledger.fabric.wire.proposals import make_proposal
from edgemark_chaincode.shim.interface import Chaincode
from edgemark_chaincode.shim.server import ChaincodeServer

ORG1, ORG2 = "Org1MSP", "Org2MSP"
CHANNEL = "mychannel"
WAIT_S = 30.0
Elsewhere = Callable[[str, str], None]  # starts a program, told its package id and HOST:PORT


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


@dataclass
class ServedLedger:
    """A ledger, and chaincodes of it that run in the same loop."""

    thread: LedgerThread
    servers: list[ChaincodeServer] = field(default_factory=list)
    channels: list[grpc.Channel] = field(default_factory=list)

    def user(
        self, msp_id: str = ORG1, name: str = "User1", at: str | None = None, on: str = CHANNEL
    ) -> User:
        folder = self.thread.ledger.organisations.folder_of(msp_id)
        signer = folder.signer(folder.path / "users" / f"{name}@{folder.domain}" / "msp")
        return User(signer, self.channel(at or msp_id), on)

    def channel(self, msp_id: str) -> grpc.Channel:
        folder = self.thread.ledger.organisations.folder_of(msp_id)
        credentials = grpc.ssl_channel_credentials(folder.tls().root)
        target = f"localhost:{self.thread.ledger.ports[msp_id]}"
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
        made = grpc.secure_channel(target, credentials, options=options)
        self.channels.append(made)
        return made

    def deploy(
        self,
        name: str,
        chaincodes: Mapping[str, Chaincode | Elsewhere],
        *,
        sequence: int = 1,
        policy: Any = None,
        on: str = CHANNEL,
    ) -> None:
        """Install, approve and commit a chaincode, with a server or a program for each of these."""
        said = {"name": name, "version": str(sequence), "sequence": sequence}
        if policy is not None:
            said["validation_parameter"] = policy
        for msp_id, chaincode in chaincodes.items():
            package_id = self._install(name, msp_id, chaincode)
            approval = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(**said)
            approval.source.local_package.package_id = package_id
            admin = self.user(msp_id, "Admin", on=on)
            function = "ApproveChaincodeDefinitionForMyOrg"
            code, _ = admin.do(
                "_lifecycle", function, approval.SerializeToString(), organisations=[msp_id]
            )
            assert code is Code.VALID, code
        commit = lifecycle_pb2.CommitChaincodeDefinitionArgs(**said)
        admin = self.user(next(iter(chaincodes)), "Admin", on=on)
        code, _ = admin.do("_lifecycle", "CommitChaincodeDefinition", commit.SerializeToString())
        assert code is Code.VALID, code

    def _install(self, name: str, msp_id: str, chaincode: Chaincode | Elsewhere) -> str:
        address = f"127.0.0.1:{_free_port()}"
        raw = make_package(f"{name}_{msp_id}", connection={"address": address})
        admin = self.user(msp_id, "Admin")
        asked = lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=raw)
        proposed = admin.propose(
            "_lifecycle", "InstallChaincode", asked.SerializeToString(), channel=""
        )
        response = admin.process(proposed).response
        assert response.status == 200, response.message
        told = lifecycle_pb2.InstallChaincodeResult.FromString(response.payload)
        if isinstance(chaincode, Chaincode):
            server = ChaincodeServer(chaincode, told.package_id, address)
            self.servers.append(server)
            self.thread.run(server.start())
        else:
            chaincode(told.package_id, address)
        return str(told.package_id)

    def close(self) -> None:
        for channel in self.channels:
            channel.close()
        self.thread.run(self._stop())
        self.thread.close()

    async def _stop(self) -> None:
        await self.thread.ledger.endorsers.links.close()
        await asyncio.gather(*(server.stop(0) for server in self.servers))


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(folder: Path, organisations: int = 2, **facts: Any) -> Iterator[ServedLedger]:
    """A ledger that serves meanwhile."""
    as_what = Served(**{"metrics_port": -1, **facts})
    ledger = ServedLedger(LedgerThread(folder, organisations, as_what))
    try:
        yield ledger
    finally:
        ledger.close()
