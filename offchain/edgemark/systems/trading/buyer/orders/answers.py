"""Answers of sellers on their way to the user: fetched, checked, and only then heard.

Law 1: an answer counts (`HeardAnswer`, and with it every bill for it) when its output is on the
       disk and was checked; the seller hears that it is taken after that, and sends it until then.
Law 2: a wrong one never counts. What shows it is kept, and nothing more is bought.
Law 3: checking takes as long as computing: it is done in threads of its own, each answer once at a
       time, and holds up no bill.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from edgemark.closing import Closing
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault
from edgemark.identifiers import Timestamp
from edgemark.logs import get_logger
from edgemark.seam import place_of
from edgemark.systems.trading.buyer.orders.ordering import Lot, read_answer
from edgemark.systems.trading.buyer.orders.shelf import Shelf, ShelfDamaged
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.asking.slips import MAX_SLIP_S, Purpose, Slip
from edgemark.systems.trading.protocol.messages import Answer
from edgemark.systems.trading.station.accords.keys import HomeKeys
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.work.checking import WrongAnswer, WrongReading
from edgemark.systems.trading.work.executing import Functions
from edgemark.systems.trading.work.messages import OrderKind

CHECKERS = 2  # answers that are checked at a time
SLIP_S = min(600, MAX_SLIP_S)  # for which a slip is made out
OUTPUTS = "/v1/outputs"
PARTS = "/v1/parts"
US = 1_000_000

Fetch = Callable[[Purchase, str, str, bytes, int], bytes]
"""Asks the seller of a channel: method, path, body, most bytes of the answer."""


@dataclass(frozen=True)
class Came:
    """An answer, and the letter that bears its seller's signature."""

    channel: ChannelId
    answer: Answer
    letter: bytes


class Answers(Closing):
    """The answers of all channels of a buyer; its methods are for any thread.

    Args:
        station: signs slips.
        shelf: has the orders, and gets the outputs.
        fetch: asks sellers.
        on_right: told of an answer whose output was checked and is on the disk.
        on_wrong: told of one that is wrong, with why; what shows it is on the disk.
        randomness: draws samples.
    """

    def __init__(
        self,
        station: TradingStation,
        shelf: Shelf,
        fetch: Fetch,
        on_right: Callable[[Came], None],
        on_wrong: Callable[[Came, EdgemarkError], None],
        randomness: Randomness,
    ) -> None:
        self._station, self._shelf, self._fetch = station, shelf, fetch
        self._on_right, self._on_wrong = on_right, on_wrong
        self._randomness = randomness
        self._functions = Functions()
        self._guard = threading.Lock()
        self._under_way: set[tuple[ChannelId, int]] = set()
        # Of orders that are not answered; threads of many channels add while one lets go.
        self._asked_at: dict[ChannelId, dict[int, float]] = {}
        self._brought: dict[ChannelId, set[bytes]] = {}
        self._pool = ThreadPoolExecutor(CHECKERS, "buyer-checker")
        self._log = get_logger("buyer")

    def close(self) -> None:
        """Check nothing more; what was not checked is sent again."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    # --- out -----------------------------------------------------------------------------------

    def bring_parts(self, state: Purchase, lot: Lot, number: int) -> None:
        """Hand the bytes over that an order names, those that the seller has not got yet.

        Raises:
            PeerFault: the seller does not take them.
            ShelfDamaged: they are not there any more.
        """
        channel, order = state.known.channel, lot.order(number)
        digests = [order.data]
        if order.kind is OrderKind.POLYNOMIAL:
            digests.append(order.what)
        for digest in digests:
            if self._has_brought(channel, digest):
                continue
            slip = self._slip(state, Purpose.PART, digest)
            body = slip.to_wire() + self._shelf.part(digest)
            path = f"{PARTS}/{channel.hex()}/{digest.hex()}"
            self._fetch(state, "PUT", path, body, 1024)
            with self._guard:
                self._brought.setdefault(channel, set()).add(digest)
        with self._guard:
            self._asked_at.setdefault(channel, {}).setdefault(number, time.monotonic())

    def _has_brought(self, channel: ChannelId, digest: bytes) -> bool:
        with self._guard:
            return digest in self._brought.get(channel, ())

    def forget_parts(self, channel: ChannelId) -> None:
        """The seller says that it lacks some: all of the channel are brought again."""
        with self._guard:
            self._brought.pop(channel, None)

    def forget(self, channel: ChannelId) -> None:
        """A channel that is over."""
        with self._guard:
            self._brought.pop(channel, None)
            self._asked_at.pop(channel, None)

    def _let_go(self, channel: ChannelId, number: int, data: bytes) -> None:
        """An order that is answered: only its function may be of use to others."""
        with self._guard:
            self._brought.get(channel, set()).discard(data)
            self._asked_at.get(channel, {}).pop(number, None)

    def _slip(self, state: Purchase, purpose: Purpose, digest: bytes) -> Slip:
        until = Timestamp(self._station.head().block + SLIP_S)
        slip = Slip(state.known.channel, purpose, digest, until)  # type: ignore[arg-type]
        key = HomeKeys.of_station(self._station).of(state.in_force.payer_key)
        return slip.signed(key.sign(slip.signed_digest(self._station.domain)))

    # --- in ------------------------------------------------------------------------------------

    def take(self, state: Purchase, came: Came, meter: Meter) -> None:
        """Have an answer checked, unless it is being checked."""
        key = came.channel, came.answer.number
        with self._guard:
            if key in self._under_way:
                return
            self._under_way.add(key)
        try:
            self._pool.submit(self._check_quietly, state, came, meter)
        except RuntimeError:  # closed meanwhile
            self._done(key)

    def _check_quietly(self, state: Purchase, came: Came, meter: Meter) -> None:
        try:
            self._check(state, came, meter)
        except (WrongAnswer, WrongReading) as wrong:
            self._keep_wrong(came, wrong)
            self._on_wrong(came, wrong)
        except (PeerFault, LedgerUnavailable) as later:
            self._log.info("answer not fetched", channel=came.channel, why=later)
        except EdgemarkError as error:
            self._log.error("answer not checked", channel=came.channel, error=error)
        except Exception as error:  # noqa: BLE001 - the answer comes again; the log says what it was
            kind, place = type(error).__name__, place_of(error)
            self._log.error("answer not checked", channel=came.channel, kind=kind, place=place)
        else:
            self._on_right(came)
        finally:
            self._done((came.channel, came.answer.number))

    def _check(self, state: Purchase, came: Came, meter: Meter) -> None:
        channel, number = came.channel, came.answer.number
        if self._shelf.has_output(channel, number):
            return
        lot = self._shelf.lot_of(channel, number)
        if lot is None:
            raise ShelfDamaged("is kept no more", who=f"order {number} of {channel.hex()}")
        order, told = lot.order(number), read_answer(came.answer)
        bound = lot.output_bytes[number - lot.first]
        if told.output_bytes > bound:
            had, needed = told.output_bytes, f"<= {bound} bytes"
            raise WrongAnswer("is too long", who=f"answer {number}", had=had, needed=needed)
        output = b""
        if told.output_bytes:
            slip = self._slip(state, Purpose.OUTPUT, order.id)
            output = self._fetch(state, "POST", OUTPUTS, slip.to_wire(), told.output_bytes)
        function = None
        if order.kind is OrderKind.POLYNOMIAL:
            function = self._functions.parse(order.what, self._shelf.part(order.what))
        data = self._shelf.part(order.data)
        elapsed_us = self._elapsed_us(lot, channel, number)
        try:
            lot.check_output(
                came.answer, output, function, data, meter, elapsed_us, self._randomness
            )
        except (WrongAnswer, WrongReading):
            self._shelf.keep_wrong_output(channel, number, output)
            raise
        self._shelf.keep_output(channel, number, output, told.end)
        self._let_go(channel, number, order.data)

    def _elapsed_us(self, lot: Lot, channel: ChannelId, number: int) -> int:
        """Since an order was asked for; a clock that was set back accuses nobody."""
        by_clock = time.time_ns() // 1000 - lot.asked_at_us
        with self._guard:
            asked_at = self._asked_at.get(channel, {}).get(number)
        here = 0.0 if asked_at is None else time.monotonic() - asked_at
        return max(by_clock, int(here * US))

    def _keep_wrong(self, came: Came, wrong: EdgemarkError) -> None:
        lot = self._shelf.lot_of(came.channel, came.answer.number)
        facts = {
            "channel": came.channel.hex(),
            "order": "" if lot is None else lot.order(came.answer.number).to_bytes().hex(),
            "letter": came.letter.hex(),
            "why": wrong.as_dict(),
        }
        self._shelf.keep_wrong(came.channel, came.answer.number, facts)

    def _done(self, key: tuple[ChannelId, int]) -> None:
        with self._guard:
            self._under_way.discard(key)
