"""A process with a lane that dies by `kill -9`: every payment is made once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from tests.offchain.ledger.conftest import World, account
from tests.waiting import wait_until

from edgemark.identifiers import parse_address

pytestmark = [pytest.mark.chain, pytest.mark.processes]

PAYEE = parse_address("0x" + "77" * 20)


def has_mined(world: World, paid: int) -> bool:
    """Make a block; true when so many payments are on the chain."""
    if world.nonces_used(account(0).address) >= paid:
        return True
    world.mine()
    return False


def mine_until_it_ends(world: World, child: subprocess.Popen[bytes]) -> bool:
    """Make a block; true when the child has left."""
    world.mine()
    return child.poll() is not None


def test_lane__after_kill_9_again_and_again__every_payment_is_made_once(world: World) -> None:
    payments = 7
    script = f"""
from pathlib import Path
from tests.offchain.ledger.conftest import HASTE, account
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
chain = EvmChain({world.node.url!r}, confirmations=1).connect()
path = Path({str(world.folder / "lane-0")!r})
with TransactionLane(chain, account(0), path, limits=HASTE) as lane:
    for number in range({payments}):
        lane.transfer({PAYEE!r}, 10**number, key=b"payment %d" % number)
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    world.stop_mining()
    # Blocks come only here: no child gets further than it should before it is killed.
    for paid in (1, 4, payments):
        child = subprocess.Popen([sys.executable, "-c", script], env=environ)
        try:
            wait_until(f"{paid} payments", lambda paid=paid: has_mined(world, paid))
            if paid == 4:  # once while the next waits for a block, not before it is sent
                world.mine()
                world.wait_until_pending()
            if paid < payments:
                assert child.poll() is None
            else:
                wait_until("the end", lambda child=child: mine_until_it_ends(world, child))
                assert child.returncode == 0
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
    assert world.chain.balance(PAYEE) == sum(10**number for number in range(payments))
    assert world.nonces_used(account(0).address) == payments
