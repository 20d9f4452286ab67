"""One batch bought in several channels, which one transaction opens: of one seller, or of several.

Each channel has its own terms, deposit, order and end, and a part of the batch; the results are put
together in the order of the inputs. Until every seller gave its word nothing is sent, and what was
given costs nothing. What one channel does not deliver holds up no other one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from edgemark.cli.spending.command import Spending
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.trading.buying.desks import Desk, open_desk, open_to_look
from edgemark.cli.trading.buying.errand import Errand, begin, end, read_result, telling_absence
from edgemark.cli.trading.buying.quoting import Quotation, Quoting, price_of
from edgemark.cli.trading.buying.reading import Whom
from edgemark.cli.trading.buying.staying import NotThereYet, Waiting, naming_when_interrupted
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.files import OWNER_ONLY_FILE, read_limited, write_whole
from edgemark.systems.trading.buyer.market.bidding import Wishes
from edgemark.systems.trading.buyer.outlook import describe
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.station.station import TradingStation

MAX_RESULT_BYTES = 2**30  # of a part, as text
COLUMNS = ("channel", "seller", "phase", "signed", "paid")


def count_channels(named: int | None, offers: int) -> int:
    """How many channels are opened together.

    Args:
        named: by `--channels`; None: one of each offer.
        offers: that are named, 0 for a demand.

    Raises:
        RefusedInput: fewer than the offers.
    """
    many = max(1, offers) if named is None else named
    if many < offers:
        raise RefusedInput(
            "are fewer than the offers", who="--channels", had=many, needed=f">= {offers}"
        )
    return many


def name_part(out: str, number: int) -> str:
    """The file of one part's result; empty for none."""
    return f"{out}.{number}" if out else ""


@dataclass(frozen=True)
class Together:
    """What one command does in several channels.

    Attributes:
        errands: of each channel, in the order of the batch; each with a file of its own.
        whom: of each.
        wishes: of each.
        out: whole path of the result's file; empty for none.
    """

    errands: tuple[Errand, ...]
    whom: tuple[Whom, ...]
    wishes: tuple[Wishes, ...]
    out: str

    def buy(self, spending: Spending) -> int:
        """Open the channels by one transaction, and order in each.

        Raises:
            NoOffer, DepositUnknown, TooFewTokens, TooDear, RefusedInput: nothing was begun.
            EdgemarkError: as of every step; the first, once all channels were seen to their ends.
        """
        if spending.is_dry:
            with open_to_look(spending) as station:
                quoted = self._ask(spending, station)
                facts = {"channels": [each.describe() for each in quoted]}
                spending.show_dry(price_of(spending, station, quoted), facts)
            return Exit.DONE
        with open_desk(spending) as desk:
            quoted = self._ask(spending, desk.station)
            spending.agree(price_of(spending, desk.station, quoted))
            channels = begin(desk, quoted)
            with naming_when_interrupted(desk, *channels):
                return self._order(spending, desk, channels, quoted)

    def _ask(self, spending: Spending, station: TradingStation) -> Sequence[Quotation]:
        """Every seller's word, in the order of the errands.

        Those of one offer are asked for together: one that a demand found is passed over where its
        seller does not give all of them.
        """
        asking = Quoting(spending, station, self.errands[0].ends_at)
        found: dict[int, Quotation] = {}
        for whom in dict.fromkeys(self.whom):
            places = [place for place, each in enumerate(self.whom) if each == whom]
            works = [self.errands[place].work for place in places]
            with telling_absence():
                given = asking.ask(whom, self.wishes[places[0]], works)
            found.update(zip(places, given, strict=True))
        return [found[place] for place in sorted(found)]

    def _order(
        self,
        spending: Spending,
        desk: Desk,
        channels: Sequence[ChannelId],
        quoted: Sequence[Quotation],
    ) -> int:
        faults = Faults()
        both = zip(self.errands, channels, strict=True)
        waiting = [errand.wait_for(spending, desk, channel) for errand, channel in both]
        for each in waiting:
            with faults.kept():
                each.until_open()
        firsts: dict[ChannelId, int] = {}
        for each, errand, quotation in zip(waiting, self.errands, quoted, strict=True):
            if faults.first is None:  # else nothing more is bought: what is open is ended
                with faults.kept():
                    firsts[each.channel] = errand.order(desk, each.channel, quotation.wanted)
        parts = [self._see(desk, each, firsts, faults) for each in waiting]
        if faults.first is not None:
            for part in filter(None, parts):
                click.echo(f"a part of the result is in {part}", err=True)
            raise faults.first
        return self._show(spending, desk, channels, parts)

    def _see(
        self, desk: Desk, waiting: Waiting, firsts: Mapping[ChannelId, int], faults: Faults
    ) -> str:
        """A channel to its end, or to its result where it is kept open; the file of that."""
        found = ""
        with faults.kept():
            if waiting.channel in firsts:
                done = waiting.until_done(firsts[waiting.channel])
                found = read_result(desk, waiting.channel, done)
        with faults.kept():
            is_kept = self.errands[0].keep_open and faults.first is None
            if not is_kept and desk.state(waiting.channel).phase is not BuyerPhase.DROPPED:
                end(desk, waiting)
        return found

    def _show(
        self, spending: Spending, desk: Desk, channels: Sequence[ChannelId], parts: Sequence[str]
    ) -> int:
        rows = [describe(desk.state(each)) for each in channels]
        if self.out:
            join(parts, Path(self.out))
            text = f"{in_columns(rows, COLUMNS)}\nThe result is in {self.out}."
            spending.invocation.show({"out": self.out, "channels": rows}, text)
            return Exit.DONE
        rows = [{**row, "out": part} for row, part in zip(rows, parts, strict=True)]
        spending.invocation.show({"channels": rows}, in_columns(rows, (*COLUMNS, "out")))
        return Exit.DONE


class Faults:
    """What went wrong in some of several channels; the first is told once all are over."""

    def __init__(self) -> None:
        self.first: EdgemarkError | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep an error for later.

        Raises:
            NotThereYet: the time is over, for all of them.
        """
        try:
            yield
        except NotThereYet:
            raise
        except EdgemarkError as error:
            self.first = self.first or error


def join(parts: Sequence[str], out: Path) -> None:
    """Write the results of all parts as one, and let their own files go once that is there."""
    texts = [read_limited(Path(part), MAX_RESULT_BYTES) for part in parts]
    rows = [row for text in texts for row in json.loads(text)]
    write_whole(out, json.dumps(rows).encode() + b"\n", mode=OWNER_ONLY_FILE)
    for part in parts:
        Path(part).unlink(missing_ok=True)
