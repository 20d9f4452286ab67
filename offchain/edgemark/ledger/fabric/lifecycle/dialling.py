"""Sees that a chaincode's process answers, before anything is done for it."""

from __future__ import annotations

import grpc

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.packages.dialling import credentials_of
from edgemark.ledger.fabric.packages.reading import Package


def check_answers(package: Package) -> None:
    """See that the process of a package is there: dialled as the ledger dials it.

    Raises:
        RefusedInput: it does not answer in the time that the package gives it.
    """
    place = package.connection
    credentials = credentials_of(place)
    if credentials is None:
        channel = grpc.insecure_channel(place.address)
    else:
        channel = grpc.secure_channel(place.address, credentials)
    try:
        grpc.channel_ready_future(channel).result(timeout=place.dial_timeout_s)
    except grpc.FutureTimeoutError:
        raise RefusedInput(
            "does not answer; nothing was changed",
            who=f"process of the chaincode at {place.address}",
            had=f"no connection in {place.dial_timeout_s:g} s",
            needed=f"one that listens there{' with TLS' if place.root_cert else ''}",
            remedy="Run it, then deploy again: `edgemark ledger chaincode run MODULE:CLASS "
            f"--package-id {package.package_id} --address {place.address}`.",
        ) from None
    finally:
        channel.close()
