"""From settings to a job under way: what a program calls that orders work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from edgemark.crypto.polynomial import Polynomial
from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.party.evm.joining import join_as_device, provide_balance
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.device.beginning import venue_of
from edgemark.systems.outsourcing.device.device import Device
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.means import read_funds
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.offline.drafting import Wish, order_of_sharing
from edgemark.systems.outsourcing.offline.sharing import Sharing, count_inputs
from edgemark.systems.outsourcing.order.inquiring import choose_nodes
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.station.station import OutsourcingStation


class SharingUsed(RefusedInput):
    """A sharing that has served a job; shares of two jobs together would tell of the input."""


@contextmanager
def open_device(settings: Settings) -> Iterator[Device]:
    """The device of a home folder, with all its open jobs taken up; one process at a time.

    Raises:
        LedgerUnavailable: no chain, or another one, answers at `chain_url`.
        RefusedInput: the manifest is missing, or another process has the home folder.
        Unrecoverable: a key or journal is damaged, or others can open it.
    """
    with OutsourcingStation.open(settings) as station, Device(station) as device:
        device.start()
        yield device


def order(
    device: Device, function: Polynomial, batch: bytes, nodes: Sequence[Address], wish: Wish
) -> JobId:
    """Register and deposit where that is still to be done, then begin a job; durable on return.

    Args:
        device: of a home with gas and tokens.
        function: F.
        batch: packed inputs, a multiple of k elements.
        nodes: m = (d+1)t + 1 + 2e accounts of compute nodes, of different providers; or more, those
            first that are preferred: they are asked, and the first m that would accept are named.
        wish: t, e, amounts and windows.

    Raises:
        RefusedInput: what `Device.submit` says, or too few tokens.
        TooFewNodes: of more than m nodes fewer would accept; with what each said.
    """
    station, count = device.station, count_inputs(function, batch)
    named = pick(station, function, count, nodes, wish)
    get_ready(station, device.jobs, function, wish)
    return device.submit(function, batch, named, wish)


def pick(
    station: OutsourcingStation,
    function: Polynomial,
    count: int,
    nodes: Sequence[Address],
    wish: Wish,
) -> Sequence[Address]:
    """The m nodes to post a job for; exactly m are taken as they are, for there is no choice.

    Args:
        station: who asks them.
        function: F.
        count: inputs of the batch.
        nodes: m or more, those first that are preferred.
        wish: t, e, amounts and windows.

    Raises:
        TooFewNodes, RefusedInput: as `choose_nodes`.
    """
    needed = compute_least_nodes(function.degree, wish.threshold, wish.errors)
    if len(nodes) == needed:
        return nodes
    return choose_nodes(station, function, count, nodes, wish)


def get_ready(
    station: OutsourcingStation,
    jobs: Callable[[], Iterable[DeviceJob]],
    function: Polynomial,
    wish: Wish,
) -> None:
    """Register the device and bring in what a job over this function locks at most.

    It is there beside what open jobs have yet to lock.

    Args:
        station: of the device.
        jobs: of the device, that are open.
        function: F.
        wish: t, e, amounts and windows.

    Raises:
        RefusedInput: the wallet holds too few tokens.
    """
    join_as_device(station)
    costs = wish.compute_costs(function.degree)
    provide_balance(station, costs + read_funds(station, station.settlement, jobs()).reserved)


def draft_shared(
    device: Device, function: Polynomial, sharing: Sharing, nodes: Sequence[Address], wish: Wish
) -> Order:
    """The one job of a sharing, to be begun.

    Args:
        device: who pays, sends the shares and checks the answers.
        function: F, for which the shares were made.
        sharing: all of it.
        nodes: m compute nodes of different providers; index j at position j - 1.
        wish: with the sharing's threshold and errors.

    Raises:
        SharingUsed: it has served a job of this device.
        RefusedInput: nodes or numbers are wrong, or the sharing is for something else.
    """
    order = order_of_sharing(sharing, function, wish, venue_of(device.station, nodes))
    check_unused(sharing, order.job, device.runtime.state(order.job))
    return order


def check_unused(sharing: Sharing, job: JobId, state: DeviceJob | None) -> None:
    """Check that nothing is remembered of the one job of a sharing.

    Raises:
        SharingUsed: something is.
    """
    if state is not None:
        raise SharingUsed(
            "this sharing has served a job already",
            who=f"sharing {sharing.id.hex()}",
            had=f"job {job.hex()}",
            needed="a sharing for each job: its masks never serve twice",
            remedy="Share afresh: `edgemark outsourcing share`. `result` tells of that job.",
        )
