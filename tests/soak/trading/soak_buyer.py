"""A buyer as a process: it buys in one channel after the other, whatever happens to anybody.

It keeps nothing of its own but what `Buyer` keeps. After `kill -9` it reads its errands again, and
goes on in the channel that is open. Once nothing more is wanted, it ends with the channel that it
has, and has had one at least.

    python -m tests.soak.trading.soak_buyer HOME
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.offchain.systems.trading.work.work_cast import make_batch, make_dense

from edgemark.errors import EdgemarkError
from edgemark.identifiers import TOKEN_UNIT, Address, Tokens
from edgemark.logs import LogSettings, configure_logs
from edgemark.settings.loading import load_settings
from edgemark.systems.trading.buyer.buyer import Buyer
from edgemark.systems.trading.buyer.market.asking import Taken, ask_quote, draft_request
from edgemark.systems.trading.buyer.market.bidding import (
    Choice,
    Wishes,
    draft_bid,
    name_controller,
)
from edgemark.systems.trading.buyer.market.picking.picking import Picking
from edgemark.systems.trading.buyer.orders.ordering import ALL, Wanted
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId, OfferId
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.station.station import TradingStation

ERRANDS, NO_MORE, RESULTS = "errands.json", "no-more-channels", "results"
LOOK_S = 0.5
FUNCTION = make_dense()
INPUTS, PIECES, LOTS = 200, 2, 4  # of a lot; of a channel
DEPOSIT, CAP = Tokens(TOKEN_UNIT), Tokens(TOKEN_UNIT // 2)
SERVICE_S, INTERVAL_S, GRACE_S = 3000, 1, 120


@dataclass(frozen=True)
class Errands:
    """What one buyer has to do.

    Attributes:
        seed: of the whole run, for the inputs.
        offer: of the seller, in hexadecimal digits.
        controller: that issues its credentials.
    """

    seed: int
    offer: str
    controller: Address

    def write(self, home: Path) -> None:
        """Put the errands into a home folder."""
        (home / ERRANDS).write_text(json.dumps(asdict(self)))

    @staticmethod
    def read(home: Path) -> Errands:
        """The errands of a home folder."""
        return Errands(**json.loads((home / ERRANDS).read_text()))


def draw_batch(seed: int, channel: ChannelId, lot: int) -> bytes:
    """Packed inputs of a lot; the buyer that was killed draws the same again."""
    return make_batch(FUNCTION, INPUTS, f"soak {seed} {channel.hex()} {lot}")


def result_of(home: Path, channel: ChannelId, lot: int) -> Path:
    """Where the result of a lot goes."""
    return home / RESULTS / f"{channel.hex()}-{lot}.json"


class Customer:
    """Whoever gives a buyer its orders.

    Args:
        buyer: runs.
        errands: what there is to buy.
    """

    def __init__(self, buyer: Buyer, errands: Errands) -> None:
        self._buyer, self._errands = buyer, errands
        self._station, self._home = buyer.station, buyer.station.home

    def work_off(self) -> None:
        """Buy until nothing more is wanted and every channel is over."""
        while True:
            self._buyer.check_running()
            known = self._purchases()
            going = [state for state in known if not state.is_finished]
            try:
                if going:
                    self._trade(going[0])
                elif (self._home / NO_MORE).exists() and has_ended(known):
                    return
                else:
                    self._give_back(known)
                    self._begin()
            except EdgemarkError as error:  # somebody is away, or will be back; or it is over now
                self._buyer.log.warning("not done yet", error=error)
            time.sleep(LOOK_S)

    def _purchases(self) -> list[Purchase]:
        states = self._buyer.runtime.states().values()
        return [each for each in states if isinstance(each, Purchase) and each.agreement]

    def _trade(self, state: Purchase) -> None:
        """Order the next lot once all is answered; after the last one, end the channel."""
        if state.phase is not BuyerPhase.BUYING or state.requests or state.answers:
            return
        channel, lot = state.known.channel, state.last_number // PIECES
        if lot >= LOTS:
            self._buyer.stop(channel)
            return
        out = result_of(self._home, channel, lot)
        out.parent.mkdir(exist_ok=True)
        wanted = Wanted.polynomial(
            FUNCTION, draw_batch(self._errands.seed, channel, lot), pieces=PIECES
        )
        self._buyer.order(channel, wanted, sample=ALL, out=str(out))

    def _begin(self) -> None:
        """Ask the seller for a channel, and take its word."""
        station = self._station
        wishes = Wishes(
            offer=OfferId(bytes.fromhex(self._errands.offer)),
            controller=self._errands.controller,
            deposit=DEPOSIT,
            seconds=SERVICE_S,
            interval_s=INTERVAL_S,
            grace_s=GRACE_S,
            cap=CAP,
            credit=CAP,
        )
        first = Wanted.polynomial(FUNCTION, make_batch(FUNCTION, INPUTS), pieces=PIECES)
        controller = name_controller(station, wishes.controller)

        def take(choice: Choice) -> Taken:
            bid = draft_bid(station, choice, wishes, first, controller)
            return ask_quote(station, choice.place, draft_request(station, bid), choice.templates)

        taken = Picking(station, wishes, lambda _: None).pick(take)
        station.deals.keep(taken.deal)
        self._buyer.begin({taken.quoted.agreement.channel: taken.quoted.opening})

    def _give_back(self, known: Sequence[Purchase]) -> None:
        """The offer's capacity, of channels that ended: nobody else does it here."""
        offers = self._station.offers
        ended = [each.known for each in known if has_ended([each])]
        held = [each.terms for each in ended if not offers.is_released(each.channel)]
        if held:
            self._station.lane.send(offers.release(held))


def has_ended(known: Sequence[Purchase]) -> bool:
    """Whether one of them was open, and is over."""
    return any(each.phase is BuyerPhase.ENDED for each in known)


def main() -> None:
    """Run until all errands of the home folder are done."""
    home = Path(sys.argv[1])
    overrides, sections = {"home": home}, TradingStation.SECTIONS
    settings = load_settings(file=None, environ={}, overrides=overrides, sections=sections)
    configure_logs(settings.of(LogSettings).level)
    errands = Errands.read(home)
    with TradingStation.open(settings) as station, Buyer(station) as buyer:
        buyer.start()
        Customer(buyer, errands).work_off()


if __name__ == "__main__":
    main()
