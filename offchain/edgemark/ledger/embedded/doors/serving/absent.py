"""Services of Fabric that a port of this ledger does not have: refused by name, with what to do.

gRPC alone would say "Method not found!" and nothing else. The code stays UNIMPLEMENTED, by which
clients tell a server that lacks a service from one that fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc

from edgemark.ledger.embedded.doors.serving.instruments import DoorInstruments

NOT_HERE = {  # service, or one method of it: what it is, and what to do
    "discovery.Discovery": (
        "service discovery",
        "turn discovery off in the client, and name the peers by a connection profile "
        "(`edgemark ledger profile`)",
    ),
    "gossip.Gossip": ("gossip", "one process holds all peers: there is nothing to tell them"),
    "protos.Deliver/DeliverWithPrivateData": ("private data", "ask Deliver for blocks without it"),
    "protos.Snapshot": ("Fabric's snapshots of a peer", "see `edgemark ledger snapshot`"),
    "protos.ChaincodeSupport": (
        "chaincode that dials its peer",
        "run it as a service, as `edgemark ledger chaincode run` does: the ledger dials it",
    ),
    "orderer.Cluster": ("several orderers", "one process orders; a network has several"),
    "orderer.ClusterNodeService": ("several orderers", "one process orders; a network has several"),
}
ELSEWHERE = {  # of a ledger, at another port
    "gateway.Gateway": "a peer",
    "protos.Endorser": "a peer",
    "protos.Deliver": "a peer",
    "orderer.AtomicBroadcast": "the orderer",
}


class AbsentServices(grpc.GenericRpcHandler):
    """Answers what no other handler of a port does; it stands behind all of them.

    Args:
        served: services that the port has: an unknown method of those is left to gRPC.
        instruments: that count refusals.
    """

    def __init__(self, served: frozenset[str], instruments: DoorInstruments) -> None:
        self._served = served
        self._instruments = instruments

    def service(self, handler_call_details: Any) -> Any:
        """What refuses a call of a service that is not here; None for one that nobody knows."""
        path: str = handler_call_details.method.removeprefix("/")
        service = path.partition("/")[0]
        known = path if path in NOT_HERE else service
        if known in NOT_HERE:
            what, remedy = NOT_HERE[known]
            return self._refuses(known, f"{what} is not in the development ledger; {remedy}")
        if service in ELSEWHERE and service not in self._served:
            where = ELSEWHERE[service]
            text = f"{service} is not at this port; ask that of {where} (`edgemark ledger status`)"
            return self._refuses(service, text)
        return None

    def _refuses(self, path: str, text: str) -> Any:
        async def refuse(_: AsyncIterator[bytes], context: Any) -> None:
            self._instruments.note_refusal(path, grpc.StatusCode.UNIMPLEMENTED.name)
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, text)

        return grpc.stream_stream_rpc_method_handler(refuse)  # one message is a stream too
