"""Brings a chaincode to a channel from wherever it stands: what is done already is not done again.

Law: a definition is committed only where a majority approved just this, and is endorsed by those
that did; where there is none, each organisation that did not is named with what differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.faults import ChaincodeRefused, NotEndorsed
from edgemark.ledger.fabric.lifecycle.administrator import LOOK_S, Administrator
from edgemark.ledger.fabric.lifecycle.messages import Approved, Wanted, check_wanted
from edgemark.ledger.fabric.wire.policies import PolicyRefused, Rule, organisations_of
from edgemark.words import name_each

HEARSAY_S = 30.0  # until peers have heard of each other, and of what others approved
READY_S = 60.0  # until they have heard of what was committed, and reach its processes


class ApprovalsDiffer(RefusedInput):
    """Too few organisations approved a definition."""


@dataclass(frozen=True)
class Deployed:
    """A chaincode on a channel.

    Attributes:
        wanted: what is agreed on, or would be.
        packages: package id of each organisation that was acted for.
        is_committed: whether it is agreed on.
        missing: what organisations did not approve, by MSP id; others may have to act.
    """

    wanted: Wanted
    packages: Mapping[str, str]
    is_committed: bool
    missing: Mapping[str, str]


def deploy(
    administrators: Sequence[Administrator],
    wanted: Wanted,
    packages: Mapping[str, bytes],
    tell: Callable[[str], None] = lambda _: None,
) -> Deployed:
    """Install, approve and commit a chaincode, and wait until it can be endorsed.

    Args:
        administrators: of the organisations that are acted for, at least one.
        wanted: the definition; its sequence is chosen here.
        packages: of each of these organisations, by MSP id; none for one that does not endorse.
        tell: told what is being done.

    Returns:
        What stands now; not committed where other organisations have to approve first.

    Raises:
        ApprovalsDiffer: another organisation approved something else under this sequence.
        RefusedInput, ChaincodeRefused, NotEndorsed, TransactionInvalid, LedgerSilent: see
            `Administrator`.
    """
    first = administrators[0]
    check_wanted(wanted)
    ids = {}
    for each in administrators:
        ids[each.msp_id] = ""
        if each.msp_id in packages:
            tell(f"installing at {each.msp_id}")
            ids[each.msp_id] = each.install(packages[each.msp_id]).package_id
    current = first.definition(wanted.name)
    is_as_committed = current is not None and current.terms == wanted.terms
    held = 0 if current is None else current.sequence
    wanted = replace(wanted, sequence=held if is_as_committed else held + 1)
    for each in administrators:
        approved = Approved(wanted, ids[each.msp_id])
        if each.approved(wanted.name, wanted.sequence) != approved:
            tell(f"approving for {each.msp_id}")
            each.approve(approved)
    missing: dict[str, str] = {}
    if not is_as_committed:
        ready = _hear_approvals(first, wanted, list(ids))
        missing = {msp_id: what for msp_id, what in ready.items() if what}
        willing = [msp_id for msp_id, what in ready.items() if not what]
        if 2 * len(willing) <= len(ready):
            return Deployed(wanted, ids, False, missing)
        tell(f"committing {wanted.name} {wanted.version}, sequence {wanted.sequence}")
        _commit(first, wanted, willing)
    tell("waiting until it can be endorsed")
    endorsers = [msp_id for msp_id, package_id in ids.items() if package_id]
    first.wait_until_endorsed(wanted.name, endorsers, READY_S)
    return Deployed(wanted, ids, True, missing)


def members_of(first: Administrator, name: str) -> list[str]:
    """MSP ids of the organisations of the channel, as `_lifecycle` says who may approve."""
    current = first.definition(name)
    following = 1 if current is None else current.sequence + 1
    return list(first.readiness(Wanted(name, "1", following)))


def check_endorsers(text: str, rule: Rule, members: Sequence[str]) -> None:
    """Refuse an endorsement policy that names an organisation which the channel does not have.

    Args:
        text: the policy, as it was written.
        rule: what it means.
        members: MSP ids of the organisations of the channel.

    Raises:
        PolicyRefused: it names one; each is named.
    """
    unknown = sorted(organisations_of(rule) - set(members))
    if unknown:
        raise PolicyRefused(
            f"names {name_each('organisation', unknown)}, which the channel does not have",
            who="endorsement policy",
            had=text[:200],
            needed=name_each("organisation", sorted(members)),
            remedy="Name organisations of the channel: others never endorse.",
        )


def _hear_approvals(
    first: Administrator, wanted: Wanted, msp_ids: Sequence[str]
) -> Mapping[str, str]:
    """Who approved a definition, as soon as the first one's peer has heard of these."""
    deadline = time.monotonic() + HEARSAY_S
    while True:
        ready = first.readiness(wanted)
        has_all = not any(ready.get(msp_id) for msp_id in msp_ids)
        if has_all or time.monotonic() > deadline:
            return ready
        time.sleep(LOOK_S)


def _commit(first: Administrator, wanted: Wanted, willing: Sequence[str]) -> None:
    """Commit, as soon as peers have heard of each other and of what each approved."""
    deadline = time.monotonic() + HEARSAY_S
    while True:
        try:
            first.commit(wanted, willing)
        except (NotEndorsed, ChaincodeRefused):
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_S)
        else:
            return


def check_committed(deployed: Deployed) -> None:
    """Refuse what is not agreed on, and name who has still to approve what.

    Raises:
        ApprovalsDiffer: it is not.
    """
    if not deployed.is_committed:
        wanted = deployed.wanted
        words = "; ".join(f"{msp_id}: {what}" for msp_id, what in deployed.missing.items())
        told = ", ".join(f"{whose}: {each}" for whose, each in deployed.packages.items() if each)
        raise ApprovalsDiffer(
            "is not committed: too few organisations approved the same",
            who=f"chaincode {wanted.name} {wanted.version}, sequence {wanted.sequence}",
            had=f"{words}; approved with package {told}" if told else words,
            needed="the approval of a majority",
            remedy="Let their administrators approve just this; then deploy again.",
        )
