"""One event is one line of JSON, and a secret is in none of them (threat A61)."""

from __future__ import annotations

import base64
import copy
import io
import json
import logging
import pickle
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import PeerFault, RefusedInput
from edgemark.logs import HIDDEN, MAX_VALUE_CHARS, Secret, about, configure_logs, get_logger

KEY = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
UNPRINTABLE = "\n\r\x0b\x0c\x1b[2J\x7f\x85\x9b31m\u2028\u2029\u202e\ud800"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    found = io.StringIO()
    configure_logs("debug", found)
    yield found
    configure_logs("error")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event__is_one_line_with_its_facts(stream: io.StringIO) -> None:
    get_logger("node").info("result committed", job=b"\xab" * 32, index=3, late=False)
    (line,) = lines(stream)
    at = line.pop("at")
    assert at.endswith("Z")
    assert line == {
        "level": "info",
        "part": "node",
        "event": "result committed",
        "job": "ab" * 32,
        "index": 3,
        "late": False,
    }


def test_an_error__is_logged_as_its_facts(stream: io.StringIO) -> None:
    error = PeerFault("lied", who="node 3", had=7, needed=8, remedy="Keep the evidence.")
    get_logger("device").warning("answer refused", error=error)
    (line,) = lines(stream)
    assert line["error"] == {
        "error": "PeerFault",
        "what": "lied",
        "who": "node 3",
        "had": "7",
        "needed": "8",
        "remedy": "Keep the evidence.",
    }


def test_a_hostile_text__stays_on_its_line_and_short(stream: io.StringIO) -> None:
    log = get_logger("device")
    hostile = f'x{UNPRINTABLE}{{"level":"error","event":"all stolen"}}'
    log.info("heard", said=hostile)
    log.info("heard", said="y" * 10**6, raw=b"z" * 10**6)
    assert stream.getvalue().isascii()
    assert set(UNPRINTABLE) & set(stream.getvalue()) <= set("\n[2J31m")
    first, second = lines(stream)
    assert (first["event"], first["said"]) == ("heard", hostile)
    assert len(second["said"]) == MAX_VALUE_CHARS + 1
    assert len(second["raw"]) == MAX_VALUE_CHARS


def test_collections__print_their_parts(stream: io.StringIO) -> None:
    get_logger("x").info("seen", many=[b"\x01", 2], named={"a": b"\x03", 4: None})
    (line,) = lines(stream)
    assert line["many"] == ["01", 2]
    assert line["named"] == {"a": "03", "4": None}


def test_a_level__leaves_out_what_is_below_it(stream: io.StringIO) -> None:
    configure_logs("warning", stream)
    log = get_logger("x")
    for write in (log.debug, log.info, log.warning, log.error):
        write("event")
    assert [line["level"] for line in lines(stream)] == ["warning", "error"]


def test_configure_logs__again__writes_once(stream: io.StringIO) -> None:
    configure_logs("info", stream)
    configure_logs("info", stream)
    get_logger("x").info("once")
    assert len(lines(stream)) == 1


def test_configure_logs__an_unknown_level__is_refused() -> None:
    with pytest.raises(RefusedInput, match="loud"):
        configure_logs("loud")


def test_an_exception__adds_its_type_and_no_locals(stream: io.StringIO) -> None:
    def fail() -> None:
        local_secret = KEY.hex()
        raise ValueError(f"length {len(local_secret)}")

    try:
        fail()
    except ValueError:
        logging.getLogger("edgemark.x").exception("failed")
    (line,) = lines(stream)
    assert line["exception"] == "ValueError: length 64"
    assert KEY.hex() not in stream.getvalue()


@dataclass(frozen=True)
class Holder:
    """A record with one field that holds a secret and one that hides it itself."""

    name: str
    key: Secret[bytes]
    plain: bytes = field(repr=False)


def spellings(secret: bytes) -> list[str]:
    """How a secret could look in a text."""
    number = int.from_bytes(secret, "big")
    return [
        secret.hex(),
        secret.hex().upper(),
        base64.b64encode(secret).decode().rstrip("="),
        str(number),
        repr(secret)[2:-1],
    ]


def test_a61_a_secret__is_in_no_text_that_can_be_made_of_it(stream: io.StringIO) -> None:
    secret = Secret(KEY)
    holder = Holder("owner", secret, KEY)
    error = RefusedInput("no", who=holder, had=secret, needed=[secret])
    texts = [
        repr(secret),
        str(secret),
        f"{secret}{secret!r:>90}{secret:>90}",
        "{}".format(secret),  # noqa: UP032 - the older door
        "%s %r" % (secret, holder),  # noqa: UP031 - and the oldest
        str(error),
        json.dumps(error.as_dict()),
        json.dumps({"key": secret}, default=str),
        repr(holder),
    ]
    log = get_logger("x")
    log.info("all of it", secret=secret, holder=holder, many=[secret, {"a": secret}], error=error)
    texts.append(stream.getvalue())
    for text in texts:
        for spelling in spellings(KEY):
            assert spelling not in text
    assert HIDDEN in texts[0]
    assert secret.reveal() == KEY


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a61_a_secret__is_not_serialised_or_copied(copying: Any) -> None:
    with pytest.raises(RefusedInput) as refused:
        copying(Secret(KEY))
    assert KEY.hex() not in str(refused.value)
    with pytest.raises(TypeError):
        json.dumps(Secret(KEY))
    with pytest.raises(TypeError):
        vars(Secret(KEY))


@given(st.dictionaries(st.sampled_from("abcdef"), st.text() | st.binary() | st.integers()))
def test_any_facts__are_one_line_that_json_reads(facts: dict[str, object]) -> None:
    found = io.StringIO()
    configure_logs("info", found)
    try:
        get_logger("x").info("event", **facts)
    finally:
        configure_logs("error")
    assert len(found.getvalue().splitlines()) == 1
    line = json.loads(found.getvalue())
    assert set(facts) <= set(line)


def test_what_holds_meanwhile__is_on_every_line_and_gone_afterwards(stream: io.StringIO) -> None:
    log = get_logger("ledger.lane")
    with about(job=b"\x01" * 32, index=3):
        with about(index=4, request="f"):
            log.info("fees raised", nonce=7)
        log.info("sent")
    log.info("over")
    inner, outer, after = lines(stream)
    assert (inner["job"], inner["index"], inner["request"]) == ("01" * 32, 4, "f")
    assert (outer["job"], outer["index"]) == ("01" * 32, 3)
    assert "request" not in outer
    assert "job" not in after


def test_what_holds_in_one_thread__is_not_on_the_lines_of_another(stream: io.StringIO) -> None:
    with about(job="one"):
        other = threading.Thread(target=lambda: get_logger("x").info("elsewhere"))
        other.start()
        other.join()
    assert "job" not in lines(stream)[0]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("form", "out", "is_text"),
    [
        ("auto", io.StringIO(), False),
        ("auto", Terminal(), True),
        ("json", Terminal(), False),
        ("text", io.StringIO(), True),
    ],
)
def test_form__is_text_for_terminals_or_on_demand(
    form: str, out: io.StringIO, is_text: bool
) -> None:
    configure_logs("info", out, form=form)
    get_logger("node").info("result committed", job=b"\xab" * 4, why="two words", index=3)
    configure_logs("error")
    line = out.getvalue()
    assert line.endswith(
        'info    node: result committed job=abababab why="two words" index=3\n'
    ) is (is_text)
    assert line.startswith('{"at"') is not is_text


def test_text__is_one_line_of_printable_characters_whatever_was_said() -> None:
    out = io.StringIO()
    configure_logs("info", out, form="text")
    get_logger("node").info(f"heard{UNPRINTABLE}", said=UNPRINTABLE, secret=Secret(KEY))
    configure_logs("error")
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().rstrip("\n").isprintable()
    assert KEY.hex() not in out.getvalue()


@pytest.mark.parametrize(("level", "form"), [("loud", "json"), ("info", "xml")])
def test_unknown_level_or_form__is_refused(level: str, form: str) -> None:
    with pytest.raises(RefusedInput, match="unknown log"):
        configure_logs(level, form=form)


def test_lines__go_where_standard_error_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logs("info")
    drawing = io.StringIO()  # what a spinner puts there, so that lines stand above it
    monkeypatch.setattr(sys, "stderr", drawing)
    get_logger("device").info("job posted")
    configure_logs("info", io.StringIO())
    assert "job posted" in drawing.getvalue()
