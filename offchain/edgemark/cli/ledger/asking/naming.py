"""Lets a refused call say what there is: channels, organisations, chaincodes, and who said no."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edgemark.cli.ledger.asking.endorsing import explain_endorsers
from edgemark.cli.ledger.asking.identities import explain_refused
from edgemark.cli.ledger.asking.reaching import how_to_start
from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.faults import (
    ChaincodeRefused,
    FromEndorsers,
    IdentityRefused,
    LedgerSilent,
    NotEndorsed,
    TransactionInvalid,
)
from edgemark.ledger.fabric.lifecycle.administrator import Administrator
from edgemark.ledger.fabric.lifecycle.deploying import members_of
from edgemark.ledger.fabric.lifecycle.hosting import find_hosts
from edgemark.ledger.fabric.lifecycle.opening import ledger_folder
from edgemark.ledger.fabric.opening import STARTS, LedgerAccess
from edgemark.ledger.fabric.settings import LedgerSettings
from edgemark.ledger.fabric.wire.names import SYSTEM_CHAINCODES
from edgemark.ledger.launching.logs import log_of

MOST_NAMED = 20


@dataclass(frozen=True)
class Named:
    """What a command named.

    Attributes:
        access: ledger and identity.
        client: of both, on the channel.
        chaincode: its name.
        organisations: MSP ids of those who have to answer.
    """

    access: LedgerAccess
    client: GatewayClient
    chaincode: str
    organisations: Sequence[str] = ()

    @property
    def channel(self) -> str:
        """Its name."""
        return self.access.settings.channel

    def find_missing(self) -> NotEndorsed | None:
        """What of channel, organisations and chaincode is not there, with what is.

        None: all is there, or the ledger does not say.
        """
        with suppress(EdgemarkError):
            return self.find_missing_channel() or self._find_missing_on_it()
        return None

    def find_missing_channel(self) -> NotEndorsed | None:
        """The same, of the channel alone."""
        there: Sequence[str] = (self.channel,)
        with suppress(EdgemarkError):
            there = self._asking.channels()
        return None if self.channel in there else no_such_channel(self.channel, there)

    def explain_endorsers(self, invalid: TransactionInvalid) -> None:
        """See `endorsing.explain_endorsers`."""
        explain_endorsers(invalid, self._asking, self.chaincode, self.organisations)

    @property
    def _asking(self) -> Administrator:
        return Administrator(self.client, self.access.peers)

    def _find_missing_on_it(self) -> NotEndorsed | None:
        asking, here = self._asking, f"is not on channel {self.channel}"
        members = members_of(asking, self.chaincode) if self.organisations else []
        for each in self.organisations:
            if each not in members:
                remedy = "Name one of these: --org MSP."
                return _not_there(here, f"organisation {each[:64]}", members, remedy)
        names = [each.name for each in asking.definitions()]
        if self.chaincode in (*names, *SYSTEM_CHAINCODES):
            return None
        remedy = "Bring it there: `edgemark ledger chaincode deploy`; or name one that is."
        return _not_there(here, f"chaincode {self.chaincode}", names, remedy)


@contextmanager
def saying_what_is_there(named: Named) -> Iterator[None]:
    """Let what is refused within name what the ledger has, where a command named something else.

    Raises:
        NotEndorsed: as it came, with where a log is, or what `Named.find_missing` found, with the
            ledger's words.
        LedgerSilent: as it came, with where a log is; of a ledger of this home that is down, with
            what starts it.
        IdentityRefused: as it came, with the identity's folder, and the cause where it is known.
        TransactionInvalid: as it came, with the organisations whose endorsement was missing.
        ChaincodeRefused: as it came, with chaincode, organisations and where its log is.
    """
    try:
        yield
    except ChaincodeRefused as refused:
        _name_refuser(refused, named)
        raise
    except LedgerSilent as silent:
        say_how_to_start(silent, named.access.settings)
        _name_log(silent, named)
        raise
    except TransactionInvalid as invalid:
        named.explain_endorsers(invalid)
        raise
    except IdentityRefused as refused:
        explain_refused(refused, named.access)
        raise
    except NotEndorsed as refused:
        found = named.find_missing()
        if found is None:
            _name_log(refused, named)
            raise
        found.had, found.endorsers = refused.had, refused.endorsers
        raise found from refused


def say_how_to_start(silent: LedgerSilent, settings: LedgerSettings) -> None:
    """Let the error say what starts a ledger of this home, where nobody listens.

    Where endorsers said something the ledger runs: what failed to connect is a chaincode's process.
    """
    is_own = settings.kind in STARTS and not settings.profile
    if is_own and not silent.endorsers and "failed to connect" in str(silent.had).lower():
        silent.remedy = how_to_start(settings)


def _name_refuser(refused: ChaincodeRefused, named: Named) -> None:
    refused.who = f"chaincode {named.chaincode} on {named.channel}"
    if whose := ", ".join(sorted({each.msp_id for each in refused.endorsers})):
        refused.who = f"{refused.who}, at {whose}"
    refused.had = str(refused.had).rstrip(".")
    _name_log(refused, named)


def _name_log(refused: FromEndorsers, named: Named) -> None:
    """Let an error say where the log of the chaincode is of which endorsers speak."""
    log = None
    with suppress(EdgemarkError):  # what is known of its processes is damaged: told elsewhere
        log = _find_log(named, [each.msp_id for each in refused.endorsers])
    if log:
        refused.remedy = f"{refused.remedy} The chaincode's log is {log}.".lstrip()


def _find_log(named: Named, msp_ids: Sequence[str]) -> Path | None:
    """Of its process, where that is one of this home's."""
    folder = ledger_folder(named.access.settings, named.access.home)
    if folder is None or named.chaincode in SYSTEM_CHAINCODES:
        return None
    hosts = find_hosts(folder, named.chaincode)
    own = [each for each in msp_ids if hosts is not None and each in hosts.ports]
    return log_of(own[0], hosts.place) if hosts is not None and own else None


def no_such_channel(channel: str, there: Sequence[str]) -> NotEndorsed:
    """That a peer has not joined a channel, with those that it has."""
    remedy = "Name one: --channel NAME, or for good: `edgemark config set ledger.channel NAME`."
    who = f"channel {channel[:64]}"
    return _not_there("is none that this peer has joined", who, there, remedy)


def _not_there(what: str, who: str, there: Sequence[str], remedy: str) -> NotEndorsed:
    names = ", ".join(sorted(there)[:MOST_NAMED]) or "none: there is none yet"
    more = f", and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else ""
    return NotEndorsed(what, who=who, needed=f"one of {names}{more}", remedy=remedy)
