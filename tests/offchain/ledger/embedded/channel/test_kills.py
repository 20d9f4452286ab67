"""A committing process is killed at random moments: nothing that it reported is missing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.channel.committing_process import write_envelopes
from tests.offchain.ledger.embedded.consortium import (
    CHANNEL,
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    firm,
    orderer,
    puts,
)

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.verifying import verify_file
from edgemark.ledger.fabric.identities.authorities import pem_of_key
from edgemark.ledger.fabric.wire.codes import Code

pytestmark = [pytest.mark.processes, pytest.mark.lasts(8)]
PROGRAM = "tests.offchain.ledger.embedded.channel.committing_process"
WAIT_S = 60


def prepare(folder: Path, count: int) -> list[Draft]:
    with Channel.make(folder / "trade.sqlite", configuration_of(*ORGANISATIONS), orderer()) as made:
        define(made)
    (folder / "orderer.pem").write_bytes(orderer().certificate)
    (folder / "orderer.key").write_bytes(pem_of_key(orderer().key))
    drafts = [Draft([puts({f"k{each % 17}": b"%d" % each})]) for each in range(count)]
    write_envelopes(folder / "envelopes", [each.envelope() for each in drafts])
    return drafts


def commit_until_killed(folder: Path, first: int, dice: random.Random) -> int:
    """How far it said it was; it is killed some blocks and some moments after its beginning."""
    program = [sys.executable, "-m", PROGRAM, str(folder), str(first)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        told = first
        for _ in range(dice.randrange(1, 6)):
            line = process.stdout.readline()
            told = int(line) if line else told
        time.sleep(dice.random() * 0.02)  # anywhere in a commit
        os.kill(process.pid, signal.SIGKILL)
        for line in process.stdout:  # what it had said before it died
            told = int(line) if line.endswith("\n") else told
        process.wait(WAIT_S)
    return told


def play(folder: Path, count: int, kills: int, dice: random.Random) -> None:
    drafts = prepare(folder, count)
    told = 0
    for _ in range(kills):
        told = commit_until_killed(folder, told, dice)
        with Channel(folder / "trade.sqlite", CHANNEL, orderer()) as channel:
            for each in drafts[:told]:
                status = channel.status(each.transaction_id)
                assert status is not None
                assert status.code is Code.VALID
        verify_file(folder / "trade.sqlite", CHANNEL, firm("OrdererMSP").organisation)
        if told == count:
            return


def test_killed_process__has_kept_all_that_it_reported(tmp_path: Path) -> None:
    play(tmp_path, count=90, kills=3, dice=random.Random(12))


@pytest.mark.soak
def test_process_killed_a_hundred_times__has_kept_all_that_it_reported(tmp_path: Path) -> None:
    seed = int(os.environ.get("EDGEMARK_SOAK_SEED", "1"))
    play(tmp_path, count=3000, kills=100, dice=random.Random(seed))
