"""`edgemark ledger invoke|query|finish`: ask a chaincode, and have what it wrote committed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from edgemark.cli.ledger.asking.choosing import (
    chooses_ledger,
    is_text,
    open_chosen,
    open_running,
    show_bytes,
    waits_for,
)
from edgemark.cli.ledger.asking.naming import Named, saying_what_is_there
from edgemark.cli.ledger.asking.reaching import check_is_up
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.exits import Exit, exit_of
from edgemark.cli.terminal.free_texts import FREE
from edgemark.cli.terminal.invocation import Invocation
from edgemark.cli.terminal.streams import say
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.fabric.client.asking import Transmission
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.opening import WAITS
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.messages import encode_text

F = TypeVar("F", bound=Callable[..., Any])

MAX_RETRIES = 100


@dataclass(frozen=True)
class TypedCall:
    """A call as it was typed.

    Attributes:
        chaincode: its name.
        words: function and arguments.
        sent: transient data, organisations.
        wait_s: longest time; None for the default.
    """

    chaincode: str
    words: tuple[str, ...]
    sent: Transmission
    wait_s: float | None


def takes_call(command: F) -> F:
    """Chaincode, function, arguments, and what goes with them, as one `TypedCall`."""
    parameters = [
        click.argument("chaincode"),
        click.argument("function", type=FREE),
        click.argument("arguments", type=FREE, nargs=-1),
        click.option(
            "--org",
            "organisations",
            multiple=True,
            metavar="MSP",
            help="Who has to answer; may be given again.  [default: as the policy says]",
        ),
        click.option(
            "--transient",
            multiple=True,
            metavar="NAME=TEXT",
            help="For the endorsers alone, and in no block.",
        ),
    ]

    @functools.wraps(command)
    def wrapped(invocation: Invocation, **kwargs: Any) -> Any:
        words = (kwargs.pop("function"), *kwargs.pop("arguments"))
        sent = _transmission(kwargs.pop("organisations"), kwargs.pop("transient"))
        typed = TypedCall(kwargs.pop("chaincode"), words, sent, kwargs.pop("wait_s"))
        return command(invocation, typed, **kwargs)

    for parameter in reversed(parameters):
        wrapped = parameter(wrapped)
    return wrapped  # type: ignore[return-value]


@contextmanager
def opened_for(
    invocation: Invocation, call: TypedCall, *, submits: bool = True
) -> Iterator[GatewayClient]:
    """A client for a call; what is refused names what there is. See `LedgerAccess.client`."""
    access = open_running(invocation)
    with access.client(submits=submits) as client:
        named = Named(access, client, call.chaincode, call.sent.organisations)
        with saying_what_is_there(named):
            yield client


@click.command("query")
@chooses_ledger
@takes_call
@waits_for(f"{WAITS.evaluate_s:g}")
def query(invocation: Invocation, call: TypedCall) -> None:
    """Ask a chaincode; nothing is changed. What is no text is printed as 0x and hex digits.

    Arguments are texts. What begins with - stands behind `--`, and options before that.
    """
    with opened_for(invocation, call, submits=False) as client:
        answer = client.evaluate(call.chaincode, *call.words, sent=call.sent, wait_s=call.wait_s)
    shown = show_bytes(answer)
    if is_text(answer):
        invocation.show({"response": shown}, shown)
        return
    if not invocation.as_json:
        say("the answer is no text; its bytes, in hex:")
    invocation.show({"response": shown, "encoding": "hex"}, shown)


@click.command("invoke")
@chooses_ledger
@takes_call
@waits_for(f"{WAITS.submit_s:g}")
@click.option(
    "--name", help="Typed again with this name, also after a crash, it goes on with the same one."
)
@click.option(
    "--retries",
    type=WholeRange(0, MAX_RETRIES),
    default=0,
    show_default=True,
    help="New proposals that may follow a conflict with others.",
)
@click.option(
    "--init",
    "is_init",
    is_flag=True,
    help="The first call of a version that was deployed with --init-required: its `init` is run.",
)
def invoke(
    invocation: Invocation, call: TypedCall, name: str | None, retries: int, *, is_init: bool
) -> None:
    """Have a chaincode do something, and wait until it is committed.

    Arguments are texts. What begins with - stands behind `--`, and options before that.

    What was endorsed is in the journal before it is sent; after a lost answer the same is sent
    again, never a second one.
    """
    with opened_for(invocation, call) as client:
        outcome = client.submit(
            call.chaincode,
            *call.words,
            name=name,
            retries=retries,
            sent=call.sent,
            is_init=is_init,
            wait_s=call.wait_s,
        )
    invocation.show(_facts(outcome), _line(outcome))


@click.command("finish")
@chooses_ledger
@waits_for(f"{WAITS.submit_s:g} for each")
@click.option(
    "--give-up",
    "names",
    multiple=True,
    metavar="NAME",
    help="End this one instead, without its code: it is not sent again, and its name stays taken; "
    "may be given again.",
)
def finish(invocation: Invocation, wait_s: float | None, names: Sequence[str]) -> Exit:
    """Go on with calls of this identity that were left open: the same envelopes, to their codes."""
    ends: list[Outcome | EdgemarkError] = []
    access = open_chosen(invocation)
    with access.client() as client:
        if any(client.desk.open_ones()):  # else nobody is asked
            check_is_up(access.settings, access.home)
        ends.extend(_give_up(client, names) if names else client.finish_open(wait_s))
    facts = [each.as_dict() if isinstance(each, EdgemarkError) else _facts(each) for each in ends]
    lines = [str(each) if isinstance(each, EdgemarkError) else _line(each) for each in ends]
    invocation.show({"finished": facts}, "\n".join(lines) or "nothing was left open")
    failed = [each for each in ends if isinstance(each, EdgemarkError)]
    return exit_of(failed[0]) if failed else Exit.DONE


def _give_up(client: GatewayClient, names: Sequence[str]) -> Iterator[Outcome | EdgemarkError]:
    for name in dict.fromkeys(names):
        try:
            yield client.give_up(name)
        except EdgemarkError as error:
            yield error


def _transmission(organisations: Sequence[str], transient: Sequence[str]) -> Transmission:
    held = {}
    for each in transient:
        name, found, value = each.partition("=")
        if not found or not name:
            raise RefusedInput(
                "is no transient value", who="--transient", had=name[:40], needed="NAME=TEXT"
            )
        held[name] = encode_text("transient value", value)
    return Transmission(held, organisations)


def _facts(outcome: Outcome) -> dict[str, object]:
    return {
        "transaction_id": outcome.transaction_id,
        "code": outcome.code.name,
        "block": outcome.block,
        "response": show_bytes(outcome.response),
        "name": outcome.name,
    }


def _line(outcome: Outcome) -> str:
    if outcome.code is Code.NOT_VALIDATED:
        return f"given up  transaction {outcome.transaction_id}, which may still count"
    line = f"{outcome.code.name} in block {outcome.block}  transaction {outcome.transaction_id}"
    return f"{line}\n{show_bytes(outcome.response)}" if outcome.response else line
