"""A job during which nodes change: one moves, one is dismissed, one's provider withdraws its stake.

Node 1 moves before it has its task: another port and another TLS key, by `edgemark account rotate`.
The provider of node 2 dismisses it, that of node 3 unstakes, each by a command of its own. The
device keeps the task of node 1 until all that has happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tests.end_to_end.outsourcing.scripted_device import HONEST, Script, ScriptedDevice
from tests.end_to_end.outsourcing.small_job import FUNCTION, WISH, draw_batch
from tests.end_to_end.outsourcing.theatre import Theatre, close_job
from tests.stage.command_line import Finished, edgemark, write_settings
from tests.stage.playhouse import start_usually, wait_for

from edgemark.demo.evm.actor import EvmActor, provider_home
from edgemark.identifiers import Hash32, ShareIndex
from edgemark.identity.keys import KeyStore
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.transport.ports import hold_ports

LASTING = replace(WISH, accept_s=90, compute_s=90, collect_s=30)
LIMIT_S = 120.0


@dataclass(frozen=True)
class Changed:
    """What came of it.

    Attributes:
        commands: what the three of them printed.
        had_pin: of node 1 before it moved.
        delivered_before: indices that had their task before anything changed.
        refused: the job that named all of them again.
    """

    batch: bytes
    job: JobId
    state: DeviceJob
    commands: Sequence[Finished]
    had_pin: Hash32
    delivered_before: frozenset[ShareIndex]
    refused: DeviceJob


def play_changes(theatre: Theatre, device: ScriptedDevice) -> Changed:
    """The job, the changes in the middle of it, and a second job with the same nodes."""
    moving, dismissed, uprooted = theatre.stage.nodes[:3]
    had_pin = KeyStore.open(moving.home / "keys").tls.pin
    batch = draw_batch()
    job = device.submit(FUNCTION, batch, theatre.node_accounts, LASTING)
    device.scripts.by_job[job] = Script(keeps_task=ShareIndex(1))
    wait_for("start", lambda: device.job(job).phase is DevicePhase.STARTED, 60)
    wait_for("delivery to the others", lambda: len(device.job(job).delivered) == 5, 60)
    delivered = frozenset(device.job(job).delivered)
    with ThreadPoolExecutor(3) as at_once:
        running = [
            at_once.submit(move, moving),
            at_once.submit(command_provider, theatre, dismissed, "dismiss", dismissed.account),
            at_once.submit(command_provider, theatre, uprooted, "unstake"),
        ]
        commands = [each.result() for each in running]
    device.scripts.by_job[job] = HONEST
    state = close_job(device, job, LIMIT_S)
    again = device.submit(FUNCTION, draw_batch(), theatre.node_accounts, LASTING)
    refused = close_job(device, again, LIMIT_S)
    return Changed(batch, job, state, commands, had_pin, delivered, refused)


def move(actor: EvmActor) -> Finished:
    """Stop a node, give it another port and TLS key, start it again."""
    actor.ask_to_leave()
    actor.end()
    settings, had_port = actor.home / "edgemark.toml", actor.port
    if actor.place is not None:
        actor.place.close()
    actor.place = hold_ports(1)
    text = settings.read_text()
    settings.write_text(text.replace(f"listen_port = {had_port}", f"listen_port = {actor.port}"))
    done = edgemark("account", "rotate", "--new-tls-key", "--json", "--home", actor.home)
    start_usually(actor)
    return done


def command_provider(theatre: Theatre, actor: EvmActor, *words: str) -> Finished:
    """A command of the provider of a node."""
    home = write_settings(theatre.stage.settings_of(provider_home(actor.home).name))
    return edgemark("provider", *words, "--json", "--home", home)
