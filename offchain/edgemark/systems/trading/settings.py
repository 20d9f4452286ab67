"""[trading.PARTY]: what operators of this system decide; templates and prices are not settings."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.errors import RefusedInput
from edgemark.identifiers import TOKEN_UNIT, Tokens, parse_address
from edgemark.settings.section import Section, SettingInvalid, amount, setting

HOUR_S, DAY_S = 3600, 86_400
NEVER, IN_DEVELOPMENT, ALWAYS = "never", "development", "always"
EVM = "evm"  # the chain that channels are on


def _check_account(account: str, who: str) -> None:
    if account:
        try:
            parse_address(account, who=who)
        except RefusedInput as refused:
            needed = "0x and 40 hex digits, with capitals as in EIP-55"
            raise SettingInvalid(refused.what, who=who, had=refused.had, needed=needed) from None


@dataclass(frozen=True)
class BuyerSettings(Section):
    """Of a buyer: what it asks for where its user says nothing, and what it puts up with.

    Attributes:
        service_s: seconds of service that are asked for.
        interval_s: seconds after which a bill is made.
        grace_s: seconds that a voucher may be late.
        cycles: N, credentials between two evidences.
        window_s: seconds in which a larger amount may be shown; at least what the escrow asks for.
        close_s: seconds from the end of service to the last close, where the window is no longer.
        min_bond: least bond; the escrow asks for a tenth of the deposit.
        max_least: of a seller that asks for a larger deposit than the work costs, or a larger bond
            than the escrow does: up to where that is followed where the user names none.
        max_deposit: of work that costs more at most, a deposit has to be named.
        most_first_price: owed to a seller once, with the first units; more is not taken.
        max_grace_s: of a seller whose template fixes a longer grace: up to where that is followed
            where the user names none. Its buyer waits for two, should the seller fall silent.
        margin_s: before the end of service, at which nothing more is asked for.
        patience_s: with a seller that does not end a channel, after its grace.
        quote_s: seconds for which a request for a quote counts.
        choose_s: seconds in which one of the offers that suit is taken; a part for each seller.
        sample: inputs of each answer that are computed again; 0: all of them.
        stale_after_s: age of the newest block, from which on nothing is signed.
        inner_sellers: whether a seller may be where its document says when that is this machine,
            or inside of a network: then any stranger has this home knock there.
    """

    NAME = "trading.buyer"

    service_s: int = setting(3600, within=(60, 366 * 86_400))
    interval_s: int = setting(60, within=(1, 86_400))
    grace_s: int = setting(120, within=(0, 86_400))
    cycles: int = setting(10, within=(1, 1_000_000))
    window_s: int = setting(3600, within=(1, 30 * 86_400))
    close_s: int = setting(3600, within=(1, 30 * 86_400))
    min_bond: Tokens = amount(Tokens(0))
    max_least: Tokens = amount(Tokens(100 * TOKEN_UNIT))
    max_deposit: Tokens = amount(Tokens(100 * TOKEN_UNIT))
    most_first_price: Tokens = amount(Tokens(0))
    max_grace_s: int = setting(3600, within=(0, 86_400))
    margin_s: int = setting(60, within=(0, 86_400))
    patience_s: int = setting(600, within=(1, 30 * 86_400))
    quote_s: int = setting(300, within=(10, 86_400))
    choose_s: int = setting(600, within=(1, 86_400))
    sample: int = setting(0, within=(0, 1_000_000))
    stale_after_s: int = setting(300, within=(2, 86_400))
    inner_sellers: str = setting(IN_DEVELOPMENT, choices=(NEVER, IN_DEVELOPMENT, ALWAYS))


@dataclass(frozen=True)
class SellerSettings(Section):
    """Of a seller: what it sells, and which terms it takes.

    Attributes:
        offer: id of the offer by which it sells; its template, its price and its capacity count.
        template: without an offer, id of the version of the initiation template.
        price: without an offer, what `per` units cost.
        first_price: owed once in a channel, with its first interval.
        specification: file, JSON: what the template leaves open of the specification.
        programs: file, JSON: the programs that it runs; empty: it sells polynomials alone.
        workers: orders that are worked at together.
        max_spool_mib: MiB of data and outputs on its disk.
        max_channels: that it serves at one time.
        qualifications: folder with the credentials that its offer names, which it shows.
        controllers: accounts that it takes, separated by commas; empty: any in good standing.
        min_window_s: least window in which it can answer a close.
        min_bond: least bond of a payer; the escrow asks for a tenth of the deposit. Each checkpoint
            brings as much at least, and costs its gas.
        min_deposit: least that a channel may begin with; what a place is worth to this seller.
        max_deposit: most that a channel may begin with.
        max_service_s: seconds until the end of service at most.
        max_close_s: seconds from there to the last close at most; so long a place may be held.
        min_interval_s: least interval.
        max_interval_s: longest interval; so much it serves before it has a voucher.
        max_grace_s: longest time for which a voucher may be late.
        max_cap: most that one interval may cost.
        max_credit: most that may be owed and not signed.
        promise_s: seconds for which its word for terms counts.
        margin_s: before the end of service, at which it takes no new work.
        patience_s: with a buyer after the grace, before it claims what is signed.
        valid_s: for which a bill may be countersigned.
        checkpoint_above: what is signed and not paid, at which it goes to the chain; the bond at
            most.
        warn_below: what is left of a deposit, at which the buyer is warned; half of it at most.
        stale_after_s: age of the newest block, from which on nothing is signed and no work begun.
        tower: account of the tower that watches every channel; empty: none.
        max_retainer: most that it pays a tower for one channel, of which the payer signed as much.
        answered_above: what is signed and not paid, at which it goes to the chain where a tower
            answers for it; what the tower covers at most.
    """

    NAME = "trading.seller"

    offer: str = setting("")
    template: str = setting("")
    price: Tokens = amount(Tokens(0))
    first_price: Tokens = amount(Tokens(0))
    specification: str = setting("")
    programs: str = setting("")
    workers: int = setting(2, within=(1, 64))
    max_spool_mib: int = setting(1024, within=(64, 2**20))
    max_channels: int = setting(64, within=(1, 1024))
    qualifications: str = setting("")
    controllers: str = setting("")
    min_window_s: int = setting(HOUR_S, within=(1, 30 * DAY_S))
    min_bond: Tokens = amount(Tokens(TOKEN_UNIT // 10))  # the escrow's part of `min_deposit`
    min_deposit: Tokens = amount(Tokens(TOKEN_UNIT))
    max_deposit: Tokens = amount(Tokens(100_000 * TOKEN_UNIT))
    max_service_s: int = setting(31 * DAY_S, within=(1, 366 * DAY_S))
    max_close_s: int = setting(30 * DAY_S, within=(1, 366 * DAY_S))  # a buyer asks for no longer
    min_interval_s: int = setting(5, within=(1, DAY_S))
    max_interval_s: int = setting(HOUR_S, within=(1, DAY_S))
    max_grace_s: int = setting(HOUR_S, within=(0, DAY_S))
    max_cap: Tokens = amount(Tokens(100 * TOKEN_UNIT))
    max_credit: Tokens = amount(Tokens(100 * TOKEN_UNIT))
    promise_s: int = setting(300, within=(10, DAY_S))
    margin_s: int = setting(60, within=(0, DAY_S))
    patience_s: int = setting(600, within=(1, 30 * DAY_S))
    valid_s: int = setting(120, within=(5, DAY_S))
    checkpoint_above: Tokens = amount(Tokens(100 * TOKEN_UNIT))
    warn_below: Tokens = amount(Tokens(10 * TOKEN_UNIT))
    stale_after_s: int = setting(300, within=(2, DAY_S))  # of a chain with slow blocks
    tower: str = setting("", check=_check_account)
    max_retainer: Tokens = amount(Tokens(10 * TOKEN_UNIT))
    answered_above: Tokens = amount(Tokens(1000 * TOKEN_UNIT))


@dataclass(frozen=True)
class TowerSettings(Section):
    """Of a tower.

    Attributes:
        max_channels: that a tower watches at a time; one more is refused by name.
        max_cover: tokens that it sets aside for one channel at most.
        margin_s: seconds before `close_by` from which on it brings what is not on the chain, and
            gives no receipt for more; a channel that leaves less time anywhere is not watched.
        stale_after_s: age of the newest block, and of its own last look, at which it gives none;
            half of `margin_s` at most.
    """

    NAME = "trading.tower"

    max_channels: int = setting(1000, within=(1, 10_000))
    max_cover: Tokens = amount(Tokens(1000 * TOKEN_UNIT))
    margin_s: int = setting(1800, within=(6, 86_400))  # a few blocks where they come every second
    stale_after_s: int = setting(120, within=(5, 3600))


@dataclass(frozen=True)
class ControllerSettings(Section):
    """Of a controller.

    Attributes:
        evidence: how credentials are put on the chain: one in a transaction, in lists that the
            contract verifies, or as an anchored root, which nobody verifies.
        ledger: where evidence goes: to the chain that channels are on, or to a consortium ledger as
            [ledger] says: development, fabric, profile.
        collect_s: seconds that evidence waits for more of other channels at most.
        cycles: N, credentials between two evidences, of channels whose initiation credential it
            cannot read; never above what their template allows.
        stale_after_s: age of the newest block, in seconds, from which on nothing is issued.
        bond: that it keeps at stake; 0: as much as the deployment asks for.
        max_channels: that have a place at a time; where all are taken, those that lock most.
        idle_s: seconds without a voucher, from which on a channel weighs a tenth of what it locks.
    """

    NAME = "trading.controller"

    evidence: str = setting("batch", choices=("single", "batch", "anchored"))
    ledger: str = setting(EVM, choices=(EVM, "development", "fabric", "profile"))
    collect_s: float = setting(5.0, within=(0, 3600))
    cycles: int = setting(10, within=(1, 1_000_000))
    stale_after_s: int = setting(120, within=(5, 86_400))
    bond: Tokens = amount(Tokens(0))
    max_channels: int = setting(1024, within=(1, 2048))
    idle_s: int = setting(2 * HOUR_S, within=(60, 30 * DAY_S))  # twice a seller's longest interval


SECTIONS: tuple[type[Section], ...] = (
    BuyerSettings,
    SellerSettings,
    TowerSettings,
    ControllerSettings,
)
