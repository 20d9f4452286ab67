"""What ethr-did-resolver 11.1.3 makes of events: worked examples, for whoever reads the registry.

`python -m tests.offchain.identity.did.did_vectors` asks it and writes `tests/vectors/dids.json`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from eth_abi import encode
from eth_utils import keccak

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import NO_HASH, NOBODY, Address, Hash32, Timestamp, parse_address
from edgemark.identity.did.events import (
    Change,
    DIDAttributeChanged,
    DIDDelegateChanged,
    DIDOwnerChanged,
)
from edgemark.identity.did.history import DatedChange
from edgemark.ledger.evm.contract.chain_event import LogPlace

PATH = Path(__file__).resolve().parents[3] / "vectors" / "dids.json"
SCRIPT = Path(__file__).with_name("read_dids.mjs")
LIMIT_S = 60

CHAIN_ID = 31337
REGISTRY = parse_address("0x" + "d1" * 20)
POINT, PUBLIC = bytes(range(32)), b"\2" + bytes(range(32))  # of keys that nobody uses
ITSELF = parse_address(b"\xee" * 20)  # in a step: the identity
OWNER, HEIR, DELEGATE, OTHER = (parse_address(bytes([n]) * 20) for n in (0xA1, 0xA2, 0xB1, 0xB2))
START, BLOCK_S = 1_800_000_000, 12
NOW = START + 1_000_000
LONG, SHORT = NOW + 1_000_000, START + 100  # still valid now; valid for the first blocks alone


@dataclass(frozen=True)
class Step:
    """Something that happens in a block.

    Attributes:
        block: its number, from 1 on.
        what: name of the event.
        values: of the event, but for identity and previous change.
    """

    block: int
    what: type[Change]
    values: tuple[Any, ...]


def own(block: int, owner: Address) -> Step:
    """Another owner."""
    return Step(block, DIDOwnerChanged, (owner,))


def let(block: int, kind: str | bytes, delegate: Address, until: int) -> Step:
    """A delegate."""
    return Step(block, DIDDelegateChanged, (name_of(kind), delegate, Timestamp(until)))


def say(block: int, name: str | bytes, value: str | bytes, until: int = LONG) -> Step:
    """An attribute."""
    raw = value.encode() if isinstance(value, str) else value
    return Step(block, DIDAttributeChanged, (name_of(name), raw, Timestamp(until)))


def name_of(text: str | bytes) -> Hash32:
    """Filled with zeros, also what is no text."""
    raw = text.encode() if isinstance(text, str) else text
    return Hash32(raw.ljust(32, b"\0"))


CASES: dict[str, list[Step]] = {
    "untouched": [],
    "another owner, and back": [own(2, OWNER), own(5, HEIR), own(6, ITSELF)],
    "delegates": [
        let(1, "veriKey", DELEGATE, LONG),
        let(2, "sigAuth", OTHER, LONG),
        let(3, "enc", OTHER, LONG),
        let(4, "veriKey", OTHER, SHORT),
        let(5, "sigAuth", DELEGATE, SHORT),
    ],
    "a delegate ended and begun again": [
        let(1, "veriKey", DELEGATE, LONG),
        let(2, "sigAuth", DELEGATE, LONG),
        let(3, "veriKey", DELEGATE, 0),
        let(4, "veriKey", DELEGATE, LONG),
        let(5, "sigAuth", DELEGATE, START + 5 * BLOCK_S),
    ],
    "keys": [
        say(1, "did/pub/Secp256k1/veriKey/hex", PUBLIC),
        say(2, "did/pub/Secp256k1/sigAuth/hex", PUBLIC),
        say(3, "did/pub/Ed25519/veriKey/base64", POINT),
        say(4, "did/pub/Ed25519/sigAuth/base58", b"\0\0" + POINT),
        say(5, "did/pub/RSA/veriKey/pem", "-----BEGIN PUBLIC KEY-----\nAA==\n"),
        say(6, "did/pub/RSA/veriKey/pem", b"\xff\xfe"),
        say(7, "did/pub/X25519/enc/base64", POINT),
        say(8, "did/pub/JsonWebKey2020/veriKey", POINT),
        say(9, "did/pub/Bls12381/own/multi", POINT),
        say(10, "did/pub/Secp256k1", POINT),
        say(11, "did/pub/Ed25519/veriKey/base64", POINT, 0),
        say(12, "did/pub/Secp256k1/veriKey/hex", PUBLIC, SHORT),
    ],
    "services": [
        say(1, "did/svc/Files", "https://files.example"),
        say(2, "did/svc/Files", '{"uri": "https://files.example", "accept": ["a", 1, null]}'),
        say(3, "did/svc/Files", '["https://a.example", "https://b.example"]'),
        say(4, "did/svc/Files", '"https://quoted.example"'),
        say(5, "did/svc/Files", b"\xc0\xaf"),
        say(6, "did/svc/Files", '{"uri": '),
        say(7, "did/svc/Files", "NaN"),
        say(8, "did/svc/Files", "https://files.example", 0),
        say(9, "did/svc/Files", "https://late.example", SHORT),
        say(10, "did/svc/Messages", "mqtts://broker.example:8883"),
    ],
    "names that stand for nothing": [
        say(1, "did/pub/a/b/c/d", POINT),
        say(2, "did/pub/a/b/c/d", POINT, 0),
        say(3, "did/svc/", "x"),
        say(4, "did/svc/", "x", SHORT),
        say(5, "did/pub/Ed25519/veriKey/hex\n", POINT),
        say(6, "name", "Edge Ltd"),
        say(7, b"did/pub/\xff\xff", POINT),
        let(8, b"\xe2\x28\xa1", DELEGATE, LONG),
        say(9, "did/pub/Ed25519/veriKey/hex", POINT),
        say(10, "did/svc/Bücher", "x"),
        say(11, "did/svc/Files", "https://files.example"),
    ],
    "many in one block": [
        say(3, "did/svc/Files", "https://a.example"),
        let(3, "veriKey", DELEGATE, LONG),
        own(3, OWNER),
        say(7, "did/svc/Files", "https://b.example"),
        let(7, "veriKey", OTHER, LONG),
        let(7, "veriKey", OTHER, 0),
    ],
    "deactivated": [let(1, "veriKey", DELEGATE, LONG), own(2, OWNER), own(4, NOBODY)],
    "deactivated at once": [own(1, NOBODY)],
}


@dataclass(frozen=True)
class History:
    """What happened to one identity.

    Attributes:
        did: without a query.
        steps: in the order of the chain.
    """

    did: str
    identity: Address
    steps: Sequence[Step]

    def changes(self) -> list[DatedChange]:
        """As the package reads them."""
        found, previous = list[DatedChange](), 0
        for number, step in enumerate(self.steps):
            place = LogPlace(REGISTRY, step.block, NO_HASH, NO_HASH, number)
            values = [self.identity if value == ITSELF else value for value in step.values]
            event = step.what(self.identity, *values, previous, at=place)
            found.append(DatedChange(event, time_of(step.block)))
            previous = step.block
        return found

    def versions(self) -> list[int]:
        """Every block with a change, and those beside it."""
        blocks = {step.block + beside for step in self.steps for beside in (-1, 0, 1)}
        return sorted(blocks)

    def questions(self) -> list[str]:
        """The newest version, and each one before."""
        return [self.did, *(f"{self.did}?versionId={number}" for number in self.versions())]


def time_of(block: int) -> Timestamp:
    """Unix seconds of a block."""
    return Timestamp(START + block * BLOCK_S)


def key_of(name: str) -> SecretKey:
    """The key of the identity of an example."""
    return SecretKey(keccak(text=f"identity: {name}"))


def histories() -> dict[str, History]:
    """The examples: each by address, and two by public key."""
    head, found = f"did:ethr:{CHAIN_ID:#x}:", {}
    for name, steps in CASES.items():
        address = key_of(name).address
        found[name] = History(head + address, address, steps)
    for case in ("untouched", "another owner, and back"):
        name = f"{case}, by key"
        key = key_of(name)
        found[name] = History(f"{head}0x{key.public_key.hex()}", key.address, CASES[case])
    return found


def logs_of(changes: Iterable[DatedChange]) -> list[dict[str, Any]]:
    """The logs of a chain on which that happened."""
    found = []
    for number, dated in enumerate(changes):
        change = dated.change
        parts = [part.name for part in fields(change) if part.name not in {"at", "identity"}]
        kinds = {"owner": "address", "delegate": "address", "value": "bytes"}
        kinds |= {"delegate_type": "bytes32", "name": "bytes32"}
        types = [kinds.get(part, "uint256") for part in parts]
        signature = f"{type(change).__name__}(address,{','.join(types)})"
        data = encode(types, [getattr(change, part) for part in parts])
        identity = "0x" + change.identity[2:].lower().rjust(64, "0")
        found.append(
            {
                "address": REGISTRY.lower(),
                "topics": ["0x" + keccak(text=signature).hex(), identity],
                "data": "0x" + data.hex(),
                "blockNumber": hex(dated.block),
                "blockHash": "0x" + "11" * 32,
                "transactionHash": "0x" + "22" * 32,
                "transactionIndex": "0x0",
                "logIndex": hex(number),
                "removed": False,
            }
        )
    return found


def ask_elsewhere(questions: Sequence[str], **facts: Any) -> list[dict[str, Any]]:
    """What ethr-did-resolver answers; facts as `read_dids.mjs` takes them."""
    asked = {"now": NOW, "chainId": CHAIN_ID, "registry": REGISTRY, **facts}
    ran = subprocess.run(
        ["node", str(SCRIPT)],
        input=json.dumps({**asked, "dids": list(questions)}),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answers: list[dict[str, Any]] = json.loads(ran.stdout)
    return answers


def answers_elsewhere(found: Sequence[History]) -> list[dict[str, dict[str, Any]]]:
    """By question, what it says of each history; of all of them by one program."""
    logs = [log for history in found for log in logs_of(history.changes())]
    blocks = {number for history in found for number in history.versions()}
    asked = [history.questions() for history in found]
    times = {number: time_of(number) for number in blocks}
    answers = iter(ask_elsewhere([text for each in asked for text in each], logs=logs, times=times))
    return [{text: next(answers) for text in each} for each in asked]


def compute() -> dict[str, Any]:
    """The whole file."""
    found = histories()
    cases = zip(found, answers_elsewhere(list(found.values())), strict=True)
    return {
        "source": "answers of the npm package ethr-did-resolver 11.1.3 to these events",
        "chainId": CHAIN_ID,
        "now": NOW,
        "answers": dict(cases),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(compute(), indent=1, ensure_ascii=False) + "\n")
