"""Opens the station of one server as the settings say: registered and funded."""

from __future__ import annotations

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address
from edgemark.identity.records import Role
from edgemark.identity.resources import Resources
from edgemark.journal.holding import check_free
from edgemark.logs import get_logger
from edgemark.party.evm.joining import join_as_server, keep_balance, provide_balance
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.evm.station import LANE_FILE, E, EvmStation
from edgemark.party.settings import ServerSettings
from edgemark.settings.settings import Settings
from edgemark.transport.ports import check_can_listen

_log = get_logger("joining")


def open_station(kind: type[E], settings: Settings, role: Role) -> E:
    """Keys, chain and contracts, with this account registered and funded as the settings say.

    Args:
        kind: the system's station.
        settings: of the server.
        role: in which it registers.

    Raises:
        RefusedInput: the settings lack something, or the account is registered otherwise.
    """
    if not settings.of(RegistrationSettings).provider:
        raise RefusedInput(
            "is not set",
            who="registration.provider",
            needed="account of the organisation this server works for",
            remedy="`edgemark config set registration.provider ACCOUNT`, or --provider for once.",
        )
    server = settings.of(ServerSettings)
    describe_server(server, settings.of(RegistrationSettings))  # before anything is opened
    check_can_serve(settings)  # ... or paid for
    station = kind.open(settings)
    try:
        _join(station, settings, role)
    except BaseException:
        station.close()
        raise
    return station


def check_can_serve(settings: Settings) -> None:
    """Check that no other process has this home, then that nobody else has its port.

    In this order, for a server that runs in this home has the port as well.

    Raises:
        JournalInUse: another process sends for the account of this home.
        CannotListen: another program has the port.
    """
    server = settings.of(ServerSettings)
    check_free(settings.home / LANE_FILE)
    if server.listen_port:
        check_can_listen(server.listen_host, server.listen_port)


def describe_server(
    server: ServerSettings, registration: RegistrationSettings
) -> tuple[str, Resources]:
    """Endpoint and resources of a server, as it registers them.

    Raises:
        RefusedInput: neither a port nor an endpoint is set.
    """
    if not server.listen_port and not registration.advertise:
        raise RefusedInput(
            "is not set",
            who="server.listen_port",
            had=0,
            needed="a fixed port: the endpoint is registered on chain",
            remedy="`edgemark config set server.listen_port PORT`; also registration.advertise, "
            "where others reach this host by another name.",
        )
    endpoint = registration.advertise or f"https://{server.listen_host}:{server.listen_port}"
    resources = Resources(
        cpu_cores=registration.cpu_cores,
        ram_mib=registration.ram_mib,
        storage_mib=registration.storage_mib,
        network_mbps=registration.network_mbps,
    )
    return endpoint, resources


def _join(station: EvmStation, settings: Settings, role: Role) -> None:
    wanted = settings.of(RegistrationSettings)
    endpoint, resources = describe_server(settings.of(ServerSettings), wanted)
    provider = parse_address(wanted.provider, who="provider")
    is_new = join_as_server(station, role, provider, endpoint, resources)
    if wanted.deposit:
        (provide_balance if is_new else keep_balance)(station, wanted.deposit)
    if station.lane.gas_used:  # of this opening: the lane is new
        _log.info(
            "registered and funded" if is_new else "funded",
            role=role.word,
            free=str(Amount(station.accounts.free_balance(station.address))),
            gas=station.lane.gas_used,
            gas_wei=str(station.lane.fees_wei),
        )
