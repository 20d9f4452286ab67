"""Letters at which something fails that nobody foresaw: counted, and the log stays short."""

from __future__ import annotations

from unittest.mock import Mock

from edgemark.errors import RefusedInput
from edgemark.systems.trading.station.post.mail import LINES_PER_S_OF_TOPIC, Carried, Mail

MANY = 200


def test_letters_that_fail__are_all_counted_and_few_are_logged() -> None:
    # No thread runs: a note is made as by the thread that hands letters over.
    client = Mock(lost=0)
    mail = Mail(client, lambda *_: None, "mail")
    mail._log = Mock()
    for _ in range(MANY):
        mail._note_fault("letter failed", "topic", ValueError("?"))
        mail._note_refused("another", RefusedInput("is refused", who="letter"))
    assert mail.carried.faults == MANY
    for line in (mail._log.error, mail._log.info):
        assert 1 <= line.call_count <= 2 + LINES_PER_S_OF_TOPIC * 10
    assert (mail.carried + Carried(0, 0, 0, 1)).faults == MANY + 1


def test_letter_at_whose_sending_something_fails__is_counted_as_one_that_did_not_get_out() -> None:
    client = Mock(lost=0)
    mail = Mail(client, lambda *_: None, "mail")
    mail._log = Mock()
    mail._going.put("topic", b"letter")
    client.publish.side_effect = ValueError("?")
    mail._going.finish = lambda _: mail._is_over.set()  # type: ignore[method-assign] - one round
    mail._send()
    carried = mail.carried
    assert (carried.sent, carried.dropped, carried.faults) == (0, 1, 1)
