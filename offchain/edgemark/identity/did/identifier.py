"""`did:ethr:CHAIN:ACCOUNT`, and the version of it that a URL asks for. Pure.

Source: DID Core 3.1 and 3.2 (syntax), "ETHR DID Method Specification" (identifiers, `versionId`).
The chain is `0x` and its id in small hexadecimal digits, or a name of `NETWORKS`, or left out for
chain 1; the account is an address, or the compressed public key of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from edgemark.crypto.ethereum.secp256k1 import address_of
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, parse_address

MAINNET = 1
NETWORKS = {"mainnet": MAINNET, "sepolia": 11155111}  # names that the method gives to chains
MAX_URL_CHARS = 512  # a DID with a public key has 95, its longest query here 31 more
MAX_BLOCK = 2**63 - 1

_DID = re.compile(r"did:([a-z0-9]+):((?:[A-Za-z0-9._:-]|%[0-9A-Fa-f]{2})+)")
_CHAIN = re.compile(r"0x[1-9a-f][0-9a-f]{0,15}")
_ADDRESS, _KEY = re.compile(r"0x[0-9a-fA-F]{40}"), re.compile(r"0x0[23][0-9a-fA-F]{64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class DidInvalid(RefusedInput):
    """The text is no DID of this method."""


class MethodUnknown(RefusedInput):
    """The DID is of a method that is not resolved here."""


class NetworkUnknown(RefusedInput):
    """The DID is on a chain that is not known here."""


class DidUrlInvalid(RefusedInput):
    """What follows a DID asks for something that there is not."""


@dataclass(frozen=True)
class Did:
    """An identity, as somebody wrote it: other capitals name the same one.

    Attributes:
        text: as it was written; documents repeat it.
        chain_id: of the chain with its registry.
        identity: the account.
        public_key: 33 bytes when it was named by its key; else empty.
    """

    text: str
    chain_id: int
    identity: Address
    public_key: bytes = b""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class DidUrl:
    """A DID, and which version of its document is asked for; at most one of the two.

    Attributes:
        version_id: number of a block.
        version_time: Unix seconds.
    """

    did: Did
    version_id: int | None = None
    version_time: Timestamp | None = None


def make_did(chain_id: int, identity: Address) -> Did:
    """The DID of an account, as it is written here."""
    return Did(f"did:ethr:{chain_id:#x}:{identity}", chain_id, identity)


def is_same(one: Did, other: Did) -> bool:
    """Whether two DIDs name one identity, in whichever capitals."""
    return (one.chain_id, one.identity) == (other.chain_id, other.identity)


def parse_did(text: str) -> Did:
    """Parse a DID without path, query and fragment.

    Raises:
        DidInvalid: no DID, or none of an account.
        MethodUnknown: of another method.
        NetworkUnknown: of a chain by a name that is not known.
    """
    found = _DID.fullmatch(text) if len(text) <= MAX_URL_CHARS else None
    if found is None:
        raise _invalid(text, "did:ethr:CHAIN:ACCOUNT")
    method, rest = found.groups()
    if method != "ethr":
        raise MethodUnknown("is of another method", who="DID", had=method[:40], needed="ethr")
    network, colon, account = rest.rpartition(":")
    return _of_account(text, _parse_chain(text, network) if colon else MAINNET, account)


def parse_did_url(text: str) -> DidUrl:
    """Parse a DID with `?versionId=BLOCK` or `?versionTime=YYYY-MM-DDThh:mm:ssZ`, or with neither.

    Raises:
        DidUrlInvalid: a path or a fragment, or a query that is not one of these.
        DidInvalid, MethodUnknown, NetworkUnknown: as `parse_did`.
    """
    before, mark, query = text.partition("?")
    if "#" in text or "/" in text:
        raise _not_here("names a part of a document", "a DID, and at most a version of it")
    did = parse_did(before)
    return _with_version(did, query) if mark else DidUrl(did)


def _with_version(did: Did, query: str) -> DidUrl:
    name, _, value = query.partition("=")
    value = unquote(value, errors="replace")  # some encode the colons of a time
    match name:
        case "versionId" if _NUMBER.fullmatch(value) and int(value) <= MAX_BLOCK:
            return DidUrl(did, version_id=int(value))
        case "versionTime" if _SECOND.fullmatch(value):
            return DidUrl(did, version_time=parse_second(value))
    raise _not_here("asks for another version than there can be", "versionId or versionTime, once")


def parse_second(text: str) -> Timestamp:
    """Parse a time as DID Core writes it: UTC, without parts of seconds.

    Raises:
        DidUrlInvalid: no such time.
    """
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _not_here("is no time", "YYYY-MM-DDThh:mm:ssZ") from None
    return Timestamp(int(moment.timestamp()))


def format_second(second: int) -> str:
    """A Unix second as DID Core writes it."""
    return datetime.fromtimestamp(second, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_account(text: str, chain_id: int, account: str) -> Did:
    try:
        if _KEY.fullmatch(account):
            key = bytes.fromhex(account[2:])
            return Did(text, chain_id, address_of(key), key)
        if _ADDRESS.fullmatch(account):
            return Did(text, chain_id, parse_address(account, who="DID"))
    except RefusedInput as error:  # other capitals, or no point of the curve
        raise _invalid(text, str(error.needed)) from error
    raise _invalid(text, "an account: 0x and 40 hex digits, or 66 of a compressed public key")


def _parse_chain(text: str, network: str) -> int:
    if network in NETWORKS:
        return NETWORKS[network]
    if _CHAIN.fullmatch(network):
        return int(network, 16)
    if not network or network.lower().startswith("0x"):
        raise _invalid(text, "a chain id in small hex digits, without zeros before it")
    raise NetworkUnknown(
        "is on a chain that is not known by this name",
        who="DID",
        had=network[:40],
        needed=f"0x and the chain id, or one of: {', '.join(NETWORKS)}",
    )


def _invalid(text: str, needed: str) -> DidInvalid:
    return DidInvalid("is no DID of an account", who="DID", had=repr(text[:120]), needed=needed)


def _not_here(what: str, needed: str) -> DidUrlInvalid:
    return DidUrlInvalid(what, who="DID URL", needed=needed)
