"""What an operator asks while everything runs, and where the answer is to be found."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stage.command_line import edgemark

from edgemark.demo.evm.actor import EvmActor

LOOPBACK = "127.0.0.1"
ANSWER_S = 20.0  # a page asks the chain, which may be away, for three seconds


@dataclass(frozen=True)
class Answered:
    """One question and what was found.

    Attributes:
        question: as an operator puts it.
        by: where the answer is: "/healthz", "log", "index nodes".
        answer: what it says, in a line; empty when nothing says it.
    """

    question: str
    by: str
    answer: str


def read_page(port: int, path: str) -> tuple[int, str]:
    """A page of a server's metrics port: its status and text; 0 when nobody answers."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def read_faults(port: int) -> list[str] | None:
    """What `/healthz` says is wrong; none when all is well, None when nobody answers."""
    status, text = read_page(port, "/healthz")
    return list(json.loads(text)["faults"]) if status else None


def read_metric(port: int, name: str) -> float | None:
    """A value of `/metrics` without labels; None when there is none."""
    found = re.search(rf"^{name} (\S+)$", read_page(port, "/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else None


def count_lines(actor: EvmActor) -> int:
    """Lines of a server's log until now."""
    return len(actor.log.read_text(errors="replace").splitlines())


def find_line(actor: EvmActor, event: str, since: int) -> str:
    """The latest line of a log, behind so many, that tells of an event; empty when none does."""
    for line in reversed(actor.log.read_text(errors="replace").splitlines()[since:]):
        if f'"event": "{event}"' in line:
            facts = json.loads(line)
            rest = {k: v for k, v in facts.items() if k not in {"at", "level", "part", "event"}}
            return " ".join([facts["at"], event, json.dumps(rest) if rest else ""]).strip()
    return ""


def list_nodes(home: Path) -> dict[str, dict[str, Any]]:
    """What `index nodes --ask` says of each, by account."""
    done = edgemark("index", "nodes", "--ask", "--json", "--home", home)
    return {} if done.status else {each["account"]: each for each in done.value["nodes"]}


def ask_doctor(home: Path, *words: str) -> str:
    """The first finding of `doctor` that has all these words; empty when none has."""
    found = edgemark("doctor", "--json", "--home", home).value
    told = (f"{name}: {each['seen']}" for name, each in found.items())
    return next((line for line in told if all(word in line for word in words)), "")


def ask_status(home: Path) -> str:
    """How many jobs of a device's home are where, while a command stays with one of them."""
    done = edgemark("outsourcing", "status", "--json", "--home", home)
    return "" if done.status else done.out.strip()[-200:]


def ask_party(account: str, home: Path) -> str:
    """What `index party` says that an account earned."""
    done = edgemark("index", "party", account, "--json", "--home", home)
    return "" if done.status else json.dumps(done.value)[:200]
