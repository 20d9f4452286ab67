"""Is the code on the chain the code that this installation was compiled to?

Two parts of a contract's code do not say what it does, and are left out of its hash: the immutable
values, which its constructor puts in (where they are, the compiler tells), and the metadata at the
end, which hashes the paths of the sources; the code before never jumps there.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import Unrecoverable
from edgemark.identifiers import Address, Hash32, parse_hash32
from edgemark.ledger.evm.contract.interface import load_compiled, load_interface
from edgemark.ledger.evm.faults import CodeMismatch
from edgemark.ledger.evm.reading.chain import EvmChain

VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
WORDS = re.compile(r"0x[0-9a-f]*")  # of 32 bytes, as ABI-encoded values are
WORD_DIGITS = 64
METADATA_LENGTH_BYTES = 2  # big-endian, the last of the code; they do not count themselves


@dataclass(frozen=True)
class RuntimeCode:
    """What the compiler made of one contract.

    Args:
        name: of the contract.
        code: as it is on a chain, with zeros for the immutable values.
        immutables: (start, length) of each of these, bytes.
        compiler: its version.
    """

    name: str
    code: bytes
    immutables: tuple[tuple[int, int], ...]
    compiler: str

    @property
    def hash(self) -> Hash32:
        """Hash of what the contract does."""
        return self.hash_of(self.code)

    def hash_of(self, found: bytes) -> Hash32:
        """The same hash of other code, as if it were this contract's."""
        masked = bytearray(found)
        for start, length in self.immutables:
            masked[start : start + length] = bytes(length)
        if len(found) == len(self.code):
            length = int.from_bytes(self.code[-METADATA_LENGTH_BYTES:], "big")
            del masked[-METADATA_LENGTH_BYTES - length :]
        return keccak256(bytes(masked))


@dataclass(frozen=True)
class Origin:
    """How one contract of a deployment came to be.

    Args:
        arguments: of its constructor, ABI-encoded.
        block: in which it was made.
        code_hash: as `RuntimeCode.hash`.
        compiler: version that made the code.
    """

    arguments: bytes
    block: int
    code_hash: Hash32
    compiler: str

    @classmethod
    def of(cls, name: str, args: tuple[object, ...], block: int) -> Origin:
        """Of a contract that was just made from this installation's code."""
        runtime = load_runtime(name)
        arguments = load_interface(name).encode_constructor(args)
        return cls(arguments, block, runtime.hash, runtime.compiler)

    def as_dict(self) -> dict[str, object]:
        """For the manifest."""
        return {
            "arguments": "0x" + self.arguments.hex(),
            "block": self.block,
            "code_hash": "0x" + self.code_hash.hex(),
            "compiler": self.compiler,
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Origin:
        """Of a manifest.

        Raises:
            KeyError, TypeError, ValueError, RefusedInput: something is missing or of another kind.
        """
        if not VERSION.fullmatch(facts["compiler"]):
            raise ValueError("no compiler version")
        words = facts["arguments"]
        if not WORDS.fullmatch(words) or len(words) % WORD_DIGITS != len("0x"):
            raise ValueError("no constructor arguments")
        return cls(
            arguments=bytes.fromhex(words[2:]),
            block=int(facts["block"]),
            code_hash=parse_hash32(facts["code_hash"], who="code hash"),
            compiler=facts["compiler"],
        )


@functools.cache
def load_runtime(name: str) -> RuntimeCode:
    """The compiled code of one of our contracts.

    Raises:
        Unrecoverable: the contracts were not compiled, or by an older version.
    """
    facts = load_compiled(name)
    try:
        return RuntimeCode(
            name,
            bytes.fromhex(facts["deployedBytecode"].removeprefix("0x")),
            tuple((start, length) for start, length in facts["immutables"]),
            facts["compiler"],
        )
    except KeyError as error:
        raise Unrecoverable(
            "was compiled by an older version",
            who=f"contract {name}",
            had=f"no {error}",
            remedy="Run `make contracts` in the checkout.",
        ) from error


def check_code(chain: EvmChain, name: str, address: Address, origin: Origin | None) -> Hash32:
    """Check that the contract at an address is ours; its hash.

    Args:
        chain: where.
        name: of the contract.
        address: where it should be, with code.
        origin: what the manifest says about it, if anything.

    Raises:
        CodeMismatch: other code is there, or it was deployed from other sources.
        Unrecoverable: the contracts were not compiled.
    """
    ours = load_runtime(name)
    if origin is not None and origin.code_hash != ours.hash:
        raise CodeMismatch(
            name,
            "was deployed from other sources than this installation has",
            f"code hash {origin.code_hash.hex()}, compiler {origin.compiler}",
            f"code hash {ours.hash.hex()}, compiler {ours.compiler}",
            "Use the version of Edgemark that deployed it, or deploy again.",
        )
    found = ours.hash_of(chain.code(address))
    if found != ours.hash:
        raise CodeMismatch(
            name,
            f"is not the contract at {address}",
            f"code hash {found.hex()}",
            f"code hash {ours.hash.hex()}",
            "Do not send to it. Take the manifest that the deployment wrote.",
        )
    return found
