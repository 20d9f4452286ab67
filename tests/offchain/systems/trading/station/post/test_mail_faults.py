"""Letters at which something fails that nobody foresaw: counted, and the log stays short."""

from __future__ import annotations

from unittest.mock import Mock

from edgemark.systems.trading.station.post.mail import LINES_PER_S_OF_TOPIC, Carried, Mail

MANY = 200


def test_letters_that_fail__are_all_counted_and_few_are_logged() -> None:
    # No thread runs: a note is made as by the thread that hands letters over.
    client = Mock(lost=0)
    mail = Mail(client, lambda *_: None, "mail")
    mail._log = Mock()
    for _ in range(MANY):
        mail._note_fault("letter failed", "topic", ValueError("?"))
    assert mail.carried.faults == MANY
    assert 1 <= mail._log.error.call_count <= 2 + LINES_PER_S_OF_TOPIC * 10
    assert (mail.carried + Carried(0, 0, 0, 1)).faults == MANY + 1
