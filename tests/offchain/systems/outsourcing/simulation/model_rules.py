"""The rules of `model.py` that need no state: refusals, bounds of the terms, deadlines, order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.identifiers import NOBODY, Address
from edgemark.systems.outsourcing.contract.amounts import compute_judge_threshold
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.contract.terms import (
    Terms,
    compute_least_judge_fee,
    compute_least_stake,
    compute_share_bytes,
    hash_nodes,
)

# Of one job at each look at it: hashed once.
hash_of_terms = lru_cache(64)(attrgetter("hash"))
hash_of_nodes = lru_cache(64)(hash_nodes)


class ModelRefused(Exception):
    """The contract would revert with this custom error.

    Attributes:
        error: its name.
        values: its arguments by snake_case name.
    """

    def __init__(self, error: str, **values: Any) -> None:
        super().__init__(f"{error}({values})")
        self.error = error
        self.values = values


def check_terms(now: int, terms: Terms, limits: Limits) -> None:
    """The bounds of `JobTerms.sol`, in its order."""
    least_nodes = compute_least_nodes(terms.degree, terms.threshold, terms.errors)
    for name, had, least, most in _bounds(now, terms, limits):
        if not least <= had <= most:
            raise ModelRefused("OutOfBounds", field=name, had=had, least=least, most=most)
        if name == "nodeCount" and had < least_nodes:
            raise ModelRefused("TooFewNodes", had=had, needed=least_nodes)


def _bounds(now: int, terms: Terms, limits: Limits) -> list[tuple[str, int, int, int]]:
    """Bounds of all terms by Solidity name, in the order in which the contract checks them."""
    share = compute_share_bytes(terms.batch, terms.inputs)
    stake = compute_least_stake(terms.fee, terms.node_count, max(terms.errors, 1))
    values = max(terms.inputs, terms.outputs) * terms.batch
    least_g = compute_least_judge_fee(
        terms.fee, terms.products, floor=limits.judge_floor, price=limits.judge_price
    )
    prefix = terms.job_key[0] if terms.job_key else 0
    least, most = limits.min_window, limits.max_window
    accept, compute, collect = terms.accept_by, terms.compute_by, terms.collect_by
    return [
        ("functionBytes", terms.function_bytes, 1, 64 * 2**20),
        ("termCount", terms.term_count, 1, 2**24),
        ("inputs", terms.inputs, 1, 2000),
        ("outputs", terms.outputs, 1, 1024),
        ("degree", terms.degree, 1, 20),
        ("batch", terms.batch, 1, 4096),
        ("inputValues", terms.batch * terms.inputs, 1, 2**18),
        ("outputValues", terms.batch * terms.outputs, 1, 2**18),
        ("jobValues", terms.node_count * values, 1, 2**22),
        ("products", terms.products, 1, 2**28),
        ("shareBytes", terms.share_bytes, share, share),
        ("threshold", terms.threshold, 1, 64),
        ("errors", terms.errors, 1, terms.threshold),
        ("nodeCount", terms.node_count, 1, 64),
        ("jobKey", len(terms.job_key), 33, 33),
        ("jobKeyPrefix", prefix, 2, 3),
        ("fee", terms.fee, limits.min_fee, limits.max_fee),
        ("judgeFee", terms.judge_fee, least_g, terms.fee // 3),
        ("stake", terms.stake, stake, 2**96 - 1),
        ("acceptBy", accept, now + least, now + most),
        ("computeBy", compute, accept + least, accept + most),
        ("collectBy", collect, compute + least, compute + most),
    ]


def check_by(now: int, deadline: int) -> None:
    if now > deadline:
        raise ModelRefused("TooLate", now_at=now, deadline=deadline)


def check_after(now: int, deadline: int) -> None:
    if now <= deadline:
        raise ModelRefused("TooEarly", now_at=now, allowed_after=deadline)


def check_called(caller: Address, needed: Address) -> None:
    if caller != needed:
        raise ModelRefused("CallerWrong", had=caller, needed=needed)


def check_ascending(previous: int, index: int) -> int:
    if index <= previous:
        raise ModelRefused("IndicesNotAscending", previous=previous, index=index)
    return index


def check_signers(signers: Sequence[Address], judges: Sequence[Address]) -> None:
    """k to n judges, ascending."""
    needed = compute_judge_threshold(len(judges))
    if len(signers) < needed:
        raise ModelRefused("TooFewSignatures", had=len(signers), needed=needed)
    previous = NOBODY
    for signer in signers:
        if int(signer, 16) <= int(previous, 16):
            raise ModelRefused("SignersNotAscending", previous=previous, signer=signer)
        previous = signer
    for signer in signers:
        if signer not in judges:
            raise ModelRefused("NotAMember", signer=signer)


def check_group(
    nodes: Sequence[Address],
    providers: Mapping[Address, Address],
    judge_providers: Mapping[Address, Address],
) -> None:
    """Compute nodes, strictly ascending by provider, none of a judge's."""
    of_judges = {provider: judge for judge, provider in judge_providers.items()}
    previous = NOBODY
    for turn, node in enumerate(nodes):
        if node not in providers:
            raise ModelRefused("NotAComputeNode", account=node)
        provider = providers[node]
        if provider == previous:
            pair = {"node_a": nodes[turn - 1], "node_b": node}
            raise ModelRefused("SameProvider", **pair, provider=provider)
        if int(provider, 16) < int(previous, 16):
            values = {"previous_provider": previous, "provider": provider}
            raise ModelRefused("NodesNotAscending", node=node, **values)
        previous = provider
        if provider in of_judges:
            judge = of_judges[provider]
            raise ModelRefused("JudgesProvider", node=node, judge=judge, provider=provider)
