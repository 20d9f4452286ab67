"""How a participant changes what it is registered as, brings a stake, and leaves."""

from __future__ import annotations

from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.identity.records import Participant, Role
from edgemark.identity.registration import Registration, SignedRegistration
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.logs import get_logger
from edgemark.party.evm.joining import bring_in, send_as_asked
from edgemark.party.evm.station import EvmStation

STATEMENT_S = 7 * 86_400  # a relayer may take its time; a nonce makes a statement count once
STAKE_ALLOWANCE_S = 3600
SUCCESSION_S = 3600  # both keys are here, and the transaction follows at once

_log = get_logger("membership")


def rotate_server(station: EvmStation, endpoint: str, resources: Resources) -> bool:
    """Register what this home has now: TLS key, endpoint, resources; False when nothing differs.

    Raises:
        RefusedInput: the account is no server, or has retired.
    """
    found = require_server(station)
    pin = station.keys.tls.pin
    had = (bytes(found.tls_key_hash), found.endpoint, found.resources)
    if had == (bytes(pin), endpoint, resources):
        return False
    call = station.registry.update_server(pin, endpoint, resources)
    send_as_asked(station, call, "Who has retired stays what it was.")
    return True


def require_server(station: EvmStation) -> Participant:
    """What is registered of this account, which has to be a server.

    Raises:
        RefusedInput: it is none.
    """
    found = station.registry.participant(station.address)
    if not found.role.is_server:
        raise RefusedInput(
            "is no registered server",
            who=station.address,
            had=found.role.word,
            remedy="The first start of a server registers it.",
        )
    return found


def succeed(station: EvmStation, former: KeyStore) -> Address:
    """Take the place of another account, which signs that here and now; answers that account.

    A server takes new work once its provider has admitted the new account. Of an organisation, the
    stake's lock becomes the new account's, unless it is unbonding.

    Args:
        station: of the new account, which is not registered.
        former: keys of the account that leaves its place.

    Raises:
        RefusedInput: the new account is registered, or the former is not, or has retired.
    """
    account = former.account.address
    deadline = Timestamp(station.chain.block("latest").timestamp + SUCCESSION_S)
    nonce = station.registry.nonce(account)
    digest = station.registry.domain().succession(account, station.address, nonce, deadline)
    found = station.registry.participant(account)
    call = station.registry.succeed(account, deadline, former.account.sign(digest))
    send_as_asked(station, call, "Only a new account can take the place of one that is active.")
    if found.role is Role.PROVIDER:
        _take_stake_over(station, found.provider)
    elif station.is_rehearsed or not found.role.is_server:
        pass
    elif not station.registry.is_active(station.address):
        _log.warning("takes no new work until its provider has admitted this account")
    return account


def _take_stake_over(station: EvmStation, provider: Address) -> None:
    """Renew an organisation's stake: when it expires it goes back to whoever locked it last."""
    is_bonded = station.registry.stake_of(provider).free_at == 0
    if is_bonded and held_stake(station, provider):
        _lock_stake(station, provider, 0)


def retire(station: EvmStation) -> Receipt:
    """Take no new work from now on, for good; what is open goes on.

    Raises:
        RefusedInput: not registered, or retired already.
    """
    return send_as_asked(station, station.registry.retire(), "See `edgemark account show`.")


def sign_registration(station: EvmStation, wanted: Registration) -> SignedRegistration:
    """Ask to be registered, for anybody to send; needs no gas.

    Raises:
        RefusedInput: a server's endpoint is none.
    """
    deadline = Timestamp(station.chain.block("latest").timestamp + STATEMENT_S)
    nonce = station.registry.nonce(station.address)
    return wanted.sign(station.keys.account, station.registry.domain(), nonce, deadline)


def relay_registration(station: EvmStation, path: Path) -> SignedRegistration:
    """Send what another account signed, and pay for it.

    Raises:
        RefusedInput: no registration for this chain, or the contract refuses it.
    """
    statement = SignedRegistration.load(path)
    statement.check(station.registry.domain())
    call = station.registry.register_signed(statement)
    send_as_asked(station, call, "Ask for a new one, or for the provider's admission.")
    return statement


def admit_server(station: EvmStation, account: Address) -> bool:
    """Let an account take work for the organisation of this one; False when it may already.

    Raises:
        RefusedInput: this account acts for no organisation.
    """
    if station.registry.is_admitted(provider_of(station), account):
        return False
    send_as_asked(station, station.registry.admit(account), "Only its provider can admit it.")
    return True


def dismiss_server(station: EvmStation, account: Address) -> None:
    """Withdraw an admission: no new work for this organisation.

    Raises:
        RefusedInput: this account acts for no organisation, or for one that has not admitted it;
            the contract would take that in silence.
    """
    organisation = provider_of(station)
    if not station.registry.is_admitted(organisation, account):
        raise RefusedInput(
            "is not admitted",
            who=account,
            needed=f"a server that {organisation} has admitted",
            remedy="Look at the account: nothing was changed.",
        )
    send_as_asked(station, station.registry.dismiss(account), "Only its provider can dismiss it.")


def provide_stake(station: EvmStation, amount: int) -> None:
    """Bring so much more of an organisation's tokens to stake, and renew what is there.

    Args:
        station: of the account that acts for the organisation.
        amount: smallest units, from its free balance and then its wallet; 0 only renews.

    Raises:
        RefusedInput: the wallet holds too few tokens, or the account acts for no organisation.
    """
    _lock_stake(station, provider_of(station), amount)


def _lock_stake(station: EvmStation, provider: Address, amount: int) -> None:
    registry = station.registry
    total = amount + held_stake(station, provider)
    # Mined at once: the stake is locked in the next transaction, or not at all.
    bring_in(station, amount, [registry.address], total, lasts_s=STAKE_ALLOWANCE_S)
    send_as_asked(station, registry.stake(amount), "Register this organisation first.")


def held_stake(station: EvmStation, provider: Address) -> Tokens:
    """What an organisation has in its lock; 0 once that has expired, for then it goes back."""
    held = station.registry.stake_of(provider)
    expired = station.chain.block("latest").timestamp > held.expires_at
    return Tokens(0) if expired else held.amount


def unstake(station: EvmStation) -> Timestamp:
    """Let an organisation's stake count for nothing new; answers when it is free.

    Raises:
        RefusedInput: nothing at stake, unbonding already, or no organisation.
    """
    provider = provider_of(station)
    send_as_asked(station, station.registry.unstake(), "See `edgemark provider show`.")
    return station.registry.stake_of(provider).free_at


def release_stake(station: EvmStation, provider: Address) -> Tokens:
    """Give an organisation its stake back once its time has come; anyone may.

    Raises:
        RefusedInput: nothing at stake, or too early.
    """
    amount = station.registry.stake_of(provider).amount
    call = station.registry.release_stake(provider)
    send_as_asked(station, call, "Unstake first, and wait until it is free.")
    return amount


def provider_of(station: EvmStation) -> Address:
    """The organisation that this account acts for.

    Raises:
        RefusedInput: it acts for none.
    """
    found = station.registry.participant(station.address)
    if found.role is not Role.PROVIDER:
        raise RefusedInput(
            "acts for no organisation",
            who=station.address,
            had=found.role.word,
            needed=Role.PROVIDER.word,
            remedy="`edgemark provider register NAME` registers one.",
        )
    return found.provider
