"""Orders a job over shares that were made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.crypto.polynomial import Polynomial
from edgemark.identifiers import Address, JobId, Timestamp
from edgemark.systems.outsourcing.client import Device
from edgemark.systems.outsourcing.drafting import Wish, order_of_sharing
from edgemark.systems.outsourcing.sharing import Sharing


def submit_sharing(
    device: Device, function: Polynomial, sharing: Sharing, nodes: Sequence[Address], wish: Wish
) -> JobId:
    """Begin the one job of a sharing; durable when it returns.

    Args:
        device: who pays, sends the shares and checks the answers.
        function: F, for which the shares were made.
        sharing: all of it.
        nodes: m compute nodes of different providers; index j at position j - 1.
        wish: with the sharing's threshold and errors.

    Raises:
        RefusedInput: as `Device.submit`; or the sharing is for something else, or was used already.
    """
    station = device.station
    order = order_of_sharing(
        sharing,
        function,
        nodes=nodes,
        judges=station.settlement.judges(),
        wish=wish,
        payer=station.address,
        settlement=station.settlement.address,
        chain_id=station.chain.chain_id,
        now=Timestamp(station.chain.now()),
    )
    return device.begin(function, order)
