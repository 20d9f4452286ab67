"""What begins a job, done with a lane that sends nothing: whether it would go, and what it costs.

| gas of a device | |
|---|---|
| to register, deposit and post | rehearsed |
| to bring all acceptances, and to pay all nodes | `compute_later_gas`, as measured |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import Polynomial
from edgemark.identifiers import Address, Hash32
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.loop.replay import look_up
from edgemark.systems.outsourcing.contract.hashes import compute_job_id
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.device.beginning import venue_of
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.means import check_begin
from edgemark.systems.outsourcing.offline.drafting import (
    NONCE_BYTES,
    Wish,
    check_node_list,
    draft_terms_for,
    number_of,
)
from edgemark.systems.outsourcing.offline.sharing import Sharing
from edgemark.systems.outsourcing.order.looking import DEVICE
from edgemark.systems.outsourcing.order.ordering import check_unused, get_ready
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.station.station import OutsourcingStation

ROOT_BYTES = 32
# Of `accept` with all acceptances in one call and of `approve` of all, for 6 and for 64 nodes
# (contracts/gas.json); both grow with the number of nodes.
LATER_GAS, LATER_GAS_OF_NODE = 108_500, 78_200


def rehearse(
    station: OutsourcingStation,
    jobs: Callable[[], Iterable[DeviceJob]],
    function: Polynomial,
    count: int,
    nodes: Sequence[Address],
    wish: Wish,
    *,
    number: int | None = None,
) -> Terms:
    """Do what begins a job, but for sharing the input, and for the record that makes it one.

    Args:
        station: of the device, whose lane is rehearsed.
        jobs: of the device, that are open.
        function: F.
        count: inputs of the batch.
        nodes: m compute nodes of different providers.
        wish: t, e, amounts and windows.
        number: of the job among the payer's; drawn when None.

    Raises:
        RefusedInput: what `Device.begin` would say, or the contract, or too few tokens.
    """
    venue, randomness = venue_of(station, nodes), Randomness()
    job_key = SecretKey.generate(randomness).public_key  # of no job
    terms = draft_terms_for(function, count, job_key, wish, venue.now, venue.limits)
    check_node_list(venue.nodes, terms.node_count)
    check_begin(terms, station)
    get_ready(station, jobs, function, wish)
    nonce = int.from_bytes(randomness.octets(NONCE_BYTES), "big") if number is None else number
    root = Hash32(randomness.octets(ROOT_BYTES))  # of no sharing: only its owner could tell
    try:
        station.lane.send(station.settlement.post(nonce, root, terms, venue.nodes))
    except ContractRefused as refused:
        refused.remedy = "Nothing is locked; name other nodes, or wish for what the contract takes."
        raise
    return terms


def find_number(station: OutsourcingStation, sharing: Sharing) -> int:
    """The number of the one job of a sharing.

    Raises:
        SharingUsed: it has served a job of this home.
    """
    venue = (station.chain.chain_id, station.settlement.address, station.address)
    number = number_of(sharing)
    job = compute_job_id(*venue, number)
    check_unused(sharing, job, look_up(station.home, DEVICE, PartyMachine(DeviceJob), job))
    return number


def compute_later_gas(nodes: int) -> int:
    """Gas that a device pays after the posting of a job in which nobody lies, about."""
    return LATER_GAS + LATER_GAS_OF_NODE * nodes
