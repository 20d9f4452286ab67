"""[trading.PARTY]: what operators of this system decide; templates and prices are not settings."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import TOKEN_UNIT, Tokens
from edgemark.settings.section import Section, amount, setting


@dataclass(frozen=True)
class TowerSettings(Section):
    """Of a tower.

    Attributes:
        max_channels: that a tower watches at a time; one more is refused by name.
        max_cover: tokens that it sets aside for one channel at most.
        margin_s: seconds before `close_by` from which on it brings what is not on the chain, and
            gives no receipt for more.
        stale_after_s: age of the newest block, and of its own last look, at which it gives none.
    """

    NAME = "trading.tower"

    max_channels: int = setting(1000, within=(1, 10_000))
    max_cover: Tokens = amount(Tokens(1000 * TOKEN_UNIT))
    margin_s: int = setting(1800, within=(60, 86_400))
    stale_after_s: int = setting(120, within=(5, 3600))


SECTIONS: tuple[type[Section], ...] = (TowerSettings,)
