"""Brings a chaincode to a channel from wherever it stands: what is done already is not done again.

Law: a definition is committed only where a majority approved just this, and is endorsed by those
that did; where there is none, each organisation that did not is named with what differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edgemark.ledger.fabric.faults import (
    ApprovalsDiffer,
    ChaincodeRefused,
    LedgerSilent,
    NotEndorsed,
    PolicyRefused,
)
from edgemark.ledger.fabric.lifecycle.administrator import LOOK_S, Administrator
from edgemark.ledger.fabric.lifecycle.messages import check_wanted
from edgemark.ledger.fabric.lifecycle.wishing import Wish
from edgemark.ledger.fabric.wire.definitions import Approval, ChaincodeDefinition
from edgemark.ledger.fabric.wire.policy.policies import Rule, organisations_of
from edgemark.words import name_each

HEARSAY_S = 30.0  # until peers have heard of each other, and of what others approved
READY_S = 60.0  # until they have heard of what was committed, and reach its processes


@dataclass(frozen=True)
class Deployed:
    """A chaincode on a channel.

    Attributes:
        wanted: what is agreed on, or would be.
        packages: package id of each organisation that was acted for.
        is_committed: whether it is agreed on.
        missing: what organisations did not approve, by MSP id; others may have to act.
        former: what was agreed on before; None for nothing.
        repackaged: MSP ids of those acted for that ran another package before.
    """

    wanted: ChaincodeDefinition
    packages: Mapping[str, str]
    is_committed: bool
    missing: Mapping[str, str]
    former: ChaincodeDefinition | None = field(default=None, compare=False)
    repackaged: Sequence[str] = field(default=(), compare=False)


def deploy(
    administrators: Sequence[Administrator],
    wished: Wish | ChaincodeDefinition,
    packages: Mapping[str, bytes],
    tell: Callable[[str], None] = lambda _: None,
) -> Deployed:
    """Install, approve and commit a chaincode, and wait until it can be endorsed.

    Args:
        administrators: of the organisations that are acted for, at least one.
        wished: the definition; its sequence is chosen here. Of a wish, what it does not say stays
            as it is committed.
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
    check_wanted(wished.over(None) if isinstance(wished, Wish) else wished)
    ids = {}
    for each in administrators:
        ids[each.msp_id] = ""
        if each.msp_id in packages:
            tell(f"installing at {each.msp_id}")
            ids[each.msp_id] = each.install(packages[each.msp_id]).package_id
    current = first.definition(wished.name)
    wanted = wished.over(current) if isinstance(wished, Wish) else wished
    moved = _list_repackaged(administrators, current, ids)
    wanted = replace(wanted, sequence=_choose_sequence(administrators, current, wanted, moved))
    for each in administrators:
        approved = Approval(wanted, ids[each.msp_id])
        if each.approved(wanted.name, wanted.sequence) != approved:
            tell(f"approving for {each.msp_id}")
            each.approve(approved)
    missing: dict[str, str] = {}
    if current is None or current.sequence != wanted.sequence:
        ready = _hear_approvals(first, wanted, list(ids))
        missing = {msp_id: what for msp_id, what in ready.items() if what}
        willing = [msp_id for msp_id, what in ready.items() if not what]
        if 2 * len(willing) <= len(ready):
            return Deployed(wanted, ids, False, missing, current, moved)
        tell(f"committing {wanted.name} {wanted.version}, sequence {wanted.sequence}")
        _commit(first, wanted, willing)
    tell("waiting until it can be endorsed")
    endorsers = [msp_id for msp_id, package_id in ids.items() if package_id]
    _wait_until_endorsed(first, wanted, endorsers)
    return Deployed(wanted, ids, True, missing, current, moved)


def _list_repackaged(
    administrators: Sequence[Administrator],
    current: ChaincodeDefinition | None,
    ids: Mapping[str, str],
) -> list[str]:
    """MSP ids of those that approved another package than this for what is committed."""
    if current is None:
        return []
    held = {each.msp_id: each.approved(current.name, current.sequence) for each in administrators}
    return [
        msp_id
        for msp_id, approved in held.items()
        if approved is not None and approved.package_id not in ("", ids[msp_id])
    ]


def _choose_sequence(
    administrators: Sequence[Administrator],
    current: ChaincodeDefinition | None,
    wanted: ChaincodeDefinition,
    moved: Sequence[str],
) -> int:
    """The next one where the definition changes, else that which is committed.

    Who can commit alone takes another package by the next one too: then all run it from one block
    on. Who cannot changes its own package alone, which is nobody else's affair.
    """
    if current is None:
        return 1
    can_commit = moved and 2 * len(administrators) > len(members_of(administrators[0], wanted.name))
    return current.sequence + (current.terms != wanted.terms or bool(can_commit))


def _wait_until_endorsed(
    first: Administrator, wanted: ChaincodeDefinition, endorsers: Sequence[str]
) -> None:
    try:
        first.wait_until_endorsed(wanted.name, endorsers, READY_S)
    except (NotEndorsed, LedgerSilent) as fault:
        fault.remedy = (
            f"{wanted.name} is committed, sequence {wanted.sequence}, and was not endorsed yet: "
            "let its process run where its package says, by the package's id; or deploy another."
        )
        raise


def members_of(first: Administrator, name: str) -> list[str]:
    """MSP ids of the organisations of the channel, as `_lifecycle` says who may approve."""
    current = first.definition(name)
    following = 1 if current is None else current.sequence + 1
    return list(first.readiness(ChaincodeDefinition(name, "1", following)))


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
    first: Administrator, wanted: ChaincodeDefinition, msp_ids: Sequence[str]
) -> Mapping[str, str]:
    """Who approved a definition, as soon as the first one's peer has heard of these."""
    deadline = time.monotonic() + HEARSAY_S
    while True:
        ready = first.readiness(wanted)
        has_all = not any(ready.get(msp_id) for msp_id in msp_ids)
        if has_all or time.monotonic() > deadline:
            return ready
        time.sleep(LOOK_S)


def _commit(first: Administrator, wanted: ChaincodeDefinition, willing: Sequence[str]) -> None:
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
