"""Who calls a registry of evidence, with certificates of a real CA, and what they hand in."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from tests.chaincode.scripted_peer import sign_as
from tests.chaincode.trading.chaincode_trade import CONTROLLER, DOMAINS

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import Timestamp
from edgemark.ledger.fabric.identities.authorities import Authority, pem_of
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.systems.trading.contract.consortium.parameters import Parameters
from edgemark.systems.trading.contract.consortium.requests import tell

ORGANISATIONS = ("Org1MSP", "Org2MSP")
CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
ROOT = keccak256(b"a root")


@cache
def creator(msp_id: str, role: MemberRole = MemberRole.CLIENT, **attributes: str) -> bytes:
    at = datetime.now(UTC)
    authority = Authority.make("ca.example.com", "example.com", at)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    named = {name.replace("_", "."): value for name, value in attributes.items()}
    return sign_as(msp_id, pem_of(authority.issue("somebody", key, role, at, named)))


ADMINS = {name: creator(name, MemberRole.ADMIN) for name in ORGANISATIONS}
ADMIN = ADMINS["Org1MSP"]
CLIENT = creator("Org1MSP")
ANCHORER = creator("Org1MSP", edgemark_anchor=CONTROLLER.address)
CLOCKS = {name: creator(name, edgemark_clock="true") for name in ORGANISATIONS}


def parameters_until(anchor_until: int = 0) -> str:
    return tell(Parameters, Parameters((DOMAINS,), ORGANISATIONS, Timestamp(anchor_until))).decode()


def pieces_of(kind: type, *pieces: object) -> str:
    return tell(tuple[kind, ...], pieces).decode()  # type: ignore[valid-type]
