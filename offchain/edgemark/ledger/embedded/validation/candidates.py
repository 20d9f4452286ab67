"""An envelope in a block, taken apart as far as a check looks into it.

Each part is parsed when it is first asked for, and once: what lies deeper than a failed check is
never read. Where a part may hold many, they are counted before they are parsed.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_pb2, transaction_pb2
from fabric_protos.peer import proposal_response_pb2 as response_pb2

from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.digests import compute_proposal_hash, compute_transaction_id
from edgemark.ledger.fabric.wire.envelopes import WHO, Event, parse_event
from edgemark.ledger.fabric.wire.limits import MAX_ENDORSEMENTS
from edgemark.ledger.fabric.wire.messages import (
    NANOSECONDS,
    parse,
    read_channel_header,
    read_signature_header,
)
from edgemark.ledger.fabric.wire.raw.counting import (
    MAX_OTHER_FIELDS,
    check_endorsed,
    check_fields,
    check_results,
)
from edgemark.ledger.fabric.wire.read_write_sets import NamespaceSet, parse_results


class Candidate:
    """A transaction that may count.

    Every property raises `MessageMalformed` where its part is no message of the protocol, and
    `TooManyParts` of these where it holds more than is looked at.
    """

    def __init__(self, raw: bytes) -> None:
        """Of an envelope, as it stands in the block."""
        self.raw = raw

    @cached_property
    def envelope(self) -> Any:
        """`Envelope`: payload and the creator's signature."""
        return parse(common_pb2.Envelope, self.raw, WHO)

    @cached_property
    def payload(self) -> Any:
        """`Payload`: header and data."""
        return parse(common_pb2.Payload, self.envelope.payload, WHO)

    @cached_property
    def channel_header(self) -> Any:
        """`ChannelHeader`."""
        return read_channel_header(self.payload, WHO)

    @cached_property
    def signature_header(self) -> Any:
        """`SignatureHeader`: creator and nonce."""
        return read_signature_header(self.payload, WHO)

    @cached_property
    def transaction_id(self) -> str:
        """As the header says it."""
        said: str = self.channel_header.tx_id
        return said

    @property
    def computed_id(self) -> str:
        """Of nonce and creator."""
        return compute_transaction_id(self.signature_header.nonce, self.signature_header.creator)

    @property
    def own_id(self) -> str:
        """Its id, where nonce and creator give it; "" where the header claims another's."""
        return self.transaction_id if self.transaction_id == self.computed_id else ""

    @property
    def timestamp_ns(self) -> int:
        """What its creator said the time was, Unix nanoseconds."""
        at = self.channel_header.timestamp
        found: int = at.seconds * NANOSECONDS + at.nanos
        return found

    @cached_property
    def actions(self) -> Any:
        """All `TransactionAction`s."""
        check_fields(self.payload.data, MAX_OTHER_FIELDS, WHO)
        return parse(transaction_pb2.Transaction, self.payload.data, WHO).actions

    @cached_property
    def action_header(self) -> Any:
        """`SignatureHeader` of the one action."""
        return parse(common_pb2.SignatureHeader, self.actions[0].header, WHO)

    @cached_property
    def asked(self) -> Any:
        """`ChaincodeActionPayload` of the one action: what was asked, and its endorsements."""
        raw = self.actions[0].payload
        check_endorsed(raw, MAX_ENDORSEMENTS)
        return parse(transaction_pb2.ChaincodeActionPayload, raw, WHO)

    @cached_property
    def signed(self) -> bytes:
        """What endorsers signed, before their own identity."""
        found: bytes = self.asked.action.proposal_response_payload
        return found

    @cached_property
    def response(self) -> Any:
        """`ProposalResponsePayload`."""
        return parse(response_pb2.ProposalResponsePayload, self.signed, WHO)

    @property
    def proposal_hash(self) -> bytes:
        """Of what was asked, as it stands in this envelope."""
        return compute_proposal_hash(
            self.payload.header.channel_header,
            self.actions[0].header,
            self.asked.chaincode_proposal_payload,
        )

    @cached_property
    def extension(self) -> Any:
        """`ChaincodeHeaderExtension`: which chaincode was asked."""
        return parse(proposal_pb2.ChaincodeHeaderExtension, self.channel_header.extension, WHO)

    @cached_property
    def action(self) -> Any:
        """`ChaincodeAction`: what endorsers answered."""
        if not self.response.extension:
            raise MessageMalformed("response is empty", who=WHO)
        return parse(proposal_pb2.ChaincodeAction, self.response.extension, WHO)

    @cached_property
    def sets(self) -> tuple[NamespaceSet, ...]:
        """What it read and wrote."""
        check_results(self.action.results)
        return parse_results(self.action.results)

    @cached_property
    def event(self) -> Event | None:
        """What it tells; None for nothing."""
        return parse_event(self.action.events)
