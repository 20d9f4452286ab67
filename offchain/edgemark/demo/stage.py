"""The parties of a system, each a process with its own key: folders, curtain, end.

Nothing here knows a chain: what has to be there before the curtain rises, a kind of stage prepares.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from edgemark.closing import Closing
from edgemark.demo.actor import Actor
from edgemark.demo.progress import awaiting
from edgemark.identifiers import Address
from edgemark.identity.keys import KeyStore
from edgemark.party.settings import SECTIONS
from edgemark.settings.loading import load_settings
from edgemark.settings.section import Section
from edgemark.settings.settings import Settings
from edgemark.settings.toml_file import FILE_NAME
from edgemark.settings.writing import write_toml

START_LIMIT_S = 60.0
LOOK_S = 0.1
A = TypeVar("A", bound=Actor)


@dataclass
class Stage(Closing, ABC, Generic[A]):
    """Everything that runs. Use as a context manager: leaving ends every process it started.

    A system says who is in the cast, and who comes to them without a process of the stage's.

    Attributes:
        SECTIONS: of the settings, that its parties read.

    Args:
        folder: keys, journals and logs of all parties.
        settings: by name (`party.poll_s`), of every party, beside or instead of the stage's own.
        start_limit_s: seconds until all actors have to be there.
        guests: home folders' names of the parties that come by themselves.
    """

    SECTIONS: ClassVar[tuple[type[Section], ...]] = SECTIONS

    folder: Path
    settings: Mapping[str, object] = field(default_factory=dict)
    start_limit_s: float = START_LIMIT_S
    guests: Sequence[str] = ()
    actors: list[A] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()  # commands run in folders of their own

    # --- for systems ---------------------------------------------------------------------------

    @abstractmethod
    def draft_cast(self) -> list[A]:
        """All actors, in the order in which they start."""

    def has_settled_in(self, actor: A) -> bool:  # noqa: ARG002 - for systems
        """Has an actor that runs and listens done whatever else it has to do before it works?"""
        return True

    # --- for kinds of stages -------------------------------------------------------------------

    def prepare(self) -> None:
        """Provide what everybody needs; the cast is drafted, no home is written."""

    def common_settings(self) -> dict[str, object]:
        """Of every party."""
        return {"party.poll_s": 0.4, "logs.level": "info", **self.settings}

    def own_settings(self, actor: A) -> dict[str, object]:
        """Of one actor, beside those that all have."""
        place = {} if actor.place is None else {"server.listen_port": actor.port}
        return {**place, **actor.settings}

    def is_there(self, actor: A) -> bool:
        """Is it ready for work?"""
        answers = actor.runs if actor.place is None else actor.listens
        return answers and self.has_settled_in(actor)

    # --- the play ------------------------------------------------------------------------------

    def set(self) -> None:
        """Draft the cast, provide for everybody, write their homes; nobody runs yet."""
        self.actors = self.draft_cast()
        self.prepare()
        for actor in self.actors:
            self._write_home(actor.home, self.own_settings(actor))

    def raise_curtain(self) -> None:
        """Start all actors and wait until each is ready."""
        for actor in self.actors:
            actor.start()
        self.wait_ready(self.actors)

    def wait_ready(self, actors: Sequence[A]) -> None:
        """Wait until these actors are there.

        Raises:
            Unrecoverable: one ended.
            NotInTime: one did not come in time.
        """
        deadline = time.monotonic() + self.start_limit_s
        for actor in actors:
            with awaiting(f"{actor.name} is ready"):
                while not self.is_there(actor):
                    actor.check_alive(deadline)
                    time.sleep(LOOK_S)

    def close(self) -> None:
        """End every process that was started."""
        for actor in self.actors:
            actor.ask_to_leave()
        for actor in self.actors:
            actor.end()
        for actor in self.actors:
            if actor.place is not None:
                actor.place.close()

    # --- who comes by himself ------------------------------------------------------------------

    def account_of(self, name: str) -> Address:
        """Account of the party with a home of this name; its keys are made when there are none."""
        return KeyStore.open(self.folder / name / "keys").account.address

    def settings_of(self, name: str) -> Settings:
        """Settings of a party without a process, with a home folder of this name."""
        self.account_of(name)
        overrides = {**self.common_settings(), "home": self.folder / name}
        return load_settings(file=None, environ={}, overrides=overrides, sections=self.SECTIONS)

    def write_guest_home(self, name: str) -> Address:
        """Write the settings of a guest's home for the command line; its account."""
        account = self.account_of(name)
        self._write_home(self.folder / name, {})
        return account

    def _write_home(self, home: Path, values: Mapping[str, object]) -> None:
        facts = {**self.common_settings(), **values}
        (home / FILE_NAME).write_text(write_toml(facts))
