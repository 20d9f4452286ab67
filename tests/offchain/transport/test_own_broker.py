"""Which broker a party has by its settings, and what is said of a Mosquitto that is not there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.mosquitto_process import ADMIN, PASSWORD, MosquittoProcess
from tests.waiting import wait_until

from edgemark.cli.doctor.reach_findings import find_reach
from edgemark.cli.sections import list_sections
from edgemark.errors import EdgemarkError, PeerFault, Unrecoverable
from edgemark.metrics.broker import BrokerReadings
from edgemark.metrics.health import find_faults
from edgemark.settings.loading import load_settings
from edgemark.settings.section import SettingInvalid
from edgemark.settings.settings import Settings
from edgemark.transport.broker.client import BrokerAway
from edgemark.transport.broker.mosquitto import Mosquitto
from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.settings import BrokerSettings
from edgemark.transport.broker.tickets import Topics
from edgemark.transport.own_broker import PlaceInvalid, describe_mosquitto, make_broker
from edgemark.transport.ports import hold_ports
from edgemark.transport.tls import TlsKey

KEY = TlsKey.generate()
PIN = "ab" * 32


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MosquittoProcess]:
    with hold_ports(1) as ports:
        there = MosquittoProcess(tmp_path_factory.mktemp("mosquitto"), ports.numbers[0])
        there.start()
        yield there
        there.kill()


def a_file(folder: Path, text: str = f"{PASSWORD}\n", mode: int = 0o600) -> str:
    path = folder / "password"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def settings_for(folder: Path, process: MosquittoProcess | None = None, **more: object) -> Settings:
    told = {"kind": "mosquitto", "mosquitto_admin_file": a_file(folder), "mosquitto_pin": PIN}
    if process is not None:
        told |= {"mosquitto_port": str(process.port), "mosquitto_pin": process.place.pin.hex()}
    overrides = {f"broker.{name}": value for name, value in {**told, **more}.items()}
    overrides["home"] = str(folder)
    return load_settings(file=None, environ={}, overrides=overrides, sections=list_sections())


def broker_of(
    folder: Path, process: MosquittoProcess | None = None, **more: object
) -> BrokerSettings:
    return settings_for(folder, process, **more).of(BrokerSettings)


def test_nothing_said__is_a_broker_of_its_own() -> None:
    made = make_broker(BrokerSettings(), KEY)
    assert isinstance(made, EmbeddedBroker)
    made.close()


def test_another_kind__is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="kind"):
        broker_of(tmp_path, kind="rabbit")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"mosquitto_pin": ""}, "mosquitto_pin"),
        ({"mosquitto_pin": "abc"}, "mosquitto_pin"),
        ({"mosquitto_pin": "ab" * 31}, "mosquitto_pin"),
        ({"mosquitto_admin_file": ""}, "mosquitto_admin_file"),
        ({"mosquitto_admin_file": "/nowhere/at/all"}, "mosquitto_admin_file"),
    ],
)
def test_a_place_that_lacks_something__is_refused_by_its_setting(
    tmp_path: Path, changes: dict[str, str], name: str
) -> None:
    with pytest.raises(PlaceInvalid) as caught:
        make_broker(broker_of(tmp_path, **changes), KEY)
    assert caught.value.who == f"setting broker.{name}"


@pytest.mark.parametrize(
    "text",
    ["", "\nsecond line\n", "x" * 2000, "\udcff"],
    ids=["empty", "second line", "long", "no text"],
)
def test_a_file_without_a_password__is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    path.chmod(0o600)
    with pytest.raises(PlaceInvalid, match="admin_file"):
        make_broker(broker_of(tmp_path, mosquitto_admin_file=str(path)), KEY)


def test_a_password_that_others_can_read__is_refused(tmp_path: Path) -> None:
    told = broker_of(tmp_path)
    a_file(tmp_path, mode=0o644)
    with pytest.raises(Unrecoverable):
        make_broker(told, KEY)


def test_a_mosquitto__lets_in_and_is_healthy_and_is_not_when_it_is_killed(
    tmp_path: Path, process: MosquittoProcess
) -> None:
    made = make_broker(broker_of(tmp_path, process), KEY)
    assert isinstance(made, Mosquitto)
    readings = BrokerReadings(made)
    made.start()
    try:
        made.admit("left", Topics.pair("a", "b"), time.time() + 60)
        assert find_faults({}, [readings], 0.0) == []
        names = {family.name for family in readings.collect() if family.samples}
        assert names == {"edgemark_broker_admitted"}
        assert "sessions admitted now: 1" in describe_mosquitto(broker_of(tmp_path, process))
        made.check()  # whoever looked took nobody's place
        process.kill()
        wait_until("it is noticed", lambda: find_faults({}, [readings], 0.0))
        with pytest.raises(PeerFault):
            made.admit("right", Topics.pair("c", "d"), time.time() + 60)
        process.start()
        wait_until("it is back", lambda: not find_faults({}, [readings], 0.0))
        made.admit("right", Topics.pair("c", "d"), time.time() + 60)
    finally:
        made.close()


def doctor_says(settings: Settings) -> tuple[bool, str]:
    (found,) = [each for each in find_reach(settings, None) if each.name == "broker"]
    return found.fine, found.seen


def test_doctor__says_whether_a_mosquitto_answers(
    tmp_path: Path, process: MosquittoProcess
) -> None:
    fine, seen = doctor_says(settings_for(tmp_path, process))
    assert fine, seen
    assert f"obeys {ADMIN}" in seen
    assert not list(find_reach(settings_for(tmp_path, kind="embedded"), None))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mosquitto_pin": PIN}, "another TLS key"),
        ({"mosquitto_admin": "nobody"}, "let the session in"),
        ({"mosquitto_port": "1"}, "not answer"),
    ],
)
def test_doctor__finds_a_mosquitto_that_is_another_or_away(
    tmp_path: Path,
    process: MosquittoProcess,
    changes: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgemark.transport.broker.mosquitto.ANSWER_S", 1.0)
    fine, seen = doctor_says(settings_for(tmp_path, process, **changes))
    assert not fine
    assert said in seen
    with pytest.raises(EdgemarkError):
        describe_mosquitto(broker_of(tmp_path, process, **changes))


def test_an_address_of_no_broker__is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgemark.transport.broker.mosquitto.ANSWER_S", 1.0)
    with hold_ports(1) as ports, pytest.raises(BrokerAway):
        describe_mosquitto(broker_of(tmp_path, mosquitto_port=str(ports.numbers[0])))
