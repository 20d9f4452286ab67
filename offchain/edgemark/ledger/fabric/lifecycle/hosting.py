"""Chaincode processes of a ledger of this home: one for each organisation, of the same code.

`chaincode/NAME/hosts.json` below the ledger's folder says which, and where each listens. Where it
listens stands in its package, so it stays the same from one start to the next: then the package's
id is the same as well, and no organisation has to approve anything anew because a process restarts.
`tls/` beside it holds what a process and a peer show each other (`host_tls`).
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from edgemark.closing import Closing
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.files import make_private_folder
from edgemark.ledger.fabric.lifecycle.checking import HOST, START_S
from edgemark.ledger.fabric.lifecycle.host_tls import FOLDER as TLS_FOLDER
from edgemark.ledger.fabric.lifecycle.host_tls import HostTls
from edgemark.ledger.fabric.lifecycle.strays import find_strays
from edgemark.ledger.fabric.packages.making import package_of
from edgemark.ledger.fabric.packages.reading import Package, check_label
from edgemark.ledger.launching.logs import log_of
from edgemark.ledger.launching.notes import BY_HAND, NoteDamaged, read_note, write_note
from edgemark.ledger.launching.ports import LOOPBACK, PortInUse, check_port_free
from edgemark.ledger.launching.program import KnownProcess, Program, close_all
from edgemark.ledger.launching.turns import in_turn
from edgemark.process import start_ticks

FOLDER, NOTE = "chaincode", "hosts.json"
DIAL_S = 3.0
TURN_S = 90.0  # until others have started or ended theirs


@dataclass
class Hosts(Closing):
    """The processes of a chaincode.

    Attributes:
        folder: of the ledger.
        name: of the chaincode on the ledger; also the label of its packages.
        code: what runs: a name of ours, or `module:Class`.
        cwd: where it runs, and finds the user's modules.
        ports: where each listens, by MSP id.
        programs: those that were started, by MSP id.
        reload: whether these restart when their source changes.
    """

    folder: Path
    name: str
    code: str
    cwd: Path
    ports: Mapping[str, int]
    programs: dict[str, Program] = field(default_factory=dict)
    reload: bool = False

    @property
    def place(self) -> Path:
        """Folder of note and logs."""
        return self.folder / FOLDER / self.name

    @property
    def is_running(self) -> bool:
        """Whether all of them run."""
        return all(
            msp_id in self.programs and self.programs[msp_id].is_running for msp_id in self.ports
        )

    def package_of(self, msp_id: str) -> tuple[Package, bytes]:
        """The package of an organisation, and its bytes.

        Raises:
            RefusedInput: its TLS is not there.
            Unrecoverable: others can read the keys of that.
        """
        tls = HostTls.of(self.place)
        return package_of(self.name, tls.connection(self.address_of(msp_id), DIAL_S))

    def address_of(self, msp_id: str) -> str:
        """Where an organisation's process listens."""
        return f"{LOOPBACK}:{self.ports[msp_id]}"

    def start(
        self, *, reload: bool = False, stays: bool = True, without: Collection[str] = ()
    ) -> None:
        """Start those that do not run, and wait until they listen.

        Args:
            reload: they restart when their source changes.
            stays: they outlive this process.

            without: MSP ids of those that are left as they are.

        Raises:
            PortInUse: something else listens where one should.
            ProgramDied: one ended at the start, as for an unknown chaincode; with its last words.
                Those that were started with it are ended; who ran before runs on.
        """
        is_new = not (self.place / NOTE).exists()
        make_private_folder(self.folder / FOLDER)
        make_private_folder(self.place)
        if is_new:
            HostTls.make(self.place)
        self.reload = reload
        started: list[Program] = []
        try:
            for msp_id in self.ports:
                if self.is_off(msp_id) and msp_id not in without:
                    started.append(self._start(msp_id, stays=stays))
            for program in started:
                program.wait_until_ready(partial(_listens, program.log), START_S)
        except BaseException:
            close_all(started)
            if is_new:  # it never ran: nothing to start again
                (self.place / NOTE).unlink(missing_ok=True)
            raise

    def is_off(self, msp_id: str) -> bool:
        """Whether the process of an organisation does not run."""
        return msp_id not in self.programs or not self.programs[msp_id].is_running

    def find_strays(self, msp_ids: Collection[str]) -> list[KnownProcess]:
        """What was started for organisations, and is noted or not; see `strays`."""
        options = HostTls(self.place / TLS_FOLDER).options()  # whether or not it is there
        return find_strays(options, [self.address_of(each) for each in msp_ids])

    def find_taken(self, msp_ids: Collection[str]) -> dict[str, PortInUse]:
        """Those of organisations whose process is off at whose place something else listens.

        What is left of their own processes is ended first.
        """
        close_all(self.find_strays(msp_ids))
        taken = {}
        for msp_id in msp_ids:
            try:
                check_port_free(self.ports[msp_id])
            except PortInUse as fault:
                fault.who = f"{fault.who}, the place of chaincode {self.name} of {msp_id}"
                fault.remedy = "Stop what listens there, then ask again: its package says the port."
                taken[msp_id] = fault
        return taken

    def free(self, msp_ids: Collection[str]) -> None:
        """As `find_taken`.

        Raises:
            PortInUse: there is one.
        """
        for fault in self.find_taken(msp_ids).values():
            raise fault

    def _start(self, msp_id: str, *, stays: bool) -> Program:
        self.free([msp_id])
        command = self.command_of(msp_id, reload=self.reload)

        def note(program: Program) -> None:
            self.programs[msp_id] = program
            self.note()

        return Program.start(
            msp_id,
            self.place,
            command,
            working_folder=self.cwd,
            stays=stays,
            death=signal.SIGKILL,  # a call that blocks heeds nothing else
            note=note,
        )

    def command_of(self, msp_id: str, *, reload: bool = False) -> list[str]:
        """What runs for an organisation."""
        package, _ = self.package_of(msp_id)
        words = [sys.executable, "-m", HOST, self.code, "--package-id", package.package_id]
        words += ["--address", self.address_of(msp_id), *HostTls.of(self.place).options()]
        return [*words, "--reload"] if reload else words

    def become(self, msp_id: str, *, reload: bool = False) -> NoReturn:
        """Be the process of one organisation from now on, with the terminal of this one.

        Args:
            msp_id: of the organisation.
            reload: it restarts when its source changes.

        Raises:
            RefusedInput: it has none.
            PortInUse, ProgramDied: see `start`, of the others'.
        """
        if msp_id not in self.ports:
            raise RefusedInput(
                f"has no process of {msp_id[:64]}",
                who=f"chaincode {self.name}",
                needed=" or ".join(self.ports),
            )
        former = self.programs.pop(msp_id, None)
        if former:
            former.close()
        others = [each for each in self.ports if each != msp_id and self.is_off(each)]
        for program in [self._start(each, stays=True) for each in others]:
            program.wait_until_ready(partial(_listens, program.log), START_S)
        self.free([msp_id])
        own = os.getpid()
        self.programs[msp_id] = Program(
            own, start_ticks(own) or 0, msp_id, log_of(msp_id, self.place)
        )
        self.note()
        os.chdir(self.cwd)
        os.execv(sys.executable, self.command_of(msp_id, reload=reload))  # noqa: S606 - our own

    def close(self) -> None:
        """End all of them; what they answer is answered before, and who does not end is killed."""
        close_all(list(self.programs.values()))

    def note(self) -> None:
        """Write down how to find them."""
        facts = {
            "code": self.code,
            "cwd": str(self.cwd),
            "ports": dict(self.ports),
            "programs": {msp_id: each.facts for msp_id, each in self.programs.items()},
            "reload": self.reload,
        }
        write_note(self.place / NOTE, facts)


def find_hosts(folder: Path, name: str) -> Hosts | None:
    """The processes of a chaincode, running or not; None: there were none.

    Raises:
        RefusedInput: it is no name.
        NoteDamaged: what is known of them cannot be read.
    """
    check_label(name)
    place = folder / FOLDER / name
    facts = read_note(place / NOTE)
    if facts is None:
        return None
    try:
        ports = {str(msp_id): int(port) for msp_id, port in facts["ports"].items()}
        noted: Mapping[str, Any] = facts["programs"]
        programs = {
            msp_id: Program.from_note(msp_id, place, noted[msp_id], place / NOTE)
            for msp_id in ports
            if msp_id in noted
        }
        code, cwd, reload = str(facts["code"]), Path(facts["cwd"]), facts.get("reload") is True
        return Hosts(folder, name, code, cwd, ports, programs, reload)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoteDamaged("is no note of chaincode", who=place / NOTE, remedy=BY_HAND) from error


def list_hosts(folder: Path) -> list[Hosts]:
    """All chaincodes that were ever started for a ledger.

    Raises:
        NoteDamaged: what is known of one cannot be read.
    """
    notes = sorted((folder / FOLDER).glob(f"*/{NOTE}"))
    found = [find_hosts(folder, note.parent.name) for note in notes]
    return [each for each in found if each is not None]


def stop_hosts(folder: Path) -> int:
    """End all chaincode processes of a ledger; how many chaincodes ran.

    Raises:
        NoteDamaged: what is known of one cannot be read.
    """
    if not folder.is_dir():
        return 0
    with hosting_alone(folder):
        running = [
            each
            for each in list_hosts(folder)
            if not all(map(each.is_off, each.ports)) or each.find_strays(each.ports)
        ]
        close_all([program for each in running for program in each.programs.values()])
        close_all([stray for each in running for stray in each.find_strays(each.ports)])
        return len(running)


@contextmanager
def hosting_alone(folder: Path) -> Iterator[None]:
    """One at a time starts or ends chaincode processes of a ledger.

    Raises:
        FileInUse: somebody else took too long.
    """
    with in_turn(folder / FOLDER, TURN_S):
        yield


def start_hosts(folder: Path) -> list[EdgemarkError]:
    """Start all chaincode processes of a ledger that do not run; why some did not start.

    Where another listens at the place of one, the others are started.

    Raises:
        NoteDamaged: what is known of one cannot be read.
    """
    failures: list[EdgemarkError] = []
    with hosting_alone(folder):
        for each in list_hosts(folder):
            taken = each.find_taken(list(filter(each.is_off, each.ports)))
            failures += taken.values()
            try:
                each.start(reload=each.reload, without=taken)
            except EdgemarkError as failure:
                failures.append(failure)
    return failures


def remove_hosts(folder: Path) -> None:
    """End all chaincode processes of a ledger, and forget them.

    Raises:
        NoteDamaged: what is known of one cannot be read.
    """
    stop_hosts(folder)
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def draft_hosts(
    folder: Path,
    name: str,
    code: str,
    msp_ids: Sequence[str],
    ports: Sequence[int],
    cwd: Path | None = None,
) -> Hosts:
    """The processes of a chaincode that are wished; those of before keep their ports.

    Those that run run on, unless they are of another code: then they are ended.

    Args:
        folder: of the ledger.
        name: of the chaincode on the ledger.
        code: what runs.
        msp_ids: of the organisations.
        ports: free ones, one for each of them, which the caller holds.
        cwd: folder where it runs; None for this one.

    Raises:
        RefusedInput: no name, or too few ports.
    """
    hosts = plan_hosts(folder, name, code, msp_ids, ports, cwd)
    before = find_hosts(folder, name)
    if before and before.code != code:
        before.close()
        hosts.programs = {}
    return hosts


def plan_hosts(
    folder: Path,
    name: str,
    code: str,
    msp_ids: Sequence[str],
    ports: Sequence[int],
    cwd: Path | None = None,
) -> Hosts:
    """As `draft_hosts`, and nothing is ended."""
    before = find_hosts(folder, name)
    if len(ports) < len(msp_ids):
        raise RefusedInput("too few ports", who=name, had=len(ports), needed=len(msp_ids))
    kept = before.ports if before else {}
    chosen = {**dict(zip(msp_ids, ports, strict=False)), **kept}  # other channels' run the same
    programs = dict(before.programs) if before else {}
    return Hosts(folder, name, code, cwd or Path.cwd(), chosen, programs)


def _listens(log: Path) -> bool:
    return any(line.startswith(b'{"address"') for line in log.read_bytes().splitlines())
