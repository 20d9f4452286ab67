"""The bond of a controller: brought at its start, renewed, taken home, or lost to the pool.

Two issuances of one key, for the same channel, index and epoch, take the whole bond; whoever has
both may bring them (`convict`), and gains nothing by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.amounts import Amount
from edgemark.crypto.ethereum.secp256k1 import BadSignature, recover
from edgemark.errors import LedgerUnavailable, Overloaded, RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.ledger.fabric.settings import LedgerSettings
from edgemark.logs import get_logger
from edgemark.party.evm.joining import bring_in, send_as_asked
from edgemark.party.evm.opening import open_station
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.evidence.controllers import Bond, Version
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.settings import ControllerSettings
from edgemark.systems.trading.station.contracts import CONTROLLER
from edgemark.systems.trading.station.station import TradingStation
from edgemark.transport.broker.settings import BrokerSettings

BOND_ALLOWANCE_S = 3600  # the lock follows in the next transaction, or not at all

_log = get_logger("bonding")


@dataclass(frozen=True)
class ControllerStation(TradingStation):
    """With a broker of its own, and perhaps a consortium ledger for its evidence."""

    SECTIONS = (BrokerSettings, LedgerSettings, *TradingStation.SECTIONS)


class NoEquivocation(RefusedInput):
    """Two settlement credentials do not show that their controller signed two of one index."""


class NotIssuer(RefusedInput):
    """An account's identity does not have its key to sign credentials."""


class NotBonded(RefusedInput):
    """A controller that cannot be in good standing, whatever it brings."""


def open_controller(settings: Settings) -> ControllerStation:
    """The station of a controller: registered, funded and bonded as the settings say.

    Raises:
        RefusedInput: the settings lack something, the account is registered otherwise, or holds
            too few tokens.
        NotBonded: its bond was taken, or it left.
        NotIssuer: the account signs for its own identity no more.
    """
    station = open_station(ControllerStation, settings, CONTROLLER)
    try:
        check_identity(station)
        keep_bond(station)
    except BaseException:
        station.close()
        raise
    return station


def check_identity(station: TradingStation) -> None:
    """Check that this account's key signs credentials for its own identity.

    Where the identity cannot be looked up now, nothing is known against it.

    Raises:
        NotIssuer: it does not.
    """
    did = station.did
    try:
        keys = station.documents.assertion(did)
    except (LedgerUnavailable, Overloaded) as away:
        _log.warning("identity is not looked up", did=str(did), error=away)
        return
    if station.address not in keys:
        raise NotIssuer(
            "has not this account's key to sign credentials",
            who=did,
            had=", ".join(sorted(keys)) or "no keys",
            needed=station.address,
            remedy="The identity was rotated or deactivated: a controller needs an account whose "
            "identity is its own.",
        )


def keep_bond(station: TradingStation) -> None:
    """Bring what is missing of the bond that the settings ask for, or renew its lock.

    Raises:
        RefusedInput: the wallet holds too few tokens.
        NotBonded: the bond was taken, or the controller left.
    """
    controllers, me = station.controllers, station.address
    found = controllers.bond_of(me)
    if found.convicted_at:
        raise NotBonded(
            "lost its bond: it signed two issuances of one index",
            who=me,
            had=f"convicted at {found.convicted_at}",
            needed="an account that was not convicted",
            remedy="Parties have to name another controller.",
        )
    if found.is_leaving:
        raise NotBonded(
            "left: it is in no good standing",
            who=me,
            had=f"a bond that is free at {found.free_at}",
            needed="a bond that stays",
            remedy="`edgemark controller bond` stays, `release` takes it home.",
        )
    wanted = max(controllers.bonding().min_bond, station.settings.of(ControllerSettings).bond)
    missing = max(0, wanted - held(station, found))
    if missing or not controllers.is_in_standing(me):
        provide_bond(station, Tokens(missing))
        _log.info("bonded", amount=str(Amount(wanted)), more=str(Amount(missing)))


def held(station: TradingStation, found: Bond) -> Tokens:
    """What is in a bond's lock; 0 once that has expired, for then it goes back."""
    expired = station.chain.block("latest").timestamp > found.expires_at
    return Tokens(0) if expired else found.amount


def provide_bond(station: TradingStation, amount: Tokens) -> None:
    """Lock so much more of this account's tokens, and the whole for as long as can be.

    Args:
        station: of the controller.
        amount: smallest units, from its free balance and then its wallet; 0 only renews.

    Raises:
        RefusedInput: the wallet holds too few tokens, the account is no controller, or the whole
            is less than a bond has to be.
    """
    controllers = station.controllers
    total = amount + held(station, controllers.bond_of(station.address))
    bring_in(station, amount, [controllers.address], total, lasts_s=BOND_ALLOWANCE_S)
    send_as_asked(
        station, controllers.bond(amount), "`edgemark controller run` registers a controller."
    )


def unbond(station: TradingStation) -> Timestamp:
    """Leave: in no good standing from now on; answers when the bond is free.

    Raises:
        RefusedInput: nothing is bonded, or it left before.
    """
    send_as_asked(station, station.controllers.unbond(), "Nothing was changed.")
    return station.controllers.bond_of(station.address).free_at


def release_bond(station: TradingStation, controller: Address) -> Tokens:
    """Give a bond back once its time has come; anyone may.

    Raises:
        RefusedInput: nothing is bonded, its controller has not left, or it is too early.
    """
    amount = station.controllers.bond_of(controller).amount
    call = station.controllers.release(controller)
    send_as_asked(station, call, "Unbond first, and wait until it is free.")
    return amount


def convict(station: TradingStation, first: KeptSettlement, second: KeptSettlement) -> Address:
    """Show two issuances of one key for the same index: its bond goes to the pool.

    Args:
        station: of anybody.
        first: as parties keep them.
        second: another one.

    Returns:
        The controller.

    Raises:
        NoEquivocation: they are one, are of different indices, or of different controllers.
        RefusedInput: the contract refuses it: there is no bond any more.
    """
    controller = check_equivocation(station, first, second)
    voucher = first.said.voucher
    versions = [_version(station, each) for each in (first, second)]
    call = station.controllers.convict(first.said.channel, voucher.index, voucher.epoch, *versions)
    send_as_asked(station, call, "See `edgemark controller bond`: what is taken, is taken once.")
    return controller


def check_equivocation(
    station: TradingStation, first: KeptSettlement, second: KeptSettlement
) -> Address:
    """Check that two credentials show what takes a bond; answers whose.

    Raises:
        NoEquivocation: they do not.
    """
    domains = station.domain, station.controllers_domain
    one, other = first.said, second.said
    for what, had, needed in (
        ("channels", other.channel.hex(), one.channel.hex()),
        ("indices", other.voucher.index, one.voucher.index),
        ("epochs", other.voucher.epoch, one.voucher.epoch),
    ):
        if had != needed:
            raise NoEquivocation(
                f"are of different {what}", who="credentials", had=had, needed=needed
            )
    if first.digest(*domains) == second.digest(*domains):
        raise NoEquivocation("are one", who="credentials", needed="two of one index that differ")
    signers = [_signer(station, each) for each in (first, second)]
    if signers[0] != signers[1]:
        raise NoEquivocation(
            "are issued by different keys", who="credentials", had=signers[1], needed=signers[0]
        )
    return signers[0]


def _signer(station: TradingStation, kept: KeptSettlement) -> Address:
    digest = kept.digest(station.domain, station.controllers_domain)
    try:
        return recover(digest, kept.issuance)
    except BadSignature as error:
        raise NoEquivocation(
            "have a signature that is none", who="credentials", had=error.had
        ) from None


def _version(station: TradingStation, kept: KeptSettlement) -> Version:
    said = kept.said
    voucher = station.domain.voucher(said.channel, said.voucher)
    return Version(voucher, kept.credential.digest, kept.issuance)
