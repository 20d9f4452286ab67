"""A network for development that stays: a controller, sellers, and a buyer that may ask them."""

from __future__ import annotations

import json
from typing import Any

from edgemark.crypto.polynomial import DenseQuadratic
from edgemark.files import write_whole
from edgemark.systems.trading.demo.cast import AUDITOR, TradingStage
from edgemark.systems.trading.demo.market import CATEGORY
from edgemark.words import count

BUYER = "buyer"  # its home folder's name
START_S = 300.0  # so many servers at once, on a machine that is busy with much else
OFFER_S = 30 * 86_400


class SellersNetwork:
    """Sellers of products of polynomials, whom an auditor vouches for; see `Network`.

    The escrow has the limits of the demonstration; parties have the settings of anybody's.
    """

    def draft(self, folder: Any, servers: int, **of_the_stage: Any) -> TradingStage:
        """See `Network`."""
        return TradingStage(
            folder,
            guests=(BUYER, AUDITOR),
            buyers=0,
            sellers=servers,
            offer_s=OFFER_S,
            seller_settings={},
            start_limit_s=START_S,
            **of_the_stage,
        )

    def describe(self, stage: TradingStage) -> str:
        """See `Network`."""
        return f"{count(stage.sellers, 'seller')} and a controller"

    def furnish(self, stage: TradingStage) -> list[list[str]]:
        """Write F(x, y) = x^2 + 2xy + 3 and two inputs; how to look around, and to buy."""
        home = stage.folder / BUYER
        function, inputs = home / "example.function", home / "example.json"
        terms = {(0, 0): (1,), (0, 1): (2,), (): (3,)}
        write_whole(function, DenseQuadratic.from_terms(2, 1, terms).to_bytes())
        write_whole(inputs, json.dumps([[2, 5], [-4, 7]]).encode() + b"\n")
        files = ["--function", str(function), "--input", str(inputs)]
        own, result = ["--home", str(home)], str(home / "result.json")
        return [
            ["trading", "recommend", "--category", CATEGORY, *own],
            ["trading", "buy", "--category", CATEGORY, *files, "--out", result, *own],
            ["trading", "channels", *own],
        ]


SELLERS = SellersNetwork()
