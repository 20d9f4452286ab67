"""Two parties of a small protocol live on what every party has: processes, and no chain anywhere.

One serves HTTPS and watches nothing, the other watches a folder and serves nothing. Both die by
`kill -9` and go on; what time it is a file says.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT
from tests.offchain.party.couriers import CLOCK_FILE, OUTBOX, PARCEL, PEER_FILE, RECALLED
from tests.stage.killing.deaths import KILLED
from tests.waiting import wait_until

from edgemark.demo.actor import Actor
from edgemark.demo.stage import Stage
from edgemark.identity.keys import KeyStore
from edgemark.seam import CRASH_AFTER
from edgemark.transport.asking.http import HttpClient
from edgemark.transport.ports import HeldPorts, hold_ports

pytestmark = [pytest.mark.processes, pytest.mark.lasts(17)]

MODULE = "tests.offchain.party.couriers"
BY = 100
LIMIT_S = 300.0


@dataclass
class ParcelStage(Stage[Actor]):
    """A keeper, a courier that knows its key, a clock, and the pages of both."""

    pages: HeldPorts = field(default_factory=lambda: hold_ports(2))

    def draft_cast(self) -> list[Actor]:
        return [self._draft("keeper", 0), self._draft("courier", 1, listens=False)]

    def _draft(self, role: str, page: int, *, listens: bool = True) -> Actor:
        words = [role, str(self.folder / f"{role}-1")]
        shown = {"metrics.port": self.pages.numbers[page], "party.poll_s": 0.05}
        return Actor.draft(
            self.folder, role, 1, listens=listens, module=MODULE, words=words, settings=shown
        )

    def prepare(self) -> None:
        self.set_clock(BY)
        (self.courier.home / OUTBOX).mkdir()
        facts = {
            "endpoint": self.endpoint,
            "pin": self.pin.hex(),
            "account": self.keeper.account,
        }
        (self.courier.home / PEER_FILE).write_text(json.dumps(facts))

    def close(self) -> None:
        super().close()
        self.pages.close()

    @property
    def keeper(self) -> Actor:
        return self.actors[0]

    @property
    def courier(self) -> Actor:
        return self.actors[1]

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self.keeper.port}"

    @property
    def pin(self) -> bytes:
        return bytes(KeyStore.open(self.keeper.home / "keys").tls.pin)

    def set_clock(self, now: int) -> None:
        path = self.folder / CLOCK_FILE
        path.with_suffix(".new").write_text(str(now))
        path.with_suffix(".new").replace(path)

    def file(self, name: str, suffix: str = PARCEL) -> None:
        """Put a parcel, or the wish to have it back, into the courier's outbox."""
        made = self.courier.home / f"{name}{suffix}"
        made.write_text(str(BY))
        made.replace(self.courier.home / OUTBOX / made.name)

    def ask_page(self, actor: Actor, path: str) -> str:
        """A page of its operator; empty while nobody answers."""
        port = self.pages.numbers[self.actors.index(actor)]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            return ""
        finally:
            connection.close()

    def wait_parcels(self, actor: Actor, phase: str, count: int) -> None:
        """Wait until an actor has so many parcels in a phase."""
        line = f'edgemark_parcels{{phase="{phase}"}} {float(count)}'
        wait_until(
            f"{count} {phase} by {actor.name}",
            lambda: line in self.ask_page(actor, "/metrics").splitlines(),
            LIMIT_S,
        )

    def records(self, actor: Actor) -> int:
        """How many events are in its journal."""
        lines = self.ask_page(actor, "/metrics").splitlines()
        (line,) = [each for each in lines if each.startswith("edgemark_journal_records ")]
        return int(float(line.split()[1]))


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ParcelStage]:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'offchain'}:{ROOT}")
    with ParcelStage(tmp_path, start_limit_s=LIMIT_S) as made:
        made.set()
        yield made


def wait_killed(actor: Actor) -> None:
    """Wait until a process has ended itself as `kill -9` does."""
    assert actor.process is not None
    assert actor.process.wait(LIMIT_S) == KILLED


def test_a_parcel__goes_from_who_serves_nothing_to_who_serves_https(stage: ParcelStage) -> None:
    stage.raise_curtain()
    stage.file("one")
    stage.wait_parcels(stage.courier, "delivered", 1)
    stage.wait_parcels(stage.keeper, "sealed", 1)

    client = HttpClient(timeout_s=LIMIT_S)
    said = client.request(stage.endpoint, stage.pin, "GET", "/v1/status", most_bytes=1000)
    facts = json.loads(said)
    assert (facts["account"], facts["sealed"]) == (stage.keeper.account, ["one"])
    assert set(facts) == {"account", "bytes_in", "bytes_out", "sealed"}  # and no gas

    assert stage.courier.place is None
    for actor in stage.actors:
        health = json.loads(stage.ask_page(actor, "/healthz"))
        assert health == {"healthy": True, "faults": []}
        page = stage.ask_page(actor, "/metrics")
        assert f'role="{actor.name.split()[0]}"' in page
        assert "edgemark_chain" not in page
        assert "edgemark_account" not in page


def test_who_is_killed_between_any_two_records__goes_on_where_it_was(stage: ParcelStage) -> None:
    stage.file("one")
    keeper, courier = stage.actors
    courier.start({CRASH_AFTER: "AskedBring"})
    wait_killed(courier)
    courier.start({CRASH_AFTER: "before:HeardSealed"})
    for place in ("before:HeardParcel", "HeardParcel", "before:FoundSeal", "FoundSeal"):
        keeper.start({CRASH_AFTER: place})
        wait_killed(keeper)
    keeper.start()
    wait_killed(courier)
    courier.start()
    stage.wait_parcels(courier, "delivered", 1)
    stage.wait_parcels(keeper, "sealed", 1)
    assert [stage.records(actor) for actor in stage.actors] == [2, 2]  # each event once


def test_a_courier__whose_keeper_is_away__is_killed_and_brings_it_when_the_keeper_is_back(
    stage: ParcelStage,
) -> None:
    stage.courier.start()
    stage.wait_ready([stage.courier])
    stage.file("one")
    stage.wait_parcels(stage.courier, "carried", 1)
    assert stage.courier.process is not None
    stage.courier.process.kill()
    wait_killed(stage.courier)
    stage.raise_curtain()
    stage.wait_parcels(stage.courier, "delivered", 1)


def test_time__is_what_is_handed_in(stage: ParcelStage) -> None:
    stage.courier.start()
    stage.file("one")
    stage.wait_parcels(stage.courier, "carried", 1)
    stage.set_clock(BY + 1)
    stage.wait_parcels(stage.courier, "late", 1)


def test_what_is_seen_in_a_round__ends_what_was_owed(stage: ParcelStage) -> None:
    stage.courier.start()
    stage.file("one")
    stage.file("two")
    stage.wait_parcels(stage.courier, "carried", 2)
    stage.file("two", RECALLED)
    stage.wait_parcels(stage.courier, "recalled", 1)
    stage.keeper.start()
    stage.wait_parcels(stage.courier, "delivered", 1)


def test_a_keeper_with_another_key__gets_nothing(stage: ParcelStage) -> None:
    KeyStore.renew_tls(stage.keeper.home / "keys")
    stage.raise_curtain()
    stage.file("one")
    log = stage.courier.log
    wait_until("a refusal", lambda: "effect put off" in log.read_text(), LIMIT_S)
    stage.wait_parcels(stage.courier, "carried", 1)
    assert stage.records(stage.keeper) == 0
