"""Templates and claims as sellers write them, for tests; each may be changed in place."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from edgemark.systems.trading.templates.initiation import InitiationClaims, parse_initiation
from edgemark.systems.trading.templates.schema import DIALECT
from edgemark.systems.trading.templates.template import Template, read_template

SELLER = "did:ethr:0x7a69:0xd41c057fd1c78805AAC12B0A94a405c0461A6FBb"
BUYER = "did:ethr:0x7a69:0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"
STRANGER = "did:ethr:0x7a69:0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69"
AMOUNT = {"type": "string", "maxLength": 39, "pattern": "^[0-9]{1,39}$"}
DID = {"type": "string", "maxLength": 256}
SECOND = {"type": "integer", "minimum": 0}

BANDS = [{"begins": 0, "weight": 500}, {"begins": 28_800, "weight": 1200}]
TIERS = [{"upTo": "1000", "weight": 1000}, {"upTo": "5000", "weight": 700}, {"weight": 333}]
STRATEGIES: dict[str, dict[str, Any]] = {
    "flat": {"name": "flat"},
    "metered": {"name": "metered"},
    "time-of-day": {"name": "time-of-day", "bands": BANDS},
    "tiers": {"name": "tiers", "tiers": TIERS},
    "bonus": {"name": "bonus", "every": "100", "free": "10"},
}


def schema_of(properties: dict[str, Any], title: str) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "required": sorted(properties),
        "additionalProperties": False,
        "properties": properties,
    }


def draft_settlement(version: int = 1, name: str = "products-settled") -> dict[str, Any]:
    """A TST."""
    registers = {"type": "array", "minItems": 1, "maxItems": 24, "items": AMOUNT}
    readings = {
        "type": "object",
        "required": ["after", "before"],
        "additionalProperties": False,
        "properties": {"before": registers, "after": registers},
    }
    label = {"kind": "settlement", "name": name, "version": version}
    return schema_of(
        {
            "template": {"const": label},
            "seller": {"const": SELLER},
            "buyer": DID,
            "fee": AMOUNT,
            "start": SECOND,
            "end": SECOND,
            "readings": readings,
            "encryption": {"enum": ["none", "jwe"]},
        },
        "Products of polynomials, an interval",
    )


def draft_initiation(settlement: Template | None = None, strategy: str = "tiers") -> dict[str, Any]:
    """A TIT that names this TST."""
    named = settlement or read_template(text_of(draft_settlement()))
    specification = {
        "type": "object",
        "required": ["cores", "meter", "per", "region"],
        "additionalProperties": False,
        "properties": {
            "meter": {"const": "seconds" if strategy == "flat" else "products"},
            "per": {"const": "1000"},
            "cores": {"type": "integer", "minimum": 1, "maximum": 64},
            "region": {"type": "string", "maxLength": 8, "pattern": "^[a-z]{2}-[0-9]+$"},
        },
    }
    tst = {"version": named.label.version, "contentHash": f"0x{named.content_hash.hex()}"}
    return schema_of(
        {
            "template": {"const": {"kind": "initiation", "name": "products", "version": 1}},
            "seller": {"const": SELLER},
            "buyer": DID,
            "specification": specification,
            "unitPrice": AMOUNT,
            "settlementStrategy": {"const": STRATEGIES[strategy]},
            "firstPrice": AMOUNT,
            "settlementTemplate": {"const": tst},
            "encryption": {"enum": ["none", "jwe"]},
            "intervalS": {"type": "integer", "minimum": 1, "maximum": 300},
            "cycles": {"type": "integer", "minimum": 1},
            "maxCycles": {"const": 100},
            "graceS": {"type": "integer", "minimum": 0, "maximum": 3600},
            "credit": AMOUNT,
            "intervalCap": AMOUNT,
        },
        "Products of polynomials",
    )


def claims_of_initiation(schema: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Claims that follow a TIT."""
    constants = {
        name: part["const"] for name, part in schema["properties"].items() if "const" in part
    }
    meter = schema["properties"]["specification"]["properties"]["meter"]["const"]
    specification = {"meter": meter, "per": "1000", "cores": 4, "region": "eu-1"}
    return deepcopy(
        {
            **constants,
            "buyer": BUYER,
            "specification": specification,
            "unitPrice": "2000",
            "firstPrice": "50",
            "encryption": "none",
            "intervalS": 60,
            "cycles": 10,
            "graceS": 120,
            "credit": "10000",
            "intervalCap": "100000",
            **changed,
        }
    )


def claims_of_settlement(**changed: Any) -> dict[str, Any]:
    """Claims of the first interval, in which 1,500 units were used: 1000 + 500 * 0.7, at 2."""
    label = draft_settlement()["properties"]["template"]["const"]
    return deepcopy(
        {
            "template": label,
            "seller": SELLER,
            "buyer": BUYER,
            "fee": "2750",
            "start": 1_800_000_000,
            "end": 1_800_000_060,
            "readings": {"before": ["0"], "after": ["1500"]},
            "encryption": "none",
            **changed,
        }
    )


def agree(strategy: str = "tiers", **changed: Any) -> InitiationClaims:
    """What a TIC says, of claims that may be changed."""
    return parse_initiation(claims_of_initiation(draft_initiation(strategy=strategy), **changed))


def text_of(value: Any) -> bytes:
    """As a person writes it: indented, in any order."""
    return json.dumps(value, indent=2).encode()
