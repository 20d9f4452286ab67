"""A job's story as the exhibits and the checks of a receipt: pure, for demonstrations and users."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgemark.chronicle.marks import Credit
from edgemark.identifiers import Address, format_tokens
from edgemark.receipt import PartyBalance, Receipt, format_time
from edgemark.receipt.exhibits import Answer, Link, MatterShown, Place
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.story.story import (
    DEPOSIT,
    IndexStory,
    JobStory,
    check_amounts,
    name_pot,
)
from edgemark.systems.outsourcing.story.telling import WHY, list_deeds

NodeName = Callable[[IndexStory], str]


def name_by_account(place: IndexStory) -> str:
    """The node of an index as the chain knows it."""
    return str(place.node)


def show_job(
    story: JobStory,
    name: str,
    answers: Sequence[Answer] = (),
    node_name: NodeName = name_by_account,
) -> MatterShown:
    """A job with its indices and answers.

    Args:
        story: read from the chain.
        name: its title.
        answers: inputs and what became of them, if they may be shown.
        node_name: how to call the node of an index.
    """
    terms = story.terms
    summary = (
        f"Job {story.job.hex()}: {terms.batch} inputs of {terms.inputs} numbers, F of degree "
        f"{terms.degree} with {terms.outputs} outputs, {terms.node_count} nodes. Any "
        f"{terms.threshold} of them learn nothing; {terms.errors} may lie or be silent."
    )
    places = tuple(
        Place(
            index=place.index,
            node=node_name(place),
            deeds=(*list_deeds(story, place, format_time), WHY[place.phase]),
            end=place.phase.name.lower().replace("_", " "),
            is_guilty=place.phase is IndexPhase.CONVICTED,
        )
        for place in story.indices
    )
    return MatterShown(name, summary, tuple(answers), places)


def list_links(story: JobStory) -> list[Link]:
    """Where the tokens that the job held have gone, as the anchor's own events say."""
    links = [_link(story, credit, place) for place in story.indices for credit in place.credits]
    links += [_link(story, credit, None) for credit in story.released]
    for pot in story.pots:
        source, owner = _source(pot.place), _recipient(story, pot.owner)
        links += [Link(source, owner, pot.given_back), Link(source, "held", pot.remaining)]
    return [link for link in links if link.amount]


def _link(story: JobStory, credit: Credit, place: IndexStory | None) -> Link:
    is_guilty = place is not None and place.phase is IndexPhase.CONVICTED
    source = _source(credit.place, is_guilty=is_guilty)
    return Link(source, _recipient(story, credit.account), credit.amount)


def _source(place: int, *, is_guilty: bool = False) -> str:
    if name_pot(place) == DEPOSIT:
        return "payer's deposit and bonds"
    return "convicted nodes' stakes" if is_guilty else "nodes' stakes"


def _recipient(story: JobStory, account: Address) -> str:
    name = story.name_of(account)
    return {"node": "nodes", "judge": "judges"}.get(name.partition(" ")[0], name)


def write_receipt(story: JobStory, state: DeviceJob, answers: Sequence[Answer]) -> Receipt:
    """The receipt of a real job: what the device found, beside what the chain did.

    Args:
        story: the job on chain.
        state: the job as its device knows it.
        answers: the result as its owner reads it; empty while there is none.
    """
    receipt = Receipt("outsourcing", balance_columns=("put in", "got out"))
    receipt.exhibits.add_matter("jobs", show_job(story, "The job", answers))
    receipt.exhibits.add_links(list_links(story))
    _check_finding(receipt, story, state)
    for amounts in check_amounts(story):
        paid = {story.name_of(account): format_tokens(n) for account, n in amounts.paid.items()}
        due = {story.name_of(account): format_tokens(n) for account, n in amounts.due.items()}
        receipt.compare(f"{amounts.what}: paid what the table of amounts says", paid, due)
    _add_balances(receipt, story)
    receipt.evidence |= {
        "chain": story.chain_id,
        "settlement": str(story.settlement),
        "job": story.job.hex(),
        "posted in block": story.posted.block,
        "posted by": f"0x{story.posted.tx.hex()}",
        "seen until block": story.as_of,
        "explained by": f"edgemark outsourcing explain {story.job.hex()}",
    }
    return receipt


def _check_finding(receipt: Receipt, story: JobStory, state: DeviceJob) -> None:
    undecided = state.undecided_because
    receipt.require(
        "the device has a result",
        state.result is not None,
        "decoded and checked" if state.result is not None else undecided or "not yet",
        "decoded and checked",
    )
    charged = [int(place.index) for place in story.indices if place.charge is not None]
    found = sorted(int(index) for index in (*state.wrong, *state.silent))
    receipt.compare("charged on chain is what the device found", charged, found)
    convicted = [p.index for p in story.indices if p.phase is IndexPhase.CONVICTED]
    receipt.require(
        "nobody was convicted whom the device had not found",
        set(convicted) <= set(found),
        [int(index) for index in convicted],
        f"among {found}",
    )


def _add_balances(receipt: Receipt, story: JobStory) -> None:
    """What each party put into this job, and what it has of it now."""
    put_in: dict[Address, int] = {}
    out: dict[Address, int] = {}
    for pot in story.pots:
        put_in[pot.owner] = put_in.get(pot.owner, 0) + pot.amount
        out[pot.owner] = out.get(pot.owner, 0) + pot.given_back
    for credit in _credits(story):
        out[credit.account] = out.get(credit.account, 0) + credit.amount
    for account in dict.fromkeys([*put_in, *story.judges, story.pool]):
        name = story.name_of(account)
        balance = PartyBalance(name, account, put_in.get(account, 0), out.get(account, 0))
        receipt.parties.append(balance)
    receipt.tokens_before = sum(put_in.values())
    receipt.tokens_after = sum(out.values()) + story.held
    receipt.compare_tokens(
        "tokens out and still held = tokens in", receipt.tokens_after, receipt.tokens_before
    )


def _credits(story: JobStory) -> list[Credit]:
    return [*(credit for place in story.indices for credit in place.credits), *story.released]
