"""Checks of what was played, apart from the playing: what is there, against what had to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from edgemark.errors import EdgemarkError
from edgemark.identifiers import Hash32
from edgemark.ledger.embedded.channel.verifying import ChannelDiffers
from edgemark.ledger.fabric.faults import EndorsementsDiffer
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.receipt import Receipt

MOST_TOLD = 700  # characters of what differs


def check_disagreement(receipt: Receipt, error: EdgemarkError | None, named: Sequence[str]) -> None:
    """Two organisations were told apart: by that error and no other, which names these words."""
    told = words_of(error)
    differ = isinstance(error, EndorsementsDiffer)
    what = type(error).__name__ if error is not None else "nothing was refused"
    receipt.compare("organisations disagree: refused as", what, EndorsementsDiffer.__name__)
    if named:
        is_told = differ and all(each in told for each in named)
        needed = ", ".join(named)
        receipt.require("organisations disagree: what differs", is_told, told[-MOST_TOLD:], needed)


def check_left(receipt: Receipt, left: Sequence[str], code: str) -> None:
    """A killed client left one envelope behind, and the ledger had taken it.

    Args:
        receipt: that is written.
        left: ids of what its journal has as open.
        code: of the first of them, asked before anything was sent again.
    """
    receipt.compare("killed client: envelopes that it left open", len(left), 1)
    name = "killed client: its envelope, before it is asked for again"
    receipt.compare(name, code, Code.VALID.name)


def check_once(receipt: Receipt, left: Sequence[str], writers: Sequence[str]) -> None:
    """What it was killed over was written by that one transaction, once."""
    receipt.compare("killed client: transactions that wrote it", list(writers), list(left)[:1])


def check_under_way(receipt: Receipt, before: int, running: int, least: int) -> None:
    """The ledger was killed under calls that had begun, after some had been answered.

    Args:
        receipt: that is written.
        before: calls whose transactions had been reported.
        running: calls that had begun and had no answer when it was dead.
        least: that many of `before`.
    """
    receipt.require("killed ledger: reported before", before >= least, before, f">= {least}")
    receipt.require("killed ledger: calls under way", running >= 1, running, ">= 1")


def check_heard(receipt: Receipt, heard: Sequence[Hash32], wanted: set[Hash32]) -> None:
    """A listener was told each piece of evidence once, over the ledger's death."""
    told, each_once = Counter(each for each in heard if each in wanted), Counter(wanted)
    for name, more in (("missing", each_once - told), ("twice", told - each_once)):
        seen = [each.hex() for each in more.elements()]
        receipt.compare(f"killed ledger: told over it, {name}", seen, [])


def check_damage(receipt: Receipt, error: EdgemarkError | None, where: str) -> None:
    """What was checked anew is not what it was, and the first that differs is what was changed.

    Args:
        receipt: that is written.
        error: of the check.
        where: channel and block that hold the byte.
    """
    told = words_of(error)
    is_named = isinstance(error, ChannelDiffers) and f"{error.who}, ".startswith(f"{where}, ")
    receipt.require("verify: one byte changed", is_named, told, f"a fault of {where}")


def words_of(error: EdgemarkError | None) -> str:
    """What an error says of the fault, every endorser's words among it."""
    if error is None:
        return "nothing was refused"
    said = [each.message for each in getattr(error, "endorsers", ())]
    return "; ".join([error.without_remedy, *said])
