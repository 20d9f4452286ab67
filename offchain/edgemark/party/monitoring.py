"""Shows the operator of one server how it does: /metrics for Prometheus, /healthz for a supervisor.

The chain is asked apart from the server's own reading, once and with a short time limit: a node
that hangs must not hang the page that is to tell about it.
"""

from __future__ import annotations

import json
import time
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.closing import Closing
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.logs import get_logger
from edgemark.metrics.health import find_faults
from edgemark.metrics.page import Page, PageServer
from edgemark.metrics.readings import ChainReading, LoopReading, Readings
from edgemark.party.loop import PartyLoop
from edgemark.party.server import PartyServer
from edgemark.token.metacoin import MetaCoin

CHAIN_BOUND_S = 3.0  # for one answer; a chain that takes longer keeps jobs from their deadlines


class PartySource:
    """What a party's loop and the chain say, for `Readings`.

    Args:
        loop: need not have started.

    Attributes:
        chain: asked apart from the loop's own, once, and with a short time limit.
    """

    def __init__(self, loop: PartyLoop[Any]) -> None:
        station = loop.station
        self.chain = EvmChain(
            station.settings.chain_url,
            chain_id=station.deployment.chain_id,
            confirmations=station.settings.confirmations,
            timeout_s=CHAIN_BOUND_S,
            attempts=1,
        )
        self._loop = loop
        self._accounts = AnchorAccounts(self.chain, station.accounts.contract)
        self._token = MetaCoin(self.chain, station.token.contract)

    def read_loop(self) -> LoopReading:
        """The loop as it is now."""
        return self._loop.read_loop()

    def read_chain(self) -> ChainReading:
        """The chain as it is now, in a few short requests.

        Raises:
            LedgerUnavailable: it does not answer in time.
        """
        station, latest = self._loop.station, self.chain.block()
        return ChainReading(
            head=latest.number,
            confirmed=max(0, latest.number - self.chain.confirmations),
            lag_s=max(0.0, time.time() - latest.timestamp),
            gas_wei=self.chain.balance(station.address),
            tokens={
                "wallet": self._token.balance(station.address, block="latest"),
                "free": self._accounts.free_balance(station.address),
                "locked": self._loop.locked_tokens(),
            },
            gas_used=station.lane.gas_used,
        )


class Monitor(Closing):
    """Pages about one server, on this machine's loopback address.

    Args:
        server: the one; need not have started.
        port: of the pages; 0 takes a free one.

    Raises:
        PageServerFailed: the port is in use.
    """

    def __init__(self, server: PartyServer[Any], port: int) -> None:
        self._server = server
        self._source = PartySource(server)
        server.instruments.registry.register(Readings(self._source))
        self._pages = PageServer({"/metrics": self._metrics, "/healthz": self._health}, port)
        get_logger("metrics").info("metrics are served", url=self._pages.url)

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self._pages.url

    def close(self) -> None:
        """Close the port."""
        self._pages.close()

    def _metrics(self) -> Page:
        return Page(200, CONTENT_TYPE_LATEST, generate_latest(self._server.instruments.registry))

    def _health(self) -> Page:
        faults = find_faults(self._server.beats(), self._source.chain.head, time.monotonic())
        body = json.dumps({"healthy": not faults, "faults": faults}).encode()
        return Page(503 if faults else 200, "application/json", body + b"\n")
