"""Transactions that are wrong in one thing each, and signed by whoever can sign them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, transaction_pb2
from fabric_protos.peer import proposal_response_pb2 as response_pb2
from tests.offchain.ledger.embedded.consortium import (
    Draft,
    firm,
    puts,
)

from edgemark.ledger.fabric.identities.signing import ORDER, Signer
from edgemark.ledger.fabric.wire.digests import compute_proposal_hash, compute_transaction_id
from edgemark.ledger.fabric.wire.envelopes import (
    Event,
    make_envelope,
    make_event,
)
from edgemark.ledger.fabric.wire.limits import (
    MAX_ENDORSEMENTS,
    MAX_EVENT_BYTES,
    MAX_KEYS_OF_TRANSACTION,
)

OTHER = "Org2MSP"


class Parts:
    """A transaction's messages, to be changed, and put together again."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.creator: Signer = draft.creator
        self.endorsers: Sequence[Signer] = draft.endorsers
        self.payload = common_pb2.Payload.FromString(
            common_pb2.Envelope.FromString(draft.envelope()).payload
        )
        self.channel = common_pb2.ChannelHeader.FromString(self.payload.header.channel_header)
        self.header = common_pb2.SignatureHeader.FromString(self.payload.header.signature_header)
        self.transaction = transaction_pb2.Transaction.FromString(self.payload.data)
        self.asked = transaction_pb2.ChaincodeActionPayload.FromString(
            self.transaction.actions[0].payload
        )
        self.response = response_pb2.ProposalResponsePayload.FromString(
            self.asked.action.proposal_response_payload
        )
        self.action = proposal_pb2.ChaincodeAction.FromString(self.response.extension)

    def envelope(self, *, endorse: bool = False) -> bytes:
        """The envelope, signed by `creator`; with `endorse` endorsers sign what was changed."""
        if endorse:
            self.response.extension = self.action.SerializeToString()
            signed = self.response.SerializeToString()
            self.asked.action.proposal_response_payload = signed
            del self.asked.action.endorsements[:]
            for each in self.endorsers:
                signature = each.sign(signed + each.identity)
                self.asked.action.endorsements.add(endorser=each.identity, signature=signature)
        if self.transaction.actions:
            self.transaction.actions[0].payload = self.asked.SerializeToString()
        self.payload.data = self.transaction.SerializeToString()
        self.payload.header.channel_header = self.channel.SerializeToString()
        self.payload.header.signature_header = self.header.SerializeToString()
        raw = self.payload.SerializeToString()
        return make_envelope(raw, self.creator.sign(raw))


def good(**changed: object) -> Draft:
    return Draft([puts({"k": b"v"})], **changed)  # type: ignore[arg-type]


def turned(signer: Signer) -> Signer:
    """The same peer, whose certificate has the other form of its CA's signature."""
    held = x509.load_pem_x509_certificate(signer.certificate)
    raw = held.public_bytes(Encoding.DER)
    r, s = decode_dss_signature(held.signature)
    other = encode_dss_signature(r, ORDER - s)
    assert raw.endswith(held.signature)
    # SEQUENCE { tbs, algorithm, BIT STRING { 0, signature } }, with new lengths
    algorithm = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
    inner = held.tbs_certificate_bytes + algorithm + bytes((3, len(other) + 1, 0)) + other
    der = b"\x30\x82" + len(inner).to_bytes(2, "big") + inner
    assert der != raw
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    return Signer(signer.msp_id, pem, signer.key)


def named(signer: Signer, identity: bytes) -> Draft:
    """A good transaction by somebody who says otherwise who it is."""
    made = Signer(signer.msp_id, signer.certificate, signer.key)
    made.__dict__["identity"] = identity  # where it is kept once it is made
    return good(creator=made)


def stolen_transaction(parts: Parts) -> bytes:
    """Another client signs the whole as its own: id and action stay the victim's."""
    parts.creator = firm(OTHER).client
    parts.header.creator, parts.header.nonce = parts.creator.identity, b"n" * 24
    return parts.envelope()


def id_of_another_nonce(parts: Parts) -> bytes:
    """Endorsed as it is: the id is all that is wrong."""
    parts.header.nonce = b"n" * 24
    header = parts.header.SerializeToString()
    parts.transaction.actions[0].header = header
    parts.response.proposal_hash = compute_proposal_hash(
        parts.channel.SerializeToString(), header, parts.asked.chaincode_proposal_payload
    )
    return parts.envelope(endorse=True)


def results_changed(parts: Parts) -> bytes:
    """The read-write set is changed and the envelope signed again, not the endorsements."""
    parts.action.results = b""
    parts.response.extension = parts.action.SerializeToString()
    parts.asked.action.proposal_response_payload = parts.response.SerializeToString()
    return parts.envelope()


def event_of_another(parts: Parts) -> bytes:
    event = Event("other", parts.draft.transaction_id, "paid", b"")
    parts.action.events = make_event(event)
    return parts.envelope(endorse=True)


def event_of_another_transaction(parts: Parts) -> bytes:
    parts.action.events = make_event(Event("code", "0" * 64, "paid", b""))
    return parts.envelope(endorse=True)


def namespace_twice(parts: Parts) -> bytes:
    results = rwset_pb2.TxReadWriteSet.FromString(parts.action.results)
    results.ns_rwset.append(results.ns_rwset[0])
    parts.action.results = results.SerializeToString()
    return parts.envelope(endorse=True)


def private_data(parts: Parts) -> bytes:
    results = rwset_pb2.TxReadWriteSet.FromString(parts.action.results)
    results.ns_rwset[0].collection_hashed_rwset.add(collection_name="secret")
    parts.action.results = results.SerializeToString()
    return parts.envelope(endorse=True)


def key_metadata(parts: Parts) -> bytes:
    results = rwset_pb2.TxReadWriteSet.FromString(parts.action.results)
    held = kv_rwset_pb2.KVRWSet.FromString(results.ns_rwset[0].rwset)
    held.metadata_writes.add(key="k")
    results.ns_rwset[0].rwset = held.SerializeToString()
    parts.action.results = results.SerializeToString()
    return parts.envelope(endorse=True)


def other_chaincode_ran(parts: Parts) -> bytes:
    parts.action.chaincode_id.name = "other"
    return parts.envelope(endorse=True)


def no_version(parts: Parts) -> bytes:
    parts.action.chaincode_id.version = ""
    return parts.envelope(endorse=True)


def no_chaincode(parts: Parts) -> bytes:
    parts.action.ClearField("chaincode_id")
    return parts.envelope(endorse=True)


def garbage(part: str) -> Callable[[Parts], bytes]:
    def change(parts: Parts) -> bytes:
        if part == "results":
            parts.action.results = b"\xff"
        else:
            parts.action.events = b"\xff"
        return parts.envelope(endorse=True)

    return change


def no_response(parts: Parts) -> bytes:
    parts.response.extension = b""
    signed = parts.response.SerializeToString()
    parts.asked.action.proposal_response_payload = signed
    return parts.envelope()


def set_header(name: str, value: Any) -> Callable[[Parts], bytes]:
    def change(parts: Parts) -> bytes:
        setattr(parts.channel, name, value)
        return parts.envelope()

    return change


def set_signature_header(name: str, value: Any) -> Callable[[Parts], bytes]:
    def change(parts: Parts) -> bytes:
        setattr(parts.header, name, value)
        return parts.envelope()

    return change


def set_actions(count: int) -> Callable[[Parts], bytes]:
    def change(parts: Parts) -> bytes:
        (action,) = parts.transaction.actions
        del parts.transaction.actions[:]
        parts.transaction.actions.extend([action] * count)
        return parts.envelope()

    return change


def no_action_creator(parts: Parts) -> bytes:
    parts.transaction.actions[0].header = b""
    return parts.envelope()


def signed_by_another(parts: Parts) -> bytes:
    parts.creator = firm(OTHER).client
    return parts.envelope()


def borders_moved(
    *,
    at_channel: bytes = b"",
    at_signature: bytes = b"",
    at_action: bytes = b"",
    at_end: bytes = b"",
) -> Callable[[Parts], bytes]:
    """Bytes behind the channel header, before each signature header, behind what was asked."""

    def change(parts: Parts) -> bytes:
        held = parts.payload.header
        header, asked = held.signature_header, parts.asked.chaincode_proposal_payload
        first, action, last = held.channel_header + at_channel, at_action + header, asked + at_end
        parts.response.proposal_hash = compute_proposal_hash(first, action, last)
        parts.transaction.actions[0].header = action
        parts.asked.chaincode_proposal_payload = last
        parts.envelope(endorse=True)
        held.channel_header, held.signature_header = first, at_signature + header
        raw = parts.payload.SerializeToString()
        return make_envelope(raw, parts.creator.sign(raw))

    return change


def asking(arguments: Sequence[bytes]) -> Callable[[Parts], bytes]:
    """Endorsers take what none of ours does."""

    def change(parts: Parts) -> bytes:
        asked = proposal_pb2.ChaincodeProposalPayload()
        call = chaincode_pb2.ChaincodeInvocationSpec()
        call.chaincode_spec.input.args.extend(arguments)
        asked.input = call.SerializeToString()
        header = parts.payload.header
        parts.asked.chaincode_proposal_payload = asked.SerializeToString()
        parts.response.proposal_hash = compute_proposal_hash(
            header.channel_header, header.signature_header, asked.SerializeToString()
        )
        return parts.envelope(endorse=True)

    return change


def many_namespaces(parts: Parts) -> bytes:
    results = rwset_pb2.TxReadWriteSet.FromString(parts.action.results)
    for each in range(MAX_KEYS_OF_TRANSACTION):
        results.ns_rwset.add(namespace=f"n{each}")
    parts.action.results = results.SerializeToString()
    return parts.envelope(endorse=True)


def long_event(parts: Parts) -> bytes:
    name = parts.draft.chaincode, parts.draft.transaction_id
    parts.action.events = make_event(Event(*name, "told", b"e" * MAX_EVENT_BYTES))
    return parts.envelope(endorse=True)


def many_endorsements(parts: Parts) -> bytes:
    for _ in range(MAX_ENDORSEMENTS):
        parts.asked.action.endorsements.add()
    return parts.envelope()


def arguments_gone(parts: Parts) -> bytes:
    """What was asked stands at the end of the action's header, and the block shows none of it."""
    action = parts.transaction.actions[0]
    action.header += parts.asked.chaincode_proposal_payload
    parts.asked.chaincode_proposal_payload = b""
    return parts.envelope()


def response_cut(parts: Parts) -> bytes:
    """What endorsers signed, cut at another place: its end stands before their identities."""
    parts.envelope(endorse=True)
    whole = parts.asked.action.proposal_response_payload
    begin = len(
        response_pb2.ProposalResponsePayload(
            proposal_hash=parts.response.proposal_hash
        ).SerializeToString()
    )
    parts.asked.action.proposal_response_payload = whole[:begin]
    for each in parts.asked.action.endorsements:
        each.endorser = whole[begin:] + each.endorser
    return parts.envelope()


def another_id(parts: Parts) -> bytes:
    """An endorsed transaction again, under the id that its proposal hid in its signature header."""
    header = parts.payload.header
    nonce = b"m" * 24
    hidden = common_pb2.ChannelHeader(
        tx_id=compute_transaction_id(nonce, parts.creator.identity)
    ).SerializeToString()
    asked = parts.asked.chaincode_proposal_payload
    parts.response.proposal_hash = compute_proposal_hash(
        header.channel_header, hidden + header.signature_header, asked
    )
    parts.transaction.actions[0].header = header.signature_header
    parts.header.nonce = nonce
    parts.envelope(endorse=True)
    header.channel_header += hidden
    raw = parts.payload.SerializeToString()
    return make_envelope(raw, parts.creator.sign(raw))
