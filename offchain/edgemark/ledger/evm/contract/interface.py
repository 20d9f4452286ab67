"""Contract interfaces: calls, results, errors and events, to and from bytes. Pure.

Structs come back as named tuples whose fields are snake_case, addresses checksummed, arrays as
tuples, bytes32 as bytes and enums as integers.
"""

from __future__ import annotations

import functools
import json
import keyword
import re
from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from edgemark.crypto.ethereum.abi import encode
from edgemark.crypto.ethereum.abi_decoding import decode
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.identifiers import Address, parse_address
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.reading.blocks import RawLog

STANDARD_ERRORS = [
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
]

Entry = Mapping[str, Any]


def snake_case(name: str, position: int = 0) -> str:
    """`jobKey` -> `job_key`; Python keywords get a `_`, nameless values their position."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().strip("_")
    if not words:
        return f"field_{position}"
    return f"{words}_" if keyword.iskeyword(words) else words


def _types(parts: Sequence[Entry]) -> list[str]:
    return [_type(part) for part in parts]


def _type(part: Entry) -> str:
    """Its Solidity type, a struct as a tuple of its fields' types."""
    kind: str = part["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(part['components']))}){kind.removeprefix('tuple')}"


def _signature(entry: Entry) -> bytes:
    return keccak256(f"{entry['name']}({','.join(_types(entry['inputs']))})".encode())


@functools.cache
def _record(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields)


def _normal(part: Entry, value: Any) -> Any:
    """Give a decoded value the form that the module promises."""
    kind = part["type"]
    if kind.endswith("]"):
        item = {**part, "type": kind[: kind.rindex("[")]}
        return tuple(_normal(item, each) for each in value)
    if kind == "tuple":
        inner = part["components"]
        title = part.get("internalType", "Struct").split(".")[-1].split(" ")[-1].split("[")[0]
        fields = tuple(snake_case(each["name"], at) for at, each in enumerate(inner))
        return _record(title, fields)(*map(_normal, inner, value))
    return parse_address(value) if kind == "address" else value


def _by_name(parts: Sequence[Entry], values: Sequence[Any]) -> dict[str, Any]:
    return {
        snake_case(part["name"], at): _normal(part, value)
        for at, (part, value) in enumerate(zip(parts, values, strict=True))
    }


class Interface:
    """One contract's ABI.

    Args:
        name: of the contract.
        abi: the entries as the compiler writes them; functions must not be overloaded.
    """

    def __init__(self, name: str, abi: Sequence[Entry]) -> None:
        self.name = name
        self.abi = tuple(abi)
        self._functions = {e["name"]: e for e in abi if e["type"] == "function"}
        self._selectors = {_signature(e)[:4]: e for e in self._functions.values()}
        self._calls = {e["name"]: selector for selector, e in self._selectors.items()}
        self._constructor: Entry = next(
            (e for e in abi if e["type"] == "constructor"), {"inputs": []}
        )
        self._kinds = {e["name"]: _types(e["inputs"]) for e in self._functions.values()}
        self._kinds["constructor"] = _types(self._constructor["inputs"])
        self._events = {_signature(e): e for e in abi if e["type"] == "event"}
        errors = [e for e in abi if e["type"] == "error"]
        self._errors = {_signature(e)[:4]: e for e in [*errors, *STANDARD_ERRORS]}

    def __repr__(self) -> str:
        return f"Interface({self.name})"

    @property
    def events(self) -> dict[str, Entry]:
        """The events by name."""
        return {entry["name"]: entry for entry in self._events.values()}

    def topic(self, event: str) -> bytes:
        """By which logs of an event are asked for: the hash of its signature."""
        return _signature(self.events[event])

    def encode_call(self, function: str, args: Sequence[Any]) -> bytes:
        """Call data.

        Raises:
            RefusedInput: no such function, or arguments that do not fit it.
        """
        self._function(function)
        return self._calls[function] + self._encode(function, args)

    def decode_call(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """Name and arguments of call data; None when they are no call of this contract."""
        entry = self._selectors.get(data[:4])
        if entry is None:
            return None
        try:
            values = decode(_types(entry["inputs"]), data[4:])
        except RefusedInput:
            return None
        return entry["name"], _by_name(entry["inputs"], values)

    def encode_constructor(self, args: Sequence[Any]) -> bytes:
        """Constructor arguments, to be put behind the bytecode."""
        return self._encode("constructor", args)

    def decode_result(self, function: str, data: bytes) -> Any:
        """What a call returned: None, one value, or a tuple.

        Raises:
            Unrecoverable: the bytes are no result of this function.
        """
        parts = self._function(function)["outputs"]
        try:
            values = decode(_types(parts), data)
        except RefusedInput as error:
            raise Unrecoverable(
                "result does not fit the interface",
                who=f"{self.name}.{function}",
                had=data[:64].hex(),
                remedy="Check that the manifest names contracts of this version.",
            ) from error
        results = tuple(map(_normal, parts, values))
        return results[0] if len(results) == 1 else (results or None)

    def decode_error(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """Name and values of a revert, or None when it is not declared here."""
        entry = self._errors.get(data[:4])
        if entry is None:
            return None
        try:
            values = decode(_types(entry["inputs"]), data[4:])
        except RefusedInput:
            return None
        return entry["name"], _by_name(entry["inputs"], values)

    def decode_event(self, log: RawLog) -> tuple[str, dict[str, Any]] | None:
        """Name and values of a log in the order of declaration; None when not declared here.

        Raises:
            RefusedInput: it is declared here, and the bytes hold no such values.
        """
        entry = self._events.get(log.topics[0]) if log.topics else None
        if entry is None:
            return None
        indexed = [part for part in entry["inputs"] if part["indexed"]]
        plain = [part for part in entry["inputs"] if not part["indexed"]]
        kinds, topics = _types(indexed), log.topics[1:]
        if len(kinds) != len(topics):
            return None  # an event of the same signature that indexes other values
        of_topics = [decode([kind], topic)[0] for kind, topic in zip(kinds, topics, strict=True)]
        found = _by_name(plain, decode(_types(plain), log.data))
        found |= _by_name(indexed, of_topics)
        names = [snake_case(part["name"], at) for at, part in enumerate(entry["inputs"])]
        return entry["name"], {name: found[name] for name in names}

    def _function(self, name: str) -> Entry:
        try:
            return self._functions[name]
        except KeyError as error:
            raise RefusedInput("has no such function", who=self.name, had=name) from error

    def _encode(self, function: str, args: Sequence[Any]) -> bytes:
        kinds = self._kinds[function]
        try:
            return encode(kinds, args)
        except RefusedInput as error:
            raise RefusedInput(
                "arguments do not fit",
                who=f"{self.name}.{function}",
                had=str(error)[:200],  # what goes into a call is public
                needed=", ".join(kinds),
            ) from error


@functools.cache
def load_interface(name: str) -> Interface:
    """The interface of one of our contracts.

    Args:
        name: of the contract, and of its file in `abi`.

    Raises:
        Unrecoverable: the installation has no such interface.
    """
    return Interface(name, _read_json("abi", name))


@functools.cache
def known_interfaces() -> tuple[Interface, ...]:
    """All interfaces of the installation: a revert may come from a contract further down."""
    folder = resources.files("edgemark.ledger.evm.contract").joinpath("abi")
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".json"))
    return tuple(load_interface(name.removesuffix(".json")) for name in names)


def load_bytecode(name: str) -> bytes:
    """Creation code of one of our contracts.

    Raises:
        Unrecoverable: the contracts were not compiled.
    """
    return bytes.fromhex(load_compiled(name)["bytecode"].removeprefix("0x"))


def load_compiled(name: str) -> Mapping[str, Any]:
    """Everything that the compiler said about one of our contracts, but the ABI.

    Raises:
        Unrecoverable: the contracts were not compiled.
    """
    facts: Mapping[str, Any] = _read_json("bytecode", name)
    return facts


def _read_json(folder: str, name: str) -> Any:
    try:
        text = (
            resources.files("edgemark.ledger.evm.contract")
            .joinpath(folder, f"{name}.json")
            .read_text()
        )
    except FileNotFoundError as error:
        raise Unrecoverable(
            f"has no {folder} file",
            who=f"contract {name[:80]}",
            needed=f"{folder}/{name}.json beside the package's interfaces",
            remedy="Run `make contracts` in the checkout.",
        ) from error
    return json.loads(text)


@dataclass(frozen=True, eq=False)
class Contract:
    """A deployed contract.

    Args:
        name: for messages.
        address: where it is.
        interface: how to speak to it.
        events: types of its events, by name; without them nothing that it logs is decoded.
    """

    name: str
    address: Address
    interface: Interface
    events: Mapping[str, type[ChainEvent]] = field(default_factory=dict)


def explain_revert(data: bytes, interface: Interface) -> tuple[str, dict[str, Any]]:
    """Name and values of a revert; an undeclared one gives its bytes as `data`."""
    if not data:
        return "", {}
    candidates = [interface]
    if interface.name in {each.name for each in known_interfaces()}:
        candidates += known_interfaces()
    for candidate in candidates:
        found = candidate.decode_error(data)
        if found is not None:
            return found
    return "", {"data": data[:256]}
