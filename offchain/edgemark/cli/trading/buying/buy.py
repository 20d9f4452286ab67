"""`edgemark trading buy`: from an offer, or a demand, to a result that was checked and paid for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from edgemark.cli.options.amounts import MTC, SOME_MTC
from edgemark.cli.options.plain_numbers import RealRange, WholeRange
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.begun_ids import Known, find_id
from edgemark.cli.terminal.outputs import check_apart
from edgemark.cli.trading.buying.channels import CHANNEL, find_channel
from edgemark.cli.trading.buying.desks import Desk
from edgemark.cli.trading.buying.errand import Errand, recover_channel
from edgemark.cli.trading.buying.reading import (
    Whom,
    Work,
    read_qualifications,
    read_texts,
)
from edgemark.cli.trading.buying.staying import Waiting
from edgemark.cli.trading.buying.together import Together, count_channels, name_part
from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address
from edgemark.settings.settings import Settings
from edgemark.systems.trading.buyer.market.bidding import Wishes
from edgemark.systems.trading.contract.records import MAX_CHANNELS
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.systems.trading.story.reading import Lookout

MOST_S = 366 * 86_400
MOST = 2**32 - 1
MOST_CPU_S = 3600 * 1024
FILE = click.Path(path_type=Path, dir_okay=False)
OF_A_CHANNEL = frozenset(  # what is agreed on when one is opened
    {"offer", "many", "category", "cores", "ram_mib", "most_price", "per", "most_first_price"}
    | {"auditor", "auditor_account"}
    | {"deposit", "bond", "seconds", "interval_s", "grace_s", "cap", "credit"}
    | {"controller", "texts", "tokens"}
)
OF_WORK = frozenset(
    {"function_file", "program", "cpu_s", "input_file", "out_file", "pieces", "sample"}
    | {"channel", "keep_open"}
)


@click.command("buy")
@spends()
@click.argument("offer", nargs=-1)
@click.option(
    "--channels",
    "many",
    type=WholeRange(1, MAX_CHANNELS),
    help="Share the inputs out among so many.  [default: one of each OFFER]",
)
@click.option("--category", help="Instead of OFFER: what is bought, or the hash of that.")
@click.option(
    "--cores", type=WholeRange(0, 2**32 - 1), default=0, help="With --category: at least."
)
@click.option("--ram-mib", type=WholeRange(0, MOST), default=0, help="The same, of memory.")
@click.option("--most-price", type=SOME_MTC, help="For --per units, of the dearest weight.")
@click.option(
    "--per", type=WholeRange(1, 2**64 - 1), help="Units.  [default: the template's, of an OFFER]"
)
@click.option("--most-first-price", type=MTC, help="Owed once, with the first units.")
@click.option("--auditor", metavar="DID", help="Who has to vouch for the seller.")
@click.option("--auditor-account", metavar="ACCOUNT", help="That signs for it, if another.")
@click.option("--function", "function_file", type=FILE, help="Canonical bytes of F.")
@click.option(
    "--program", metavar="PROGRAM", help="Instead: of the seller's list, by name or digest."
)
@click.option(
    "--cpu", "cpu_s", type=WholeRange(1, 3600 * 1024), help="Its processor seconds at most."
)
@click.option("--input", "input_file", type=FILE, help="Rows of integers, JSON; or the bytes.")
@click.option("--out", "out_file", type=FILE, help="Where the result goes.")
@click.option(
    "--pieces", type=WholeRange(1, 256), default=1, show_default=True, help="Cut the batch into."
)
@click.option("--sample", type=WholeRange(0, 10**6), help="Inputs computed again; 0: all of them.")
@click.option("--deposit", type=SOME_MTC, help="Else what the work costs at most.")
@click.option("--bond", type=SOME_MTC, help="Else the least that the escrow takes.")
@click.option("--for", "seconds", type=WholeRange(60, MOST_S), help="Seconds of service.")
@click.option("--interval", "interval_s", type=WholeRange(1, 86_400), help="Seconds of a bill.")
@click.option("--grace", "grace_s", type=WholeRange(0, 86_400), help="That a voucher may be late.")
@click.option("--cap", type=SOME_MTC, help="Most that an interval costs.")
@click.option("--credit", type=MTC, help="Most that is served beyond it and not signed for.")
@click.option("--controller", metavar="ACCOUNT", help="Else one in good standing.")
@click.option("--sealed", "is_sealed", is_flag=True, help="What is done only the parties can read.")
@click.option("--text", "texts", type=FILE, multiple=True, help="Of a template, if at hand.")
@click.option("--qualification", "tokens", type=FILE, multiple=True, help="A credential at hand.")
@click.option("--in", "channel", metavar="CHANNEL", help="Order in a channel that is open.")
@click.option("--recover", "lost", metavar="CHANNEL", help="Look after a channel of a lost disk.")
@click.option("--keep-open", is_flag=True, help="Leave the channel open when the result is there.")
@click.option("--timeout", "timeout_s", type=RealRange(0, 10.0 * MOST_S), help="Seconds at most.")
def buy(
    spending: Spending,
    offer: tuple[str, ...],
    channel: str | None,
    lost: str | None,
    timeout_s: float | None,
    **given: Any,
) -> int:
    """Buy work of the seller of OFFER, check it, pay for it, and close the channel.

    The deposit and a bond are locked; what is not used comes back. Bills are signed as answers
    come: each is computed again before. Several channels are opened by one transaction: of the
    sellers of all OFFERs in turn, each with a part of the inputs and a deposit of its own.
    """
    ends_at = None if timeout_s is None else time.monotonic() + timeout_s
    if lost is not None:
        check_alone("--recover", OF_A_CHANNEL | OF_WORK)
        return recover(spending, lost, ends_at)
    if channel is not None:
        check_alone("--in", OF_A_CHANNEL)
    settings, many = spending.invocation.settings(), count_channels(given["many"], len(offer))
    errands = read_errands(spending, ends_at, given, many)
    if channel is not None:
        return errands[0].order_in(spending, find_channel(settings, channel))
    whom = [read_whom(each, given) for each in offer or (None,)]
    wishes = [read_wishes(settings, each, given) for each in whom]
    if many == 1:
        return errands[0].buy(spending, whom[0], wishes[0])
    turns = [place % len(whom) for place in range(many)]
    both = (tuple(whom[each] for each in turns), tuple(wishes[each] for each in turns))
    return Together(errands, *both, find_place(given["out_file"])).buy(spending)


def read_whom(offer: str | None, given: Mapping[str, Any]) -> Whom:
    """Of whom it is to be bought; raises `RefusedInput`."""
    named = ("category", "cores", "ram_mib", "most_price", "per", "auditor", "auditor_account")
    whom = Whom(offer, *(given[name] for name in named))
    whom.check_price()
    return whom


def check_alone(mode: str, others: frozenset[str]) -> None:
    """Check that nothing was typed which `mode` would pass over.

    Args:
        mode: the option that decides.
        others: names of parameters that say nothing beside it.

    Raises:
        RefusedInput: one of them was.
    """
    context = click.get_current_context()
    typed = [
        each.opts[0] if isinstance(each, click.Option) else str(each.name).upper()
        for each in context.command.params
        if each.name in others
        and context.get_parameter_source(str(each.name)) is ParameterSource.COMMANDLINE
        and context.params[str(each.name)] != ()  # of an argument that may be missing
    ]
    if typed:
        raise RefusedInput("says nothing beside it", who=mode, had=", ".join(typed))


def find_place(out: Path | None) -> str:
    """The whole path of the result's file; empty for none."""
    return "" if out is None else str(out.resolve())


def read_errands(
    spending: Spending, ends_at: float | None, given: Mapping[str, Any], many: int
) -> tuple[Errand, ...]:
    """What is to be done in each channel, and where its result goes; raises `RefusedInput`."""
    out: Path | None = given["out_file"]
    read = {"--function": given["function_file"], "--input": given["input_file"]}
    check_apart({"--out": out}, read)
    if out is not None and not out.resolve().parent.is_dir():
        needed = "a folder that is there"
        raise RefusedInput("is in no folder", who="--out", had=out, needed=needed)
    names = ("function_file", "program", "input_file", "cpu_s", "pieces")
    works = Work(*(given[name] for name in names)).read_parts(many)
    sample = given["sample"]
    if sample is None:
        sample = spending.invocation.settings().of(BuyerSettings).sample
    place, keep_open = find_place(out), given["keep_open"]
    places = [place] if many == 1 else [name_part(place, n + 1) for n in range(many)]
    for name in places:
        check_apart({"--out": Path(name) if name else None}, read)
    return tuple(
        Errand(work, sample, name, ends_at, keep_open=keep_open)
        for work, name in zip(works, places, strict=True)
    )


def read_wishes(settings: Settings, whom: Whom, given: Mapping[str, Any]) -> Wishes:
    """What a channel is to be like; raises `RefusedInput`."""
    controller = given["controller"]
    names = ("deposit", "bond", "seconds", "interval_s", "grace_s", "cap", "credit")
    prices = ("most_price", "per", "most_first_price")
    return Wishes(
        offer=whom.read_offer(settings),
        auditor=whom.read_auditor(),
        controller=None if controller is None else parse_address(controller, who="--controller"),
        texts=read_texts(given["texts"]),
        qualifications=read_qualifications(given["tokens"]),
        is_sealed=given["is_sealed"],
        **{name: given[name] for name in (*names, *prices)},
    )


def recover(spending: Spending, lost: str, ends_at: float | None) -> int:
    """`--recover`: what this account locked in a channel comes back, or goes where it is owed."""
    settings, is_quiet = spending.invocation.settings(), spending.invocation.as_json

    def list_ids() -> list[str]:
        return [each.hex() for each in Lookout.open(settings).chronicle.list_channels()]

    channel = find_id(CHANNEL, lost, Known("this chain", list_ids))

    def wait(desk: Desk) -> Waiting:
        return Waiting(desk, channel, ends_at, is_quiet)

    return recover_channel(spending, channel, wait)
