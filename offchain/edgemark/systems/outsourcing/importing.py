"""Orders a job over shares that were made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.crypto.polynomial import Polynomial
from edgemark.identifiers import Address, JobId
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
    order = order_of_sharing(sharing, function, wish, device.venue(nodes))
    return device.begin(function, order)
