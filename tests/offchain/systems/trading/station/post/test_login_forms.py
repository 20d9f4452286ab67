"""What party and controller say before the first letter; and what a dishonest one may say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.station.post.post_cast import (
    BUYER,
    CONTROLLER,
    DOMAIN,
    KEY,
    PAPERS,
    signed,
)

from edgemark.encoding import MalformedMessage, Writer
from edgemark.errors import EdgemarkError, PeerFault
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.identity.did.identifier import make_did
from edgemark.logs import Secret
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Login, Role
from edgemark.systems.trading.station.post.logins import (
    NONCES,
    Application,
    Nonce,
    Papers,
    Pass,
    PassInvalid,
)
from edgemark.systems.trading.station.post.office import ControllerDoors
from edgemark.systems.trading.station.post.topics import (
    MOST_CHANNELS,
    channel_of,
    inbox,
    name_session,
    topics_of,
    topics_of_all,
)
from edgemark.transport.broker.tickets import check_session

CHANNEL, OTHER = (ChannelId(bytes([number]) * 32) for number in (1, 2))
LOGIN = Login("host:8443", CONTROLLER.address, KEY.pin, CHANNEL, b"n" * 32, Timestamp(2_000_000))
PASS = Pass("127.0.0.1", 8883, KEY.pin, "session", Secret("word"), frozenset({CHANNEL, OTHER}))


def facts(given_: Pass) -> tuple[object, ...]:
    return (*vars(replace(given_, password=Secret(""))).values(),)[:4], given_.channels


@given(
    st.text(max_size=40),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**64 - 1),
    st.booleans(),
    st.none()
    | st.builds(
        Papers,
        st.just(PAPERS.terms),
        st.text("a.b", max_size=9),
        st.binary(max_size=9),
        st.binary(),
    ),
    st.just(b"") | st.binary(min_size=65, max_size=65),
)
def test_an_application__comes_back_as_it_went(
    service: str, nonce: bytes, expiry: int, is_more: bool, papers: Papers | None, word: bytes
) -> None:
    login = signed(replace(LOGIN, service=service, nonce=nonce, expiry=Timestamp(expiry)), BUYER)
    asked = Application(login, papers, is_more, word)
    assert Application.from_wire(asked.to_wire()) == asked


def test_a_credential_that_is_no_ascii__is_no_papers() -> None:
    asked = Application(signed(LOGIN, BUYER), replace(PAPERS, token="ä.ö.ü"))
    with pytest.raises(MalformedMessage):
        Application.from_wire(asked.to_wire())


def test_a_pass__comes_back_as_it_went() -> None:
    again = Pass.from_wire(PASS.to_wire())
    assert facts(again) == facts(PASS)
    assert again.password.reveal() == "word"
    assert Pass.from_wire(PASS.without_password().to_wire()).is_more
    most = replace(
        PASS, channels=frozenset(ChannelId(n.to_bytes(32, "big")) for n in range(MOST_CHANNELS))
    )
    assert len(Pass.from_wire(most.to_wire()).ticket(Role.BUYER).topics.publish) == MOST_CHANNELS


def test_every_prefix_and_every_byte_more_of_a_pass__is_the_controllers_fault() -> None:
    raw = PASS.to_wire()
    for part in (*(raw[:place] for place in range(len(raw))), raw + b"\0"):
        with pytest.raises(PassInvalid):
            Pass.from_wire(part)


@pytest.mark.parametrize(
    "changed",
    [
        replace(PASS, host=""),
        replace(PASS, host="a b"),
        replace(PASS, host="x/../y"),
        replace(PASS, host="user@host"),
        replace(PASS, port=0),
        replace(PASS, session=""),
        replace(PASS, session="a session"),
        replace(PASS, session="x" * 65),
        replace(PASS, password=Secret("x" * 129)),
    ],
    ids=lambda each: f"{each.host} {each.port} {each.session}"[:30],
)
def test_a_pass_to_nowhere__is_the_controllers_fault(changed: Pass) -> None:
    with pytest.raises(PassInvalid):
        Pass.from_wire(changed.to_wire())


@pytest.mark.parametrize("order", [(OTHER, CHANNEL), (CHANNEL, CHANNEL)])
def test_channels_out_of_order_or_twice__are_refused(order: tuple[ChannelId, ...]) -> None:
    tail = Writer().integer(2, 2)
    for channel in order:
        tail.fixed(channel, 32)
    raw = replace(PASS, channels=frozenset()).to_wire()[:-2] + tail.finish()
    with pytest.raises(PassInvalid, match="not in order"):
        Pass.from_wire(raw)


class Applicant:
    """Asks a controller that says what a test wants."""

    def __init__(self, nonce: bytes, given_: bytes) -> None:
        self.nonce, self.given = nonce, given_

    def place_of(self, controller: Address) -> tuple[str, Hash32]:  # noqa: ARG002
        return "https://host:8443", KEY.pin

    def ask(
        self,
        controller: Address,  # noqa: ARG002
        path: str,
        body: bytes,  # noqa: ARG002
        *,
        most: int,  # noqa: ARG002
    ) -> bytes:
        return self.nonce if path == NONCES else self.given

    def sign(self, login: Login) -> bytes:
        return BUYER.sign(DOMAIN.login(login))

    def sign_as_party(self, login: Login) -> bytes | None:  # noqa: ARG002
        return None

    def papers(self, channel: ChannelId) -> Papers:  # noqa: ARG002
        return PAPERS

    def word(self, channel: ChannelId) -> bytes:  # noqa: ARG002 - it gives none
        return b""


GOOD = Nonce(b"n" * 32, Timestamp(2**64 - 1)).to_wire()


@pytest.mark.parametrize(
    ("nonce", "given_"),
    [
        (b"", b""),
        (GOOD[:-1], PASS.to_wire()),
        (GOOD + b"x", PASS.to_wire()),
        (GOOD, b""),
        (GOOD, b"\xff" * 500),
        (GOOD, replace(PASS, channels=frozenset({OTHER})).to_wire()),
        (GOOD, PASS.without_password().to_wire()),
    ],
    ids=range(7),  # its key is drawn anew in every process
)
def test_a_controller_that_answers_something_else__is_at_fault(nonce: bytes, given_: bytes) -> None:
    doors = ControllerDoors(Applicant(nonce, given_), CONTROLLER.address, Role.BUYER)
    refused = list[EdgemarkError]()
    with pytest.raises(PeerFault):
        doors.enter([CHANNEL], lambda _, error: refused.append(error))
    assert len(refused) == 1


def test_a_controller_that_adds_channels_nobody_asked_for__gives_their_topics_to_nobody() -> None:
    doors = ControllerDoors(Applicant(GOOD, PASS.to_wire()), CONTROLLER.address, Role.BUYER)
    ticket, own = doors.enter([CHANNEL], lambda *_: None)
    assert own == {CHANNEL}
    assert ticket.topics == topics_of(CHANNEL, Role.BUYER)


def test_topics__say_their_channel_and_nothing_else_does() -> None:
    for owner in (Role.BUYER, Role.SELLER):
        assert channel_of(inbox(CHANNEL, owner)) == CHANNEL
    digits = CHANNEL.hex()
    for topic in ("", "hub", f"hub/{digits}", f"hub/{digits}/controller", f"x/{digits}/buyer"):
        assert channel_of(topic) is None
    for text in (f"0x{digits}", digits.upper()[:-1] + "A", digits[:-2], digits + "00"):
        assert channel_of(f"hub/{text}/buyer") is None
    both = topics_of_all([CHANNEL, OTHER], Role.CONTROLLER)
    assert both.publish == both.subscribe
    assert len(both.publish) == 4


def test_names_of_sessions__tell_accounts_roles_and_identities_apart() -> None:
    account = BUYER.address
    dids = [make_did(chain, each) for chain in (1, 2) for each in (account, CONTROLLER.address)]
    names = {name_session(account, role, did) for role in (Role.BUYER, Role.SELLER) for did in dids}
    assert len(names) == 8
    for name in names:
        check_session(name)
        assert name.startswith(account.lower())
