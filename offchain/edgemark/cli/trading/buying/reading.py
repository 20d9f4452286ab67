"""What a user wants done and of whom, as the options of `buy` say it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemark.cli.trading.market.begun import find_offer
from edgemark.cli.trading.market.wares import read_category
from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.crypto.field.plain import count_inputs
from edgemark.errors import RefusedInput
from edgemark.files import read_limited
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens, parse_address
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.credentials.keeping import read_token
from edgemark.identity.did.identifier import parse_did
from edgemark.identity.resources import Resources
from edgemark.models.files import read_function, read_inputs
from edgemark.settings.settings import Settings
from edgemark.systems.trading.buyer.market.choosing import Auditor
from edgemark.systems.trading.buyer.market.programs import US, Run, check_named
from edgemark.systems.trading.buyer.orders.ordering import Wanted
from edgemark.systems.trading.contract.market.records import (
    MAX_PRICE,
    NOTHING,
    Demand,
)
from edgemark.systems.trading.identifiers import OfferId
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.template import MAX_TEXT_BYTES
from edgemark.systems.trading.work.messages import MAX_PART_BYTES


@dataclass(frozen=True)
class Work:
    """What is to be done, by the files that say it.

    Attributes:
        function: file of F; program: name or digest of one of the seller's list.
        data: file of the inputs.
        cpu_s: processor seconds that are paid for at most.
        pieces: into which a batch is cut.
    """

    function: Path | None
    program: str | None
    data: Path | None
    cpu_s: int | None
    pieces: int

    def check(self) -> None:
        """Check that it is one thing.

        Raises:
            RefusedInput: both or none of function and program, no input, or no bound for a program.
        """
        if (self.function is None) == (self.program is None):
            needed = "a function, or a program of the seller's list"
            raise RefusedInput("name one of them", who="--function and --program", needed=needed)
        if self.data is None:
            raise RefusedInput("is missing", who="--input", needed="a file")
        if self.program is not None and (self.cpu_s is None or self.pieces != 1):
            needed = "--cpu SECONDS, and one piece"
            raise RefusedInput("needs a bound", who="--program", needed=needed)

    def read(self) -> Wanted | Run:
        """The work.

        Raises:
            RefusedInput: a file cannot be taken, or `check`.
        """
        self.check()
        if self.data is None:
            raise RefusedInput("is missing", who="--input", needed="a file")
        if self.function is not None:
            function = read_function(self.function)
            batch = read_inputs(self.data, function.inputs)
            return Wanted.polynomial(function, batch, self.pieces)
        program = check_named(self.program or "")
        raw = read_limited(self.data, MAX_PART_BYTES)
        return Run(program, raw, (self.cpu_s or 0) * US)

    def read_parts(self, many: int) -> list[Wanted | Run]:
        """The same in parts of nearly as many inputs, each for a channel of its own.

        Args:
            many: channels, >= 1.

        Raises:
            RefusedInput: what `read` does, or it is a program, or too few inputs.
        """
        whole = self.read()
        if many == 1:
            return [whole]
        if isinstance(whole, Run) or self.function is None or self.data is None:
            raise RefusedInput(
                "is run once, in one channel",
                who="--program",
                had=f"{many} channels",
                needed="--function with as many inputs, which are shared out among channels",
                remedy="Buy once for each input.",
            )
        function = read_function(self.function)
        batch, width = read_inputs(self.data, function.inputs), function.inputs * ELEMENT_BYTES
        inputs = count_inputs(batch, function.inputs)
        if many > inputs:
            needed = f"<= {inputs}, the inputs"
            raise RefusedInput("are too many", who="--channels", had=many, needed=needed)
        cuts = [inputs * number // many * width for number in range(many + 1)]
        spans = itertools.pairwise(cuts)
        return [Wanted.polynomial(function, batch[a:b], self.pieces) for a, b in spans]


@dataclass(frozen=True)
class Whom:
    """Of whom it is to be bought: an offer, or what an offer has to be.

    Attributes:
        offer: id, whole or begun.
        category: text, or its hash.
        cores, ram_mib: that a channel is served with at least.
        most_price: for `per` units.
        per: of which that is.
        auditor: DID of who has to vouch; account: that signs its evidence, where it is another.
    """

    offer: str | None
    category: str | None
    cores: int
    ram_mib: int
    most_price: Tokens | None
    per: int | None
    auditor: str | None
    auditor_account: str | None

    def read_auditor(self) -> Auditor | None:
        """Who has to vouch for the seller; raises `RefusedInput`."""
        if self.auditor is None:
            if self.auditor_account is not None:
                needed = "whose account it is: --auditor DID"
                raise RefusedInput("is of no auditor", who="--auditor-account", needed=needed)
            return None
        did = parse_did(self.auditor)
        account = self.auditor_account
        return Auditor(
            did, parse_address(account, who="--auditor-account") if account else did.identity
        )

    def read_offer(self, settings: Settings) -> OfferId | None:
        """The offer that is named, whole or begun.

        Raises:
            RefusedInput: it is none, or both or none of offer and category are named.
            LedgerUnavailable: as `find_offer`.
        """
        if (self.offer is None) == (self.category is None):
            needed = "an offer, or --category for a demand"
            raise RefusedInput("name one of them", who="OFFER and --category", needed=needed)
        return None if self.offer is None else find_offer(settings, self.offer)

    def check_price(self) -> None:
        """Check that the most is of a known number of units: each seller's template has its own.

        Raises:
            RefusedInput: a category is named and no number, or one without the most.
        """
        if self.per is not None and self.most_price is None:
            needed = "a price of so many units: --most-price MTC"
            raise RefusedInput("is of no price", who="--per", had=self.per, needed=needed)
        if self.offer is None and self.per is None and self.most_price is not None:
            needed = "of how many units that is the price: --per UNITS"
            raise RefusedInput("is of no number of units", who="--most-price", needed=needed)

    def read_demand(self, station: TradingStation, until: Timestamp) -> Demand | None:
        """What an offer has to be, and listed until then; None where one is named.

        Its price is looked at with its template: of how many units it is, no contract knows.
        """
        if self.category is None:
            return None
        auditor = self.read_auditor()
        issuers: tuple[Address, ...] = () if auditor is None else (auditor.account,)
        least = Resources(self.cores, self.ram_mib, 0, 0) if self.cores or self.ram_mib else NOTHING
        return Demand(
            escrow=station.escrow.address,
            category=read_category(self.category),
            least=least,
            most_price=MAX_PRICE,
            until=until,
            evidence=station.evidence.address,
            issuers=issuers,
        )


def read_texts(files: Sequence[Path]) -> tuple[bytes, ...]:
    """Texts of templates that are at hand; raises `RefusedInput`."""
    return tuple(read_limited(each, MAX_TEXT_BYTES) for each in files)


def read_qualifications(files: Sequence[Path]) -> tuple[tuple[Hash32, bytes], ...]:
    """Signed credentials that are at hand, by digest; raises `RefusedInput`."""
    tokens = [read_token(each).token for each in files]
    return tuple((digest_of(each), each.encode("ascii")) for each in tokens)
