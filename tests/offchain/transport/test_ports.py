"""Ports for later are free, in a row, and none that the system gives to connections."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edgemark.transport import ports


def test_find_free_run__gives_ports_in_a_row_below_those_of_connections() -> None:
    run = ports.find_free_run(12)
    assert len(run) == 12
    assert run[0] >= ports.LOWEST
    assert run[-1] < int(ports.OUTGOING_RANGE.read_text().split()[0])
    for port in run:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


def test_find_free_port__passes_over_those_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ports.find_free_run(2)[0]
    monkeypatch.setattr(ports, "LOWEST", first)
    monkeypatch.setattr(ports, "_lowest_outgoing", lambda: first + 2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        assert {ports.find_free_port() for _ in range(5)} == {first + 1}
        with pytest.raises(ports.NoFreePorts):
            ports.find_free_run(2)


@pytest.mark.parametrize("length", [0, -1, ports.MAX_RUN + 1])
def test_find_free_run__of_an_impossible_length__is_refused(length: int) -> None:
    with pytest.raises(ports.NoFreePorts):
        ports.find_free_run(length)


@pytest.mark.parametrize("text", [None, "", "many 60999"])
def test_find_free_port__where_the_system_does_not_say__takes_the_usual_range(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    said = tmp_path / "range"
    if text is not None:
        said.write_text(text)
    monkeypatch.setattr(ports, "OUTGOING_RANGE", said)
    assert ports.LOWEST <= ports.find_free_port() < ports.USUAL_OUTGOING_LOWEST
