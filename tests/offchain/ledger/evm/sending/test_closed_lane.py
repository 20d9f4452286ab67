"""Who only looks at an account holds no lock, and sends nothing."""

from __future__ import annotations

from inspect import getsource, isfunction
from typing import Any

import pytest

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.contract.interface import Contract, Interface
from edgemark.ledger.evm.sending.closed_lane import ClosedLane
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.rehearsed_lane import RehearsedLane

KEY = SecretKey(bytes([7] * 32))
NOWHERE = parse_address("0x" + "99" * 20)
TOUCH = {"name": "touch", "type": "function", "inputs": [], "outputs": []}
CALL = Call(Contract("Box", NOWHERE, Interface("Box", [TOUCH])), "touch")


def test_closed_lane__sends_nothing_and_says_so() -> None:
    with ClosedLane(KEY) as lane:
        assert lane.address == KEY.address
        lane.keep_on()
        for send in (lane.send, lane.push, lane.may_happen, lane.was_begun):
            with pytest.raises(RefusedInput, match="is opened to look only"):
                send(CALL)
        with pytest.raises(RefusedInput, match="is opened to look only"):
            lane.transfer(NOWHERE, 1)


def test_a_rehearsal__answers_whatever_a_lane_is_asked_before_it_sends() -> None:
    chain: Any = None
    for was_sent in (False, True):
        with RehearsedLane(chain, KEY, was_sent=lambda _, told=was_sent: told) as lane:
            assert (lane.was_begun(CALL), lane.may_happen(CALL)) == (was_sent, was_sent)
    own = {name: part for name, part in vars(ClosedLane).items() if isfunction(part)}
    refused = {name for name, part in own.items() if "_refuse(" in getsource(part)}
    assert refused - {"_refuse"} <= vars(RehearsedLane).keys()
