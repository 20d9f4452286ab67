"""A job's story as the exhibits and the checks of a receipt: pure, for demonstrations and users."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version

from edgemark.amounts import format_tokens
from edgemark.chronicle.marks import Credit
from edgemark.identifiers import Address, format_time
from edgemark.receipt import PartyBalance, Receipt
from edgemark.receipt.exhibits import Answer, Link, MatterShown, Place
from edgemark.systems.outsourcing.contract.amounts import compute_ending
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import Terms, warn_of_judges
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.story.story import (
    DEPOSIT,
    IndexStory,
    JobStory,
    check_amounts,
    name_pot,
)
from edgemark.systems.outsourcing.story.telling import WHY, list_deeds
from edgemark.words import count, in_words, name_each

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
    places = tuple(
        Place(
            index=place.index,
            node=node_name(place),
            deeds=(*list_deeds(story, place, format_time), WHY[place.phase]),
            end=in_words(place.phase),
            is_guilty=place.phase is IndexPhase.CONVICTED,
            notice=tell_loss(place.phase, story.terms),
        )
        for place in story.indices
    )
    summary = f"Job {story.job.hex()}: {tell_terms(story.terms)}"
    return MatterShown(name, summary, tuple(answers), places)


def tell_terms(terms: Terms) -> str:
    """What is computed by how many nodes, and how many of them may be what."""
    no_nodes = (
        "No node alone learns" if terms.threshold == 1 else f"No {terms.threshold} of them learn"
    )
    may_fail = {0: "none may", 1: "one may"}.get(terms.errors, f"up to {terms.errors} may")
    return (
        f"{count(terms.batch, 'input')} of {count(terms.inputs, 'number')}, F of degree "
        f"{terms.degree} with {count(terms.outputs, 'output')}, {count(terms.node_count, 'node')}. "
        f"{no_nodes} anything of the inputs; {may_fail} lie or be silent."
    )


def tell_loss(phase: IndexPhase, terms: Terms) -> str:  # noqa: PLR0911 - one line an end
    """Who loses what by this end, by the table of amounts, or what is at stake until there is one.

    Empty when everybody gets what the job promised him.
    """
    stake, bond, fee = (format_tokens(n) for n in (terms.stake, terms.bond, terms.fee))
    if phase in (IndexPhase.CHARGED, IndexPhase.SERVED):
        return (
            f"Not decided yet: the node's stake of {stake} MTC or the payer's bond of {bond} MTC."
        )
    if not phase.is_end:
        return ""
    paid = compute_ending(phase, terms)
    if phase is IndexPhase.CONVICTED:
        to = {"payer": paid.stake.payer, "judges": paid.stake.judges, "pool": paid.stake.pool}
        parts = ", ".join(f"{format_tokens(n)} to the {who}" for who, n in to.items() if n)
        return f"The node lost its stake of {stake} MTC: {parts}."
    if phase in (IndexPhase.REFUTED, IndexPhase.VOID):
        return f"The payer lost its bond of {bond} MTC."
    if phase is IndexPhase.ANSWERED:
        of_payer, of_node = (
            terms.bond + terms.fee - paid.deposit.payer,
            terms.fee - paid.deposit.node,
        )
        lost = format_tokens(of_payer - terms.fee), format_tokens(of_node)
        return f"The payer lost {lost[0]} MTC of its bond, the node {lost[1]} MTC of its fee."
    if phase in (IndexPhase.UNEARNED, IndexPhase.LAPSED):
        return f"The fee of {fee} MTC went to the pool: the payer paid it, the node did not get it."
    return ""


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


def write_receipt(
    story: JobStory, state: DeviceJob, answers: Sequence[Answer], model: str = ""
) -> Receipt:
    """The receipt of a real job: what the device found, beside what the chain did.

    Args:
        story: the job on chain.
        state: the job as its device knows it.
        answers: the result as its owner reads it; empty while there is none.
        model: what the function was compiled from; empty for a raw one.
    """
    receipt = Receipt("outsourcing", balance_columns=("put in", "got out"))
    receipt.exhibits.add_matter("jobs", show_job(story, "The job", answers))
    receipt.exhibits.add_links(list_links(story))
    _check_finding(receipt, story, state)
    for amounts in check_amounts(story):
        paid, due = (_tell_amounts(story, shares) for shares in (amounts.paid, amounts.due))
        receipt.compare(f"{amounts.what}: paid what the table of amounts says", paid, due)
    _add_balances(receipt, story)
    terms = story.terms
    receipt.about |= {
        **tell_place(story),
        "job": story.job.hex(),
        "phase": story.state,
        "posted": f"{format_time(story.posted.time)}, in block {story.posted.block}",
        "posting transaction": f"0x{story.posted.tx.hex()}",
        "model": model or "a raw function",
        "function": terms.function_hash.hex(),
        "data": f"{count(terms.batch, 'private input')} of {count(terms.inputs, 'number')}",
        "explained by": f"edgemark outsourcing explain {story.job.hex()}",
    }
    receipt.caveats += filter(None, [warn_of_judges(terms.threshold, terms.errors)])
    return receipt


def tell_place(story: JobStory) -> dict[str, str]:
    """When this was so, on which chain, by which contract and by which version of this program."""
    return {
        "as of": f"{format_time(story.now)}, block {story.as_of}",
        "chain": str(story.chain_id),
        "contract": f"JobSettlement {story.settlement}",
        "edgemark": version("edgemark"),
    }


def _tell_amounts(story: JobStory, shares: Mapping[Address, int]) -> dict[str, str]:
    """MTC by role, in the order of `_rank`."""
    ordered = sorted(shares, key=partial(_rank, story))
    return {story.name_of(account): format_tokens(shares[account]) for account in ordered}


def _rank(story: JobStory, account: Address) -> tuple[int, int, str]:
    """Payer, nodes, judges, pool, others; nodes and judges by number."""
    role, _, number = story.name_of(account).partition(" ")
    order = ("payer", "node", "judge", "pool")
    return order.index(role) if role in order else len(order), int(number or 0), role


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
    receipt.compare(
        "charged on chain is what the device found", _name_nodes(charged), _name_nodes(found)
    )
    convicted = [int(p.index) for p in story.indices if p.phase is IndexPhase.CONVICTED]
    receipt.require(
        "nobody was convicted whom the device had not found",
        set(convicted) <= set(found),
        _name_nodes(convicted),
        f"at most {_name_nodes(found)}" if found else "nobody",
    )


def _name_nodes(indices: Sequence[int]) -> str:
    return name_each("node", indices) if indices else "nobody"


def _add_balances(receipt: Receipt, story: JobStory) -> None:
    """What each party put into this job, and what it has of it now."""
    put_in: dict[Address, int] = {}
    out: dict[Address, int] = {}
    for pot in story.pots:
        put_in[pot.owner] = put_in.get(pot.owner, 0) + pot.amount
        out[pot.owner] = out.get(pot.owner, 0) + pot.given_back
    for credit in _credits(story):
        out[credit.account] = out.get(credit.account, 0) + credit.amount
    for account in sorted({*put_in, *out, *story.judges, story.pool}, key=partial(_rank, story)):
        amounts = put_in.get(account, 0), out.get(account, 0)
        receipt.parties.append(PartyBalance(story.name_of(account), "", *amounts, account))
    receipt.tokens_before = sum(put_in.values())
    receipt.tokens_after = sum(out.values()) + story.held
    receipt.compare_tokens(
        "tokens out and still held = tokens in", receipt.tokens_after, receipt.tokens_before
    )


def _credits(story: JobStory) -> list[Credit]:
    return [*(credit for place in story.indices for credit in place.credits), *story.released]
