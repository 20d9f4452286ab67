"""Two acts: a client and a ledger that are killed by force, and what counts afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from edgemark.demo.commands import run_command
from edgemark.demo.patience import NotInTime
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Hash32
from edgemark.ledger.fabric.client.blocks import list_writes
from edgemark.party.consortium.station import ConsortiumStation
from edgemark.process import tether
from edgemark.receipt import Receipt
from edgemark.settings.loading import without_settings
from edgemark.systems.trading.credentials.settlement import Issued
from edgemark.systems.trading.demo.consortium.checks import (
    check_heard,
    check_left,
    check_once,
    check_under_way,
    words_of,
)
from edgemark.systems.trading.demo.consortium.dying import settings_of
from edgemark.systems.trading.demo.consortium.scene import FIRST, WAIT_S, Scene, hear
from edgemark.systems.trading.demo.consortium.trade import piece_of
from edgemark.systems.trading.station.ledgers.consortium import CHAINCODE

DYING = "edgemark.systems.trading.demo.consortium.dying"
DYING_S = 120.0
STATUS_S = 30.0  # in which an envelope that the ledger has taken stands in a block
BLOCKS_S = 60.0
CALLS = 32
AT_ONCE = 4
MOMENT = 4  # recordings after which the ledger is killed


def act_killed_client(scene: Scene, receipt: Receipt) -> None:
    """A client dies between Submit and its answer: typed again, it goes on with the same."""
    stage = scene.stage
    home = stage.write_home("mortal", FIRST, "User1")
    issued, path = scene.trade.settle_into(scene.files)
    died = subprocess.run(  # noqa: S603 - our own program
        tether([sys.executable, "-m", DYING, str(home), str(path)]),
        env=without_settings(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DYING_S,
        check=False,
    )
    receipt.compare("killed client: died of", -died.returncode, int(signal.SIGKILL))
    left = _left_open(home)
    check_left(receipt, left, _status(scene, left[0]) if left else "nothing was left")
    words = ["trading", "settlement", "record", str(path), "--ledger", "profile"]
    done = json.loads(run_command(stage.folder, [*words, "--home", str(home), "--json"]))
    scene.counted.append(scene.id_of(issued))
    receipt.compare("killed client: recorded by the same call", done["recorded"], 1)
    receipt.compare("killed client: left open afterwards", _left_open(home), [])
    kept = scene.rival.find(scene.id_of(issued))
    hash_ = None if kept is None else kept.found.credential_hash
    receipt.compare("killed client: credential that is kept", hash_, issued.claim.credential_hash)
    key = f"evidence/{scene.id_of(issued).hex()}"
    check_once(receipt, left, _list_writers(scene, key))


def _list_writers(scene: Scene, key: str) -> list[str]:
    """Ids of the transactions that wrote a key, by the blocks, whatever anybody says of it."""
    gateway = scene.station.gateway
    return [
        transaction.transaction_id
        for block in gateway.blocks(scene.begun, gateway.height() - 1, wait_s=BLOCKS_S)
        for transaction, _ in list_writes(block, CHAINCODE, key)
    ]


def _left_open(home: Path) -> list[str]:
    """Ids of the transactions that the journal of a home has as open."""
    with ConsortiumStation.open(settings_of(home)) as station:
        return [each.transaction_id for each in station.gateway.desk.open_ones()]


def _status(scene: Scene, transaction_id: str) -> str:
    """The code of a transaction, asked by another client; why there is none."""
    try:
        return scene.station.gateway.commit_status(transaction_id, wait_s=STATUS_S)[0].name
    except EdgemarkError as error:
        return words_of(error)


def act_killed_ledger(scene: Scene, receipt: Receipt) -> None:
    """The ledger is killed while clients submit: all that was reported committed is there."""
    ledger = scene.stage.development
    if ledger is None:
        receipt.caveats.append("Fabric's own programs were not killed, and cannot be verified so.")
        return
    issued = [scene.trade.settle() for _ in range(CALLS)]
    wanted = {scene.id_of(each) for each in issued}
    first = scene.station.gateway.height()
    with ThreadPoolExecutor(1) as listener, ThreadPoolExecutor(AT_ONCE) as threads:
        hearing = listener.submit(hear, scene, first, wanted)  # over a stream that the kill cuts
        recorded = _Recorded()
        futures = [threads.submit(recorded.record, scene, each) for each in issued]
        recorded.wait(MOMENT)
        before = len(recorded.ids)
        ledger.kill()
        running = sum(each.running() for each in futures)  # nobody answers them any more
        ledger.start()
        check_under_way(receipt, before, running, MOMENT)
        _check_reported(scene, receipt, issued, futures)
        for each in issued:  # the same calls again: those that were lost count now, none twice
            scene.recorder.record_settlements(scene.trade.domains, [piece_of(each)])
        check_heard(receipt, hearing.result(), wanted)
    scene.counted += [scene.id_of(each) for each in issued]
    receipt.evidence["settlements under way when the ledger was killed"] = running


class _Recorded:
    """What was reported as recorded, in that order; a killed ledger reports nothing."""

    def __init__(self) -> None:
        self.ids: list[Hash32] = []
        self._came = threading.Semaphore(0)

    def record(self, scene: Scene, issued: Issued) -> bool:
        """Whether a settlement was reported."""
        try:
            scene.recorder.record_settlements(scene.trade.domains, [piece_of(issued)])
        except EdgemarkError:
            return False
        self.ids.append(scene.id_of(issued))
        self._came.release()
        return True

    def wait(self, count: int) -> None:
        """Until so many were.

        Raises:
            NotInTime: they were not.
        """
        for _ in range(count):
            if not self._came.acquire(timeout=WAIT_S):
                raise NotInTime.after(WAIT_S, f"{count} are recorded", f"{len(self.ids)}")


def _check_reported(
    scene: Scene, receipt: Receipt, issued: Sequence[Issued], futures: Sequence[Future[bool]]
) -> None:
    ids: list[Hash32] = [scene.id_of(each) for each in issued]
    reported = [each for each, done in zip(ids, futures, strict=True) if done.result()]
    kept = [each for each in reported if scene.rival.find(each) is not None]
    receipt.compare("killed ledger: reported committed and kept", len(kept), len(reported))
