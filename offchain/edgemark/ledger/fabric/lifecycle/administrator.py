"""What an organisation's administrator asks of `_lifecycle`.

Packages are installed at each peer, which is asked directly: that stands on no channel. All else
goes through the Gateway of the own organisation: an approval is endorsed by that one alone, a
commit by those that have approved.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.client.asking import Transmission
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.calls import make_signed
from edgemark.ledger.fabric.client.connection import credentials_of, explain_call, options_of
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.faults import (
    ChaincodeRefused,
    FirstCallMissing,
    LedgerSilent,
    NotEndorsed,
)
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.lifecycle import messages
from edgemark.ledger.fabric.packages.reading import Package, parse_package
from edgemark.ledger.fabric.profile.addresses import PeerAddress
from edgemark.ledger.fabric.wire.definitions import Approval, ChaincodeDefinition
from edgemark.ledger.fabric.wire.limits import NONCE_BYTES
from edgemark.ledger.fabric.wire.names import CONFIGURATION, LIFECYCLE
from edgemark.ledger.fabric.wire.proposals import make_proposal

PROCESS_PROPOSAL = "/protos.Endorser/ProcessProposal"
INSTALL_S = 90.0  # a peer asks its builders
LOOK_S = 0.25
ASKED = "org.hyperledger.fabric:GetMetadata"  # changes nothing, whether a chaincode knows it or not
# Words of an error that says only that nothing had to be done.
ALREADY_INSTALLED = "already successfully installed"
UNCHANGED = "unchanged content"


@dataclass(frozen=True)
class Administrator:
    """Who acts for an organisation.

    Attributes:
        client: of its administrator, on the channel.
        peers: of the organisation.
    """

    client: GatewayClient
    peers: Sequence[PeerAddress]

    @property
    def signer(self) -> Signer:
        """Who signs."""
        return self.client.desk.signer

    @property
    def msp_id(self) -> str:
        """Of its organisation."""
        return self.signer.msp_id

    def install(self, raw: bytes) -> Package:
        """Install a package at each peer of the organisation; where it is, it stays.

        Raises:
            RefusedInput: it is no package.
            ChaincodeRefused, IdentityRefused: a peer said no.
            LedgerSilent: one does not answer; those before it have the package.
        """
        package = parse_package(raw)
        for peer in self.peers:
            try:
                self._ask(peer, messages.install_arguments(raw))
            except ChaincodeRefused as refused:
                if ALREADY_INSTALLED not in str(refused.had):
                    raise
        return package

    def installed(self) -> dict[str, dict[str, str]]:
        """Packages of each peer: by its HOST:PORT, label by package id."""
        asked = messages.installed_arguments()
        return {peer.target: messages.read_installed(self._ask(peer, asked)) for peer in self.peers}

    def channels(self) -> tuple[str, ...]:
        """Names of the channels that the organisation's first peer has joined.

        Raises:
            ChaincodeRefused, IdentityRefused: it says no.
            LedgerSilent: it does not answer.
        """
        asked = messages.channels_arguments()
        return messages.read_channels(self._ask(self.peers[0], asked, CONFIGURATION))

    def approve(self, approved: Approval) -> bool:
        """Approve a definition for the organisation; False when it has done so before.

        Raises:
            ChaincodeRefused: it is not this one's turn, or not as it is committed.
            TransactionInvalid, LedgerSilent, IdentityRefused: see `GatewayClient.submit`.
        """
        own = Transmission(organisations=(self.msp_id,))
        try:
            self.client.submit(LIFECYCLE, *messages.approve_arguments(approved), sent=own)
        except (ChaincodeRefused, NotEndorsed) as refused:
            if UNCHANGED not in f"{refused.had} {_said(refused)}":
                raise
            return False
        return True

    def approved(self, name: str, sequence: int) -> Approval | None:
        """What the organisation approved as that definition; None for nothing."""
        asked = messages.approved_arguments(name, sequence)
        raw = self._query(asked, missing="could not fetch approved")
        return None if raw is None else messages.read_approved(name, raw)

    def readiness(self, wanted: ChaincodeDefinition) -> dict[str, str]:
        """By organisation of the channel, what it did not approve; empty where it approved all.

        Raises:
            ChaincodeRefused: another sequence is next.
        """
        asked = messages.readiness_arguments(wanted)
        own = Transmission(organisations=(self.msp_id,))
        return messages.read_readiness(self.client.evaluate(LIFECYCLE, *asked, sent=own))

    def commit(self, wanted: ChaincodeDefinition, endorsers: Sequence[str]) -> None:
        """Commit a definition.

        Args:
            wanted: as each of `endorsers` approved it.
            endorsers: MSP ids of those who endorse this.

        Raises:
            ChaincodeRefused, NotEndorsed: an organisation says no.
            TransactionInvalid, LedgerSilent, IdentityRefused: see `GatewayClient.submit`.
        """
        sent = Transmission(organisations=tuple(endorsers))
        self.client.submit(LIFECYCLE, *messages.commit_arguments(wanted), sent=sent)

    def definition(self, name: str) -> ChaincodeDefinition | None:
        """What is committed under a name; None for nothing."""
        raw = self._query(messages.definition_arguments(name), missing="is not defined")
        return None if raw is None else messages.read_definition(name, raw)

    def definitions(self) -> tuple[ChaincodeDefinition, ...]:
        """All that is committed on the channel."""
        raw = self.client.evaluate(LIFECYCLE, *messages.definitions_arguments())
        return messages.read_definitions(raw)

    def wait_until_endorsed(self, name: str, endorsers: Sequence[str], limit_s: float) -> None:
        """Wait until these organisations answer for a chaincode: their peers, and its processes.

        Args:
            name: of the chaincode.
            endorsers: MSP ids; each of them has to answer.
            limit_s: longest time.

        Raises:
            NotEndorsed, LedgerSilent: they did not in time; with what was said last.
        """
        deadline = time.monotonic() + limit_s
        for msp_id in endorsers:
            while not self._answers(name, msp_id, is_last=time.monotonic() > deadline):
                time.sleep(LOOK_S)

    def _answers(self, name: str, msp_id: str, *, is_last: bool) -> bool:
        sent = Transmission(organisations=(msp_id,))
        try:
            try:
                self.client.endorse(name, ASKED, sent=sent)
            except FirstCallMissing:  # the peer alone said so; what is endorsed changes nothing
                self.client.endorse(name, ASKED, sent=sent, is_init=True)
        except ChaincodeRefused:
            return True  # the chaincode itself said so
        except (NotEndorsed, LedgerSilent):
            if is_last:
                raise
            return False
        return True

    def _query(self, asked: Sequence[bytes], missing: str) -> bytes | None:
        own = Transmission(organisations=(self.msp_id,))
        try:
            return self.client.evaluate(LIFECYCLE, *asked, sent=own)
        except (ChaincodeRefused, NotEndorsed) as refused:
            if missing in f"{refused.had} {_said(refused)}":
                return None
            raise

    def _ask(
        self, peer: PeerAddress, arguments: Sequence[bytes], chaincode: str = LIFECYCLE
    ) -> bytes:
        """What a peer answers that is asked directly; it stands on no channel."""
        proposal = make_proposal(
            "",
            chaincode,
            arguments,
            creator=self.signer.identity,
            nonce=Randomness().octets(NONCE_BYTES),
            timestamp_ns=time.time_ns(),
        )
        request = make_signed(proposal, self.signer.sign(proposal)).SerializeToString()
        with grpc.secure_channel(peer.target, credentials_of(peer), options_of(peer)) as channel:
            ask: Any = channel.unary_unary(PROCESS_PROPOSAL)  # bytes to bytes
            try:
                raw = ask(request, timeout=INSTALL_S)
            except grpc.RpcError as error:
                raise explain_call(Asking.ENDORSE, error, peer.target) from error
        return messages.read_response(raw, f"peer {peer.target} of {self.msp_id}")


def _said(error: EdgemarkError) -> str:
    endorsers = getattr(error, "endorsers", ())
    return " ".join(each.message for each in endorsers)
