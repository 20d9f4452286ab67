"""Opens what the settings name: the profile, the identity, a client of both.

A ledger of this home stands in a folder of it: `ledger/` of the development ledger, `fabric/` of
Fabric's own programs. Both have `profiles/MSP.json` and cryptogen's `crypto-config/`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgemark.files import expand_home
from edgemark.ledger.fabric.client.asking import REAL, Desk, Waits
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.flows import Clocks
from edgemark.ledger.fabric.client.submissions import Submissions
from edgemark.ledger.fabric.client.waiting import AsyncGatewayClient
from edgemark.ledger.fabric.faults import IdentityRefused, ProfileInvalid
from edgemark.ledger.fabric.identities.folders import read_msp_folder
from edgemark.ledger.fabric.identities.layout import USER, find_msp
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.profile.addresses import PeerAddress
from edgemark.ledger.fabric.profile.reading import Profile, read_profile
from edgemark.ledger.fabric.profile.writing import profile_path
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, FOLDERS, LedgerSettings

STARTS = {DEVELOPMENT: "edgemark ledger up", FABRIC: "edgemark fabric up"}
SUBMISSIONS = Path("ledger-clients")  # of the home: the journals of those who submit
WAITS = Waits()


@dataclass(frozen=True)
class LedgerAccess:
    """A ledger, and who speaks with it.

    Attributes:
        settings: [ledger].
        home: folder of this home.
        profile: where the nodes are.
        signer: who speaks.
    """

    settings: LedgerSettings
    home: Path
    profile: Profile
    signer: Signer

    @property
    def peers(self) -> Sequence[PeerAddress]:
        """Those of the own organisation, which are asked."""
        return self.profile.peers_of(self.settings.msp_id)

    @property
    def msp_folder(self) -> Path:
        """Whence the identity was read."""
        return _find_msp(self.settings, self.home)

    def new_desk(
        self, waits: Waits = WAITS, clocks: Clocks = REAL, *, submits: bool = True
    ) -> Desk:
        """What clients of this identity need; whoever closes it closes the journal.

        Args:
            waits: longest times.
            clocks: where times and nonces come from.
            submits: whether they may; then nobody else with this home does meanwhile.

        Raises:
            FileInUse: somebody else does.
        """
        journal = None
        if submits:
            journal = Submissions.open(self.home / SUBMISSIONS, self.signer.identity)
        return Desk(self.settings.channel, self.signer, journal, waits, clocks)

    @contextmanager
    def client(self, waits: Waits = WAITS, *, submits: bool = True) -> Iterator[GatewayClient]:
        """A client for threads, and its journal; both are closed at the end. See `new_desk`."""
        with (
            self.new_desk(waits, submits=submits) as desk,
            GatewayClient(self.peers, desk) as client,
        ):
            yield client

    @asynccontextmanager
    async def async_client(
        self, waits: Waits = WAITS, *, submits: bool = True
    ) -> AsyncIterator[AsyncGatewayClient]:
        """A client for one loop. See `client`."""
        with self.new_desk(waits, submits=submits) as desk:
            async with AsyncGatewayClient(self.peers, desk) as client:
                yield client


def open_ledger(settings: LedgerSettings, home: Path) -> LedgerAccess:
    """The ledger that the settings name, and its user.

    Raises:
        ProfileInvalid, IdentityRefused: not there, or not right; the remedy says which setting.
    """
    profile = read_profile(find_profile(settings, home))
    profile.peers_of(settings.msp_id)
    signer = read_msp_folder(_find_msp(settings, home), settings.msp_id, datetime.now(UTC))
    return LedgerAccess(settings, home, profile, signer)


def find_profile(settings: LedgerSettings, home: Path) -> Path:
    """The connection profile that the settings name.

    Raises:
        ProfileInvalid: not named, or no ledger of this home has it; the remedy says what to do.
    """
    if settings.profile:
        return expand_home(settings.profile, who="ledger.profile").absolute()
    if settings.kind not in FOLDERS:
        raise ProfileInvalid(
            "is not named",
            who="connection profile",
            remedy="Set ledger.profile, or --ledger-profile FILE.",
        )
    path = profile_path(home / FOLDERS[settings.kind], settings.msp_id)
    if not path.exists():
        known = sorted(each.stem for each in path.parent.glob("*MSP.json"))
        if known:
            raise ProfileInvalid(
                "is no organisation of this home's ledger",
                who=settings.msp_id,
                needed=known,
                remedy="Name one of these: --msp-id, or ledger.msp_id.",
            )
        other = FABRIC if settings.kind == DEVELOPMENT else DEVELOPMENT
        if any((home / FOLDERS[other] / path.parent.name).glob("*MSP.json")):
            raise ProfileInvalid(
                f"has no {settings.kind} ledger, but one of kind {other}",
                who=home,
                remedy=f"Name that: --ledger {other}, or for good: `edgemark config set "
                f"ledger.kind {other}`; or start one: `{STARTS[settings.kind]}`.",
            )
        raise ProfileInvalid(
            "is not there",
            who=path,
            needed=f"a ledger of this home with an organisation {settings.msp_id}",
            remedy=f"Start one: `{STARTS[settings.kind]}`; or set ledger.profile.",
        )
    return path


def _find_msp(settings: LedgerSettings, home: Path) -> Path:
    if settings.msp_folder:
        return expand_home(settings.msp_folder, who="ledger.msp_folder").absolute()
    if settings.kind in FOLDERS:
        found = find_msp(home / FOLDERS[settings.kind], settings.msp_id, USER)
        if found is not None:
            return found
    raise IdentityRefused(
        "is not named",
        who=f"identity of {settings.msp_id}",
        remedy="Set ledger.msp_folder to the folder `msp` of one identity, and ledger.msp_id.",
    )
