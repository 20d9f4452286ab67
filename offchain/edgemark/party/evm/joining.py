"""How a party comes to take part: registered once, with tokens in the anchor that it may lock."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from edgemark.amounts import Amount
from edgemark.anchoring.accounts import MAX_LOCK_S
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp
from edgemark.identity.records import Role
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.ledger.evm.reading.answers import words_of
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.logs import get_logger
from edgemark.party.evm.station import EvmStation

PERMIT_S = 3600  # a transaction that is not mined by then is sent again under another
PERMIT_ATTEMPTS = 5  # each lost to another permit of the same account, or to a deposit under way
PERMIT_PAUSE_S = 1.0
ALLOWANCE_S = 30 * 86_400  # a server lets the system lock its deposit for so long without a word
ALLOWANCE_MARGIN_S = 7 * 86_400  # given beyond, so that it is not given anew at every look
ALLOWANCE_STEP_S = 86_400  # ends are whole days: asked for again, it is the same transaction

_log = get_logger("joining")


def join_as_server(
    station: EvmStation, role: Role, provider: Address, endpoint: str, resources: Resources
) -> bool:
    """Register this account as a server of `provider`, unless it is; True when it was not.

    Raises:
        RefusedInput: registered otherwise (role, provider, TLS key or endpoint differ), or the
            provider has not admitted this account.
    """
    found = station.registry.participant(station.address)
    pin = station.keys.tls.pin
    if found.role is Role.NONE:
        call = station.registry.register_server(role, provider, pin, endpoint, resources)
        send_as_asked(station, call, "Ask the provider to admit this account first.")
        return True
    had = (found.role, found.provider, found.endpoint, bytes(found.tls_key_hash))
    wanted = (role, provider, endpoint, bytes(pin))
    if had != wanted:
        raise RefusedInput(
            "account is registered otherwise",
            who=station.address,
            had=_describe(had),
            needed=_describe(wanted),
            remedy="`edgemark account rotate` registers this TLS key and endpoint; role and "
            "provider stay. Or use the settings and home folder that it was registered with.",
        )
    if not station.registry.is_active(station.address):
        _log.warning("takes no new work: it or its provider has retired, or lacks stake")
    return False


def join_as_device(station: EvmStation) -> None:
    """Register this account as a device, unless it is registered in any role."""
    if station.registry.participant(station.address).role is Role.NONE:
        send_as_asked(station, station.registry.register_device(), "")


def join_as_provider(station: EvmStation, name: str) -> bool:
    """Register this account as an organisation of this name; False when it is that already.

    Raises:
        RefusedInput: it is registered otherwise, or the contract refuses the name.
    """
    found = station.registry.participant(station.address)
    if found.role is Role.NONE:
        call = station.registry.register_provider(name)
        send_as_asked(station, call, "A name has 1 to 64 bytes.")
        return True
    is_one = found.role is Role.PROVIDER
    named = station.registry.name_of(found.provider) if is_one else ""
    if named != name:
        raise RefusedInput(
            "account is registered otherwise",
            who=station.address,
            had=f"{found.role.word} {words_of(named)}".rstrip(),
            needed=f"{Role.PROVIDER.word} {name}",
            remedy="Role and name stay; nothing was changed. Another home has another account.",
        )
    return False


def provide_balance(station: EvmStation, needed: int, *, lasts_s: int = ALLOWANCE_S) -> None:
    """Bring the free balance in the anchor up to `needed` and let the system lock exactly as much.

    Args:
        station: of the account.
        needed: smallest units.
        lasts_s: seconds from now for which the system needs it.

    Raises:
        RefusedInput: the wallet holds too few tokens.
    """
    bring_in(station, needed, station.lockers, needed, lasts_s=lasts_s)


def allow_again(
    station: EvmStation, needed: int, amount: int, *, lasts_s: int = ALLOWANCE_S
) -> None:
    """Let the system lock `amount` again where less than `needed` is left of what it may.

    An allowance is used up with what is locked under it: who locks, gets back and locks again has
    to say so again. Nothing is sent as long as enough is left.
    """
    with station.allowing:
        calls = calls_to_allow(station, station.lockers, needed, amount, lasts_s)
        if calls:
            station.lane.send_many(calls, confirmations=0)  # what locks comes behind it in any case


def calls_to_allow(
    station: EvmStation, lockers: Sequence[Address], needed: int, amount: int, lasts_s: int
) -> list[Call]:
    """What lets those contracts lock `amount` that may not lock `needed` for so long.

    Args:
        station: of the account.
        lockers: contracts that lock in the anchor.
        needed: smallest units.
        amount: what a contract may lock then at least, instead of what was left.
        lasts_s: seconds from now.
    """
    me, accounts = station.address, station.accounts
    now = station.chain.block("latest").timestamp
    until = now + lasts_s
    latest = min(until + ALLOWANCE_MARGIN_S, now + MAX_LOCK_S)
    ends = max(until, latest - latest % ALLOWANCE_STEP_S)
    calls = []
    for locker in lockers:
        left = accounts.locker_allowance(me, locker)
        if left.left_until(until) < needed:  # what still counts may be promised: it is not lowered
            calls.append(accounts.allow_locker(locker, max(amount, left.left_until(now)), ends))
    return calls


def bring_in(
    station: EvmStation, needed: int, lockers: Sequence[Address], to_lock: int, *, lasts_s: int
) -> None:
    """Bring the free balance up to `needed`, and let contracts lock `to_lock` of it.

    The deposit comes under a permit: one transaction, not two. A permit that somebody else sent
    first does no harm; one that another of this account outran is signed again.

    Args:
        station: of the account.
        needed: smallest units.
        lockers: contracts that lock in the anchor.
        to_lock: smallest units; a contract that may lock less gets exactly this. One that may
            lock more, but not for so long, keeps its amount.
        lasts_s: seconds from now for which they need it.

    Raises:
        RefusedInput: the wallet holds too few tokens.
    """
    for attempt in range(1, PERMIT_ATTEMPTS + 1):
        try:
            with station.allowing:
                calls = _deposit_missing(station, needed)
                calls += calls_to_allow(station, lockers, to_lock, to_lock, lasts_s)
                station.lane.send_many(calls)
        except ContractRefused as refused:
            if refused.error_name != "PermitRefused" or attempt == PERMIT_ATTEMPTS:
                raise
            _log.info("permit was outrun; signing another", attempt=attempt)
            time.sleep(PERMIT_PAUSE_S)
        else:
            return


def _deposit_missing(station: EvmStation, needed: int) -> list[Call]:
    me, anchor = station.address, station.accounts.contract.address
    missing = needed - station.accounts.free_balance(me)
    if missing <= 0:
        return []
    wallet = station.token.balance(me)
    if wallet < missing:
        raise RefusedInput(
            "wallet holds too few tokens",
            who=me,
            had=Amount(wallet),
            needed=Amount(missing),
            remedy="Get MetaCoin from somebody who has some.",
        )
    deadline = Timestamp(station.chain.block("latest").timestamp + PERMIT_S)
    digest = station.token.permit_digest(me, anchor, missing, deadline)
    signature = station.keys.account.sign(digest)
    return [station.accounts.deposit_with_permit(me, missing, deadline, signature)]


def keep_balance(station: EvmStation, wanted: int) -> None:
    """As `provide_balance`, as far as the wallet goes.

    For a server that comes back: what is missing may be locked as stake in open matters, and it has
    to be there for them most of all.
    """
    me = station.address
    within_reach = station.accounts.free_balance(me) + station.token.balance(me)
    if within_reach < wanted:
        had, needed = Amount(within_reach), Amount(wanted)
        _log.warning("free balance stays below the deposit", had=had, needed=needed)
    provide_balance(station, min(wanted, within_reach))


class Sender(Protocol):
    """Who sends: an account with its lane on one chain."""

    @property
    def lane(self) -> TransactionLane:
        """By which it sends."""

    @property
    def address(self) -> Address:
        """Its account."""


def send_as_asked(station: Sender, call: Call, remedy: str) -> Receipt:
    """Send what the user asked for.

    Raises:
        RefusedInput: the contract refuses it; with its error, the values of it and the remedy.
    """
    with refusing_as_asked(station.address, call, remedy):
        return station.lane.send(call)


@contextmanager
def refusing_as_asked(account: Address, call: Call, remedy: str) -> Iterator[None]:
    """Say of what the user asked for that the contract refuses it; raises as `send_as_asked`."""
    try:
        yield
    except ContractRefused as refused:
        raise RefusedInput(
            f"{call.function} is refused",
            who=account,
            had=", ".join(str(each) for each in (refused.error_name, refused.had) if each),
            remedy=remedy,
        ) from refused


def _describe(entry: tuple[Role, Address, str, bytes]) -> str:
    role, provider, endpoint, pin = entry
    return f"{role.word} of {provider} at {endpoint} with TLS key {pin.hex()}"
