"""Who may log in, once, with what, and what a session may do then."""

from __future__ import annotations

import pytest

from edgemark.errors import Overloaded
from edgemark.logs import Secret
from edgemark.transport.broker.admissions import Admissions
from edgemark.transport.broker.tickets import SessionInvalid, TopicInvalid, Topics

TOPICS = Topics.pair("up", "down")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def an_office(most: int = 2) -> tuple[Admissions, Clock]:
    clock = Clock()
    return Admissions(most, clock), clock


def test_a_password__counts_once() -> None:
    office, _ = an_office()
    password = office.admit("left", TOPICS, 200)
    assert office.take("left", password)
    assert not office.take("left", password)
    assert office.topics_of("left") == TOPICS


def test_a_wrong_password__uses_nothing_up() -> None:
    office, _ = an_office()
    password = office.admit("left", TOPICS, 200)
    for wrong in ("", "x", password.reveal()[:-1]):
        assert not office.take("left", Secret(wrong))
    assert not office.take("right", password)
    assert office.take("left", password)


def test_admitted_again__the_former_password_is_void() -> None:
    office, _ = an_office()
    former, latter = office.admit("left", TOPICS, 200), office.admit("left", TOPICS, 200)
    assert former.reveal() != latter.reveal()
    assert not office.take("left", former)
    assert office.take("left", latter)


def test_after_its_time__nobody_logs_in_or_does_anything() -> None:
    office, clock = an_office()
    password = office.admit("left", TOPICS, 200)
    clock.now = 200
    assert not office.take("left", password)
    assert office.topics_of("left") is None
    with pytest.raises(SessionInvalid):
        office.change("left", lambda topics: topics)


def test_more_sessions_than_there_may_be__are_refused_until_one_is_over() -> None:
    office, clock = an_office(most=2)
    office.admit("left", TOPICS, 150)
    office.admit("right", TOPICS, 300)
    with pytest.raises(Overloaded) as caught:
        office.admit("third", TOPICS, 300)
    assert (caught.value.who, caught.value.had) == ("third", 2)
    office.admit("left", TOPICS, 150)  # again: it has its place
    clock.now = 150
    office.admit("third", TOPICS, 300)
    office.dismiss("right")
    office.dismiss("right")
    assert len(office) == 1


def test_a_session__may_do_more_and_less() -> None:
    office, _ = an_office()
    office.admit("hub", Topics.many((), ()), 200)
    office.change("hub", lambda topics: topics | TOPICS | Topics.pair("up2", "down2"))
    found = office.topics_of("hub")
    assert found is not None
    assert found.is_hub
    office.change("hub", lambda topics: topics - TOPICS)
    assert office.topics_of("hub") == Topics.pair("up2", "down2")


NO_TOPICS = ["", "a/#", "+", "a+", "$SYS/a", "a\0", "a\n", "x" * 257, "\ud800"]


@pytest.mark.parametrize("topic", NO_TOPICS)
def test_a_topic_that_means_others__is_none(topic: str) -> None:
    with pytest.raises(TopicInvalid):
        Topics.pair("up", topic)


@pytest.mark.parametrize("name", ["", "a b", "é", "x" * 65, "a\n"])
def test_a_name_that_is_none__is_refused(name: str) -> None:
    office, _ = an_office()
    with pytest.raises(SessionInvalid):
        office.admit(name, TOPICS, 200)


def test_nothing__prints_a_password() -> None:
    office, _ = an_office()
    password = office.admit("left", TOPICS, 200)
    assert password.reveal() not in f"{vars(office)} {password!r}"
