"""`edgemark identity agreement`: the key for which others encrypt what this identity reads."""

from __future__ import annotations

import click

from edgemark.cli.identities.acting import DAY_S, days_option, describe
from edgemark.cli.spending.command import Spending, spends
from edgemark.crypto.field.randomness import Randomness
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.agreement import ATTRIBUTE, AgreementKeys
from edgemark.identity.credentials.jose.encryption import AgreementKey
from edgemark.identity.did.acts import Act, AttributeSetting
from edgemark.identity.did.attributes import encode_name
from edgemark.party.evm.did.acting import act_as_owner
from edgemark.party.evm.did.station import IdentityStation


@click.command("agreement")
@spends()
@click.option("--rotate", "is_rotated", is_flag=True, help="Make a new key first.")
@days_option
def agreement(spending: Spending, days: int, *, is_rotated: bool) -> None:
    """Say this home's key for agreement, X25519, in the document of its identity.

    It is made where there is none, in `keys/agreement` of the home. Others encrypt for the one that
    was said last; former ones stay in the home, and open what was encrypted for them.
    """

    def act(station: IdentityStation) -> Act:
        key = choose_key(station, is_rotated=is_rotated)

        def say(now: Timestamp) -> Act:
            until = Timestamp(now + days * DAY_S)
            return AttributeSetting(station.address, encode_name(ATTRIBUTE), key.public_key, until)

        return act_as_owner(station, say)

    def tell(station: IdentityStation, done: Act) -> dict[str, object]:
        kept = AgreementKeys.of(station.settings.home)
        newest = b"" if kept.newest is None else kept.newest.public_key
        return {**describe(station, done), "public_key": newest.hex(), "keys": len(kept.keys)}

    spending.carry_out(IdentityStation, act, tell)


def choose_key(station: IdentityStation, *, is_rotated: bool) -> AgreementKey:
    """The one that is said, on the disk; a rehearsal makes none, and says one that nobody keeps.

    Raises:
        RefusedInput: there are too many.
        Unrecoverable: one is damaged, or others can open it.
    """
    newest = AgreementKeys.of(station.settings.home).newest
    if newest is not None and not is_rotated:
        return newest
    if station.is_rehearsed:
        return AgreementKey.generate(Randomness())
    return AgreementKeys.make(station.settings.home)
