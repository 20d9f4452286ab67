"""`edgemark identity serve`: a resolver over HTTP, in the Universal Resolver's form."""

from __future__ import annotations

import contextlib
import threading

import click

from edgemark.cli.options.server_settings import takes_settings_of
from edgemark.cli.terminal.invocation import Invocation
from edgemark.deployment.settings import ChainSettings
from edgemark.logs import LogSettings, get_logger
from edgemark.party.evm.contracts import DidContracts
from edgemark.party.running import heed_signals, telling_end
from edgemark.party.settings import ServerSettings
from edgemark.resolver.following import FollowedChain
from edgemark.resolver.opening import open_all_identities
from edgemark.resolver.settings import IdentitySettings
from edgemark.resolver.web import ResolverFace
from edgemark.settings.settings import Settings
from edgemark.transport.limits import ServerLimits
from edgemark.transport.serving.server import HttpServer

SECTIONS = (ChainSettings, IdentitySettings, ServerSettings, LogSettings)


@click.command("serve")
@takes_settings_of(SECTIONS, "resolver")
def serve(invocation: Invocation) -> None:
    """Answer GET /1.0/identifiers/DID until interrupted, and keep the indexes in step.

    It speaks plain HTTP, on this machine alone unless server.listen_host says otherwise: put what
    has a certificate in front. Options count for this run; `edgemark config set NAME VALUE` keeps
    a setting for all.
    """
    settings = invocation.settings()
    with telling_end("resolver"):
        serve_until_told(settings)


def serve_until_told(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; the last line in the log names the signal."""
    ends, log = threading.Event(), get_logger("resolver")
    asked = heed_signals(ends.set)
    poll_s = settings.of(IdentitySettings).poll_s
    with contextlib.ExitStack() as stack:
        chains = [
            stack.enter_context(FollowedChain(chain, deployment, settings.home, poll_s))
            for chain, deployment in open_all_identities(settings, (DidContracts,))
        ]
        http = stack.enter_context(make_server(settings, chains))
        ids = ", ".join(f"{each.chain_id:#x}" for each in chains)
        log.info("serving", url=http.url, chains=ids)
        ends.wait()
    log.info("stopped", signal=asked[0])


def make_server(settings: Settings, chains: list[FollowedChain]) -> HttpServer:
    """The server of these chains, as the settings say where and how much."""
    wanted = settings.of(ServerSettings)
    limits = ServerLimits(
        per_s=wanted.max_requests_per_s, per_s_of_peer=wanted.max_requests_per_s_of_peer
    )
    return HttpServer(
        ResolverFace(chains).routes(),
        None,
        host=wanted.listen_host,
        port=wanted.listen_port,
        limits=limits,
    )
