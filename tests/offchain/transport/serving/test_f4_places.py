"""F4: places belong to those who send something, and known parties have places of their own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
from aiohttp import web
from tests.offchain.transport.known_cards import KnownCards
from tests.offchain.transport.serving.test_http_server import KEY
from tests.siege import besieged
from tests.waiting import wait_until

from edgemark.errors import Overloaded
from edgemark.transport.asking.http import HttpClient
from edgemark.transport.faults import PeerRefused, PeerUnreachable
from edgemark.transport.limits import ServerLimits
from edgemark.transport.serving.crowd import Crowd, Guest, Places, group_of
from edgemark.transport.serving.reception import Reception
from edgemark.transport.serving.routes import Request, Response, Route
from edgemark.transport.serving.server import HttpServer

LIMITS = ServerLimits(most_connections=12, known_connections=4, most_sockets=40, most_of_known=2)
HELD = 60  # connections of the besiegers: more than there are places and sockets
HONEST = 27  # requests, as many as were refused one after the other
PATIENCE_S = 15


def echo(request: Request) -> Response:
    return Response(body=request.body)


@contextlib.contextmanager
def serving(
    handler: Callable[[Request], Response] = echo, *, limits: ServerLimits = LIMITS
) -> Iterator[HttpServer]:
    routes = [Route("POST", "/v1/opinions", handler, 4096)]
    cards = {"judge's card": "judge", "node's card": "node"}
    with HttpServer(routes, KEY, limits=limits, door=KnownCards(cards)) as server:
        yield server


def ask(server: HttpServer, body: bytes, card: str = "", timeout_s: float = 10.0) -> bytes:
    client = HttpClient(timeout_s=timeout_s)
    return client.request(
        server.url, KEY.pin, "POST", "/v1/opinions", body, most_bytes=4096, card=card
    )


def ask_often(server: HttpServer) -> int:
    """How many honest requests are not served, each asked once."""
    refused = 0
    for number in range(HONEST):
        try:
            assert ask(server, b"%d" % number, timeout_s=3.0) == b"%d" % number
        except (PeerRefused, PeerUnreachable):
            refused += 1
    return refused


@pytest.mark.parametrize("addresses", [2, 248], ids=["two addresses", "many addresses"])
def test_f4_bodies_that_never_come__keep_no_honest_request_out(addresses: int) -> None:
    from_where = [f"127.0.0.{number}" for number in range(2, 2 + addresses)]
    with serving() as server, besieged([server.port], each=HELD, addresses=from_where) as opened:
        wait_until("the siege", lambda: opened[0] > HELD)
        assert ask_often(server) == 0
        assert ask(server, b"from a judge", "judge's card") == b"from a judge"


class PlantedReception(Reception):
    """As it was: a request counts from its head on."""

    async def _take_in(
        self, route: Route, request: web.Request, guest: Guest
    ) -> web.StreamResponse:
        leave = self._places.take(guest.holder)
        guest.is_working = True
        try:
            return await super()._take_in(route, request, guest)
        finally:
            leave()


def test_f4_the_planted_server__refuses_every_honest_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgemark.transport.serving.server.Reception", PlantedReception)
    with serving() as server, besieged([server.port], each=HELD) as opened:
        wait_until("the siege", lambda: opened[0] > HELD)
        assert ask_often(server) > HONEST // 2


def test_f4_known_parties__are_served_while_strangers_hold_every_other_place() -> None:
    held, leave = threading.Semaphore(0), threading.Event()

    def hold(request: Request) -> Response:
        if request.account is None:
            held.release()
            assert leave.wait(PATIENCE_S)
        return echo(request)

    limits = ServerLimits(most_connections=3, workers=3, peer_part=1.0)
    with serving(hold, limits=limits) as server:
        strangers = [threading.Thread(target=ask, args=(server, b"x")) for _ in range(3)]
        for stranger in strangers:
            stranger.start()
        for _ in strangers:
            assert held.acquire(timeout=PATIENCE_S)
        try:
            with pytest.raises(PeerRefused, match="status 503"):
                ask(server, b"a stranger too many")
            assert ask(server, b"known", "node's card") == b"known"
        finally:
            leave.set()
            for stranger in strangers:
                stranger.join()


def test_f4_strangers_that_ask_too_often__do_not_slow_a_known_party() -> None:
    with serving(limits=ServerLimits(per_s=2.0, per_s_of_peer=50.0)) as server:
        with pytest.raises(PeerRefused, match="status 503"):
            for _ in range(20):
                ask(server, b"x")
        for _ in range(20):
            assert ask(server, b"known", "node's card") == b"known"


def test_f4_a_body_that_lags_behind_the_least_rate__ends() -> None:
    limits = ServerLimits(body_s=0.3, least_bytes_per_s=10_000)
    with serving(limits=limits) as server, besieged([server.port], each=1) as opened:
        wait_until("a second try, as the first was cut off", lambda: opened[0] > 1)


def closing(names: list[str], name: str) -> Callable[[], None]:
    return lambda: names.append(name)


def test_crowd__full__lets_the_oldest_of_the_greediest_peer_go() -> None:
    crowd, gone = Crowd(5, 5), list[str]()
    for name, peer in (("a1", "a"), ("b1", "b"), ("a2", "a"), ("c1", "c"), ("a3", "a")):
        assert crowd.enter(name, Guest(peer, closing(gone, name)))
    for number in range(3):
        assert crowd.enter(f"d{number}", Guest(f"d{number}", closing(gone, f"d{number}")))
    assert gone == ["a1", "a2", "b1"]
    assert len(crowd) == 5


def test_crowd__full_of_working_and_known_guests__lets_strangers_go_first_and_then_nobody() -> None:
    crowd, gone = Crowd(3, 3), list[str]()
    stranger, known = Guest("s", closing(gone, "s")), Guest("k", closing(gone, "k"), "judge")
    working = Guest("w", closing(gone, "w"), is_working=True)
    for guest in (known, working, stranger):
        assert crowd.enter(guest, guest)
    assert crowd.enter("1", Guest("x", closing(gone, "1"), is_working=True))
    assert crowd.enter("2", Guest("y", closing(gone, "2"), is_working=True))
    assert not crowd.enter("3", Guest("z", closing(gone, "3")))
    assert gone == ["s", "k"]


def test_crowd__of_one_peer__has_its_own_bound() -> None:
    crowd, gone = Crowd(10, 2), list[str]()
    for name in ("1", "2", "3"):
        assert crowd.enter(name, Guest("a", closing(gone, name)))
    assert (gone, len(crowd)) == (["1"], 2)


def test_places__of_one_known_party__are_not_all_of_them() -> None:
    places = Places(LIMITS, lambda: "server")
    leave = [places.take((True, "judge")) for _ in range(LIMITS.most_of_known)]
    with pytest.raises(Overloaded, match="busy with this peer"):
        places.take((True, "judge"))
    places.take((True, "node"))
    leave[0]()
    places.take((True, "judge"))


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_peers__are_addresses_or_networks_of_one_subscriber(address: str, group: str) -> None:
    assert group_of(address) == group


def test_a_body_that_nobody_needs__is_answered_by_its_head() -> None:
    def fail(_: Request) -> Response:
        raise AssertionError

    routes = [Route("POST", "/v1/opinions", fail, 10**7, lambda _: Response(body=b"taken"))]
    with HttpServer(routes, KEY) as server:
        assert ask(server, bytes(10**6)) == b"taken"
        assert server.reception.bytes_in == 0
