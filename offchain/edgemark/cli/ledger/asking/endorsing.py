"""Says which organisations did not endorse what does not count for that."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.faults import TransactionInvalid
from edgemark.ledger.fabric.lifecycle.administrator import Administrator
from edgemark.ledger.fabric.lifecycle.deploying import members_of
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.policy.policies import least_sets, parse_policy, resolve
from edgemark.ledger.fabric.wire.policy.texts import describe_policy


def explain_endorsers(
    invalid: TransactionInvalid, asking: Administrator, chaincode: str, endorsed: Sequence[str]
) -> None:
    """Let an error name policy and organisations that are missing, where the ledger says them.

    Args:
        invalid: of a transaction that does not count.
        asking: who asks for the definition.
        chaincode: that was called.
        endorsed: MSP ids of those who were asked, and endorsed; empty: it is left as it is.
    """
    if invalid.code is not Code.ENDORSEMENT_POLICY_FAILURE or not endorsed:
        return
    invalid.had = f"{invalid.had}, endorsed by {', '.join(sorted(set(endorsed)))} alone"
    invalid.remedy = "Leave --org out: then all are asked whose endorsement is needed."
    with suppress(EdgemarkError):  # it does not say
        wanted = asking.definition(chaincode)
        if wanted is None:
            return
        invalid.needed = f"what its policy says: {describe_policy(wanted.policy)}"
        members = members_of(asking, chaincode)
        enough = least_sets(resolve(parse_policy(wanted.policy), members), members)
        missing = [sorted(each - set(endorsed)) for each in enough if each - set(endorsed)]
        if missing:
            fewest = min(missing, key=lambda each: (len(each), each))
            invalid.needed += f", so {' and '.join(fewest)} too"
