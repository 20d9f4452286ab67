"""Either broker in a process of its own, so that its memory can be measured from outside.

Run: `python -m tests.offchain.transport.broker.lone_broker`; it prints its port, the pin of its
key, and the passwords of `PAIRS` pairs of sessions, and ends with its standard input.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.mosquitto_process import MosquittoProcess
from tests.offchain.transport.lone_server import LoneProcess, read_memory

from edgemark.closing import Closing
from edgemark.transport.broker.mosquitto import Mosquitto
from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.tickets import Broker, Ticket, Topics
from edgemark.transport.limits import BrokerLimits
from edgemark.transport.ports import hold_ports
from edgemark.transport.tls import TlsKey

PAIRS = 8
ADMITTED_S = 600.0
# Nobody is dropped for being slow: whatever may be held is held.
LIMITS = BrokerLimits(most_sessions=2 * PAIRS, most_sockets=4 * PAIRS, stall_s=600.0)


class LoneBroker(LoneProcess):
    """The process.

    Attributes:
        passwords: by session, `left-0` and `right-0` and so on.
    """

    def __init__(self) -> None:
        super().__init__(__name__)
        self.passwords: dict[str, str] = json.loads(self.lines.readline())


class LoneMosquitto(Closing):
    """The same of a Mosquitto, with the same bounds in its configuration."""

    def __init__(self) -> None:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self.port = stack.enter_context(hold_ports(1)).numbers[0]
            self._process = MosquittoProcess(folder, self.port, LIMITS)
            self._process.start()
            stack.callback(self._process.kill)
            self._before = read_memory(self._process.pid, "VmRSS")
            broker = stack.enter_context(Mosquitto(self._process.place))
            self.passwords = {each.session: each.password.reveal() for each in admit_pairs(broker)}
            self._held = stack.pop_all()

    def close(self) -> None:
        """End it."""
        self._held.close()

    def grown(self) -> int:
        """As of `LoneProcess`."""
        return read_memory(self._process.pid, "VmHWM") - self._before


Lone = LoneBroker | LoneMosquitto
LONE: dict[str, Callable[[], Lone]] = {"embedded": LoneBroker, "mosquitto": LoneMosquitto}


def admit_pairs(broker: Broker) -> list[Ticket]:
    """Of all pairs of sessions."""
    tickets, until = [], time.time() + ADMITTED_S
    for number in range(PAIRS):
        up, down = topic(number), f"{number}/down"
        tickets.append(broker.admit(f"left-{number}", Topics.pair(up, down), until))
        tickets.append(broker.admit(f"right-{number}", Topics.pair(down, up), until))
    return tickets


def topic(number: int) -> str:
    """What the left one of a pair says to the right one."""
    return f"{number}/up"


def main() -> None:
    """Serve until standard input ends."""
    with EmbeddedBroker(TlsKey.generate(), limits=LIMITS) as broker:
        tickets = admit_pairs(broker)
        passwords = {each.session: each.password.reveal() for each in tickets}
        pin = tickets[0].pin.hex()
        sys.stdout.write(f"{broker.port}\n{pin}\n{json.dumps(passwords)}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
