"""The chaincode of `chaincode/README.md` does what its text says."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
from tests.chaincode.clock_certificate import CLOCK
from tests.chaincode.scripted_peer import SECONDS, Message, peer_of, sign_as
from tests.chaincode.two_processes import ROOT

from edgemark_chaincode.host import find_chaincode
from edgemark_chaincode.shim.interface import Chaincode

README = ROOT / "chaincode" / "README.md"


@pytest.fixture
def auction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chaincode:
    source = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert source is not None
    (tmp_path / "auction_of_readme.py").write_text(source[1])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "auction_of_readme", raising=False)
    return find_chaincode("auction_of_readme:Auction")


def test_bids__are_kept_until_the_deadline_of_the_organisations(auction: Chaincode) -> None:
    async def play() -> None:
        async with peer_of(auction) as peer:
            await peer.call("Org1MSP", kind=Message.INIT)
            for name, amount in (("Org1MSP", "7"), ("Org2MSP", "9")):
                told = await peer.call("bid", "4", amount, str(SECONDS), creator=sign_as(name))
                assert told.event.payload == b"4"
            again = await peer.call("bid", "4", "8", str(SECONDS))
            assert "is there already" in again.message
            assert (await peer.call("bids", "4")).payload == b"Org1MSP=7,Org2MSP=9"
            late = sign_as("Org1MSP", CLOCK)
            await peer.call("clock/tick", str(SECONDS + 1), creator=late, seconds=SECONDS + 1)
            refused = await peer.call("bid", "4", "9", str(SECONDS), creator=sign_as("Org3MSP"))
            assert refused.message == "lot 4: is closed"

    asyncio.run(play())
