"""Independent parties, unmodified: npm's Gateway client and shim, PyPI's shim, fabric-sdk-py.

They know nothing of this ledger: what they take for Fabric is what they are served.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.embedded.served import (
    CHANNEL,
    ORG1,
    ORG2,
    LedgerWorld,
    development_ledger,
)
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf
from tests.stage.fabric_peers.running import (
    ask_gateway_client,
    ask_hfc,
    chaincode_processes,
    start_chaincode,
)

from edgemark.ledger.fabric.wire.codes import Code

pytestmark = [pytest.mark.processes, pytest.mark.lasts(15)]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerWorld]:
    folder = tmp_path_factory.mktemp("ledger-of-others")
    with development_ledger(folder) as running, chaincode_processes() as started:
        for name, kind in (("npmcc", "npm"), ("pypicc", "PyPI")):
            begin = partial(start_chaincode, kind, started=started)
            running.deploy(name, {ORG1: begin, ORG2: begin})
        running.deploy("ours", {ORG1: Shelf(), ORG2: Shelf()})
        yield running


def facts_of(ledger: LedgerWorld, chaincode: str) -> dict[str, Any]:
    folder = ledger.thread.ledger.organisations.folder_of(ORG1)
    user = folder.path / "users" / f"User1@{folder.domain}" / "msp"
    return {
        "target": f"localhost:{ledger.thread.ledger.ports[ORG1]}",
        "tls_ca": str(folder.server / "tls" / "ca.crt"),
        "server_name": folder.server.name,
        "msp_id": ORG1,
        "certificate": str(next(user.glob("signcerts/*.pem"))),
        "key": str(next(user.glob("keystore/*_sk"))),
        "channel": CHANNEL,
        "chaincode": chaincode,
    }


@pytest.mark.parametrize("chaincode", ["ours", "npmcc", "pypicc"])
def test_gateway_client_of_npm__writes_and_reads__whatever_the_shim(
    ledger: LedgerWorld, chaincode: str
) -> None:
    kept, read, unknown = ask_gateway_client(
        facts_of(ledger, chaincode),
        [
            {"do": "submit", "name": "put", "arguments": [f"of-{chaincode}", "hello"]},
            {"do": "evaluate", "name": "get", "arguments": [f"of-{chaincode}"]},
            {"do": "evaluate", "name": "nothing", "arguments": []},
        ],
    )
    assert (kept["successful"], kept["code"]) == (True, Code.VALID)
    assert ledger.thread.ledger.ledger.channels[CHANNEL].status(kept["transaction"]) is not None
    assert read == {"result": "hello"}
    assert (unknown["error"], unknown["code"]) == ("GatewayError", 2)  # UNKNOWN


def test_gateway_client_of_npm__hears_every_event_once__from_the_first_block(
    ledger: LedgerWorld,
) -> None:
    puts = [
        {"do": "submit", "name": "put", "arguments": [f"event-{number}", str(number)]}
        for number in range(4)
    ]
    facts = facts_of(ledger, "npmcc")
    *kept, heard = ask_gateway_client(facts, [*puts, {"do": "events", "from": 0, "count": 4}])
    before = [each for each in heard["events"] if not each["text"].startswith("event-")]
    if before:  # another test's came first
        (heard,) = ask_gateway_client(
            facts, [{"do": "events", "from": 0, "count": 4 + len(before)}]
        )
    told = [each for each in heard["events"] if each["text"].startswith("event-")]
    assert [each["transaction"] for each in told] == [each["transaction"] for each in kept]
    assert [each["text"] for each in told] == [f"event-{number}={number}" for number in range(4)]
    assert {each["name"] for each in told} == {"put"}


def test_shim_of_npm__deletes_lists_and_remembers(ledger: LedgerWorld) -> None:
    calls = [("put", "r1", "a"), ("put", "r2", "b"), ("delete", "r1")]
    submits = [{"do": "submit", "name": n, "arguments": list(words)} for n, *words in calls]
    reads = [("range", "r", "s"), ("history", "r1"), ("creator",)]
    asked = [{"do": "evaluate", "name": n, "arguments": list(words)} for n, *words in reads]
    first, _, third, rows, past, creator = ask_gateway_client(
        facts_of(ledger, "npmcc"), [*submits, *asked]
    )
    assert json.loads(rows["result"]) == [["r2", "b"]]
    assert json.loads(past["result"]) == [
        [third["transaction"], True],
        [first["transaction"], False],
    ]
    assert creator == {"result": ORG1}


def test_shims_of_others_and_ours__call_one_another(ledger: LedgerWorld) -> None:
    facts = facts_of(ledger, "npmcc")
    call = {"do": "submit", "name": "call", "arguments": ["ours", "put", "by-another", "x"]}
    (kept,) = ask_gateway_client(facts, [call])
    assert kept.get("code") == Code.VALID, kept
    user = ledger.user(ORG2)
    assert user.evaluate(user.propose("ours", "get", "by-another")).payload == b"x"


def test_error_of_a_chaincode__reaches_the_client_of_npm_with_who_said_it(
    ledger: LedgerWorld,
) -> None:
    call = {"do": "submit", "name": "fail", "arguments": ["not today"]}
    (said,) = ask_gateway_client(facts_of(ledger, "npmcc"), [call])
    assert (said["error"], said["code"]) == ("EndorseError", 10)  # ABORTED
    assert any("not today" in each["message"] for each in said["details"])


@pytest.mark.parametrize("chaincode", ["ours", "npmcc", "pypicc"])
def test_hfc__invokes_and_waits_for_its_event__queries__and_tells_the_height(
    ledger: LedgerWorld, chaincode: str, tmp_path: Path
) -> None:
    folders = ledger.thread.ledger.organisations.peers
    facts = {
        "profile": str(ledger.thread.place.profiles / "hfc.json"),
        "organisation": folders[ORG1].domain,
        "user": _first_user(ledger),
        "channel": CHANNEL,
        "chaincode": chaincode,
        "peers": [each.server.name for each in folders.values()],
    }
    before, kept, read, after = ask_hfc(
        facts,
        [
            {"do": "info"},
            {"do": "invoke", "name": "put", "arguments": ["by-hfc", "v"]},
            {"do": "query", "name": "get", "arguments": ["by-hfc"]},
            {"do": "info"},
        ],
        tmp_path,
    )
    assert "error" not in kept, kept
    assert read == {"result": "v"}
    assert after["height"] == before["height"] + 1
    channel = ledger.thread.ledger.ledger.channels[CHANNEL]
    assert after["height"] == channel.height


def _first_user(ledger: LedgerWorld) -> str:
    profile = json.loads((ledger.thread.place.profiles / "hfc.json").read_text())
    domain = ledger.thread.ledger.organisations.peers[ORG1].domain
    return next(name for name in profile["organizations"][domain]["users"] if "User1" in name)
