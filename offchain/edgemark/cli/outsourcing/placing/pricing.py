"""What a submission would come to, told before it is paid; and what a job may still lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import click

from edgemark.amounts import Amount
from edgemark.cli.spending.command import Spending
from edgemark.cli.spending.price import Price
from edgemark.cli.terminal.invocation import Invocation
from edgemark.crypto.polynomial import Polynomial
from edgemark.identifiers import Address
from edgemark.ledger.evm.reading.answers import malformed
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import find_awaited
from edgemark.systems.outsourcing.offline.drafting import Wish
from edgemark.systems.outsourcing.order.rehearsing import (
    compute_later_gas,
    rehearse,
)
from edgemark.systems.outsourcing.station.station import OutsourcingStation


def price_job(
    spending: Spending,
    station: OutsourcingStation,
    jobs: Callable[[], Iterable[DeviceJob]],
    job: tuple[Polynomial, int, Sequence[Address], Wish],
    number: int | None = None,
) -> Price:
    """What it would come to; raises as `rehearse`, and of a node that tells of another lock.

    Args:
        spending: rehearses.
        station: of the device.
        jobs: of the device, that are open.
        job: F, inputs of the batch, the nodes, and what the user wishes.
        number: of the job, when it has one.
    """
    terms, price = spending.rehearse(
        station, lambda rehearsed: rehearse(rehearsed, jobs, *job, number=number)
    )
    if price.rehearsal.unknown is None:
        _check_lock(price, terms)
    return replace(price, later=tuple(tell_later(terms)))


def _check_lock(price: Price, terms: Terms) -> None:
    """What a job locks is known beforehand; a node that tells of less would make it look cheap.

    Raises:
        NodeAnswerMalformed: it simulated something else.
    """
    had, needed = sum(each.amount for each in price.held), terms.node_count * terms.fee
    if had != needed:
        raise malformed("simulation of this job", f"{Amount(had)} locked", f"{Amount(needed)}")


def tell_later(terms: Terms) -> list[str]:
    """What may follow the posting, in sentences."""
    gas = compute_later_gas(terms.node_count)
    said = [f"About {gas:,} gas follow, to bring acceptances and to pay."]
    if terms.errors:
        bonds = Amount(terms.errors * terms.bond)
        said.append(
            f"Charges of nodes that lie or are silent lock {bonds} more at most; of a charge that "
            "the judges do not confirm it is lost."
        )
    return said


def compute_owed(state: DeviceJob) -> int:
    """Tokens of the device that a job may still lock, for charges."""
    if state.order is None or state.is_finished:
        return 0
    return int(state.charges_left * state.order.terms.bond)


def say_owed(state: DeviceJob) -> None:
    """Say what going on with a job may still cost; it was agreed to when the job was ordered."""
    if not state.is_finished:
        most = Amount(compute_owed(state))
        click.echo(f"Price: as `submit` said; charges may lock {most} at most, and gas.", err=True)


def show_owed(invocation: Invocation, state: DeviceJob) -> None:
    """Print what going on with a job would wait for, and may still cost."""
    facts = {
        "dry_run": True,
        "job": state.known.job.hex(),
        "phase": state.phase.value,
        "waits_for": str(find_awaited(state)),
        "may_lock": Amount(compute_owed(state)),
    }
    invocation.show(facts)
