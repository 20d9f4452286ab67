"""The development ledger in one event loop: organisations, state, links to chaincodes, doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from edgemark.errors import LedgerUnavailable, Overloaded
from edgemark.ledger.embedded.approvals import parse_approval
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.ledger import Ledger
from edgemark.ledger.embedded.channel.ordering import AGAIN_S, Orderer
from edgemark.ledger.embedded.channel.room import Room
from edgemark.ledger.embedded.definitions import approval_key, metadata_key
from edgemark.ledger.embedded.doors.behind import Behind, Clock, Snapshots
from edgemark.ledger.embedded.doors.broadcast import Broadcast
from edgemark.ledger.embedded.doors.delivery import Delivery
from edgemark.ledger.embedded.doors.endorser import PeerEndorser
from edgemark.ledger.embedded.doors.gateway import Gateway
from edgemark.ledger.embedded.doors.serving.absent import AbsentServices
from edgemark.ledger.embedded.doors.serving.calls import serve_methods
from edgemark.ledger.embedded.doors.serving.instruments import DoorInstruments
from edgemark.ledger.embedded.doors.serving.servers import DoorServer
from edgemark.ledger.embedded.endorsers import Endorsers
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.running.place import Place, Served
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.limits import MAX_FOLLOWED_BYTES
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.logs import get_logger
from edgemark.seam import place_of

_log = get_logger("ledger")


class DevelopmentLedger:
    """A ledger that runs in the present event loop; `hosting.hosted` starts and ends one.

    Attributes:
        place: its folder.
        served: as what.
        organisations: of it.
        instruments: what it counts.
        metrics_url: where these are served; empty where nobody serves them.
        ledger: its channels, once it has started.
        endorsers: what simulates and signs, likewise.
        orderers: of each channel by its name, likewise.
        behind: what stands behind its doors, likewise.
    """

    def __init__(self, place: Place, served: Served) -> None:
        """Read what is there; `make_ledger` has made it."""
        self.place = place
        self.served = served
        self.organisations = Organisations.open(place.folder)
        self.instruments = DoorInstruments()
        self.metrics_url = ""
        self._held = AsyncExitStack()
        self._servers: dict[str, DoorServer] = {}
        self._watched = AsyncExitStack()
        self._unwatched: dict[str, BaseException] = {}  # why nobody counts what is committed
        self._agreed: dict[str, int] = {}
        self._packages: dict[tuple[str, str, str], tuple[int, str]] = {}

    @property
    def ports(self) -> Mapping[str, int]:
        """Of each organisation's server, by MSP id."""
        return {msp_id: server.port for msp_id, server in self._servers.items()}

    async def start(self) -> None:
        """Open everything, the doors last.

        Raises:
            PortInUse: a port is taken.
            FileInUse: another process has the ledger open.
            StoreDamaged: what it kept cannot be used.
        """
        try:
            await self._open()
            for name, one in self.orderers.items():
                self._show_trouble(name, one)
            await self._open_doors()
        except BaseException:
            await self.stop()
            raise
        self.served = replace(self.served, ports=dict(self.ports))
        self.served.save(self.place)
        _log.info("serving", **self.ports)

    async def stop(self) -> None:
        """Close the doors, then everything behind them; what was ordered is committed."""
        await asyncio.gather(*(server.stop() for server in self._servers.values()))
        await self._held.aclose()
        _log.info("stopped")

    async def _open(self) -> None:
        folders, served = self.organisations, self.served
        orderer = folders.orderer.read()
        self.ledger = self._held.enter_context(
            Ledger.open(self.place.folder, folders.orderer_signer, orderer)
        )
        for name, members in served.channels.items():
            if name not in self.ledger.channels:
                known = folders.organisations
                chosen = {each: known[each] for each in members or known}
                self.ledger.create_channel(name, chosen)
        signers = {each: folders.peer_signer(each) for each in folders.peers}
        self.endorsers = Endorsers.open(
            self.place.folder,
            self.ledger.channels,
            signers.__getitem__,
            timeout_s=served.execute_timeout_s,
        )
        self._held.push_async_callback(self.endorsers.close)
        self.orderers = await self._open_orderers()
        snapshots = {
            name: Snapshots(channel, served.skew) for name, channel in self.ledger.channels.items()
        }
        self.behind = Behind(
            channels=self.ledger.channels,
            orderers=self.orderers,
            snapshots=snapshots,
            endorser=self.endorsers.endorser,
            addresses={},
            runs=self._runs,
            clock=Clock(served.advance_s),
        )
        await self._held.enter_async_context(self._watched)
        await self.restart_watching()
        await self.take_up_revocations()

    async def _open_orderers(self) -> dict[str, Orderer]:
        count, timeout_s = self.served.batch_count, self.served.batch_timeout_s
        room = Room(MAX_FOLLOWED_BYTES)
        return {
            name: await self._held.enter_async_context(
                Orderer(channel, count=count, timeout_s=timeout_s, room=room)
            )
            for name, channel in self.ledger.channels.items()
        }

    async def _open_doors(self) -> None:
        own = self.organisations.orderer.msp_id
        for msp_id in (*self.organisations.peers, own):
            server = DoorServer(
                self.organisations.tls_of(msp_id),
                self.served.ports.get(msp_id, 0),
                self._services(None if msp_id == own else msp_id),
            )
            await server.start()
            self._servers[msp_id] = server
            self.behind.addresses[msp_id] = server.address

    def _services(self, msp_id: str | None) -> list[Any]:
        """Of an organisation's peer; for None, of the orderer."""
        behind = self.behind
        delivery = Delivery(behind, msp_id).methods()
        if msp_id is None:
            served = {"orderer.AtomicBroadcast": [*Broadcast(behind).methods(), *delivery]}
        else:
            served = {
                "gateway.Gateway": Gateway(behind, msp_id).methods(),
                "protos.Endorser": PeerEndorser(behind, msp_id).methods(),
                "protos.Deliver": delivery,
            }
        handlers = [serve_methods(name, each, self.instruments) for name, each in served.items()]
        return [*handlers, AbsentServices(frozenset(served), self.instruments)]

    def _runs(self, msp_id: str, channel: Channel, chaincode: str) -> bool:
        package_id = self._package_of(msp_id, channel, chaincode)
        return package_id in self.endorsers.installed.of(msp_id)

    def _package_of(self, msp_id: str, channel: Channel, chaincode: str) -> str:
        """Of the package with which an organisation approved a definition; empty for none."""
        agreed = channel.agreed  # before what is read: a change meanwhile has it read again
        definition = channel.definition(chaincode)
        if definition is None:
            return ""
        place = (msp_id, channel.name, chaincode)
        known = self._packages.get(place)
        if known is None or known[0] != agreed:
            with channel.view() as view:
                held = view.get(LIFECYCLE, approval_key(msp_id, chaincode, definition.sequence))
            approval = parse_approval(held[0] if held is not None else None)
            known = agreed, "" if approval is None else approval.package_id
            self._packages[place] = known
        return known[1]

    @asynccontextmanager
    async def _watching(self, name: str) -> AsyncIterator[None]:
        """Count what is committed, and keep older states where others are to read them."""

        async def watch() -> None:
            height = self.ledger.channels[name].height
            while True:
                # Others who wait take all places, it is closing, or the disk refuses a read.
                with suppress(Overloaded, LedgerUnavailable):
                    async for block in self.orderers[name].blocks_from(height):
                        note(block)
                        height = block.number + 1
                        await self._keep_links()
                await asyncio.sleep(AGAIN_S)

        def note(block: Block) -> None:
            self.behind.snapshots[name].note_block()  # may be refused, and is tried again
            for code in block.flags:
                self.instruments.note_transaction(code.name)
            _log.debug("block", channel=name, number=block.number, size=len(block.flags))

        watching = asyncio.create_task(watch(), name=f"watch of {name}")
        watching.add_done_callback(lambda ended: self._tell_end(name, ended))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            self._unwatched.pop(name, None)
            self.behind.snapshots[name].close()

    def _tell_end(self, name: str, watching: asyncio.Task[None]) -> None:
        """Nobody ends a watch but who cancels it."""
        if watching.cancelled() or (error := watching.exception()) is None:
            return
        self._unwatched[name] = error
        _log.error("watch ended", channel=name, kind=type(error).__name__, place=place_of(error))

    def _show_trouble(self, name: str, one: Orderer) -> None:
        self.instruments.watch_channel(
            name, lambda: one.fault is not None, lambda: one.trouble.failed
        )

    async def _keep_links(self) -> None:
        """Hang up on processes whose package no definition names any more."""
        agreed = {name: each.agreed for name, each in self.ledger.channels.items()}
        if agreed == self._agreed:
            return
        wanted = set()
        for name, channel in self.ledger.channels.items():
            for chaincode in self.chaincodes(name):
                for msp_id in channel.organisations:
                    with suppress(MessageMalformed):  # told to whoever asks that chaincode
                        wanted.add((msp_id, self._package_of(msp_id, channel, chaincode)))
        self._agreed = agreed
        await self.endorsers.links.keep_only(wanted)

    async def restart_watching(self) -> None:
        """Look from the present heights on: blocks were taken back."""
        await self._watched.aclose()
        for name in self.ledger.channels:
            await self._watched.enter_async_context(self._watching(name))

    def put_back_revocations(self) -> None:
        """Give the folders the revocation lists of the channels: some were taken back."""
        for msp_id, folder in self.organisations.peers.items():
            if any(msp_id in each.organisations for each in self.ledger.channels.values()):
                folder.revocations.put(self._revocations_of(msp_id))

    async def take_up_revocations(self) -> None:
        """Put each organisation's revocation lists into the channels that do not have them yet.

        It only ever adds: what a channel has and a folder lacks is put into the folder. Only a
        revert takes revocations back.
        """
        for msp_id, folder in self.organisations.peers.items():
            folder.revocations.add(self._revocations_of(msp_id))
        for name, channel in self.ledger.channels.items():
            for msp_id, known in dict(channel.organisations).items():
                now = self.organisations.folder_of(msp_id).read()
                if now.revoked > known.revoked:
                    wanted = channel.configuration.with_organisation(now)
                    await self.orderers[name].reconfigure(wanted)
                    _log.info("revoked", channel=name, organisation=msp_id)

    def _revocations_of(self, msp_id: str) -> list[bytes]:
        """All lists of an organisation that a channel has."""
        channels = self.ledger.channels.values()
        found = (each.organisations.get(msp_id) for each in channels)
        return [raw for each in found if each is not None for raw in each.revocations]

    def chaincodes(self, channel: str) -> list[str]:
        """Names of the chaincodes that a channel has agreed on."""
        prefix = metadata_key("")
        with self.ledger.channels[channel].view() as view:
            found = view.range(LIFECYCLE, prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1))
            return [key.removeprefix(prefix) for key, _, _ in found]

    def find_faults(self) -> list[str]:
        """What keeps the ledger from its work; empty when it is healthy. For any thread."""
        if not self._servers:
            return ["it has not begun"]
        faults = {
            name: f"is not watched, so nothing of it is counted: {type(error).__name__}: {error}"
            for name, error in dict(self._unwatched).items()
        }
        faults |= {name: each.fault for name, each in self.orderers.items() if each.fault}
        return [f"channel {name} {fault}" for name, fault in faults.items()]
