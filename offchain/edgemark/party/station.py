"""What every shell of every system stands on: settings, keys, a client for its peers, a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from edgemark.closing import Closing
from edgemark.identifiers import Address
from edgemark.identity.keys import KeyStore
from edgemark.party.settings import SECTIONS, PartySettings
from edgemark.party.standing import Standing
from edgemark.settings.section import Section
from edgemark.settings.settings import Settings
from edgemark.transport.asking.http import HttpClient

TAKEN = b"taken"  # what a server answers when it keeps what it was handed


@dataclass(frozen=True)
class Station(Closing):
    """Everything a shell uses, opened once; what a party has beside it is added by a subclass.

    Attributes:
        SECTIONS: of the settings, that its parties read; a system adds its own.
        settings: home folder, ports, paces.
        keys: of the account, and of the TLS face.
        client: asks peers, each by its endpoint and the pin of its key.
        clock: time by which this party's deadlines are meant, Unix seconds; it may raise
            `LedgerUnavailable`. None for a party without any.
        standing: of its peers, for all that it asks several of them for.
        MATTERS: what its system calls those that are under way, as metrics name them.
    """

    SECTIONS: ClassVar[tuple[type[Section], ...]] = SECTIONS
    MATTERS: ClassVar[str] = "matters"

    settings: Settings
    keys: KeyStore
    client: HttpClient
    clock: Callable[[], int] | None
    standing: Standing = field(default_factory=Standing, init=False, repr=False, compare=False)

    def keep_on(self) -> None:
        """What has to be done now and then beside the watch; nothing, unless a subclass says so."""

    @classmethod
    def open(cls, settings: Settings, clock: Callable[[], int] | None = None) -> Self:
        """Open the keys that the settings name; they are made on the first run.

        Raises:
            Unrecoverable: others can open a key file, or it holds no key.
            KeyfileInvalid, WrongPassphrase: the account's file cannot be opened.
        """
        return cls(
            settings=settings,
            keys=KeyStore.of(settings),
            client=HttpClient(timeout_s=settings.of(PartySettings).request_timeout_s),
            clock=clock,
        )

    def close(self) -> None:
        """What waits for its turn is not sent any more."""
        self.client.close()

    @property
    def address(self) -> Address:
        """This party's account."""
        return self.keys.account.address

    @property
    def paces(self) -> PartySettings:
        """How often it looks, how long it waits, how much it does at a time."""
        return self.settings.of(PartySettings)

    @property
    def home(self) -> Path:
        """Folder of its keys, journals and archives."""
        return self.settings.home
