"""One channel as the escrow keeps it, while it is open; the twin of `ChannelEscrow.sol`. Pure.

Rule 1: of two vouchers the larger amount that the payer signed counts, whatever their indices.
Rule 2: what the seller is paid in all never falls and is never more than the deposit.
Rule 3: after the opening, nothing but a call of the payer adds to a deposit, and nothing but both
        parties' word takes from it otherwise than to the seller.
Rule 4: after `expires_at` no deposit grows and no key changes: so whoever brings what was signed
        before `close_by` brings all that it will ever be worth.

Every call answers the channel as it is afterwards, or raises the error that the contract reverts
with. Source of the rules: EFSC has no money; ours stand in docs/trading.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgemark.identifiers import NO_TIME, NOBODY, Address, Timestamp
from edgemark.systems.trading.contract.amounts import End
from edgemark.systems.trading.contract.records import ChannelPhase, Limits, Said, Signers
from edgemark.systems.trading.contract.terms import (
    ChannelRefused,
    Terms,
    are_keys,
    check_by,
    check_terms,
    check_within,
    refuse_parties,
)
from edgemark.systems.trading.identifiers import ChannelId


@dataclass(frozen=True)
class Channel:
    """What the chain keeps of a channel; amounts in smallest units.

    Attributes:
        locked: what the lock holds: what is left of the deposit, and the bond; ended: what of the
            deposit went back to the payer.
        paid: what the seller got so far; ended: all that it was owed at the end.
        signers: in force.
        is_amended: whether they were ever set otherwise than by the terms.
        agreements: how many counted; the number of the next one.
        deadline: last second of the window; 0 while none runs. Ended: the last second at which
            anybody could have brought more; 0 where the seller's own word, or window, ended it.
        shown: the largest amount shown in the window; 0: what is paid.
        is_answered: whether a response showed it.
        tower, number: of the newest delegation shown.
        end: how it ended.
    """

    id: ChannelId
    terms: Terms
    limits: Limits
    phase: ChannelPhase
    locked: int
    paid: int
    signers: Signers
    is_amended: bool = False
    agreements: int = 0
    deadline: Timestamp = NO_TIME
    shown: int = 0
    is_answered: bool = False
    tower: Address = NOBODY
    number: int = 0
    end: End | None = None

    @property
    def deposit(self) -> int:
        """All that was ever deposited and did not go back."""
        return self.locked + self.paid - self.terms.bond

    @property
    def counted(self) -> int:
        """What the seller gets in all if nothing more is shown."""
        return max(self.shown, self.paid)

    @property
    def lock_expiry(self) -> Timestamp:
        """Last second at which the escrow can pay."""
        return self.terms.lock_expiry(self.limits.exit_grace)

    def worth(self, amount: int) -> int:
        """What a signed amount is worth: never more than the deposit."""
        return min(amount, self.deposit)


def open_channel(
    channel: ChannelId, terms: Terms, limits: Limits, now: int, valid_until: int, said: Said
) -> Channel:
    """Open a channel, which takes deposit and bond of the payer's free tokens.

    Raises:
        ChannelRefused: the terms are out of bounds, an account did not say so, or too late.
    """
    check_terms(terms, limits, now)
    check_by(now, valid_until)
    if said.sender != terms.payer:
        check_signer(channel, said.payer_signer, terms.payer)
    check_signer(channel, said.seller_signer, terms.seller)
    held = terms.deposit + terms.bond
    return Channel(channel, terms, limits, ChannelPhase.OPEN, held, 0, terms.signers)


def top_up(channel: Channel, amount: int, now: int, sender: Address) -> Channel:
    """Add to the deposit, of the payer's free tokens.

    Raises:
        ChannelRefused: another sends it, the channel is not open, it would hold too much, or
            service is over.
    """
    if sender != channel.terms.payer:
        raise ChannelRefused("CallerWrong", had=sender, needed=channel.terms.payer)
    check_open(channel, now, channel.terms.expires_at)
    check_within("amount", amount, 1, channel.limits.max_deposit - channel.deposit)
    return replace(channel, locked=channel.locked + amount)


def reduce(
    channel: Channel, number: int, amount: int, now: int, valid_until: int, said: Said
) -> Channel:
    """Give unused deposit back to the payer.

    Raises:
        ChannelRefused: it is not there, one party did not say so, or another agreement is next.
    """
    check_open(channel, now, channel.terms.close_by)
    check_by(now, valid_until)
    check_within("amount", amount, 1, channel.locked - channel.terms.bond)
    check_both(channel, said)
    _check_number(channel, number)
    return replace(channel, locked=channel.locked - amount, agreements=number + 1)


def checkpoint(channel: Channel, amount: int, now: int, said: Said) -> Channel:
    """Pay the seller a signed amount, less what is paid; the channel stays open.

    Raises:
        ChannelRefused: the amount is not above what is paid, or one party did not say so.
    """
    check_open(channel, now, channel.lock_expiry)
    worth = channel.worth(amount)
    check_above(channel, worth, channel.paid)
    check_both(channel, said)
    return pay_up_to(channel, worth)


def amend(
    channel: Channel,
    number: int,
    amount: int,
    signers: Signers,
    now: int,
    valid_until: int,
    said: Said,
) -> Channel:
    """A checkpoint that both say as such, after which others sign.

    Raises:
        ChannelRefused: one party did not say so, another agreement or epoch is next, the amount
            is less than what is paid or more than the deposit, or service is over.
    """
    check_open(channel, now, channel.terms.expires_at)
    check_by(now, valid_until)
    check_both(channel, said)
    if not are_keys(signers.payer_key, signers.seller_key):
        raise refuse_parties(channel.terms, signers.payer_key, signers.seller_key)
    had = channel.signers
    needed = had.epoch if signers.controller == had.controller else had.epoch + 1
    if signers.epoch != needed:
        raise ChannelRefused("EpochWrong", channel=channel.id, had=signers.epoch, needed=needed)
    check_outside(channel, amount)
    _check_number(channel, number)
    paid = pay_up_to(channel, amount)
    return replace(paid, signers=signers, is_amended=True, agreements=number + 1)


def pay_up_to(channel: Channel, amount: int) -> Channel:
    """The seller has `amount` in all."""
    return replace(channel, locked=channel.locked - (amount - channel.paid), paid=amount)


def check_open(channel: Channel, now: int, deadline: int) -> None:
    """Check that a channel is open and that it is not too late; raises `ChannelRefused`."""
    if channel.phase is not ChannelPhase.OPEN:
        raise ChannelRefused("ChannelNotOpen", channel=channel.id, had=int(channel.phase))
    check_by(now, deadline)


def check_above(channel: Channel, had: int, above: int) -> None:
    """Check that an amount is above what counts already; raises `ChannelRefused`."""
    if had <= above:
        raise ChannelRefused("AmountNotAbove", channel=channel.id, had=had, above=above)


def check_outside(channel: Channel, amount: int) -> None:
    """Check that what both said is no less than paid, no more than deposited."""
    least, most = channel.paid, channel.deposit
    if not least <= amount <= most:
        bounds = {"had": amount, "least": least, "most": most}
        raise ChannelRefused("AmountOutside", channel=channel.id, **bounds)


def check_both(channel: Channel, said: Said) -> None:
    """Check that each party sends it or signed it with its key in force."""
    if said.sender != channel.terms.payer:
        check_signer(channel.id, said.payer_signer, channel.signers.payer_key)
    if said.sender != channel.terms.seller:
        check_signer(channel.id, said.seller_signer, channel.signers.seller_key)


def check_signer(channel: ChannelId, had: Address, needed: Address) -> None:
    """Check who signed; raises `ChannelRefused`."""
    if had != needed:
        raise ChannelRefused("NotSigned", channel=channel, signer=had, needed=needed)


def _check_number(channel: Channel, number: int) -> None:
    if number != channel.agreements:
        needed = channel.agreements
        raise ChannelRefused("AgreementNumberWrong", channel=channel.id, had=number, needed=needed)
