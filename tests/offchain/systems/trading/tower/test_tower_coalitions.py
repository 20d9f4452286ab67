"""T26, A53: what payer and seller together gain of an honest tower's cover, play by play.

The channel is that of docs/trading.md: a deposit of 100, a bond of 10, 20 paid, and a receipt for
60; the cover holds the 40 that are not on the chain. Both parties do what they agreed on, and the
tower, by its own machine, what it owes whenever it looks: at last before they act, and again when
it is too late. Every play runs on the escrow and the receipts as they are, and on planted ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.offchain.systems.trading.channel_cast import PEOPLE, START, open_one, signer
from tests.offchain.systems.trading.tower.tower_cast import CLAIM_S, TOWER, Keeper, held_of

from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.contract import channel as moves
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import ChannelPhase, Delegation, Said
from edgemark.systems.trading.contract.terms import ChannelRefused
from edgemark.systems.trading.contract.towers.liability import compute_due
from edgemark.systems.trading.contract.towers.records import Receipt, Watching
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.tower import events as on
from edgemark.systems.trading.tower.watch import Keys, Watch

PAGE = Path(__file__).resolve().parents[5] / "docs" / "trading.md"
PAID, OWED, COVER = 20, 60, 40
EXPIRES, CLOSE_BY = START + 1000, START + 1200  # of the channels of the tests
OWN = signer("payer's key"), signer("seller's key")
PAYERS_NEXT = signer("payer's next key"), signer("seller's key")
SELLERS_NEXT = signer("payer's key"), signer("seller's next key")
Move = Callable[[Channel], Channel]


@dataclass
class Play:
    """Both parties against a tower that is honest.

    Args:
        deposit: at the opening.
        until: last second in which the escrow lets a deposit grow and keys change.
        named: which keys a receipt names.
    """

    deposit: int = 100
    until: int = EXPIRES
    named: tuple[str, ...] = ("payer_key", "seller_key")
    keeper: Keeper = field(init=False)
    receipts: list[Receipt] = field(default_factory=list)

    def __post_init__(self) -> None:
        channel = open_one(deposit=Tokens(self.deposit), bond=Tokens(10))
        self.keeper, self.now = Keeper(channel), START + 1
        said = Said(TOWER.address, *OWN)
        self.keeper.channel = moves.checkpoint(channel, PAID, self.now, said)
        self.keeper.promise(OWED, cover=COVER)
        self.keeper.cover_now()
        self.hand(OWED)

    @property
    def channel(self) -> Channel:
        return self.keeper.channel

    # --- the tower -----------------------------------------------------------------------------

    def hand(self, amount: int) -> None:
        """The seller has a receipt, under the keys that the tower sees in force."""
        self.look()
        watch = self.keeper.watch
        assert watch.signers is not None
        payer, seller = watch.signers.keys
        state = held_of(self.channel, amount, receipt=b"r" * 65)
        held = replace(state, payer_key=payer, seller_key=seller)
        self.keeper.step(on.HeardState(held))
        expiry = watch.known.lock_expiry
        self.receipts.append(Receipt(self.channel.id, Tokens(amount), payer, seller, expiry))

    def look(self, now: int = 0) -> None:
        """At this second it looks, and does what it owes."""
        self.now = max(self.now, now)
        for _ in range(4):
            self.keeper.see()
            self.keeper.reach(self.now)
            for effect in self.keeper.owed:
                self.keeper.channel = self._carry_out(effect)

    def _carry_out(self, effect: object) -> Channel:
        watch, channel, now = self.keeper.watch, self.channel, self.now
        held = watch.newest
        match effect:
            case do.SubmitCheckpoint():
                said = Said(TOWER.address, *held.keys)
                return moves.checkpoint(channel, held.amount, now, said)
            case do.SubmitResponse():
                word = Delegation(TOWER.address, held.number, held.seller_key)
                shown = word if watch.delegates else None
                return ends.respond(channel, held.amount, now, held.payer_key, shown)
            case do.SubmitSettle():
                return ends.settle(channel, now)
            case _:
                return channel

    # --- both parties --------------------------------------------------------------------------

    def agree(self, move: Move) -> bool:
        """What changes what a voucher is worth; False: the escrow refuses it."""
        own = self.channel.terms

        def move_until(channel: Channel) -> Channel:
            late = replace(own, expires_at=Timestamp(self.until))
            return replace(move(replace(channel, terms=late)), terms=own)

        try:
            self.keeper.channel = move_until(self.channel)
        except ChannelRefused as refused:
            assert refused.error == "TooLate"
            return False
        return True

    def top_up(self, now: int, amount: int = 40) -> bool:
        """The payer adds to the deposit, after the tower's look."""
        self.now = now
        return self.agree(lambda c: moves.top_up(c, amount, now, PEOPLE["payer"]))

    def put_in_force(self, keys: Keys, now: int) -> bool:
        """Both name these keys, at what is paid."""
        self.now, had = now, self.channel.signers
        payer, seller = keys
        signers = replace(had, payer_key=payer, seller_key=seller)
        said = Said(PEOPLE["outsider"], *had.keys)

        def amend(channel: Channel) -> Channel:
            told = (channel.agreements, channel.paid, signers)
            return moves.amend(channel, *told, now, now, said)

        return self.agree(amend)

    def reduce(self, amount: int, now: int) -> None:
        """Both give deposit back to the payer."""
        self.now = now
        said = Said(PEOPLE["outsider"], *self.channel.signers.keys)
        number = self.channel.agreements
        self.keeper.channel = moves.reduce(self.channel, number, amount, now, now, said)

    def close(self, now: int) -> None:
        """The payer closes without a voucher; the tower answers, and settles."""
        self.now = now
        self.keeper.channel = ends.close_bare(self.channel, now, PEOPLE["payer"])
        self.look(self.channel.deadline - 1)
        self.look(self.channel.deadline + 1)

    # --- the end -------------------------------------------------------------------------------

    def gain(self) -> int:
        """What both have more than at the honest end: what the tower pays; all else is theirs."""
        if self.channel.phase is ChannelPhase.OPEN:
            self.now = max(self.now, CLOSE_BY + 1)
            self.keeper.channel = ends.end_unclosed(self.channel, self.now)
        self.look(self.now + 1)
        assert self.channel.phase is ChannelPhase.ENDED
        return max((self._due(each) for each in self.receipts), default=0)

    def _due(self, receipt: Receipt) -> int:
        force = self.channel.signers
        others = {
            key: getattr(force, key) for key in ("payer_key", "seller_key") if key not in self.named
        }
        said = replace(receipt, **others)
        return compute_due(self.channel, said, self.keeper.cover, Watching(CLAIM_S), self.now)


def replace_sellers_key(play: Play) -> None:
    """The tower's checkpoint is refused, for the seller's former signature."""
    play.put_in_force(SELLERS_NEXT, EXPIRES)
    play.look(CLOSE_BY - 1)


def replace_payers_key(play: Play) -> None:
    play.put_in_force(PAYERS_NEXT, EXPIRES)
    play.look(CLOSE_BY - 1)


def put_payers_key_back(play: Play) -> None:
    """While the tower may bring what it holds, another key is in force."""
    play.put_in_force(PAYERS_NEXT, START + 2)
    change_last(play, lambda: play.put_in_force(OWN, play.until))


def put_keys_back_under_a_smaller_receipt(play: Play) -> None:
    """The tower has signed less since, under the keys between."""
    play.put_in_force(PAYERS_NEXT, START + 2)
    play.hand(PAID + 1)
    play.look(EXPIRES - 1)
    play.put_in_force(OWN, EXPIRES)
    play.look(CLOSE_BY - 1)


def top_up_last(play: Play) -> None:
    """A receipt above the deposit, which grows once the tower has brought what there was."""
    change_last(play, lambda: play.top_up(play.until))


def change_last(play: Play, change: Callable[[], object]) -> None:
    """In the last second for it, the tower looking before, and at last before `close_by`."""
    if play.until < CLOSE_BY:
        play.look(play.until)
        change()
        play.look(CLOSE_BY - 1)
    else:
        play.look(CLOSE_BY - 1)
        change()


def reduce_first(play: Play) -> None:
    """The deposit is gone when the tower would bring anything."""
    play.reduce(play.deposit - PAID, EXPIRES + 1)
    play.look(CLOSE_BY - 1)


def reduce_in_part(play: Play) -> None:
    """Before the tower brings what it holds, and behind it."""
    play.reduce(10, EXPIRES + 1)
    play.look(CLOSE_BY - 1)
    play.reduce(20, CLOSE_BY)


def close_behind_keys(play: Play) -> None:
    """A window under the seller's next key, in which the tower's voucher counts still."""
    play.put_in_force(SELLERS_NEXT, START + 2)
    play.close(START + 3)


def close_behind_keys_put_back(play: Play) -> None:
    """A window in the second in which the former keys are in force again."""
    play.put_in_force(PAYERS_NEXT, START + 2)
    play.look(START + 3)
    play.put_in_force(OWN, START + 4)
    play.close(START + 4)


def close_behind_a_top_up(play: Play) -> None:
    play.top_up(START + 3)
    play.close(START + 3)


DEEDS: dict[str, tuple[Callable[[Play], None], int]] = {
    "both replace the seller's key": (replace_sellers_key, 100),
    "both replace the payer's key": (replace_payers_key, 100),
    "both put the payer's key back": (put_payers_key_back, 100),
    "both put it back, with a smaller receipt between": (
        put_keys_back_under_a_smaller_receipt,
        100,
    ),
    "the payer tops up in the last second": (top_up_last, 40),
    "both reduce the deposit before the tower brings": (reduce_first, 100),
    "both reduce it in part, before and after": (reduce_in_part, 100),
    "the payer closes behind another key of the seller": (close_behind_keys, 100),
    "the payer closes behind a key put back": (close_behind_keys_put_back, 100),
    "the payer closes behind a top-up": (close_behind_a_top_up, 40),
}


@pytest.mark.parametrize("name", DEEDS)
def test_t26_payer_and_seller__gain_nothing_of_an_honest_towers_cover(name: str) -> None:
    deed, deposit = DEEDS[name]
    play = Play(deposit)
    deed(play)
    assert play.gain() == 0


def test_page__has_a_row_of_every_play() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    told = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert {name: "0" for name in DEEDS} == {row[0]: row[1] for row in told if row[0] in DEEDS}


def test_planted_receipt_of_the_payers_key__loses_the_cover_to_the_sellers_next_key() -> None:
    play = Play(named=("payer_key",))
    replace_sellers_key(play)
    assert play.gain() == COVER


def test_planted_receipt_of_the_sellers_key__loses_the_cover_to_the_payers_next_key() -> None:
    play = Play(named=("seller_key",))
    replace_payers_key(play)
    assert play.gain() == COVER


@pytest.mark.parametrize(
    ("deed", "deposit", "gained"), [(top_up_last, 40, 20), (put_payers_key_back, 100, COVER)]
)
def test_planted_escrow_that_changes_until_close_by__loses_the_cover(
    deed: Callable[[Play], None], deposit: int, gained: int
) -> None:
    play = Play(deposit, until=CLOSE_BY)
    deed(play)
    assert play.gain() == gained


def test_planted_tower_that_forgets_former_keys__loses_its_cover(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Watch, "_with", lambda watch, held: (held,))  # noqa: ARG005
    play = Play()
    put_keys_back_under_a_smaller_receipt(play)
    assert play.gain() == COVER


@pytest.mark.parametrize(("looks_again", "gained"), [(True, 0), (False, 20)])
def test_top_up_in_the_second_of_a_checkpoint__is_brought_by_the_next_look(
    looks_again: bool, gained: int
) -> None:
    """Of a tower whose margin begins before the last second for it, which takes no such channel."""
    play = Play(40)
    watch = play.keeper.watch
    promise = replace(watch.known, margin_s=CLOSE_BY - EXPIRES + 1)
    play.keeper.watch = replace(watch, promise=promise)
    play.look(EXPIRES)
    assert play.channel.paid == 40
    assert play.top_up(EXPIRES)
    if looks_again:
        play.look(EXPIRES + 1)
    assert play.gain() == gained


@pytest.mark.parametrize("after", [-1, 0, 1])
def test_last_second_of_service__is_the_last_for_deposits_and_keys(after: int) -> None:
    play = Play()
    assert play.top_up(EXPIRES + after) == (after <= 0)
    assert play.put_in_force(SELLERS_NEXT, EXPIRES + after) == (after <= 0)
