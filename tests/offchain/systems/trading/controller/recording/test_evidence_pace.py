"""The least N that the chain sustains, of what was issued and recorded (T19)."""

from __future__ import annotations

from fractions import Fraction

from edgemark.systems.trading.controller.recording.pace import WINDOW_S, PaceMeter


def issuing(meter: PaceMeter, per_s: int, seconds: int, begin: int = 0) -> None:
    for second in range(begin, begin + seconds):
        for _ in range(per_s):
            meter.note_issued(float(second))


def test_nothing_measured__asks_for_no_higher_n() -> None:
    paces = PaceMeter(8, 100).read(5.0)
    assert (paces.issued_per_s, paces.recorded_per_s, paces.least) == (0, None, 1)


def test_the_papers_case__needs_n_of_ten() -> None:
    """11,000 credentials a second; 8 transactions of 100 pieces take 2/3 s: 1,200 a second."""
    meter = PaceMeter(8, 100)
    issuing(meter, 11_000, 3)
    meter.note_recorded(100, 2 / 3)
    paces = meter.read(3.0)
    assert paces.issued_per_s == 11_000
    assert paces.recorded_per_s is not None
    assert abs(paces.recorded_per_s - 1200) < Fraction(1, 1000)
    assert paces.least == 10
    assert (paces.issued, paces.recorded) == (33_000, 100)


def test_single_evidence_on_a_slow_chain__needs_a_high_n() -> None:
    meter = PaceMeter(8, 1)
    issuing(meter, 4, 60)
    meter.note_recorded(1, 24.0)
    assert meter.read(60.0).least == 12


def test_a_chain_that_does_not_answer__sustains_less_and_less() -> None:
    meter = PaceMeter(8, 1)
    issuing(meter, 8, 60)
    meter.note_recorded(1, 1.0)
    assert meter.read(60.0).least == 1
    assert meter.read(60.0, oldest_s=30.0).least == 30


def test_what_was_issued_long_ago__counts_no_more() -> None:
    meter = PaceMeter(8, 100)
    issuing(meter, 10, 10)
    assert meter.read(10.0).issued_per_s == 10
    assert meter.read(30.0).issued_per_s == Fraction(100, 30)
    assert meter.read(11.0 + WINDOW_S).issued_per_s == 0
    issuing(meter, 3, 60, begin=1000)
    assert meter.read(1060.0).issued_per_s == 3
