"""A home's key for agreement, said in the document of its identity: by a command, or by its party.

A party that runs holds the lane of its home; so a command leaves it a wish (`party.wishes`).

| wish                 | facts        | answered with                        |
|----------------------|--------------|--------------------------------------|
| `identity.agreement` | days, rotate | public key, and until when it counts |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp
from edgemark.identity.credentials.agreement import ATTRIBUTE, AgreementKeys
from edgemark.identity.credentials.jose.encryption import AgreementKey
from edgemark.identity.did.acts import AttributeSetting
from edgemark.identity.did.attributes import encode_name
from edgemark.party.evm.did.acting import act_as_owner
from edgemark.party.evm.did.announcing import opening_identities
from edgemark.party.evm.did.station import IdentityStation
from edgemark.party.evm.station import EvmStation
from edgemark.party.wishes.granting import Grant
from edgemark.untrusted.fields import Fields

SAY_KEY = "identity.agreement"
DAY_S = 86_400
MOST_DAYS = 36_500  # `Identities.MAX_VALIDITY_SECONDS`


def say_key(station: IdentityStation, days: int, *, is_rotated: bool) -> AttributeSetting:
    """Let the document say this home's key, which is made where there is none.

    Args:
        station: of the home.
        days: for which it counts, 1 .. `MOST_DAYS`.
        is_rotated: a new one is made first.

    Raises:
        NotTheOwner: the identity belongs to another account.
        RefusedInput: there are too many keys, or the registry refuses it.
        Unrecoverable: a key is damaged, or others can open it.
    """
    key = choose_key(station, is_rotated=is_rotated)
    until = Timestamp(station.now() + days * DAY_S)
    said = draft_setting(station.address, key.public_key, until)
    act_as_owner(station, lambda _: said)
    return said


def draft_setting(identity: Address, public_key: bytes, until: Timestamp) -> AttributeSetting:
    """What an identity says of such a key."""
    return AttributeSetting(identity, encode_name(ATTRIBUTE), public_key, until)


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


def facts_of_key(days: int, *, is_rotated: bool) -> dict[str, Any]:
    """Of a wish to say it."""
    return {"days": days, "rotate": is_rotated}


def grants_of_identity(station: EvmStation) -> Mapping[str, Grant]:
    """What a party of this home grants about its identity."""

    def say(wish: Fields) -> Mapping[str, object]:
        days, is_rotated = wish.whole("days"), wish.flag("rotate")
        wish.finish()
        if not 1 <= days <= MOST_DAYS:
            who, needed = f"{wish.who}, days", f"1..{MOST_DAYS}"
            raise RefusedInput("is no such time", who=who, had=days, needed=needed)
        with opening_identities(station) as identities:
            said = say_key(identities, days, is_rotated=is_rotated)
        return {"public_key": said.value.hex(), "valid_until": int(said.valid_to)}

    return {SAY_KEY: say}
