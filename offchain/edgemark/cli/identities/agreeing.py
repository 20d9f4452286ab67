"""`edgemark identity agreement`: the key for which others encrypt what this identity reads."""

from __future__ import annotations

import click

from edgemark.cli.identities.acting import days_option, describe
from edgemark.cli.spending.command import Spending, spends
from edgemark.files import find_holder
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.agreement import AgreementKeys
from edgemark.identity.did.acts import AttributeSetting
from edgemark.party.evm.did.agreeing import SAY_KEY, draft_setting, facts_of_key, say_key
from edgemark.party.evm.did.station import IdentityStation
from edgemark.party.wishes.asking import WishNotTaken, ask
from edgemark.party.wishes.wish import FOLDER
from edgemark.settings.settings import Settings

WISH_S = 150.0  # for what waits until it is final


@click.command("agreement")
@spends()
@click.option("--rotate", "is_rotated", is_flag=True, help="Make a new key first.")
@days_option
def agreement(spending: Spending, days: int, *, is_rotated: bool) -> None:
    """Say this home's key for agreement, X25519, in the document of its identity.

    It is made where there is none, in `keys/agreement` of the home. Others encrypt for the one that
    was said last; former ones stay in the home, and open what was encrypted for them. A seller or
    buyer that runs in this home does it.
    """
    if is_held(spending.invocation.settings()) and wish(spending, days, is_rotated=is_rotated):
        return
    spending.carry_out(
        IdentityStation,
        lambda station: say_key(station, days, is_rotated=is_rotated),
        tell,
    )


def is_held(settings: Settings) -> bool:
    """Whether somebody sends for this home who may be a party that takes wishes."""
    if not (settings.home / FOLDER).is_dir():
        return False
    with IdentityStation.look(settings) as station:
        return bool(find_holder(station.lane_path))


def wish(spending: Spending, days: int, *, is_rotated: bool) -> bool:
    """Have the party that runs here do it; False where there was none, and nothing was done.

    Raises:
        WishNotTaken: it holds the home still, and did not take the wish.
        EdgemarkError: what the party answered.
    """
    settings = spending.invocation.settings()
    with IdentityStation.rehearse(settings) as station:
        _, price = spending.rehearse(
            station, lambda each: say_key(each, days, is_rotated=is_rotated)
        )
        if spending.is_dry:
            spending.show_dry(price)
            return True
        spending.agree(price)

        def is_there() -> bool:
            return bool(find_holder(station.lane_path))

        asked = facts_of_key(days, is_rotated=is_rotated)
        try:
            told = ask(settings.home, SAY_KEY, asked, WISH_S, is_there)
        except WishNotTaken:
            if is_there():
                raise
            return False
        key, until = bytes.fromhex(told["public_key"]), Timestamp(int(told["valid_until"]))
        facts = tell(station, draft_setting(station.address, key, until))
    spending.invocation.show(facts)
    return True


def tell(station: IdentityStation, done: AttributeSetting) -> dict[str, object]:
    """What was done, the key, and how many there are."""
    kept = AgreementKeys.of(station.settings.home)
    newest = b"" if kept.newest is None else kept.newest.public_key
    return {**describe(station, done), "public_key": newest.hex(), "keys": len(kept.keys)}
