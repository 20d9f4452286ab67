"""A broker in a process of its own, so that its memory can be measured from outside.

Run: `python -m tests.offchain.transport.broker.lone_broker`; it prints its port, the pin of its
key, and the passwords of `PAIRS` pairs of sessions, and ends with its standard input.
"""

from __future__ import annotations

import json
import sys

from tests.offchain.transport.broker.raw_session import a_ticket
from tests.offchain.transport.lone_server import LoneProcess

from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.tickets import Topics
from edgemark.transport.limits import BrokerLimits
from edgemark.transport.tls import TlsKey

PAIRS = 8
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


def topic(number: int) -> str:
    """What the left one of a pair says to the right one."""
    return f"{number}/up"


def main() -> None:
    """Serve until standard input ends."""
    with EmbeddedBroker(TlsKey.generate(), limits=LIMITS) as broker:
        tickets = []
        for number in range(PAIRS):
            up, down = topic(number), f"{number}/down"
            tickets.append(a_ticket(broker, f"left-{number}", Topics.pair(up, down)))
            tickets.append(a_ticket(broker, f"right-{number}", Topics.pair(down, up)))
        passwords = {each.session: each.password.reveal() for each in tickets}
        pin = tickets[0].pin.hex()
        sys.stdout.write(f"{broker.port}\n{pin}\n{json.dumps(passwords)}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
