"""A submission: dry, or up to the order that is begun then."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgemark.cli.outsourcing.asking import Asking
from edgemark.cli.outsourcing.naming import Naming
from edgemark.cli.outsourcing.placing.pricing import price_job
from edgemark.cli.spending.command import Spending
from edgemark.cli.terminal.progress import telling_phase
from edgemark.files import find_holder
from edgemark.identifiers import Address
from edgemark.journal.holding import check_free
from edgemark.models.files import remember_plan
from edgemark.party.evm.station import LANE_FILE
from edgemark.systems.outsourcing.device.device import Device
from edgemark.systems.outsourcing.evidence.exporting import read_jobs
from edgemark.systems.outsourcing.offline.drafting import Wish
from edgemark.systems.outsourcing.offline.sharing import Sharing, count_inputs
from edgemark.systems.outsourcing.order import ordering
from edgemark.systems.outsourcing.order.inquiring import choose_nodes
from edgemark.systems.outsourcing.order.looking import JOBS_FILE
from edgemark.systems.outsourcing.order.rehearsing import find_number
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.station.station import OutsourcingStation


def rehearse_submission(
    spending: Spending,
    asking: Asking,
    naming: Naming,
    wish: Wish,
    sharing: Sharing | None,
) -> None:
    """Do all of a submission but send, and print what it would come to.

    All nodes that are named are asked, also where there is no choice among them.

    Args:
        spending: where to print.
        asking: function and inputs.
        naming: whom the user named.
        wish: t, e, amounts and windows.
        sharing: that was made before, if one was.

    Raises:
        RefusedInput: it would not go.
        CannotSimulate: it is not known whether it would.
    """
    settings, count = spending.invocation.settings(), count_of(asking, sharing)
    if not find_holder(settings.home / JOBS_FILE):  # behind another command it would wait
        check_free(settings.home / LANE_FILE)
    with OutsourcingStation.rehearse(settings) as station, tempfile.TemporaryDirectory() as folder:
        number = None if sharing is None else find_number(station, sharing)
        is_quiet = spending.invocation.as_json
        found = naming.find(station, is_quiet=is_quiet, folder=Path(folder))
        with telling_phase("asks nodes", is_quiet=is_quiet):
            nodes = choose_nodes(station, asking.function, count, found, wish)
        jobs = read_jobs(station.home)
        job = (asking.function, count, nodes, wish)
        price = price_job(spending, station, lambda: jobs, job, number)
    spending.show_dry(price, {"nodes": list(nodes)})


def place(
    spending: Spending,
    device: Device,
    asking: Asking,
    naming: Naming,
    wish: Wish,
    sharing: Sharing | None,
) -> Order:
    """Find nodes, say the price and ask, pay what has to be paid before, draft the job.

    Raises:
        Abort: the answer was no; nothing was paid.
        RefusedInput: it would not go.
    """
    station, count = device.station, count_of(asking, sharing)
    is_quiet = spending.invocation.as_json
    found = naming.find(station, is_quiet=is_quiet)
    with telling_phase("asks nodes", is_quiet=is_quiet):
        nodes = ordering.pick(station, asking.function, count, found, wish)
    number = None if sharing is None else find_number(station, sharing)
    job = (asking.function, count, nodes, wish)
    spending.agree(price_job(spending, station, device.jobs, job, number))
    return draft(device, asking, nodes, wish, sharing)


def draft(
    device: Device,
    asking: Asking,
    nodes: Sequence[Address],
    wish: Wish,
    sharing: Sharing | None = None,
) -> Order:
    """Register and deposit where that is still to be done, keep the plan, draft the job.

    Raises:
        RefusedInput: what `Device.draft` says, or too few tokens.
    """
    ordering.get_ready(device.station, device.jobs, asking.function, wish)
    if asking.plan is not None:
        remember_plan(device.station.home, asking.plan)
    if sharing is not None:
        return ordering.draft_shared(device, asking.function, sharing, nodes, wish)
    return device.draft(asking.function, asking.batch, nodes, wish)


def count_of(asking: Asking, sharing: Sharing | None) -> int:
    """Inputs of the batch."""
    return count_inputs(asking.function, asking.batch) if sharing is None else sharing.batch
