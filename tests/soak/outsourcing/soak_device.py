"""A device as a process: it orders its jobs one after the other, some at a time, whatever happens.

It keeps nothing of its own but what `Device` keeps. After `kill -9` it reads its orders again and
submits under the same numbers: what it had ordered already is refused or known, and goes on.

    python -m tests.soak.outsourcing.soak_device HOME
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.end_to_end.outsourcing.small_job import FUNCTION, evaluate_plainly
from tests.soak.outsourcing.programme import draw_inputs

from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.identifiers import Address, Tokens
from edgemark.logs import LogSettings, configure_logs
from edgemark.settings.loading import load_settings
from edgemark.systems.outsourcing.contract.hashes import compute_job_id
from edgemark.systems.outsourcing.device.device import Device
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.offline.drafting import Wish
from edgemark.systems.outsourcing.station.station import OutsourcingStation

ORDERS, OUTCOMES, NO_MORE = "orders.json", "outcomes.json", "no-more-orders"
LOOK_S = 0.5


@dataclass(frozen=True)
class Orders:
    """What one device has to do.

    Attributes:
        seed: of the whole run, for the inputs.
        at_once: open jobs at most.
        wish: of every job.
        jobs: number of each job and accounts of its nodes.
    """

    seed: int
    at_once: int
    wish: Wish
    jobs: list[tuple[int, list[Address]]]

    def write(self, home: Path) -> None:
        """Put the orders into a home folder."""
        (home / ORDERS).write_text(json.dumps(asdict(self)))

    @staticmethod
    def read(home: Path) -> Orders:
        """The orders of a home folder."""
        known = json.loads((home / ORDERS).read_text())
        wish = {**known["wish"], "fee": Tokens(known["wish"]["fee"])}
        jobs = [(number, [Address(node) for node in nodes]) for number, nodes in known["jobs"]]
        return Orders(known["seed"], known["at_once"], Wish(**wish), jobs)


def work_off(device: Device, orders: Orders, home: Path) -> dict[JobId, int]:
    """Order everything and stay until every job is finished; {job: its number}."""
    ids = {job_id_of(device, number): (number, nodes) for number, nodes in orders.jobs}
    begun = {job for job in ids if device.runtime.state(job) is not None}
    waiting = [job for job in ids if job not in begun]
    while True:
        still_open = {job for job in begun if not device.job(job).is_finished}
        if (home / NO_MORE).exists():
            waiting = []
        if not waiting and not still_open:
            return {job: ids[job][0] for job in begun}
        if waiting and len(still_open) < orders.at_once:
            number, nodes = ids[waiting[0]]
            if submit(device, orders, number, nodes):
                begun.add(waiting.pop(0))
                continue
        device.runtime.wait_until(lambda _: False, LOOK_S)  # raises when the loop has ended


def submit(device: Device, orders: Orders, number: int, nodes: list[Address]) -> bool:
    """Order one job; False when the chain is away or the tokens are still in other jobs."""
    inputs = draw_inputs(orders.seed, number)
    try:
        device.submit(FUNCTION, inputs, nodes, orders.wish, nonce=number)
    except (LedgerUnavailable, RefusedInput) as refused:
        device.log.warning("not ordered yet", number=number, error=refused)
        return False
    return True


def job_id_of(device: Device, number: int) -> JobId:
    """The job that this device orders under a number."""
    station = device.station
    return compute_job_id(
        station.chain.chain_id, station.settlement.address, station.address, number
    )


def judge_outcome(state: DeviceJob, seed: int, number: int) -> str:
    """What came of a job: right, WRONG, undecided, or why there is no result."""
    if state.result is not None:
        expected = evaluate_plainly(draw_inputs(seed, number))
        return "right" if state.result == expected else "WRONG"
    return "undecided" if state.undecided_because else state.phase.value


def main() -> None:
    """Run until all jobs of the home folder are finished."""
    home = Path(sys.argv[1])
    overrides, sections = {"home": home}, OutsourcingStation.SECTIONS
    settings = load_settings(file=None, environ={}, overrides=overrides, sections=sections)
    configure_logs(settings.of(LogSettings).level)
    orders = Orders.read(home)
    with OutsourcingStation.open(settings) as station, Device(station) as device:
        device.start()
        begun = work_off(device, orders, home)
        outcomes = {
            str(number): judge_outcome(device.job(job), orders.seed, number)
            for job, number in begun.items()
        }
    (home / OUTCOMES).write_text(json.dumps(outcomes))


if __name__ == "__main__":
    main()
