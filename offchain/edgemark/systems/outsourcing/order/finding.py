"""Which nodes there are: of the index of the registry's events, or of a file of accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from edgemark.crypto.field.randomness import Randomness
from edgemark.deployment.deployment import Deployment
from edgemark.errors import RefusedInput
from edgemark.files import read_limited
from edgemark.identifiers import Address, Timestamp, parse_address
from edgemark.identity.directory import Directory, Member
from edgemark.identity.kinds import PARTICIPANT_REGISTRY
from edgemark.indexer.copying import copy_index
from edgemark.indexer.keeping import keep_in_step
from edgemark.indexer.store import DatedEvent, IndexStore
from edgemark.indexer.subject import index_path
from edgemark.party.evm.contracts import BaseContracts
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.steps.inquire import MOST_NAMED
from edgemark.words import count

MOST_FILE_BYTES = 64 * 1024  # an account and a remark for each that may be named
LOT_BYTES = 16


def find_nodes(
    station: OutsourcingStation,
    folder: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Address]:
    """Compute nodes in good standing, in an order that is drawn anew; `MOST_NAMED` at most.

    Who is first is left to the draw (`draw_order`), not to what nodes say of themselves: to ask for
    a low fee costs a node nothing, as the job says what is paid, and t + 1 that work together must
    not come before all others by saying so.

    Args:
        station: whose chain.
        folder: where the index is kept up; the home folder when None. In another one it begins with
            what is in the home folder, which is left as it is.
        on_progress: told, while the index grows, how many blocks are in it, of how many.

    Raises:
        LedgerUnavailable: the chain does not answer.
        IndexBusy, IndexDamaged, IndexOfAnother: the index of this home cannot be used.
    """
    path = index_path(station.home, station.deployment)
    if folder is not None:
        path = copy_index(path, folder)
    keep_in_step(station.chain, station.deployment, path, on_progress)
    with IndexStore.open_to_read(path, station.deployment) as store:
        directory = read_directory(store, station.deployment)
    now = Timestamp(station.chain.now())
    servers = directory.servers(COMPUTE_NODE)
    return draw_order(each for each in servers if directory.standing(each, now).is_good)


def draw_order(nodes: Iterable[Member], randomness: Randomness | None = None) -> list[Address]:
    """One node of each provider, then a second one of each that has two, and so on.

    Lots are drawn by providers, of which each has a stake: what more nodes a provider admits costs
    it nothing, and gets it neither into more jobs nor others out of what is asked.

    Args:
        nodes: each once.
        randomness: that draws; the system's when None.
    """
    source = randomness or Randomness()
    of_provider: dict[Address, list[tuple[bytes, Address]]] = {}
    for node in nodes:
        lot = source.octets(LOT_BYTES)
        of_provider.setdefault(node.provider, []).append((lot, node.account))
    lots = {provider: source.octets(LOT_BYTES) for provider in of_provider}
    places = [
        (place, lots[provider], account)
        for provider, drawn in of_provider.items()
        for place, (_, account) in enumerate(sorted(drawn))
    ]
    return [account for _, _, account in sorted(places)[:MOST_NAMED]]


def read_directory(store: IndexStore, deployment: Deployment) -> Directory:
    """Everybody who is registered, as one state of an index has it."""
    directory = Directory(deployment.group(BaseContracts).staking)
    with store.transaction(to_write=False):
        found = [each for kind in PARTICIPANT_REGISTRY.events for each in store.of_kind(kind)]
    found.sort(key=_place_of)
    directory.take(dated.event for dated in found)
    return directory


def read_node_file(path: Path) -> list[Address]:
    """The accounts of a file: the first word of each line; `#` begins a remark.

    What else stands there is not shown: it may be a key file that was named by mistake.

    Raises:
        RefusedInput: it is longer than 64 KiB, no text, or a word is no account.
    """
    return list(_list_accounts(read_limited(path, MOST_FILE_BYTES), path))


def _list_accounts(raw: bytes, path: Path) -> Iterator[Address]:
    for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            yield parse_address(words[0])
        except RefusedInput as refused:
            raise RefusedInput(
                refused.what,
                who=f"{path}, line {number}",
                had=f"a word of {count(len(words[0]), 'character')}",
                needed=refused.needed,
                remedy="`edgemark index nodes` lists accounts of nodes.",
            ) from None


def _place_of(dated: DatedEvent) -> tuple[int, int]:
    place = dated.event.at
    return place.block_number, place.log_index
