"""What tests of buying share: a stage with guests, a user's files, and commands of its homes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.offchain.systems.trading.work.work_cast import make_batch, make_dense
from tests.stage.command_line import Finished, edgemark
from tests.stage.playhouse import start_usually

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.cli.terminal.exits import Exit
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.polynomial.fixed_point import to_signed
from edgemark.identifiers import Address
from edgemark.seam import CRASH_AFTER
from edgemark.systems.trading.demo.cast import TradingStage
from edgemark.systems.trading.demo.market import PER, PRICE
from edgemark.token.metacoin import MetaCoin

GUEST, INPUTS, LIMIT_S = "guest", 12, 200
FUNCTION = make_dense()
BATCH = make_batch(FUNCTION, INPUTS)
COST = FUNCTION.product_count * INPUTS * PRICE // PER


@dataclass
class Shop:
    """The stage, and the files of a user."""

    stage: TradingStage
    folder: Path

    def run(self, home: str, *words: str | Path, dies_at: str = "") -> Finished:
        place = ("--home", self.stage.folder / home, "--json")
        environ = {CRASH_AFTER: dies_at} if dies_at else {}
        return edgemark(*words, *place, environ=environ, limit_s=LIMIT_S)

    def buy(
        self, home: str, *words: str | Path, out: str = "out.json", dies_at: str = ""
    ) -> Finished:
        work = ("--function", self.folder / "F", "--input", self.folder / "x.json")
        agreed = () if "--in" in words else ("--interval", "2")
        more = ("--out", self.folder / out, *agreed, "--timeout", "150")
        return self.run(home, "trading", "buy", *words, *work, *more, dies_at=dies_at)

    def wealth(self, account: Address) -> int:
        """In wallet and anchor, locked tokens not counted."""
        stage = self.stage
        token = MetaCoin(stage.chain, stage.deployment.contract("MetaCoin"))
        anchor = AnchorAccounts(stage.chain, stage.deployment.contract("AssetAnchor"))
        return token.balance(account) + anchor.free_balance(account)

    @property
    def buyers_home(self) -> str:
        return self.stage.buying[0].home.name

    def read(self, out: str = "out.json") -> Any:
        return json.loads((self.folder / out).read_text())


@contextmanager
def open_shop(stage: TradingStage, folder: Path, *, has_keys: bool = False) -> Iterator[Shop]:
    """The stage is set, everybody is there, and the user has a function and a batch.

    Args:
        stage: of the seller.
        folder: of the user's files.
        has_keys: guest and seller have keys for agreement in their documents.
    """
    (folder / "F").write_bytes(FUNCTION.to_bytes())
    values = [to_signed(element) for element in FIELD.unpack(BATCH)]
    rows = [values[at : at + FUNCTION.inputs] for at in range(0, len(values), FUNCTION.inputs)]
    (folder / "x.json").write_text(json.dumps(rows))
    with stage:
        stage.set()
        stage.write_guest_home(GUEST)
        for home in (stage.folder / GUEST, stage.seller.home) if has_keys else ():
            made = edgemark("identity", "agreement", "--json", "--home", home, limit_s=LIMIT_S)
            assert made.status == Exit.DONE, made.error
        for actor in stage.actors:
            start_usually(actor)
        stage.wait_ready(stage.actors)
        (folder / "vouched").write_text(stage.market.qualification)
        yield Shop(stage, folder)


def compute_right() -> list[list[int]]:
    """What the work comes to."""
    values = [to_signed(element) for element in FIELD.unpack(FUNCTION.evaluate(BATCH))]
    width = FUNCTION.outputs
    return [values[at : at + width] for at in range(0, len(values), width)]
