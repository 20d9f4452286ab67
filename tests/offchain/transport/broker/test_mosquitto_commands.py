"""What Mosquitto's plug-in is told, and what is made of its answers: without a Mosquitto."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.waiting import wait_until

from edgemark.errors import Overloaded
from edgemark.identifiers import Hash32
from edgemark.logs import Secret
from edgemark.transport.broker import mosquitto
from edgemark.transport.broker.client import BrokerAway, Message
from edgemark.transport.broker.mosquitto import (
    ANSWERS,
    COMMANDS,
    Mosquitto,
    MosquittoPlace,
    MosquittoRefused,
    write_configuration,
)
from edgemark.transport.broker.tickets import SessionInvalid, Topics

PLACE = MosquittoPlace("127.0.0.1", 8883, Hash32(bytes(32)), "admin", Secret("of the tests"))
LEFT = Topics.pair("c/1/up", "c/1/down")


class PlugIn:
    """A model of the plug-in, in place of the client that asks it.

    Attributes:
        roles, clients: that it knows, with rights and passwords.
        is_away: nothing reaches it.
        error: that it answers everything with.
        before: what comes before each answer.
    """

    def __init__(self, *_: object) -> None:
        self.roles: dict[str, list[tuple[str, str]]] = {}
        self.clients: dict[str, str] = {}
        self.is_away = False
        self.error = ""
        self.before: list[bytes] = []
        self._waiting: list[bytes] = []

    def start(self) -> None: ...

    def close(self) -> None: ...

    def wait(self, timeout_s: float) -> None: ...

    def publish(self, topic: str, payload: bytes, **_: float) -> None:
        if self.is_away:
            raise BrokerAway("is not connected to its broker")
        assert topic == COMMANDS
        commands = json.loads(payload)["commands"]
        answers = [
            self._do(each) | {"correlationData": each["correlationData"]} for each in commands
        ]
        self._waiting += [*self.before, json.dumps({"responses": answers}).encode()]

    def receive(self, _: float) -> Message | None:
        return Message(ANSWERS, self._waiting.pop(0)) if self._waiting else None

    def _do(self, told: dict[str, Any]) -> dict[str, Any]:
        if self.error:
            return {"error": self.error}
        role = told.get("rolename", "")
        match told["command"]:
            case "listRoles":
                return {"data": {"roles": [*self.roles]}}
            case "createRole":
                self.roles[role] = [(each["acltype"], each["topic"]) for each in told["acls"]]
            case "createClient":
                self.clients[told["username"]] = told["password"]
            case "deleteClient":
                found = self.clients.pop(told["username"], None)
                return {} if found else {"error": "Client not found"}
            case "deleteRole":
                return {} if self.roles.pop(role, None) else {"error": "Role not found"}
            case "addRoleACL":
                self.roles[role].append((told["acltype"], told["topic"]))
            case "removeRoleACL":
                self.roles[role].remove((told["acltype"], told["topic"]))
        return {}


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> PlugIn:
    made = PlugIn()
    monkeypatch.setattr(mosquitto, "BrokerClient", lambda _: made)
    monkeypatch.setattr(mosquitto, "LOOK_S", 0.02)
    monkeypatch.setattr(mosquitto, "ANSWER_S", 0.2)
    return made


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_party__has_its_two_topics_and_nothing_else(plug_in: PlugIn) -> None:
    with Mosquitto(PLACE) as broker:
        ticket = broker.admit("left", LEFT, 2e9)
        assert plug_in.roles == {
            "edgemark/left": [("publishClientSend", "c/1/up"), ("subscribeLiteral", "c/1/down")]
        }
        assert plug_in.clients == {"left": ticket.password.reveal()}
        assert (ticket.host, ticket.port, ticket.pin) == (PLACE.host, PLACE.port, PLACE.pin)
        again = broker.admit("left", LEFT, 2e9)
        assert plug_in.clients == {"left": again.password.reveal()}
        assert again.password.reveal() != ticket.password.reveal()
        broker.dismiss("left")
        assert plug_in.roles == {}
        assert plug_in.clients == {}


def test_a_hub__keeps_its_connection_for_topics_below_its_name(plug_in: PlugIn) -> None:
    with Mosquitto(PLACE) as broker:
        broker.admit("hub", Topics.many((), ()), 2e9)
        own = [("publishClientSend", "hub/#"), ("subscribePattern", "hub/#")]
        broker.allow("hub", Topics.pair("hub/1/down", "hub/1/up"))
        assert plug_in.roles["edgemark/hub"] == own
        broker.allow("hub", LEFT)
        assert plug_in.roles["edgemark/hub"] == [
            *own,
            ("publishClientSend", "c/1/up"),
            ("subscribeLiteral", "c/1/down"),
        ]
        broker.forbid("hub", LEFT)
        assert plug_in.roles["edgemark/hub"] == own
        with pytest.raises(SessionInvalid):
            broker.allow("nobody", LEFT)


def test_sessions_of_an_earlier_life__are_ended_and_others_are_left_alone(plug_in: PlugIn) -> None:
    plug_in.roles = {"edgemark/left": [], "of somebody else": []}
    plug_in.clients = {"left": "x", "somebody": "y"}
    with Mosquitto(PLACE):
        assert [*plug_in.roles] == ["of somebody else"]
        assert [*plug_in.clients] == ["somebody"]


def test_a_session__ends_when_its_time_is_over(plug_in: PlugIn) -> None:
    clock = Clock()
    with Mosquitto(PLACE, most_sessions=1, clock=clock) as broker:
        broker.admit("left", LEFT, 200)
        with pytest.raises(Overloaded):
            broker.admit("right", LEFT, 200)
        clock.now = 200
        wait_until("it is ended", lambda: not plug_in.clients)
        broker.admit("right", LEFT, 300)


def test_a_plug_in_that_is_away__is_told_later_who_is_dismissed(plug_in: PlugIn) -> None:
    with Mosquitto(PLACE) as broker:
        broker.admit("left", LEFT, 2e9)
        plug_in.is_away = True
        with pytest.raises(BrokerAway):
            broker.admit("right", LEFT, 2e9)
        broker.dismiss("left")
        assert [*plug_in.clients] == ["left"]
        plug_in.is_away = False
        wait_until("it is told", lambda: not plug_in.clients)


def test_an_error__is_told_with_its_words(plug_in: PlugIn) -> None:
    with Mosquitto(PLACE) as broker:
        plug_in.error = "Internal error"
        with pytest.raises(MosquittoRefused) as caught:
            broker.admit("left", LEFT, 2e9)
        assert caught.value.had == "Internal error"
        with pytest.raises(SessionInvalid):
            broker.allow("left", LEFT)
        plug_in.error = ""


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"responses": {}}',
        b'{"responses": [1]}',
        b"[" * 60_000,
        b'{"responses": [{"command": "createRole", "correlationData": "0"}]}',
    ],
)
def test_what_is_no_answer__is_passed_over(plug_in: PlugIn, junk: bytes) -> None:
    plug_in.before = [junk]
    with Mosquitto(PLACE) as broker:
        broker.admit("left", LEFT, 2e9)
        assert [*plug_in.clients] == ["left"]


def test_no_answer__is_said(plug_in: PlugIn) -> None:
    with Mosquitto(PLACE) as broker:
        plug_in.receive = lambda _: None  # type: ignore[method-assign,assignment]
        with pytest.raises(MosquittoRefused) as caught:
            broker.admit("left", LEFT, 2e9)
        assert "dynamic-security" in caught.value.remedy


def test_its_configuration__has_the_bounds_of_the_embedded_broker(tmp_path: Any) -> None:
    text = write_configuration(tmp_path / "key", 8883, tmp_path / "so", tmp_path / "state")
    for line in (
        "allow_anonymous false",
        "tls_version tlsv1.3",
        "message_size_limit 65536",
        "max_inflight_messages 8",
        "max_connections 256",
        "retain_available false",
    ):
        assert f"{line}\n" in text
