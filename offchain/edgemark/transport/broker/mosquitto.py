"""Mosquitto behind the same face: its dynamic-security plug-in says who may do what.

For whoever opens channels between others and has a Mosquitto (2.0.11 or later, as of Debian 12)
where the embedded broker is too small. It is told by messages below `$CONTROL/dynamic-security`.
What it does otherwise:

- A password counts until the session is dismissed, admitted anew, or over: the plug-in has none
  that counts once. Who logs in a second time takes the place of the first.
- A message to another's topic is not passed on, but acknowledged, and its session stays.
- A session whose rights change is disconnected and has to log in again. So who is admitted with
  more or fewer than a party's two topics has all below its own name from the beginning (`hub/...`
  of `hub`), and nothing changes for these.
- What it may hold is in its configuration, `write_configuration`.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from edgemark.closing import Closing
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import Overloaded, PeerFault
from edgemark.identifiers import Hash32
from edgemark.logs import Secret, get_logger
from edgemark.transport.broker.admissions import PASSWORD_BYTES
from edgemark.transport.broker.client import BrokerAway, BrokerClient
from edgemark.transport.broker.packets import HEAD_BYTES
from edgemark.transport.broker.tickets import (
    CONTROL,
    BrokerReading,
    SessionInvalid,
    Ticket,
    Topics,
    check_session,
)
from edgemark.transport.limits import BrokerLimits

COMMANDS = f"{CONTROL}dynamic-security/v1"
ANSWERS = f"{COMMANDS}/response"
ROLE = "edgemark/"  # before the name of a session: what is ours
ANSWER_S = 10.0
AWAY_S = 1.0  # a connection that ended is there again by then, or whoever asks is told no
LOOK_S = 1.0  # between two looks at whose time is over
NOTHING = Topics.many((), ())
NOT_FOUND = frozenset({"Client not found", "Role not found"})


class MosquittoRefused(PeerFault):
    """Mosquitto did not do what it was told."""


@dataclass(frozen=True)
class MosquittoPlace:
    """Where a Mosquitto listens, and as whom it takes commands.

    Attributes:
        host, port: where it listens.
        pin: of its TLS key.
        admin: name of the plug-in's administrator.
        password: of the administrator.
        name: of the connection, of which there is one; the administrator's when empty.
    """

    host: str
    port: int
    pin: Hash32
    admin: str
    password: Secret[str]
    name: str = ""


class Mosquitto(Closing):
    """Lets sessions in at a Mosquitto; see `tickets.Broker`. Safe for many threads.

    Args:
        place: where it is.
        most_sessions: at a time.
        clock: Unix seconds.
    """

    def __init__(
        self,
        place: MosquittoPlace,
        *,
        most_sessions: int = BrokerLimits.most_sessions,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._place, self._most, self._clock = place, most_sessions, clock
        self._log = get_logger("transport.broker.mosquitto")
        self._guard = threading.RLock()
        self._known: dict[str, tuple[Topics, float]] = {}
        self._number = 0
        self._client = BrokerClient(self._log_in)
        self._is_over = threading.Event()
        self._looking = threading.Thread(target=self._look, name="mosquitto", daemon=True)

    def start(self) -> None:
        """Connect, and end the sessions of an earlier life.

        Raises:
            BrokerAway: it does not answer.
            MosquittoRefused: it has no such plug-in, or its administrator is another.
        """
        self._client.start()
        self._client.wait(ANSWER_S)
        with self._guard:
            for session in self._list():
                self._forget(session)
        self._looking.start()

    @classmethod
    def ask(cls, place: MosquittoPlace) -> int:
        """How many sessions of ours a Mosquitto has; it changes nothing, and takes nobody's place.

        Raises:
            BrokerAway, MosquittoRefused: as `start`.
        """
        asking = cls(replace(place, name=f"{place.admin}-{os.getpid()}"))
        with contextlib.closing(asking):
            asking._client.start()
            asking._client.wait(ANSWER_S)
            return len(asking._list())

    def __enter__(self) -> Self:
        self.start()
        return super().__enter__()

    def close(self) -> None:
        """Connect no more; sessions go on until somebody ends them."""
        self._is_over.set()
        if self._looking.is_alive():
            self._looking.join(ANSWER_S)
        self._client.close()

    def admit(self, session: str, topics: Topics, until: float) -> Ticket:
        """Let a session log in; see `tickets.Broker`."""
        check_session(session)
        password = Randomness().octets(PASSWORD_BYTES).hex()
        role = ROLE + session
        with self._guard:
            if session not in self._known and len(self._known) >= self._most:
                raise Overloaded(
                    "broker has no place for another session",
                    who=session,
                    had=len(self._known),
                    needed=f"< {self._most}",
                )
            self._forget(session)
            self._known[session] = topics, 0.0  # over, unless all of it is done
            self._command(
                {"command": "createRole", "rolename": role, "acls": list(_rights(session, topics))},
                {
                    "command": "createClient",
                    "username": session,
                    "password": password,
                    "roles": [{"rolename": role}],
                },
            )
            self._known[session] = topics, until
        place = self._place
        return Ticket(place.host, place.port, place.pin, session, Secret(password), topics)

    def allow(self, session: str, more: Topics) -> None:
        """Let it use more topics; see `tickets.Broker`."""
        with self._guard:
            topics, until = self._find(session)
            self._known[session] = topics | more, until
            self._change("addRoleACL", session, more - topics)

    def forbid(self, session: str, fewer: Topics) -> None:
        """Let it use these no more; see `tickets.Broker`."""
        with self._guard:
            topics, until = self._find(session)
            self._known[session] = topics - fewer, until
            self._change("removeRoleACL", session, fewer)

    def dismiss(self, session: str) -> None:
        """End a session and its connection; see `tickets.Broker`."""
        with self._guard:
            self._known[session] = NOTHING, 0.0
            self._end_if_it_can(session)

    def check(self) -> None:
        """Check that it takes commands.

        Raises:
            BrokerAway: it cannot be reached.
        """
        self._client.wait(0.0)

    def read(self) -> BrokerReading:
        """One look: what it carries it tells its own operator."""
        return BrokerReading(admitted=len(self._known))

    def _log_in(self) -> Ticket:
        place, topics = self._place, Topics.pair(COMMANDS, ANSWERS)
        dialled = place.host, place.port, place.pin
        return Ticket(*dialled, place.admin, place.password, topics, place.name)

    def _list(self) -> list[str]:
        """Sessions that it has a role of."""
        (listed,) = self._command({"command": "listRoles", "count": -1})
        roles = listed.get("data", {}).get("roles", [])
        ours = (role for role in roles if isinstance(role, str) and role.startswith(ROLE))
        return [role.removeprefix(ROLE) for role in ours]

    def _find(self, session: str) -> tuple[Topics, float]:
        found = self._known.get(session)
        if found is None or found[1] <= self._clock():
            raise SessionInvalid(
                "is not admitted", who=session, needed="a session that is admitted"
            )
        return found

    def _change(self, command: str, session: str, topics: Topics) -> None:
        name = f"{session}/"
        told = [
            {"command": command, "rolename": ROLE + session, **right}
            for right in _literal_rights(topics)
            if not right["topic"].startswith(name)
        ]
        if told:
            self._command(*told)

    def _forget(self, session: str) -> None:
        self._command(
            {"command": "deleteClient", "username": session},
            {"command": "deleteRole", "rolename": ROLE + session},
        )
        self._known.pop(session, None)

    def _end_if_it_can(self, session: str) -> None:
        """Else it is tried again, until it is done."""
        try:
            self._forget(session)
        except PeerFault as error:
            self._log.warning("session is not ended yet", session=session, why=error)

    def _look(self) -> None:
        while not self._is_over.wait(LOOK_S):
            with contextlib.suppress(BrokerAway), self._guard:
                self.check()
                now = self._clock()
                for session in [s for s, (_, until) in self._known.items() if until <= now]:
                    self._end_if_it_can(session)

    def _command(self, *commands: dict[str, Any]) -> list[dict[str, Any]]:
        """Tell it something, and have its answers.

        Raises:
            BrokerAway, BrokerSlow: it does not answer.
            MosquittoRefused: it says no.
        """
        self._client.wait(AWAY_S)
        self._number += 1
        mark = f"{self._number}"
        told = [{**each, "correlationData": mark} for each in commands]
        self._client.publish(COMMANDS, json.dumps({"commands": told}).encode(), timeout_s=ANSWER_S)
        answers = self._read(mark)
        for answer in answers:
            error = str(answer.get("error", ""))[:200]
            if error and error not in NOT_FOUND:
                raise MosquittoRefused(
                    "did not do what it was told", who="Mosquitto", had=error, needed="no error"
                )
        return answers

    def _read(self, mark: str) -> list[dict[str, Any]]:
        by = time.monotonic() + ANSWER_S
        while (left := by - time.monotonic()) > 0:
            came = self._client.receive(left)
            answers = [] if came is None else _parse(came.payload)
            if answers and all(each.get("correlationData") == mark for each in answers):
                return answers
        raise MosquittoRefused(
            "does not answer",
            who="Mosquitto",
            needed=f"an answer within {ANSWER_S:g} s",
            remedy="Look whether it has the dynamic-security plug-in and this administrator.",
        )


def _parse(raw: bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return []
    answers = found.get("responses") if isinstance(found, dict) else None
    is_fine = isinstance(answers, list) and all(isinstance(each, dict) for each in answers)
    return answers if is_fine else []  # type: ignore[return-value]


def _literal_rights(topics: Topics) -> Iterator[dict[str, Any]]:
    for topic in sorted(topics.publish):
        yield {"acltype": "publishClientSend", "topic": topic, "allow": True}
    for topic in sorted(topics.subscribe):
        yield {"acltype": "subscribeLiteral", "topic": topic, "allow": True}


def _rights(session: str, topics: Topics) -> Iterator[dict[str, Any]]:
    if not topics.is_pair:
        below = f"{session}/#"
        yield {"acltype": "publishClientSend", "topic": below, "allow": True}
        yield {"acltype": "subscribePattern", "topic": below, "allow": True}
    for right in _literal_rights(topics):
        if topics.is_pair or not right["topic"].startswith(f"{session}/"):
            yield right


def write_configuration(
    key: Path,
    port: int,
    plug_in: Path,
    state: Path,
    *,
    limits: BrokerLimits | None = None,
    more: Sequence[str] = (),
) -> str:
    """What stands in `mosquitto.conf`, for the same bounds as the embedded broker has.

    Args:
        key: of TLS, as `TlsKey.save_new` writes it.
        port: where it listens, on this machine.
        plug_in: `mosquitto_dynamic_security.so`.
        state: of the plug-in, as `mosquitto_ctrl dynsec init` writes it.
        limits: see `BrokerLimits`.
        more: further lines.
    """
    bounds = limits or BrokerLimits()
    lines = (
        "per_listener_settings false",
        f"listener {port} 127.0.0.1",
        f"certfile {key}",
        f"keyfile {key}",
        "tls_version tlsv1.3",
        "allow_anonymous false",
        f"plugin {plug_in}",
        f"plugin_opt_config_file {state}",
        "persistence false",
        "retain_available false",
        "set_tcp_nodelay true",
        "max_qos 1",
        f"max_packet_size {bounds.most_message_bytes + HEAD_BYTES + 5}",
        f"message_size_limit {bounds.most_message_bytes}",
        f"max_connections {bounds.most_sockets}",
        f"max_inflight_messages {bounds.most_in_flight}",
        f"max_queued_messages {bounds.most_outgoing}",
        f"max_queued_bytes {bounds.most_outgoing_bytes}",
        *more,
    )
    return "".join(f"{line}\n" for line in lines)
