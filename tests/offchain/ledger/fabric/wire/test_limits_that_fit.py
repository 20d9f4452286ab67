"""Limits of different processes fit one another: what one lets through the next one takes."""

from __future__ import annotations

import pytest

from edgemark.ledger.fabric.network.plan import MOST_ORGANISATIONS
from edgemark.ledger.fabric.wire import limits as ledger
from edgemark_chaincode import clock
from edgemark_chaincode.shim import limits as shim


@pytest.mark.parametrize(
    "name",
    [
        "MAX_MESSAGE_BYTES",
        "MAX_ARGUMENTS",
        "MAX_KEY_BYTES",
        "MAX_VALUE_BYTES",
        "MAX_EVENT_BYTES",
    ],
)
def test_limit__is_the_same_on_either_side_of_a_chaincodes_stream(name: str) -> None:
    assert getattr(shim, name) == getattr(ledger, name)


def test_iterators__are_as_many_in_a_chaincode_as_on_the_ledger() -> None:
    assert shim.MAX_ITERATORS == ledger.MAX_OPEN_QUERIES


def test_clock_of_a_chaincode__has_room_for_every_organisation_of_a_channel() -> None:
    """And for those of a larger network than starts on one machine."""
    assert MOST_ORGANISATIONS <= ledger.MAX_ORGANISATIONS <= clock.MAX_ORGANISATIONS


def test_revocation_lists__of_all_organisations__fit_into_half_an_envelope() -> None:
    everybody = ledger.MAX_ORGANISATIONS + 1  # who orders is one, too
    assert everybody * ledger.MAX_REVOCATIONS_BYTES <= ledger.MAX_ENVELOPE_BYTES // 2
    certificates = everybody * 2 * ledger.MAX_CAS * ledger.MAX_CERTIFICATE_BYTES
    assert certificates < ledger.MAX_ENVELOPE_BYTES // 2
