"""[ledger]: which consortium ledger, and as whom."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.ledger.fabric.wire.names import DEFAULT_CHANNEL, DEFAULT_ORGANISATION
from edgemark.settings.section import Section, setting

DEVELOPMENT, FABRIC, PROFILE = "development", "fabric", "profile"
FOLDERS = {DEVELOPMENT: "ledger", FABRIC: "fabric"}  # of the home


@dataclass(frozen=True)
class LedgerSettings(Section):
    """The consortium ledger that this home uses.

    Attributes:
        kind: development (`edgemark ledger up`), fabric (`edgemark fabric up`), or profile: the
            network of a connection profile.
        channel: name of the channel.
        msp_id: of the organisation that the identity belongs to.
        msp_folder: folder of the identity, with signcerts and keystore; empty for User1 of that
            organisation, on a ledger of this home.
        profile: connection profile, JSON or YAML; empty for that of a ledger of this home.
    """

    NAME = "ledger"

    kind: str = setting(DEVELOPMENT, choices=(DEVELOPMENT, FABRIC, PROFILE))
    channel: str = setting(DEFAULT_CHANNEL)
    msp_id: str = setting(DEFAULT_ORGANISATION)
    msp_folder: str = setting("")
    profile: str = setting("")


SECTIONS: tuple[type[Section], ...] = (LedgerSettings,)
