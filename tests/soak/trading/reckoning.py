"""What must hold after a soak run of trading, whoever was killed.

| check                | what must hold                                                          |
|----------------------|-------------------------------------------------------------------------|
| ended                | every channel is at an end on chain, and over for its buyer             |
| amount               | it ended at what both signed: nothing signed is lost                    |
| billed               | that is the price of the answers that came: nothing is billed twice     |
| penalty              | nobody closed below what was owed                                       |
| results              | every lot that was ordered was answered, with the right values          |
| credentials          | nobody has two of an index, or another than the other party; a party    |
|                      | has the newest that was issued, and the last settlement has one unless  |
|                      | its controller died                                                     |
| evidence             | each index is recorded once, of a credential that is held; the last is  |
| balances             | every account won and lost what its channels say: nothing is paid twice |
| retainers            | the tower had at most one of each channel                               |
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.soak.trading.soak_buyer import FUNCTION, LOTS, PIECES, Errands, draw_batch, result_of
from tests.soak.trading.soak_stage import RETAINER, SoakStage

from edgemark.crypto.field.field import FIELD
from edgemark.crypto.polynomial.fixed_point import to_signed
from edgemark.demo.evm.holdings import Holdings, check_holdings
from edgemark.identifiers import Address, Hash32
from edgemark.loop.replay import list_keys, look_up
from edgemark.receipt import Receipt
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.controller.desk import Desk
from edgemark.systems.trading.credentials.keeping import KeptCredentials
from edgemark.systems.trading.demo.market import PER, PRICE
from edgemark.systems.trading.demo.proof.holding import SELLER, Till
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.station.deals import FOLDER as DEALS
from edgemark.systems.trading.station.deals import DealBook
from edgemark.systems.trading.story.reading import Chronicle

ID_BYTES = 32  # of a channel
CUSTOMERS_OF_ONE = 2  # of three buyers, at one of two controllers


@dataclass(frozen=True)
class Traded:
    """One channel as the chain and both disks tell it afterwards; amounts in smallest units.

    Attributes:
        name: of the channel.
        payer, seller: accounts.
        ending: how it ended; empty while it has not.
        amount: at which it ended; `penalty`: that somebody lost.
        is_over: for its buyer.
        reason: why service ended, as the buyer has it.
        owed: that both signed, as the seller has it; `signed`: as the buyer has it.
        due: the price of all answers that came.
        ordered, right: lots, and those with the result that was computed elsewhere.
        of_seller, of_buyer: digests of the credentials that each has, by index.
        newest: index of the last voucher that both signed.
        issued: index of the newest credential that a controller signed.
        recorded: index and digest of each evidence on chain.
    """

    name: str
    payer: Address
    seller: Address
    ending: str
    amount: int
    penalty: int
    is_over: bool
    reason: str
    owed: int
    signed: int
    due: int
    ordered: int
    right: int
    of_seller: Mapping[int, Hash32]
    of_buyer: Mapping[int, Hash32]
    newest: int
    issued: int
    recorded: Sequence[tuple[int, Hash32]]


def check_traded(receipt: Receipt, traded: Sequence[Traded]) -> None:
    """Every rule but those of balances, for every channel."""
    receipt.require("channels were played", bool(traded), len(traded), "> 0")
    for each in traded:
        name = each.name
        receipt.compare(f"{name}: ended", (bool(each.ending), each.is_over), (True, True))
        receipt.compare_tokens(f"{name}: amount, as the seller has it", each.amount, each.owed)
        receipt.compare_tokens(f"{name}: amount, as the buyer signed it", each.amount, each.signed)
        receipt.compare_tokens(f"{name}: billed, by the answers that came", each.owed, each.due)
        receipt.compare_tokens(f"{name}: penalty", each.penalty, 0)
        receipt.compare(f"{name}: lots with the right result", each.right, each.ordered)
        both = each.of_seller.keys() & each.of_buyer.keys()
        held_by = each.of_seller.keys() | each.of_buyer.keys()
        differing = [index for index in both if each.of_seller[index] != each.of_buyer[index]]
        receipt.compare(f"{name}: indices with two credentials", differing, [])
        indices = [index for index, _ in each.recorded]
        receipt.compare(f"{name}: evidence, each once", sorted(set(indices)), sorted(indices))
        held = {*each.of_seller.items(), *each.of_buyer.items()}
        unknown = [index for index, digest in each.recorded if (index, digest) not in held]
        receipt.compare(f"{name}: evidence of what nobody holds", unknown, [])
        receipt.compare(f"{name}: newest credential", max(held_by, default=0), each.issued)
        receipt.compare(f"{name}: newest evidence", max(indices, default=0), each.issued)


def check_issued(receipt: Receipt, traded: Sequence[Traded], deaths: int) -> None:
    """A channel that ends while its controller is away ends without the last credential.

    Args:
        receipt: of the run.
        traded: all channels.
        deaths: of controllers; each may have been away at the end of as many as buy from there.
    """
    without = [each.name for each in traded if each.issued < each.newest]
    most = deaths * CUSTOMERS_OF_ONE
    is_sound = len(without) <= most and all(each.issued <= each.newest for each in traded)
    receipt.require("channels without the last credential", is_sound, without, f"<= {most}")


def compute_changes(traded: Sequence[Traded], tower: Address, retainers: int) -> dict[Address, int]:
    """What each account should have won or lost."""
    changes: Counter[Address] = Counter()
    for each in traded:
        changes[each.payer] -= each.owed
        changes[each.seller] += each.owed
    for seller in {each.seller for each in traded}:  # a run has one
        changes[seller] -= retainers * RETAINER
    changes[tower] += retainers * RETAINER
    return dict(changes)


class Book:
    """All channels of a run, read from chain and homes.

    Args:
        stage: with everybody on it.
        homes: of the buyers.
    """

    def __init__(self, stage: SoakStage, homes: Sequence[Path]) -> None:
        self._stage, self._homes = stage, homes
        place = (stage.deployment.chain_id, stage.deployment.contract("ChannelEscrow").address)
        self._till = Till(stage.seller.home, DealBook(stage.seller.home / DEALS, *place))
        self._chronicle = Chronicle(stage.chain, stage.deployment)

    def count_ended(self) -> int:
        """Channels that were over, as the escrow's events say."""
        escrow, chain = self._stage.deployment.contract("ChannelEscrow"), self._stage.chain
        topic = escrow.interface.topic("ChannelEnded")
        return len(chain.logs([escrow.address], 0, chain.head(), [[topic]]))

    def is_all_recorded(self) -> bool:
        """Whether evidence of the last credential of each channel stands on chain."""
        for channel in self._chronicle.list_channels():
            recorded = [each.index for each in self._chronicle.read(channel).evidence]
            if max(recorded, default=0) < self._issued(channel):
                return False
        return True

    def _issued(self, channel: ChannelId) -> int:
        """Index of the newest credential of a channel, as its controllers have it."""
        machine, newest = PartyMachine(Desk), 0
        for actor in self._stage.controllers:
            for key in list_keys(actor.home, "controller"):
                if key[:ID_BYTES] == channel:
                    desk = look_up(actor.home, "controller", machine, key) or Desk()
                    newest = max(newest, desk.index)
        return newest

    def amounts(self) -> dict[tuple[str, str], int]:
        """What each home has signed, or got, in each channel."""
        found = {}
        for home, channel, state in self._purchases:
            found[home.name, channel.hex()] = int(state.signed.amount)
            found[self._stage.seller.home.name, channel.hex()] = int(self._till.owed(channel))
        return found

    def ends(self) -> Counter[str]:
        """How the channels ended, and why."""
        return Counter(f"{each.reason}, {each.ending}" for each in self.traded)

    def count_settlements(self) -> int:
        """Credentials that the seller has."""
        return sum(len(each.of_seller) for each in self.traded)

    def check(self, receipt: Receipt, before: Holdings, after: Holdings, deaths: int) -> None:
        """Every rule of the table above; `deaths`: of controllers."""
        stage, traded = self._stage, self.traded
        check_traded(receipt, traded)
        check_issued(receipt, traded, deaths)
        opened = {each.hex() for each in self._chronicle.list_channels()}
        known = {each.name for each in traded}
        receipt.compare("channels that no buyer knows", sorted(opened - known), [])
        tower = stage.tower.account
        retainers, rest = divmod(after.parties[tower] - before.parties[tower], int(RETAINER))
        is_sound = not rest and 0 <= retainers <= len(traded)
        receipt.require("retainers", is_sound, (retainers, rest), f"0..{len(traded)}, whole ones")
        changes = compute_changes(traded, tower, retainers)
        check_holdings(receipt, self._names(before), before, after, changes)
        receipt.compare_tokens("tokens locked, as before", after.locked, before.locked)

    @cached_property
    def traded(self) -> list[Traded]:
        """All that came to the chain; asked for when all is over."""
        opened = set(self._chronicle.list_channels())
        return [self._read(*each) for each in self._purchases if each[1] in opened]

    @cached_property
    def _purchases(self) -> list[tuple[Path, ChannelId, Purchase]]:
        machine, found = PartyMachine(Purchase), []
        for home in self._homes:
            for key in list_keys(home, "buyer"):
                if len(key) == ID_BYTES:
                    state = look_up(home, "buyer", machine, key) or Purchase()
                    found.append((home, ChannelId(key), state))
        return found

    def _read(self, home: Path, channel: ChannelId, state: Purchase) -> Traded:
        story, ended = self._chronicle.read(channel), None
        if story.phase is ChannelPhase.ENDED and story.ended is not None:
            ended = story.ended.end
        lots = state.last_number // PIECES
        return Traded(
            name=channel.hex(),
            payer=story.terms.payer,
            seller=story.terms.seller,
            ending="" if ended is None else ended.ending.name.lower(),
            amount=-1 if ended is None else ended.amount,
            penalty=0 if ended is None else ended.division.penalty,
            is_over=state.is_finished,
            reason="none" if state.reason is None else state.reason.name.lower(),
            owed=int(self._till.owed(channel)),
            signed=int(state.signed.amount),
            due=state.units_came * PRICE // PER,
            ordered=lots,
            right=sum(is_right(home, channel, lot) for lot in range(min(lots, LOTS))),
            of_seller=_digests(self._stage.seller.home, channel),
            of_buyer=_digests(home, channel),
            newest=self._till.settled(channel),
            issued=self._issued(channel),
            recorded=[
                (each.index, each.credential_hash)
                for each in story.evidence
                if each.kind is EvidenceKind.SETTLEMENT
            ],
        )

    def _names(self, holdings: Holdings) -> dict[Address, tuple[str, str]]:
        stage = self._stage
        named = {actor.account: (actor.name, SELLER) for actor in stage.actors}
        named |= {stage.account_of(each): (each, "guest") for each in stage.guests}
        return {each: named.get(each, (each, "other")) for each in holdings.parties}


def _digests(home: Path, channel: ChannelId) -> dict[int, Hash32]:
    kept = KeptCredentials(home).settlements(channel)
    return {each.said.voucher.index: each.credential.digest for each in kept}


def is_right(home: Path, channel: ChannelId, lot: int) -> bool:
    """Whether the result of a lot is what the function gives here."""
    path = result_of(home, channel, lot)
    if not path.exists():
        return False
    packed = FUNCTION.evaluate(draw_batch(Errands.read(home).seed, channel, lot))
    values = [to_signed(value) for value in FIELD.unpack(packed)]
    width = FUNCTION.outputs
    rows = [values[at : at + width] for at in range(0, len(values), width)]
    return bool(json.loads(path.read_text()) == rows)
