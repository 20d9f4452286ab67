"""Serves a home's ledger in this process, with pages for its operator."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import signal
import warnings
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from edgemark.ledger.embedded.running.development import DevelopmentLedger
from edgemark.ledger.embedded.running.hosting import hosted
from edgemark.ledger.embedded.running.place import Place
from edgemark.metrics.page import Page, PageServer
from edgemark_chaincode.host import new_loop


def serve_until_told(place: Place) -> None:
    """Serve a ledger until SIGINT or SIGTERM."""
    raise_files_limit()
    # Of strangers' certificates, by their source lines; what is refused is logged by its name.
    warnings.simplefilter("ignore")
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(place))


def raise_files_limit() -> None:
    """Have as many open files as this process may: each connection is one, also a stranger's."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(place: Place) -> None:
    ends, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ends.set)
    async with hosted(place) as ledger:
        with showing(ledger):
            await ends.wait()


@contextlib.contextmanager
def showing(ledger: DevelopmentLedger) -> Iterator[None]:
    """Serve metrics and health of a ledger meanwhile, unless its port says that nobody wants any.

    Raises:
        PageServerFailed: the port is in use.
    """
    port = ledger.served.metrics_port
    if port < 0:
        yield
        return

    def show_metrics() -> Page:
        return Page(200, CONTENT_TYPE_LATEST, generate_latest(ledger.instruments.registry))

    def show_health() -> Page:
        faults = ledger.find_faults()
        body = json.dumps({"healthy": not faults, "faults": faults}).encode()
        return Page(503 if faults else 200, "application/json", body + b"\n")

    with PageServer({"/metrics": show_metrics, "/healthz": show_health}, port) as pages:
        ledger.metrics_url = pages.url
        yield
