"""Ports for later are in a row, nobody else gets them meanwhile, and their servers do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edgemark.transport import ports

HOST = "127.0.0.1"


def test_hold_ports__gives_ports_in_a_row_below_those_of_connections() -> None:
    with ports.hold_ports(12) as held:
        assert len(held.numbers) == 12
        assert held.numbers[0] >= ports.LOWEST
        assert held.numbers[-1] < int(ports.OUTGOING_RANGE.read_text().split()[0])


def test_held_port__is_found_by_nobody_else_until_it_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ports.hold_ports(2) as held:
        first, second = held.numbers
    monkeypatch.setattr(ports, "LOWEST", first)
    monkeypatch.setattr(ports, "_lowest_outgoing", lambda: second + 1)
    with ports.hold_ports(1) as one, ports.hold_ports(1) as other:
        assert {*one.numbers, *other.numbers} == {first, second}
        with pytest.raises(ports.NoFreePorts):
            ports.hold_ports(1)
    with ports.hold_ports(2) as again:
        assert list(again.numbers) == [first, second]


def test_held_port__is_taken_by_its_server_and_by_the_next_life_of_it() -> None:
    with ports.hold_ports(1) as held:
        port = held.numbers[0]
        for _ in range(2):
            with socket.create_server((HOST, port)) as server:
                with socket.create_connection((HOST, port)) as near, server.accept()[0] as far:
                    near.sendall(b"x")
                    assert far.recv(1) == b"x"
                with pytest.raises(OSError, match="in use"):
                    socket.create_server((HOST, port))


def test_held_port__without_its_server__refuses_connections() -> None:
    with ports.hold_ports(1) as held, pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, held.numbers[0]))


@pytest.mark.parametrize("count", [0, -1, ports.MAX_RUN + 1])
def test_hold_ports__of_an_impossible_number__is_refused(count: int) -> None:
    with pytest.raises(ports.NoFreePorts):
        ports.hold_ports(count)


@pytest.mark.parametrize("text", [None, "", "many 60999"])
def test_hold_ports__where_the_system_does_not_say__takes_the_usual_range(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    said = tmp_path / "range"
    if text is not None:
        said.write_text(text)
    monkeypatch.setattr(ports, "OUTGOING_RANGE", said)
    with ports.hold_ports(1) as held:
        assert ports.LOWEST <= held.numbers[0] < ports.USUAL_OUTGOING_LOWEST


def test_check_can_listen__where_somebody_does__is_refused() -> None:
    with ports.hold_ports(1) as held:
        port = held.numbers[0]
        ports.check_can_listen(HOST, port)  # held for its server
        with socket.create_server((HOST, port)):
            with pytest.raises(ports.CannotListen, match="in use") as refused:
                ports.check_can_listen(HOST, port)
            assert refused.value.who == f"{HOST}:{port}"
        ports.check_can_listen(HOST, port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_check_can_listen__at_an_address_of_another_machine__is_refused(host: str) -> None:
    with pytest.raises(ports.CannotListen):
        ports.check_can_listen(host, 9)
