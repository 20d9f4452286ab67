"""Where a party serves, said by its identity: a service entry of its DID document.

The chain of identities may be another one than that of the party's contracts; then it has a lane of
its own. Nothing is sent while the document says what it should.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.identity.did.acts import AttributeRevocation, AttributeSetting
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.document import Service
from edgemark.logs import get_logger
from edgemark.party.evm.did.acting import Wish, act_as_owner
from edgemark.party.evm.did.station import IdentityStation
from edgemark.party.evm.station import EvmStation

LASTS_S = 10 * 365 * 86_400  # an entry that has expired is said anew at the next start
PREFIX = "did/svc/"

_log = get_logger("identity")


@contextmanager
def opening_identities(station: EvmStation) -> Iterator[IdentityStation]:
    """The chain of identities of a party's home, to send there.

    Raises:
        NoChain, ChainIdMismatch, NoCode, ManifestInvalid, JournalInUse: as `IdentityStation.open`.
    """
    looking = IdentityStation.look(station.settings)
    if looking.lane_path == station.lane_path:
        yield looking.with_lane(station.lane)
        return
    with IdentityStation.open(station.settings) as own:
        yield own


def announce(
    station: EvmStation, kind: str, endpoint: Mapping[str, str], had: Sequence[Service]
) -> bool:
    """Let the identity of this home's account say where it serves, and nothing else of that type.

    Args:
        station: of the party.
        kind: type of the service.
        endpoint: what is to be said, as JSON.
        had: what its document says now, of this type.

    Returns:
        Whether anything was sent.

    Raises:
        NotTheOwner: the identity belongs to another account, or to nobody any more.
        RefusedInput: the registry refuses it.
    """
    wanted = dict(endpoint)
    if [service.endpoint for service in had] == [wanted]:
        return False
    name = encode_name(PREFIX + kind)
    with opening_identities(station) as identities:
        gas = identities.lane.gas_used

        for act in _acts(identities.address, name, wanted, had):
            act_as_owner(identities, act)
        gas = identities.lane.gas_used - gas
    _log.info("service is announced", kind=kind, uri=wanted.get("uri"), gas=gas)
    return True


def _acts(
    identity: Address, name: Hash32, wanted: Mapping[str, str], had: Sequence[Service]
) -> Iterator[Wish]:
    """What has to be done, one after the other."""
    for service in had:
        if service.endpoint != wanted:
            gone = AttributeRevocation(identity, name, write_endpoint(service.endpoint))
            yield lambda _now, act=gone: act  # type: ignore[misc]
    if wanted not in [service.endpoint for service in had]:
        value = write_endpoint(dict(wanted))
        yield lambda now: AttributeSetting(identity, name, value, Timestamp(now + LASTS_S))


def write_endpoint(told: object) -> bytes:
    """An endpoint as it stands in an attribute.

    A service that somebody wrote in another form has to be revoked as it was written.
    """
    if isinstance(told, str):
        return told.encode()
    return json.dumps(told, separators=(",", ":"), sort_keys=True).encode()
