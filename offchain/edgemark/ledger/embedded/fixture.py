"""A pytest plugin: the fixture `ledger`, a development ledger for tests of chaincode.

    # conftest.py
    pytest_plugins = ["edgemark.ledger.embedded.fixture"]

    # test_shelf.py
    def test_what_is_put__is_there(ledger):
        ledger.deploy("shelf", "my_chaincode:Shelf")
        with ledger.client() as client:
            client.submit("shelf", "put", "k", "v")
            assert client.evaluate("shelf", "get", "k") == b"v"

The ledger runs in a thread of the test's process, one for the whole session, and starts in about a
second. After each test it is what it was before it: blocks, state, revocations and clocks. What is
to stay for all tests is done with `ledger_of_session`, in a fixture of the session's scope.
Chaincode runs in processes of its own, one for each organisation, as on every ledger; they go on
from test to test and end with the session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from edgemark.closing import Closing
from edgemark.ledger.embedded.running.place import Served
from edgemark.ledger.embedded.running.thread import LedgerThread
from edgemark.ledger.fabric.client.asking import Desk, Waits
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.submissions import Submissions
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.lifecycle.checking import check_code
from edgemark.ledger.fabric.lifecycle.deploying import check_committed, deploy
from edgemark.ledger.fabric.lifecycle.hosting import Hosts, draft_hosts
from edgemark.ledger.fabric.lifecycle.opening import open_administrators
from edgemark.ledger.fabric.lifecycle.wishing import Wish
from edgemark.ledger.fabric.profile.reading import read_profile
from edgemark.ledger.fabric.profile.writing import profile_path
from edgemark.ledger.fabric.settings import DEVELOPMENT, FOLDERS, LedgerSettings
from edgemark.ledger.fabric.wire.policy.policies import make_policy
from edgemark.ledger.fabric.wire.policy.texts import parse_policy_words
from edgemark.ledger.launching.ports import free_ports
from edgemark.ledger.launching.program import ProgramDied

WAITS = Waits()


@dataclass
class LedgerFixture(Closing):
    """A development ledger in this process, and the chaincode that tests brought to it.

    Attributes:
        home: a home folder, for commands: `edgemark ledger query --home HOME ...`.
        thread: the ledger.
    """

    home: Path
    thread: LedgerThread
    _hosts: dict[str, Hosts] = field(default_factory=dict)
    _clients: Iterator[int] = field(default_factory=count)
    _submissions: list[Submissions] = field(default_factory=list)
    _known: tuple[dict[str, int], int] | None = None

    @classmethod
    def start(
        cls, home: Path, organisations: int = 2, served: Served | None = None
    ) -> LedgerFixture:
        """Start a ledger in a folder that is there.

        Args:
            home: for its files.
            organisations: how many.
            served: as what; None for a channel `mychannel` of all organisations.
        """
        return cls(home, LedgerThread(home / FOLDERS[DEVELOPMENT], organisations, served))

    @property
    def msp_ids(self) -> list[str]:
        """Of all organisations that endorse."""
        return list(self.thread.ledger.organisations.peers)

    def deploy(
        self, name: str, code: str, *, version: str = "", policy: str = "", channel: str = ""
    ) -> None:
        """Bring a chaincode to a channel; one that is there already is left as it is.

        What is not said of its definition stays as it is committed.

        Args:
            name: of the chaincode on the channel.
            code: what runs: `module:Class`, found as the tests find it, or a name of ours.
            version: whatever you call it, "1.0" the first time; another one upgrades.
            policy: as in `AND('Org1MSP.peer', 'Org2MSP.peer')`, or `majority`, which it is the
                first time.
            channel: empty for the first one.

        Raises:
            ProgramDied: its process ended at the start; with its last words.
            RefusedInput: a name, version or policy that is none, or code that cannot be run.
        """
        hosts = self._hosts.get(name)
        if hosts is None or hosts.code != code:
            self._hosts[name] = hosts = self._start(name, code)
        said = make_policy(parse_policy_words(policy)) if policy else None
        wish = Wish(name, version or None, said)
        settings = self._settings(self.msp_ids[0], channel)
        members = self._members(settings.channel)
        with open_administrators(settings, self.home) as everybody:
            acting = [each for each in everybody if each.msp_id in members]
            packages = {each.msp_id: hosts.package_of(each.msp_id)[1] for each in acting}
            check_committed(deploy(acting, wish, packages))

    def _start(self, name: str, code: str) -> Hosts:
        """Start its processes; those of another code, which end for it, run on if it cannot be."""
        if name in self._hosts:
            check_code(code, Path.cwd())
        folder, known = self.thread.place.folder, self.msp_ids
        hosts = draft_hosts(folder, name, code, known, free_ports(len(known)))
        try:
            hosts.start(stays=False)
        except ProgramDied:
            check_code(code, Path.cwd())  # says what is wrong with it, where that is why
            raise
        return hosts

    def client(
        self, msp_id: str = "", user: str = "User1", channel: str = "", waits: Waits = WAITS
    ) -> GatewayClient:
        """A client of an identity that stands in the ledger's folder; its journal is of this test.

        Args:
            msp_id: of its organisation; empty for the first one.
            user: its name there.
            channel: empty for the first one.
            waits: longest times.

        Raises:
            RefusedInput: no such organisation has a peer here.
        """
        settings = self._settings(msp_id, channel)
        self.thread.ledger.organisations.with_peer(settings.msp_id)
        signer = self.signer(settings.msp_id, user)
        folder = self.home / f"clients-{next(self._clients)}"
        submissions = Submissions.open(folder, signer.identity)
        self._submissions.append(submissions)
        desk = Desk(settings.channel, signer, submissions, waits)
        profile = read_profile(profile_path(self.thread.place.folder, settings.msp_id))
        return GatewayClient(profile.peers_of(settings.msp_id), desk)

    def signer(self, msp_id: str = "", user: str = "User1") -> Signer:
        """Certificate and key of an identity that stands in the ledger's folder."""
        folder = self.thread.ledger.organisations.folder_of(msp_id or self.msp_ids[0])
        return folder.signer(folder.path / "users" / f"{user}@{folder.domain}" / "msp")

    def issue(
        self,
        user: str,
        attributes: Mapping[str, str] | None = None,
        *,
        msp_id: str = "",
        role: MemberRole = MemberRole.CLIENT,
    ) -> Signer:
        """A new identity, which stays in the folder when the test is over.

        Args:
            user: its name.
            attributes: of its certificate.
            msp_id: its organisation; empty for the first.
            role: of its certificate.

        Raises:
            RefusedInput: no such organisation, or there is somebody of this name.
        """
        folder = self.thread.ledger.organisations.folder_of(msp_id or self.msp_ids[0])
        made = folder.issue(user, role, datetime.now(UTC), attributes)
        return folder.signer(made / "msp")

    def revoke(self, user: str, msp_id: str = "") -> None:
        """Take an identity back, from the next block on, until the test is over.

        Args:
            user: its name.
            msp_id: its organisation; empty for the first.

        Raises:
            RefusedInput: no such organisation or identity.
        """
        folder = self.thread.ledger.organisations.with_peer(msp_id or self.msp_ids[0])
        folder.revoke(user, datetime.now(UTC))
        self.thread.revoke(folder.msp_id)

    def advance(self, seconds: int) -> None:
        """Move the ledger's clocks ahead, until the test is over.

        Raises:
            RefusedInput: too far, or back.
        """
        self.thread.advance(seconds)

    def heights(self) -> dict[str, int]:
        """Number of blocks of each channel."""
        return {name: each.height for name, each in self.thread.ledger.ledger.channels.items()}

    def remember(self) -> int:
        """The number of a snapshot of what is there now."""
        heights = self.heights()
        if self._known is None or self._known[0] != heights:
            self._known = heights, self.thread.snapshot()
        return self._known[1]

    def go_back(self, number: int, advanced_s: int) -> None:
        """Be again as a snapshot says, and as far ahead as that."""
        self._end_clients()
        if self._known is None or self.heights() != self._known[0]:
            self.thread.revert(number)
        self.thread.set_advance(advanced_s)

    def _end_clients(self) -> None:
        while self._submissions:
            self._submissions.pop().close()

    def close(self) -> None:
        """End the chaincodes' processes, then the ledger."""
        self._end_clients()
        for hosts in self._hosts.values():
            hosts.close()
        self.thread.close()

    def _settings(self, msp_id: str, channel: str) -> LedgerSettings:
        first = next(iter(self.thread.ledger.served.channels))
        whose = msp_id or self.msp_ids[0]
        return LedgerSettings(kind=DEVELOPMENT, channel=channel or first, msp_id=whose)

    def _members(self, channel: str) -> list[str]:
        return list(self.thread.ledger.ledger.channels[channel].organisations)


@pytest.fixture(scope="session")
def ledger_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerFixture]:
    """The ledger of the whole session: what is done to it here stays for every test."""
    with LedgerFixture.start(tmp_path_factory.mktemp("ledger")) as ledger:
        yield ledger


@pytest.fixture
def ledger(ledger_of_session: LedgerFixture) -> Iterator[LedgerFixture]:
    """The same ledger, for one test: afterwards it is as it was before."""
    number = ledger_of_session.remember()
    advanced_s = ledger_of_session.thread.ledger.served.advance_s
    yield ledger_of_session
    ledger_of_session.go_back(number, advanced_s)
