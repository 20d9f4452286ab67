"""Reads a connection profile, and says of a wrong one which part is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgemark.errors import lacks_extra
from edgemark.files import read_limited
from edgemark.ledger.fabric.faults import ProfileInvalid
from edgemark.ledger.fabric.profile.addresses import PeerAddress

MAX_PROFILE_BYTES = 1024 * 1024
MAX_CA_BYTES = 256 * 1024
MAX_NODES = 256  # peers and orderers of a profile
YAML_NAMES = (".yaml", ".yml")
# By which of them a profile says another name than the host's: of the SDKs, in turn.
_SERVER_NAMES = ("ssl-target-name-override", "hostnameOverride", "grpc.ssl_target_name_override")


@dataclass(frozen=True)
class Profile:
    """Where the nodes of a network are.

    Attributes:
        source: file that it was read from, for errors.
        peers: of each organisation, by MSP id; of the client's own first.
        orderers: all that it names.
        own: MSP id of the client's organisation; empty where the profile says none.
    """

    source: str
    peers: Mapping[str, tuple[PeerAddress, ...]]
    orderers: tuple[PeerAddress, ...]
    own: str

    def peers_of(self, msp_id: str) -> tuple[PeerAddress, ...]:
        """Peers of an organisation; of the client's own for an empty MSP id.

        Raises:
            ProfileInvalid: it names none.
        """
        wanted = msp_id or self.own
        if not wanted:
            raise ProfileInvalid(
                "says not whose peers to ask",
                who=self.source,
                needed="client.organization",
                remedy="Set msp_id, or name an organisation in the profile.",
            )
        if found := self.peers.get(wanted, ()):
            return found
        raise ProfileInvalid(
            "names no peer",
            who=self.source,
            had=", ".join(name for name, those in self.peers.items() if those) or "none",
            needed=f"a peer of {wanted}",
            remedy="Add it under organizations and peers, or set another msp_id.",
        )


def read_profile(path: Path) -> Profile:
    """The profile of a file; paths in it are from its folder.

    Raises:
        ProfileInvalid: not there, no profile, or one with a wrong part.
    """
    raw = read_limited(path, MAX_PROFILE_BYTES, ProfileInvalid)
    is_yaml = path.suffix.lower() in YAML_NAMES
    return parse_profile(_load(raw, str(path), is_yaml), str(path), path.parent)


def parse_profile(held: object, source: str, folder: Path) -> Profile:
    """The profile of a value of JSON or YAML.

    Args:
        held: that value.
        source: where it came from, for errors.
        folder: that paths begin in.

    Raises:
        ProfileInvalid: it is none, or one with a wrong part.
    """
    return _Reader(source, folder).read(held)


@dataclass(frozen=True)
class _Reader:
    source: str
    folder: Path

    def read(self, held: object) -> Profile:
        whole = self.table(held, "profile")
        if "caliper" in whole:
            raise self.wrong(
                "profile", "a network of Caliper", "the connection profile that it names"
            )
        organisations = self.table(whole.get("organizations"), "organizations")
        nodes = self.table(whole.get("peers"), "peers")
        peers = {
            self.text(each, f"organizations.{name}", "mspid"): self.addresses(name, each, nodes)
            for name, each in organisations.items()
        }
        orderers = self.table(whole.get("orderers", {}), "orderers")
        return Profile(
            source=self.source,
            peers=peers,
            orderers=tuple(
                self.address(f"orderers.{name}", each) for name, each in orderers.items()
            ),
            own=self.own(whole, organisations),
        )

    def own(self, whole: Mapping[str, Any], organisations: Mapping[str, Any]) -> str:
        """MSP id of the client's organisation."""
        client = self.table(whole.get("client", {}), "client")
        name = client.get("organization")
        if name is None:
            return ""
        if not isinstance(name, str) or name not in organisations:
            raise self.wrong("client.organization", name, "one of organizations")
        return self.text(organisations[name], f"organizations.{name}", "mspid")

    def addresses(
        self, name: str, held: object, nodes: Mapping[str, Any]
    ) -> tuple[PeerAddress, ...]:
        """Peers of an organisation."""
        named = self.table(held, f"organizations.{name}").get("peers", [])
        if not isinstance(named, list) or len(named) > MAX_NODES:
            raise self.wrong(f"organizations.{name}.peers", named, "a list of names")
        found = []
        for each in named:
            if not isinstance(each, str) or each not in nodes:
                raise self.wrong(f"organizations.{name}.peers", each, "a name of peers")
            found.append(self.address(f"peers.{each}", nodes[each]))
        return tuple(found)

    def address(self, where: str, held: object) -> PeerAddress:
        """Of one node."""
        node = self.table(held, where)
        url = self.text(node, where, "url")
        try:
            parts = urlsplit(url)
            target = f"{parts.hostname}:{parts.port}" if parts.port else ""
        except ValueError:
            raise self.wrong(f"{where}.url", url, "grpcs://HOST:PORT") from None
        if parts.scheme != "grpcs" or not target or not parts.hostname:
            raise self.wrong(f"{where}.url", url, "grpcs://HOST:PORT, over TLS")
        if ":" in parts.hostname:
            target = f"[{parts.hostname}]:{parts.port}"
        options = self.table(node.get("grpcOptions", {}), f"{where}.grpcOptions")
        name = next((options[each] for each in _SERVER_NAMES if each in options), "")
        if not isinstance(name, str):
            raise self.wrong(f"{where}.grpcOptions", name, "a name")
        try:
            return PeerAddress(target, self.roots(where, node), name)
        except ProfileInvalid as invalid:
            invalid.who = f"{self.source}, {where}"
            raise

    def roots(self, where: str, node: Mapping[str, Any]) -> bytes:
        """PEM of the CAs of a node's TLS certificate."""
        held = self.table(node.get("tlsCACerts", {}), f"{where}.tlsCACerts")
        pem, path = held.get("pem"), held.get("path")
        if isinstance(pem, list) and all(isinstance(each, str) for each in pem):
            return "\n".join(pem).encode()
        if isinstance(pem, str):
            return pem.encode()
        if isinstance(path, str):
            return read_limited(self.folder / path, MAX_CA_BYTES, ProfileInvalid)
        raise self.wrong(f"{where}.tlsCACerts", pem or path or "nothing", "pem or path")

    def table(self, held: object, where: str) -> Mapping[str, Any]:
        """A table with at most MAX_NODES names."""
        is_table = isinstance(held, dict) and all(isinstance(name, str) for name in held)
        if not is_table or len(held) > MAX_NODES:  # type: ignore[arg-type]
            raise self.wrong(where, held, "a table")
        return held  # type: ignore[return-value]

    def text(self, held: object, where: str, name: str) -> str:
        """A text of a table."""
        value = self.table(held, where).get(name)
        if not isinstance(value, str) or not value:
            raise self.wrong(f"{where}.{name}", value, "a text")
        return value

    def wrong(self, where: str, had: object, needed: str) -> ProfileInvalid:
        """The error of one part."""
        kinds: Sequence[type] = (dict, list)
        shown = "nothing" if had is None else had
        if isinstance(had, tuple(kinds)):
            shown = f"{type(had).__name__} of {len(had)}"  # type: ignore[arg-type]
        return ProfileInvalid(
            f"{where} is wrong",
            who=self.source,
            had=str(shown)[:80],
            needed=needed,
            remedy="Mend the connection profile; it is of Fabric's common form.",
        )


def _load(raw: bytes, source: str, is_yaml: bool) -> object:
    try:
        return _load_yaml(raw, source) if is_yaml else json.loads(raw)
    except (ValueError, RecursionError) as error:
        kind = "YAML" if is_yaml else "JSON"
        raise ProfileInvalid(
            "cannot be read",
            who=source,
            had=str(error)[:200],
            needed=f"{kind}, as its name says",
            remedy="Mend it, or name another: --ledger-profile FILE (ledger.profile). One of a "
            "ledger of this home comes anew by `edgemark ledger profile --output FILE`.",
        ) from error


def _load_yaml(raw: bytes, source: str) -> object:
    try:
        import yaml  # noqa: PLC0415 - who has no profile in YAML needs no parser of it
    except ModuleNotFoundError as error:
        lacking = lacks_extra(error, "fabric")
        raise ProfileInvalid(
            "is YAML, and nothing here reads that",
            who=source,
            needed=lacking.needed,
            remedy=f"{lacking.remedy}; or write the profile as JSON.",
        ) from error
    try:
        return yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
