"""Receipts that are hard to show: long, wide, of strangers, of nothing."""

from __future__ import annotations

from edgemark.identifiers import TOKEN_UNIT
from edgemark.receipt import Check, PartyBalance, Receipt
from edgemark.receipt.exhibits import Answer, Exhibits, Image, Link, MatterShown, Place

HOSTILE = '"><script>alert(1)</script><img src=x onerror="alert(2)">'
UNBROKEN = "W" * 300
FROM_THE_RIGHT = "\u202e" + "drawkcab" + "\u2066\ufeff\0\x1b[2J\ud800" + "Z\u0335\u0336\u0337" * 40
ACCOUNT = "0xA86729dE4bC0a1F1b1d9e5b0F2b7E0c9A1d2E3f4"
DIGEST = "9f" * 32
LARGEST = 10**27 + 1  # a billion MTC and a smallest unit: 28 digits


def full_receipt(word: str) -> Receipt:
    """A receipt with this word wherever a word can stand."""
    image = Image(((0, 255), (128, 1)))
    pictured = MatterShown(
        word,
        word,
        (Answer(word, "other", word, image, image), Answer("1", "1")),
        (
            Place(1, word, (word, word), word),
            Place(2, word, (word,), word, is_guilty=True, notice=word),
            Place(3, word, (), word, notice=word),
        ),
    )
    table = MatterShown(word, word, (Answer(word, word, word),))
    exhibits = Exhibits(links=[Link(word, word, 5), Link("a", word, TOKEN_UNIT)])
    exhibits.add_matter(word, pictured)
    exhibits.add_matter(word, table)
    return Receipt(
        system=word,
        about={word: word},
        caveats=[word],
        checks=[Check(word, False, word, word), Check("fine", True, "1", "1")],
        parties=[PartyBalance(word, word, 5, 7, word)],
        tokens_before=5,
        tokens_after=7,
        seconds={word: 0.5},
        evidence={word: word, "count": 1000},
        exhibits=exhibits,
    )


def wide_receipt(nodes: int, outputs: int = 16) -> Receipt:
    """Many nodes with long names, many numbers in each answer, amounts of all their digits."""
    numbers = ", ".join(f"-{n}.12345678901234567" for n in range(outputs))
    answers = tuple(Answer(numbers, numbers) for _ in range(3))
    places = tuple(
        Place(
            index,
            ACCOUNT,
            ("accepted at 2026-11-29 14:00:00 UTC", f"ended by {ACCOUNT}"),
            "paid" if index > 2 else "answered",
            notice="" if index > 2 else "The payer lost 2.5 of its own.",
        )
        for index in range(1, nodes + 1)
    )
    receipt = Receipt("wide", balance_columns=("put in", "got out"))
    receipt.exhibits.add_matter("matters", MatterShown("One", f"Of {DIGEST}", answers, places))
    receipt.exhibits.add_links([Link(f"stake of {ACCOUNT}", ACCOUNT, LARGEST)])
    receipt.about |= {"matter": DIGEST, "contract": f"Settles {ACCOUNT}"}
    receipt.compare("accounts", [ACCOUNT] * nodes, [ACCOUNT] * nodes)
    receipt.compare("digests", {DIGEST: DIGEST}, {DIGEST: DIGEST})
    receipt.parties += [
        PartyBalance(f"node {n}", "", LARGEST, LARGEST, ACCOUNT) for n in range(nodes)
    ]
    receipt.tokens_before = receipt.tokens_after = nodes * LARGEST
    return receipt


SAMPLES = {
    "empty": Receipt("empty"),
    "words": full_receipt("word"),
    "hostile": full_receipt(HOSTILE),
    "unbroken": full_receipt(UNBROKEN),
    "from the right": full_receipt(FROM_THE_RIGHT),
    "16 nodes, 16 outputs": wide_receipt(16),
    "one node": wide_receipt(1, outputs=1),
}
