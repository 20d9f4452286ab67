"""A client's process that adds to counters by name, and dies by `kill -9` at a step.

    HOME FIRST LAST STEP WHEN [forgetful]

All counters before LAST are gone on with or begun; at LAST the process dies before or after the
step of that number: what a submission wishes, in turn. A forgetful client gives no names, as a
client without a journal would: it is the planted mistake.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.offchain.ledger.fabric.client.counters import NAME, access

from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.flows import Wish

STEPS = 5  # endorse, keep, submit, ask the status, keep the code


class DyingClient(GatewayClient):
    """Dies at a step of the submission that it is told of."""

    step = 0
    dies_at = -1
    when = "before"

    def _perform(self, wish: Wish) -> bytes:
        self._die("before")
        answer = super()._perform(wish)
        self._die("after")
        self.step += 1
        return answer

    def _die(self, when: str) -> None:
        if self.step == self.dies_at and self.when == when:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    home, first, last, step, when, *more = sys.argv[1:]
    opened = access(Path(home))
    with opened.client() as plain:
        client = DyingClient(opened.peers, plain.desk)
        for number in range(int(first), int(last) + 1):
            is_last = number == int(last)
            client.step, client.dies_at, client.when = 0, int(step) if is_last else -1, when
            name = None if more else f"counter-{number}"
            client.submit(NAME, "add", f"c{number}", name=name, wait_s=60)
        client.close()


if __name__ == "__main__":
    main()
