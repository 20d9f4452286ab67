"""What happens to servers in a week, each with the questions that an operator asks then.

A trouble brings something about, finds the answers while everything else runs on, and mends it. An
answer that is not there in time is the finding: nothing may have to be stopped for it.

| trouble      | what happens                                                                  |
|--------------|-------------------------------------------------------------------------------|
| restart      | a node is stopped and started again                                           |
| killed node  | `kill -9` of a node, which stays away for a while                             |
| killed judge | the same of a judge                                                           |
| chain away   | nobody answers at the chain's address                                         |
| other chain  | a development chain that was started anew answers there, in old homes         |
| rotated key  | a node registers another TLS key                                              |
| full disk    | a node's disk takes no more                                                   |
"""

from __future__ import annotations

import os
import random
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.offchain.ledger.evm.reading.cuttable_proxy import CuttableProxy
from tests.soak.outsourcing.inquiries import (
    Answered,
    ask_doctor,
    ask_status,
    count_lines,
    find_line,
    list_nodes,
    read_faults,
    read_metric,
)
from tests.stage.command_line import edgemark
from tests.stage.playhouse import start_usually

from edgemark.demo.evm.actor import EvmActor
from edgemark.ledger.evm.development.node import DevelopmentNode
from edgemark.systems.outsourcing.demo.cast import GUEST, OutsourcingStage

LOOK_S = 0.5


@dataclass
class World:
    """Where the troubles come to.

    Args:
        stage: whose servers run, at the chain's address of the proxy.
        proxy: between everybody and the chain.
        other: another chain, without our contracts.
        reader: home of an operator who only looks.
        ports: of each server's pages, by name.
        patience_s: until an answer counts as missing.
        source: draws who it happens to.

    Attributes:
        asked: what was asked until now, and found.
    """

    stage: OutsourcingStage
    proxy: CuttableProxy
    other: DevelopmentNode
    reader: Path
    ports: dict[str, int]
    patience_s: float
    source: random.Random
    asked: list[tuple[str, Answered]] = field(default_factory=list)

    def ask(self, trouble: str, question: str, by: str, find: Callable[[], str]) -> None:
        """Look until there is an answer, or no patience left."""
        deadline = time.monotonic() + self.patience_s
        answer = ""
        while not answer and time.monotonic() < deadline:
            answer = find()
            if not answer:
                time.sleep(LOOK_S)
        self.asked.append((trouble, Answered(question, by, answer)))

    def draw_node(self) -> EvmActor:
        """One of the nodes."""
        return self.source.choice(self.stage.nodes)

    def faults(self, actor: EvmActor) -> list[str] | None:
        """What its health page says; None: nobody answers."""
        return read_faults(self.ports[actor.name])

    def is_healthy(self, actor: EvmActor) -> str:
        """A word when all is well with it."""
        return "healthy" if self.faults(actor) == [] else ""

    def name_fault(self, actor: EvmActor, *words: str) -> str:
        """What its health page says is wrong, when it has one of these words."""
        told = self.faults(actor) or []
        return next((fault for fault in told if any(word in fault for word in words)), "")

    def figure(self, actor: EvmActor, name: str, wanted: float) -> str:
        """A metric, once it has this value."""
        found = read_metric(self.ports[actor.name], name)
        return f"{name} {found:g}" if found == wanted else ""

    def reached(self, actor: EvmActor) -> str:
        """What `index nodes --ask` says of a node that answers."""
        entry = list_nodes(self.reader).get(actor.account, {})
        return f"{entry['standing']}, takes {entry['takes']}" if entry.get("takes") else ""

    def refused(self, actor: EvmActor) -> str:
        """What it says of one that does not."""
        return str(list_nodes(self.reader).get(actor.account, {}).get("refused") or "")


def restart(world: World) -> None:
    """A node is stopped, and started again."""
    node = world.draw_node()
    since = count_lines(node)
    node.ask_to_leave()
    node.end()
    start_usually(node)
    name = "restart"
    world.ask(name, "since when does it serve?", "log", lambda: find_line(node, "serving", since))
    world.ask(name, "is all well with it?", "/healthz", lambda: world.is_healthy(node))


def kill_node(world: World) -> None:
    """A node is killed, and stays away until somebody has found out which."""
    node, name = world.draw_node(), "killed node"
    kill(node)
    world.ask(name, "which node is away?", "index nodes --ask", lambda: world.refused(node))
    device = world.stage.folder / GUEST
    world.ask(name, "how are my jobs?", "status", lambda: ask_status(device))
    start_usually(node)
    world.ask(name, "is it back?", "index nodes --ask", lambda: world.reached(node))
    world.ask(
        name,
        "has it done what it owed?",
        "/metrics",
        lambda: world.figure(node, "edgemark_effects_put_off", 0),
    )


def kill_judge(world: World) -> None:
    """The same of a judge, whom no list of nodes has."""
    judge, name = world.source.choice(world.stage.judges), "killed judge"
    kill(judge)
    world.ask(
        name, "does it run?", "doctor", lambda: ask_doctor(judge.home, "listen port", ", free")
    )
    world.ask(
        name,
        "does it run?",
        "/healthz",
        lambda: "nobody answers" if world.faults(judge) is None else "",
    )
    start_usually(judge)
    world.ask(name, "is all well with it?", "/healthz", lambda: world.is_healthy(judge))


def lose_chain(world: World) -> None:
    """Nobody answers at the chain's address."""
    node, name = world.draw_node(), "chain away"
    since = count_lines(node)
    world.proxy.cut()
    try:
        world.ask(
            name, "why does it take no work?", "/healthz", lambda: world.name_fault(node, "chain")
        )
        world.ask(
            name,
            "does its chain answer?",
            "/metrics",
            lambda: world.figure(node, "edgemark_chain_up", 0),
        )
        world.ask(
            name, "since when is it away?", "log", lambda: find_line(node, "chain lost", since)
        )
    finally:
        world.proxy.restore()
    world.ask(name, "for how long was it?", "log", lambda: find_line(node, "chain found", since))
    world.ask(name, "is all well again?", "/healthz", lambda: world.is_healthy(node))


def answer_as_another_chain(world: World) -> None:
    """A new chain answers at the old one's address: every home is of another one."""
    node, name = world.draw_node(), "other chain"
    since = count_lines(node)
    world.proxy.turn_to(world.other.port)
    try:
        world.ask(
            name, "is it our chain?", "/healthz", lambda: world.name_fault(node, "another chain")
        )
        world.ask(
            name,
            "since when is it not?",
            "log",
            lambda: find_line(node, "another chain answers", since),
        )
        world.ask(
            name,
            "what does that mean for its home?",
            "doctor",
            lambda: ask_doctor(node.home, "another chain"),
        )
    finally:
        world.proxy.turn_to(world.stage.node.port)
    world.ask(name, "is it back?", "log", lambda: find_line(node, "the chain is back", since))
    world.ask(name, "is all well again?", "/healthz", lambda: world.is_healthy(node))


def rotate_key(world: World) -> None:
    """A node registers another TLS key, as after a leak."""
    node, name = world.draw_node(), "rotated key"
    node.ask_to_leave()
    node.end()
    done = edgemark("account", "rotate", "--new-tls-key", "--json", "--home", node.home)
    start_usually(node)
    world.ask(name, "is the new key registered?", "rotate", lambda: "" if done.status else "done")
    world.ask(name, "do others reach it by it?", "index nodes --ask", lambda: world.reached(node))


def fill_disk(world: World) -> None:
    """A node's disk takes no more than it holds: its files cannot grow."""
    node, name = world.draw_node(), "full disk"
    pid = node.process.pid if node.process is not None else 0
    os.truncate(node.program.log, 0)  # the log is on another disk: what little comes still fits
    size = (node.home / "node.journal").stat().st_size
    had = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, -1))

    def says_why() -> str:
        ended = find_line(node, "ended", 0)
        return ended if "disk" in ended else ""

    world.ask(name, "why does it not work?", "log", says_why)
    with suppress(ProcessLookupError):  # whoever has ended needs no room
        resource.prlimit(pid, resource.RLIMIT_FSIZE, had)
    node.ask_to_leave()
    node.end()
    start_usually(node)
    world.ask(name, "is all well again?", "/healthz", lambda: world.is_healthy(node))


def kill(actor: EvmActor) -> None:
    """`kill -9`."""
    if actor.process is not None:
        actor.process.kill()
        actor.process.wait()


TROUBLES = (
    restart,
    kill_node,
    kill_judge,
    lose_chain,
    answer_as_another_chain,
    rotate_key,
    fill_disk,
)


def draw_troubles(source: random.Random) -> Iterator[Callable[[World], None]]:
    """One after the other, for ever; each comes once before any comes again."""
    while True:
        yield from source.sample(TROUBLES, len(TROUBLES))
