"""What a chaincode may ask: the interface of `fabric-chaincode-python`, names and all.

Reads never see what the call itself wrote: a ledger answers from the state below all calls. A peer
that answers with an error raises `LedgerRefused`; a key that is not there is an empty value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from fabric_protos.peer import chaincode_event_pb2, chaincode_pb2, proposal_response_pb2
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark_chaincode.shim import composite_keys
from edgemark_chaincode.shim.call import Call, SignedProposal, find_chaincode, parse_of_peer
from edgemark_chaincode.shim.composite_keys import (
    FIRST_PLAIN,
    NAMESPACE,
    check_key,
    encode_text,
    encode_value,
)
from edgemark_chaincode.shim.creator import ClientIdentity
from edgemark_chaincode.shim.faults import CallRefused, LedgerRefused, NotInShim
from edgemark_chaincode.shim.interface import (
    ERROR,
    OK,
    KeyModification,
    KeyValue,
    Response,
    Timestamp,
)
from edgemark_chaincode.shim.iterators import (
    RowIterator,
    parse_key_value,
    parse_modification,
)
from edgemark_chaincode.shim.limits import (
    MAX_ARGUMENTS,
    MAX_EVENT_BYTES,
    MAX_EVENT_NAME,
    MAX_ITERATORS,
    MAX_PAGE,
    MAX_VALUE_BYTES,
    MAX_WORDS,
)
from edgemark_chaincode.shim.transaction import Transaction

Row = TypeVar("Row")
_KIND = protocol.ChaincodeMessage
_LIFECYCLE, _QUERY = "_lifecycle", "QueryChaincodeDefinition"


_PRIVATE = (
    "private data",
    "Give what is secret as transient data, and write its digest with put_state.",
)
_POLICIES = (
    "endorsement policies of keys",
    "Let the policy of the chaincode decide (deploy --policy), or a chaincode of its own.",
)


def _lacks(name: str, what: str, remedy: str) -> Callable[..., NoReturn]:
    """A function of the stub that refuses, by name, what this shim lacks."""

    def refuse(_stub: ChaincodeStub, *_given: object, **_named: object) -> NoReturn:
        raise NotInShim(f"is not there: this shim has no {what}", who=f"stub.{name}", remedy=remedy)

    refuse.__name__ = name
    refuse.__doc__ = f"Raises `NotInShim`: there are no {what}."
    return refuse


class ChaincodeStub:
    """One call, as its chaincode sees it.

    Args:
        call: what was asked.
        transaction: by which the peer is asked.
    """

    def __init__(self, call: Call, transaction: Transaction) -> None:
        self._call = call
        self._transaction = transaction
        self._event: Any = None
        self._iterators: list[RowIterator[Any]] = []

    # What the call says.

    def get_args(self) -> list[bytes]:
        """The arguments as they were sent; the first is the function's name."""
        return list(self._call.arguments)

    def get_string_args(self) -> list[str]:
        """The arguments as text.

        Raises:
            CallRefused: one is no UTF-8.
        """
        try:
            return [argument.decode() for argument in self._call.arguments]
        except UnicodeDecodeError as fault:
            raise CallRefused("is no UTF-8", who="argument", needed="text") from fault

    def get_function_and_parameters(self) -> tuple[str, list[str]]:
        """Name of the function, and the other arguments as text.

        Raises:
            CallRefused: there is no argument, or one is no UTF-8.
        """
        arguments = self.get_string_args()
        if not arguments:
            raise CallRefused("names no function", who="call", needed="at least one argument")
        return arguments[0], arguments[1:]

    def get_txid(self) -> str:
        """Id of the transaction, 64 hex digits."""
        return self._call.tx_id

    get_tx_id = get_txid

    def get_channel_id(self) -> str:
        """Name of the channel."""
        return self._call.channel

    def get_creator(self) -> dict[str, str | bytes]:
        """Who signed the proposal: `mspid`, and `idBytes`, the PEM of the certificate."""
        client = self._call.proven.client
        return {"mspid": client.msp_id, "idBytes": client.certificate_pem}

    def get_client_identity(self) -> ClientIdentity:
        """Who signed the proposal, with role and attributes of the certificate."""
        return self._call.proven.client

    def get_transient(self) -> Mapping[str, bytes]:
        """What the client gave to endorsers alone."""
        return dict(self._call.proven.transient)

    def get_tx_timestamp(self) -> Timestamp:
        """What the client says the time is; peers hold it within 15 minutes of theirs."""
        return self._call.proven.timestamp

    def get_signed_proposal(self) -> SignedProposal:
        """The proposal as its client signed it."""
        return self._call.proven.proposal

    def get_binding(self) -> bytes:
        """SHA-256 of nonce, creator and epoch of the proposal."""
        return self._call.proven.binding

    # One key.

    async def get_state(self, key: str) -> bytes:
        """The value of a key; empty when there is none."""
        check_key(key)
        return await self._ask(_KIND.GET_STATE, protocol.GetState(key=key))

    async def put_state(self, key: str, value: bytes | str) -> None:
        """Write a value; a ledger keeps no empty one.

        Raises:
            CallRefused: the key is none, or the value is neither bytes nor text, empty, too large.
        """
        check_key(key)
        raw = encode_value(value, "value")
        if not 1 <= len(raw) <= MAX_VALUE_BYTES:
            had = f"{len(raw)} bytes"
            raise CallRefused("has a wrong size", who="value", had=had, needed=MAX_VALUE_BYTES)
        await self._ask(_KIND.PUT_STATE, protocol.PutState(key=key, value=raw))

    async def delete_state(self, key: str) -> None:
        """Delete a key; of one that is not there nothing is told."""
        check_key(key)
        await self._ask(_KIND.DEL_STATE, protocol.DelState(key=key))

    del_state = delete_state

    async def get_history_for_key(self, key: str) -> RowIterator[KeyModification]:
        """What was written to a key by transactions that count, newest first."""
        check_key(key)
        asked = protocol.GetHistoryForKey(key=key)
        return await self._open(_KIND.GET_HISTORY_FOR_KEY, asked, parse_modification)

    # Several keys.

    async def get_state_by_range(self, start_key: str, end_key: str) -> RowIterator[KeyValue]:
        """Plain keys from `start_key` up to `end_key`, which is left out; empty ones are open."""
        return await self._range(*_plain(start_key, end_key))

    async def get_state_by_range_with_pagination(
        self, start_key: str, end_key: str, page_size: int, bookmark: str = ""
    ) -> RowIterator[KeyValue]:
        """One page of a range; the iterator has the next one's `bookmark`.

        A transaction that also writes cannot be paged: a ledger refuses it.
        """
        return await self._range(*_plain(start_key, end_key), _page(page_size, bookmark))

    async def get_state_by_partial_composite_key(
        self, object_type: str, attributes: Sequence[str]
    ) -> RowIterator[KeyValue]:
        """Composite keys that begin with these parts."""
        return await self._range(*composite_keys.range_of(object_type, attributes))

    async def get_state_by_partial_composite_key_with_pagination(
        self, object_type: str, attributes: Sequence[str], page_size: int, bookmark: str = ""
    ) -> RowIterator[KeyValue]:
        """One page of the composite keys that begin with these parts."""
        first, last = composite_keys.range_of(object_type, attributes)
        return await self._range(first, last, _page(page_size, bookmark))

    async def get_query_result(self, query: str) -> RowIterator[KeyValue]:
        """Rows that a CouchDB selector finds, where the ledger has CouchDB."""
        asked = protocol.GetQueryResult(query=query)
        return await self._open(_KIND.GET_QUERY_RESULT, asked, parse_key_value)

    async def get_query_result_with_pagination(
        self, query: str, page_size: int, bookmark: str = ""
    ) -> RowIterator[KeyValue]:
        """One page of what a CouchDB selector finds."""
        asked = protocol.GetQueryResult(query=query, metadata=_page(page_size, bookmark))
        return await self._open(_KIND.GET_QUERY_RESULT, asked, parse_key_value)

    create_composite_key = staticmethod(composite_keys.create_composite_key)
    split_composite_key = staticmethod(composite_keys.split_composite_key)

    # Others.

    async def invoke_chaincode(
        self, chaincode_name: str, args: Sequence[bytes | str], channel: str = ""
    ) -> Response:
        """What another chaincode answers, within this transaction.

        On the same channel its reads and writes join this call's, under its own name, and its
        endorsement policy counts too; on another channel it only reads.

        Args:
            chaincode_name: as the channel knows it.
            args: the first is the function's name.
            channel: empty for this one.

        Raises:
            CallRefused: no name, or too many arguments.
            LedgerRefused: the peer did not execute it.
        """
        if not chaincode_name or len(args) > MAX_ARGUMENTS:
            raise CallRefused("cannot be called so", who=f"chaincode {chaincode_name[:64]}")
        name = f"{chaincode_name}/{channel}" if channel else chaincode_name
        raw = [encode_value(arg, "argument") for arg in args]
        spec = chaincode_pb2.ChaincodeSpec(
            chaincode_id=chaincode_pb2.ChaincodeID(name=name),
            input=chaincode_pb2.ChaincodeInput(args=raw),
        )
        answer = parse_of_peer(_KIND, await self._ask(_KIND.INVOKE_CHAINCODE, spec))
        if answer.type != _KIND.COMPLETED:
            return Response(ERROR, message=answer.payload.decode(errors="replace"))
        told = parse_of_peer(proposal_response_pb2.Response, answer.payload)
        return Response(told.status, told.message, told.payload)

    async def list_organisations(self) -> tuple[str, ...]:
        """MSP ids of the organisations of the channel, ascending; PyPI's stub has no such thing.

        The ledger's own lifecycle tells who approved a chaincode's definition, organisation by
        organisation, and so names them all. It is asked with the rights of the proposal's client.

        Raises:
            LedgerRefused: it does not tell them to who asks.
        """
        asked = lifecycle_pb2.QueryChaincodeDefinitionArgs(name=find_chaincode(self._call.proven))
        told = await self.invoke_chaincode(_LIFECYCLE, [_QUERY, asked.SerializeToString()])
        kind, raw = lifecycle_pb2.QueryChaincodeDefinitionResult, told.payload
        found = parse_of_peer(kind, raw).approvals if told.status == OK else {}
        if not found:
            raise LedgerRefused(
                "does not say which organisations the channel has",
                who=_LIFECYCLE,
                had=told.message[:MAX_WORDS] or f"status {told.status}",
                needed=f"the right to {_QUERY}",
            )
        return tuple(sorted(found))

    def set_event(self, name: str, payload: bytes | str | None = None) -> None:
        """The event of this transaction; there is one, and the last that is set counts.

        Raises:
            CallRefused: no name, or the payload is neither bytes nor text, or too large.
        """
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_EVENT_NAME:
            needed = f"1 .. {MAX_EVENT_NAME} characters"
            raise CallRefused("has no name", who="event", had=repr(name)[:80], needed=needed)
        raw = encode_value(b"" if payload is None else payload, "event")
        size = len(encode_text(name, "event")) + len(raw)
        if size > MAX_EVENT_BYTES:
            had = f"{size} bytes with its name"
            raise CallRefused("is too large", who="event", had=had, needed=MAX_EVENT_BYTES)
        self._event = chaincode_event_pb2.ChaincodeEvent(event_name=name, payload=raw)

    # What Fabric has, and this shim has not.

    get_private_data = _lacks("get_private_data", *_PRIVATE)
    get_private_data_hash = _lacks("get_private_data_hash", *_PRIVATE)
    put_private_data = _lacks("put_private_data", *_PRIVATE)
    delete_private_data = _lacks("delete_private_data", *_PRIVATE)
    purge_private_data = _lacks("purge_private_data", *_PRIVATE)
    get_private_data_by_range = _lacks("get_private_data_by_range", *_PRIVATE)
    get_private_data_by_partial_composite_key = _lacks(
        "get_private_data_by_partial_composite_key", *_PRIVATE
    )
    get_private_data_query_result = _lacks("get_private_data_query_result", *_PRIVATE)
    set_private_data_validation_parameter = _lacks(
        "set_private_data_validation_parameter", *_PRIVATE
    )
    get_private_data_validation_parameter = _lacks(
        "get_private_data_validation_parameter", *_PRIVATE
    )
    set_state_validation_parameter = _lacks("set_state_validation_parameter", *_POLICIES)
    get_state_validation_parameter = _lacks("get_state_validation_parameter", *_POLICIES)
    get_decorations = _lacks("get_decorations", "decorations", "Give them as arguments.")
    get_events = _lacks("get_events", "reading of events", "Keep what set_event was given.")

    # What the stream does with it.

    @property
    def event(self) -> Any:
        """The `ChaincodeEvent` that goes with the answer; None when none was set."""
        return self._event

    async def close_iterators(self) -> None:
        """End what the chaincode left open."""
        left, self._iterators = self._iterators, []
        for iterator in left:
            await iterator.aclose()

    async def _range(self, start: str, end: str, page: bytes = b"") -> RowIterator[KeyValue]:
        asked = protocol.GetStateByRange(startKey=start, endKey=end, metadata=page)
        return await self._open(_KIND.GET_STATE_BY_RANGE, asked, parse_key_value)

    async def _open(self, kind: int, asked: Any, parse: Callable[[bytes], Row]) -> RowIterator[Row]:
        self._iterators = [each for each in self._iterators if each.is_open]
        if len(self._iterators) >= MAX_ITERATORS:
            needed = f"<= {MAX_ITERATORS}: close one before the next"
            raise CallRefused("are too many", who="open iterators", needed=needed)
        opened = RowIterator(self._transaction, await self._ask(kind, asked), parse)
        self._iterators.append(opened)
        return opened

    async def _ask(self, kind: int, asked: Any) -> bytes:
        return await self._transaction.ask(kind, asked.SerializeToString())


def _plain(start: str, end: str) -> tuple[str, str]:
    for key in (start, end):
        if key.startswith(NAMESPACE):
            raise CallRefused(
                "begins as composite keys do",
                who="range of plain keys",
                had=ascii(key[:80]),
                remedy="Ask get_state_by_partial_composite_key.",
            )
        if key:
            check_key(key)
    return start or FIRST_PLAIN, end


def _page(size: int, bookmark: str) -> bytes:
    if not 1 <= size <= MAX_PAGE:
        raise CallRefused("is out of range", who="page size", had=size, needed=f"1 .. {MAX_PAGE}")
    asked = protocol.QueryMetadata(pageSize=size, bookmark=bookmark)
    raw: bytes = asked.SerializeToString()
    return raw
