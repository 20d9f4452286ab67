"""Where cryptogen puts whose files, below the folder of a ledger; nothing is read here.

    crypto-config/
        peerOrganizations/org1.example.com/
            users/User1@org1.example.com/msp    peers/peer0.org1.example.com/{msp,tls}
        ordererOrganizations/example.com/
            users/Admin@example.com/msp         orderers/orderer.example.com/{msp,tls}

Names are those of Fabric's own examples, so that what users have fits. The layout does not say
which MSP id an organisation has: by the examples' rule it is the first word of its domain, and MSP.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CRYPTO = "crypto-config"
PEERS, ORDERERS = "peerOrganizations", "ordererOrganizations"
ORDERER_DOMAIN, ORDERER_MSP = "example.com", "OrdererMSP"
ADMIN, USER = "Admin", "User1"


def msp_id_of(number: int) -> str:
    """MSP id of the organisation of this number, from 1."""
    return f"Org{number}MSP"


def domain_of(number: int) -> str:
    """Its domain, which is the name of its folder."""
    return f"org{number}.{ORDERER_DOMAIN}"


def organisation_with_peers(crypto: Path, domain: str) -> Path:
    """Folder of an organisation that has peers, below `crypto-config`."""
    return crypto / PEERS / domain


def organisation_that_orders(crypto: Path) -> Path:
    """Folder of the organisation that orders, below `crypto-config`."""
    return crypto / ORDERERS / ORDERER_DOMAIN


def msp_of(organisation: Path, user: str) -> Path:
    """Folder `msp` of somebody of an organisation."""
    return organisation / "users" / f"{user}@{organisation.name}" / "msp"


def list_organisations(folder: Path, msp_id: str) -> Iterator[Path]:
    """Folders of the organisation with peers that an MSP id may mean, below a ledger's folder."""
    for place in sorted((folder / CRYPTO / PEERS).glob("*")):
        if f"{place.name.partition('.')[0]}msp" == msp_id.lower():
            yield place


def find_msp(folder: Path, msp_id: str, user: str) -> Path | None:
    """Folder `msp` of somebody, below a ledger's folder; None where there is none."""
    found = (msp_of(each, user) for each in list_organisations(folder, msp_id))
    return next((each for each in found if each.is_dir()), None)
