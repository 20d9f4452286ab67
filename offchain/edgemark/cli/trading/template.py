"""`edgemark trading template check|show`: claim templates, in files and as a chain has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.cli.terminal.invocation import Invocation, align, lay_out, takes_settings
from edgemark.cli.terminal.outputs import check_apart
from edgemark.files import read_limited, write_whole
from edgemark.identifiers import parse_hash32
from edgemark.systems.trading.templates.fields import TemplateKind, parse_amount
from edgemark.systems.trading.templates.initiation import parse_strategy
from edgemark.systems.trading.templates.strategies import describe
from edgemark.systems.trading.templates.template import (
    FIELDS_OF,
    MAX_CLAIMS_BYTES,
    MAX_TEXT_BYTES,
    Template,
    check_pair,
    open_anchored,
    read_claims,
    read_template,
)

_BOUNDS = (  # of JSON Schema, as people read them
    ("minimum", "from {}"),
    ("maximum", "to {}"),
    ("minLength", "{} characters or more"),
    ("maxLength", "{} characters at most"),
    ("minItems", "{} items or more"),
    ("maxItems", "{} items at most"),
    ("pattern", "{}"),
)


FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("check")
@takes_settings
@click.argument("file", type=FILE)
@click.option("--claims", type=FILE, help="Claims to be checked against the template.")
@click.option("--settlement", type=FILE, help="The TST that an initiation template has to name.")
@click.option("--anchored", metavar="HASH", help="Content hash that a chain has of the template.")
@click.option("--output", type=FILE, help="Write the canonical form, which is hashed.")
def check(
    invocation: Invocation,
    file: Path,
    claims: Path | None,
    settlement: Path | None,
    anchored: str | None,
    output: Path | None,
) -> None:
    """Check the template in FILE, and print its hash, its CID and its id.

    Nothing of a template is fetched or run: a schema that refers to others, or has a pattern that
    could take long, is refused.
    """
    invocation.settings()
    read = {"FILE": file, "--claims": claims, "--settlement": settlement}
    check_apart({"--output": output}, read)
    raw = read_limited(file, MAX_TEXT_BYTES)
    if anchored is not None:
        found = open_anchored(raw, parse_hash32(anchored, who="--anchored"), who=file)
    else:
        found = read_template(raw, who=file)
    if settlement is not None:
        check_pair(found, read_file(settlement))
    if claims is not None:
        read_claims(read_limited(claims, MAX_CLAIMS_BYTES), found)
    if output is not None:
        write_whole(output, found.text)
    invocation.show({**facts_of(found), "canonical": found.text == raw})


@click.command("show")
@takes_settings
@click.argument("file", type=FILE)
def show(invocation: Invocation, file: Path) -> None:
    """Print what the template in FILE asks for, and what it costs."""
    invocation.settings()
    show_template(invocation, read_file(file), {})


def show_template(
    invocation: Invocation, found: Template, registered: Mapping[str, object]
) -> None:
    """Print a template field by field, with what a chain says of it."""
    facts = {**facts_of(found), **registered}
    fields = list(_list_fields(found))
    rows = [[str(value) for value in each.values()] for each in fields]
    shown = lay_out([("field", "due", "may be", "is"), *rows])
    invocation.show({**facts, "fields": fields}, f"{align(facts)}\n\n{shown}")


def read_file(path: Path) -> Template:
    """The template in a file; raises as `read_template`."""
    return read_template(read_limited(path, MAX_TEXT_BYTES), who=path)


def facts_of(found: Template) -> dict[str, Any]:
    """A template in a few lines."""
    facts: dict[str, Any] = {
        "kind": found.label.kind.value,
        "name": found.label.name,
        "version": found.label.version,
        "seller": str(found.seller),
        "content_hash": f"0x{found.content_hash.hex()}",
        "cid": str(found.cid),
        "version_id": f"0x{found.version_id.hex()}",
        "bytes": len(found.text),
    }
    if found.label.kind is TemplateKind.INITIATION:
        facts["costs"] = describe(parse_strategy(found.constant("settlementStrategy")))
        facts["max_cycles"] = found.constant("maxCycles")
    return facts


def _list_fields(found: Template) -> Iterator[dict[str, object]]:
    """The fields that every template has, then those of the seller's own."""
    known = {field.name: field for field in FIELDS_OF[found.label.kind]}
    properties: Mapping[str, Any] = found.schema["properties"]
    for name in [*known, *sorted(properties.keys() - known.keys())]:
        part = properties[name]
        own = part.get("description") or part.get("title") or ""
        is_amount = name in known and known[name].parse is parse_amount and "const" in part
        yield {
            "name": name,
            "due": "yes" if name in found.schema["required"] else "no",
            "may_be": Amount(int(part["const"])) if is_amount else _tell(part),
            "is": known[name].meaning if name in known else own,
        }


def _tell(part: Mapping[str, Any]) -> str:
    """What a schema lets through, in words."""
    if "const" in part:
        return _write(part["const"])
    if "enum" in part:
        return " or ".join(map(_write, part["enum"]))
    bounds = [words.format(part[name]) for name, words in _BOUNDS if name in part]
    inner = [f"{name}: {_tell(each)}" for name, each in part.get("properties", {}).items()]
    inner += [f"each: {_tell(part['items'])}"] if "items" in part else []
    told = "; ".join([*bounds, *inner])
    return f"{part['type']}, {told}" if told else str(part["type"])


def _write(value: Any) -> str:
    """A constant without the brackets and quotes of JSON."""
    match value:
        case dict():
            return "; ".join(f"{name}: {_write(part)}" for name, part in value.items())
        case list():
            return ", ".join(map(_write, value))
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
