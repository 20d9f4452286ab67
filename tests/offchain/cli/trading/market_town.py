"""A chain with this system's contracts, on which homes register, offer and audit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.cli.town import Town
from tests.offchain.small_chain import LIMITS, SmallChain, account
from tests.offchain.systems.trading.templates.template_forms import text_of

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import deploy
from edgemark.identity.did.identifier import make_did
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.contracts import DidContracts
from edgemark.systems.outsourcing.station.contracts import draft_contracts as draft_base
from edgemark.systems.trading.station.contracts import draft_contracts
from edgemark.systems.trading.templates.template import Template, read_template

HOME = "seller"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A chain with this system's contracts, and a seller with gas."""
    folder = tmp_path_factory.mktemp("market")
    with AnvilNode.start(folder / "anvil", AnvilOptions(block_time_s=None)) as node:
        chain = EvmChain(node.url, chain_id=31337, confirmations=0).connect()
        with TransactionLane(chain, SecretKey(dev_key(0)), folder / "lane.journal") as lane:
            judges = tuple(account(number) for number in range(1, 5))
            base = draft_base(account(0), judges, account(9), account(0), LIMITS)[0]
            based, *trading = draft_contracts(base, account(0))  # type: ignore[arg-type]
            groups = (based, DidContracts(), *trading)
            town = Town(SmallChain(chain, deploy(chain, lane, groups), lane, folder), folder)
            town.do(HOME, "account", "address")
            town.enrich(HOME)
            yield town


def seller_of(town: Town) -> str:
    """DID of the home's account."""
    return str(make_did(town.ground.chain.chain_id, town.address(HOME)))


def write(town: Town, name: str, schema: dict[str, Any]) -> tuple[Path, Template]:
    """A template of the home's seller, in a file."""
    schema["properties"]["seller"]["const"] = seller_of(town)
    path = town.folder / name
    path.write_bytes(text_of(schema))
    return path, read_template(path.read_bytes())
