"""What runs before a document's first command, by the name that the document gives.

`identities`: a chain with the registry of identities alone, and in `$PLAY/auditor` a home whose
account has coin.

Without a name, the programs are on the path, as the section "Install" of README.md has it.

`fresh`: nothing was done but `make contracts`; the page itself says where the programs are.

`servers`: as docs/running.md leaves it after its fourth step. A chain, the contracts, six nodes
and four judges in `$PLAY`, a funded account in `$PLAY/device`; `$NODES` names the nodes for
`outsourcing submit`; node 1 shows metrics at the first port of the page. The log of each server
stands beside its home.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from tests.docs.pages import read_page
from tests.docs.session import PLAY, ROOT, clean_environment, hold_free_ports, run_page
from tests.stage.playhouse import START_LIMIT_S, start_usually

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import deploy
from edgemark.identity.keys import KeyStore
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.contracts import DidContracts
from edgemark.systems.outsourcing.demo.cast import OutsourcingStage

Environ = dict[str, str]


def fresh(play: Path, ports: Mapping[int, int]) -> AbstractContextManager[Environ]:
    """See the top of this file."""
    return nullcontext({})


def installed(play: Path, ports: Mapping[int, int]) -> AbstractContextManager[Environ]:
    """See the top of this file."""
    return nullcontext(with_programs())


def with_programs() -> Environ:
    """The path of README.md, section "Install"."""
    return {"PATH": os.pathsep.join([f"{ROOT / '.venv' / 'bin'}", clean_environment()["PATH"]])}


@contextmanager
def servers(play: Path, ports: Mapping[int, int]) -> Iterator[Environ]:
    """See the top of this file."""
    with OutsourcingStage(play, start_limit_s=START_LIMIT_S) as stage:
        stage.set()
        for actor in (*stage.nodes, *stage.judges):
            shows = actor.name == "node 1" and ports
            port = str(next(iter(ports.values()))) if shows else "0"
            start_usually(actor, {"EDGEMARK_METRICS_PORT": port})
        stage.wait_ready((*stage.nodes, *stage.judges))
        for actor in (*stage.nodes, *stage.judges):
            actor.log.rename(play / f"{actor.home.name}.log")
        yield with_programs() | {
            "EDGEMARK_CHAIN_URL": stage.url,
            "EDGEMARK_CHAIN_CONFIRMATIONS": "1",
            "EDGEMARK_CHAIN_MANIFEST": str(play / "deployment.json"),
            "EDGEMARK_PARTY_POLL_S": "0.4",
            "NODES": " ".join(f"--node {actor.account}" for actor in stage.nodes),
        }


@contextmanager
def identities(play: Path, ports: Mapping[int, int]) -> Iterator[Environ]:
    """See the top of this file."""
    manifest, home = play / "did.json", play / "auditor"
    with AnvilNode.start(play / "anvil", AnvilOptions(block_time_s=None)) as node:
        chain = EvmChain(node.url, confirmations=0).connect()
        with TransactionLane(chain, SecretKey(dev_key(0)), play / "lane.journal") as lane:
            deploy(chain, lane, (DidContracts(),)).save(manifest)
        home.mkdir(mode=0o700)
        account = KeyStore.open(home / "keys").account.address
        chain.rpc("anvil_setBalance", account, hex(10**18))
        yield with_programs() | {
            "EDGEMARK_CHAIN_URL": node.url,
            "EDGEMARK_CHAIN_CONFIRMATIONS": "0",
            "EDGEMARK_CHAIN_MANIFEST": str(manifest),
        }


SETUPS: dict[str, Callable[[Path, Mapping[int, int]], AbstractContextManager[Environ]]] = {
    "": installed,
    "fresh": fresh,
    "identities": identities,
    "servers": servers,
}


def type_page(name: str, folder: Path) -> None:
    """Run every command of a page, in a world as the page wants it."""
    page = read_page(ROOT / name)
    play = folder / PLAY
    play.mkdir()
    with (
        hold_free_ports(page.ports) as ports,
        SETUPS[page.setup](play, ports) as environ,
    ):
        run_page(page, folder, environ, ports)
