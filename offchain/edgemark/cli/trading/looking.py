"""Templates that are registered: what the index of a chain has of them, and their texts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgemark.cli.terminal.begun_ids import IdUnknown, KindOfId, Known, find_id
from edgemark.files import read_limited
from edgemark.identifiers import NO_TIME, Address, Hash32, Timestamp
from edgemark.indexer.store import IndexStore
from edgemark.storage.cid import parse_cid
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.contract.market.events import TemplateDeprecated, TemplateRegistered
from edgemark.systems.trading.identifiers import TemplateVersionId, parse_template_version_id
from edgemark.systems.trading.templates.fields import TemplateKind
from edgemark.systems.trading.templates.template import MAX_TEXT_BYTES, Template, open_anchored

VERSION: KindOfId[TemplateVersionId] = KindOfId("template", 64, parse_template_version_id)


@dataclass(frozen=True)
class Registered:
    """A version as the chain has it.

    Attributes:
        registered_at, deprecated_at: Unix seconds; `NO_TIME`: it is not deprecated.
        locator: where its text is, as its registrant says.
    """

    version_id: TemplateVersionId
    name: str
    number: int
    kind: TemplateKind
    registrant: Address
    content_hash: Hash32
    text_bytes: int
    locator: str
    registered_at: Timestamp
    deprecated_at: Timestamp


def list_registered(store: IndexStore) -> list[Registered]:
    """All versions, the newest first."""
    ended = {
        dated.event.version: dated.at
        for dated in store.of_kind(TemplateDeprecated)
        if isinstance(dated.event, TemplateDeprecated)
    }
    return [
        _read(dated.event, dated.at, ended.get(dated.event.version, NO_TIME))
        for dated in store.of_kind(TemplateRegistered)
        if isinstance(dated.event, TemplateRegistered)
    ]


def find_registered(store: IndexStore, typed: str) -> Registered:
    """The version of an id, whole or begun.

    Raises:
        RefusedInput: nobody registered it, or several begin so.
    """
    known = {each.version_id.hex(): each for each in list_registered(store)}
    version = find_id(VERSION, typed, Known("the chain", lambda: list(known))).hex()
    if version not in known:
        needed = "an id of `edgemark trading template list`"
        raise IdUnknown("is registered by nobody", who=f"template {typed}", needed=needed)
    return known[version]


def read_text(registered: Registered, content: LocalStore, file: Path | None) -> Template:
    """The template of a version, once its text is what the chain has the hash of.

    Args:
        registered: the version.
        content: where texts are kept.
        file: with the text; None: it is in `content`, under the CID that the chain names.

    Raises:
        CidInvalid: the registrant named another place than content of ours.
        ContentMissing, ContentDamaged: it is not there, or not as it was.
        TemplateSwapped, TemplateInvalid: it is another, or no template.
    """
    if file is not None:
        raw = read_limited(file, MAX_TEXT_BYTES)
    else:
        raw = content.get(parse_cid(registered.locator))
    who = f"{registered.name} {registered.number}" if file is None else file
    return open_anchored(raw, registered.content_hash, who=who)


def _read(event: TemplateRegistered, at: Timestamp, ended: Timestamp) -> Registered:
    name, kind, number, content_hash, text_bytes, locator, _ = event.draft
    return Registered(
        event.version,
        bytes(name).rstrip(b"\0").decode("ascii", "replace"),
        int(number),
        list(TemplateKind)[int(kind) - 1],
        event.registrant,
        Hash32(bytes(content_hash)),
        int(text_bytes),
        str(locator),
        at,
        ended,
    )
