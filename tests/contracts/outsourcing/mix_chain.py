"""The settlement on chain beside its model: the same acts at the same seconds, then the same state.

`Pair.play` sends an act of the model as a transaction, with the real signatures of nodes and
judges, and lets the model act too: both do it, or both refuse it with the same error and values.
`Pair.differences` compares all that the settlement and the anchor store of the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.contracts.outsourcing.mix_walks import Act
from tests.offchain.systems.outsourcing.simulation.model import SettlementModel
from tests.offchain.systems.outsourcing.simulation.model_rules import ModelRefused

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import NOBODY, Address, Hash32, ShareIndex, Timestamp
from edgemark.ledger.evm.contract.interface import explain_revert
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call, intent_of
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.messages import Acceptance

GAS = 5_000_000  # given, not estimated: a refused transaction is to be mined
STAKED = (IndexPhase.ACCEPTED, IndexPhase.COMMITTED, IndexPhase.CHARGED, IndexPhase.SERVED)
CHARGED = (IndexPhase.CHARGED, IndexPhase.SERVED)

Refusal = tuple[str, dict[str, Any]]  # name and values of a custom error
Held = tuple[Address, int]  # owner and rest of a place
EMPTY: Held = (NOBODY, 0)


class Disagreement(AssertionError):
    """Contract and model do different things."""


@dataclass(frozen=True)
class Place:
    """The job of one mix on chain: what its acts are about.

    Attributes:
        job: its id.
        nonce: the payer's, from which the id comes.
        terms: as posted.
        payer: who posts it.
        nodes: the list of the posting.
    """

    job: JobId
    nonce: int
    terms: Terms
    payer: Address
    nodes: tuple[Address, ...]


class Pair:
    """The contracts and the model of them, in the same state.

    Args:
        chain: reads at its head; makes a block for each transaction.
        settlement: the contract.
        anchor: holds the tokens.
        model: in the state of the contract.
        keys: of nodes and judges, which sign.
        outsider: brings what anyone may bring.
        place: the job.
    """

    def __init__(
        self,
        chain: EvmChain,
        settlement: SettlementContract,
        anchor: AnchorAccounts,
        model: SettlementModel,
        keys: Mapping[Address, SecretKey],
        outsider: Address,
        place: Place,
    ) -> None:
        self._chain, self._settlement, self._anchor = chain, settlement, anchor
        self._keys, self._outsider, self._place = keys, outsider, place
        self._locked_before = anchor.totals().locked - model.held
        self.model = model

    def play(self, act: Act) -> str:
        """Let both do it; the name of the error when both refuse it, else nothing.

        Raises:
            Disagreement: only one of them refuses it, or each for another reason.
        """
        found = self._act_on_chain(act)
        expected: Refusal | None = None
        try:
            act.on(self.model, self._place.job)
        except ModelRefused as refused:
            expected = refused.error, refused.values
        if found != expected:
            raise Disagreement(f"{act}: contract {found or 'did it'}, model {expected or 'did it'}")
        return expected[0] if expected else ""

    def differences(self) -> dict[str, tuple[object, object]]:
        """(on chain, in the model) of every balance, lock, phase and deadline that is not equal."""
        job = self._place.job
        view, seats = self.model.job_view(job), self.model.index_views(job)
        pairs: dict[str, tuple[object, object]] = {
            f"free of {account}": (self._anchor.free_balance(account), free)
            for account, free in self.model.free.items()
        }
        locked = self._anchor.totals().locked - self._locked_before
        pairs["locked"] = locked, self.model.held
        stored = self._settlement.job(job, block="latest")
        # the model has no blocks
        pairs["job"] = stored, view and replace(view, posted_block=stored.posted_block)
        for index, seat in enumerate(seats, start=1):
            pairs[f"index {index}"] = self._settlement.index(job, index, block="latest"), seat
        expected = self._expected_places()
        pairs |= {
            f"place {number}": (self._place_of(number), held)
            for number, held in enumerate(expected)
        }
        lock = self._anchor.lock(self._settlement.address, job)
        pairs["lock"] = (lock.expires_at, lock.is_group), (self.model.lock_expiry(job), True)
        pairs["sum of places"] = sum(amount for _, amount in expected), self.model.held
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    # --- places of the job's lock ----------------------------------------------------------------

    def _place_of(self, number: int) -> Held:
        place = self._anchor.place(self._settlement.address, self._place.job, number)
        return place.owner, place.amount

    def _expected_places(self) -> list[Held]:
        """The payer's f for every open index and b for every open charge; S of each node."""
        terms, payer = self._place.terms, self._place.payer
        seats = self.model.index_views(self._place.job)
        fees = terms.fee * sum(not seat.phase.is_end for seat in seats)
        bonds = terms.bond * sum(seat.phase in CHARGED for seat in seats)
        places = [(payer, fees + bonds)]
        for node, seat in zip(self._place.nodes, seats, strict=True):
            places.append((node, terms.stake * (seat.phase in STAKED)))
        return [held if held[1] else EMPTY for held in places]

    # --- transactions --------------------------------------------------------------------------

    def _act_on_chain(self, act: Act) -> Refusal | None:
        """Send it at its second; error and values when it was mined and reverted."""
        sender, call = self._transaction(act)
        intent = intent_of(call)
        self._chain.rpc("evm_setNextBlockTimestamp", act.now)
        receipt = self._chain.rpc(
            "eth_sendTransactionSync",
            {"from": sender, "to": intent.to, "data": "0x" + intent.data.hex(), "gas": hex(GAS)},
        )
        mined_at = self._chain.block(int(receipt["blockNumber"], 16)).timestamp
        if mined_at != act.now:
            raise Disagreement(f"{act}: mined at {mined_at}")
        if int(receipt["status"], 16) == 1:
            return None
        tracer = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
        trace = self._chain.rpc("debug_traceTransaction", receipt["transactionHash"], tracer)
        data = bytes.fromhex(trace.get("output", "0x")[2:])
        return explain_revert(data, intent.contract.interface)

    def _transaction(self, act: Act) -> tuple[Address, Call]:
        """Who calls what; anyone may bring what others signed."""
        settlement, job = self._settlement, self._place.job
        values = dict(act.values)
        sender = values.pop("caller", self._outsider)
        match act.name:
            case "post":
                return values.pop("payer"), settlement.post(self._place.nonce, **values)
            case "accept":
                return sender, self._acceptances(**values)
            case "record_served":
                return sender, self._served(**values)
            case "record_verdict":
                return sender, self._verdict(**values)
            case name:  # the others are unsigned, and named as in the model
                return sender, getattr(settlement, name)(job, **values)

    def _acceptances(
        self, signed_by: Mapping[int, Address], valid_until: Timestamp | None = None
    ) -> Call:
        terms, job = self._place.terms, self._place.job
        until = terms.accept_by if valid_until is None else valid_until
        view = self.model.job_view(job)
        # of an unknown job: the contract reads zeros, and refuses before it looks at the signature
        root = Hash32(bytes(32)) if view is None else view.root
        domain, brought = self._settlement.domain, list[Acceptance]()
        for index, signer in signed_by.items():
            j = ShareIndex(index)
            digest = domain.acceptance(job, j, root, terms.hash, terms.stake, until)
            brought.append(Acceptance(job, j, until, self._keys[signer].sign(digest)))
        return self._settlement.accept(job, self._place.nodes, brought)

    def _served(self, index: ShareIndex, signers: list[Address]) -> Call:
        digest = self._settlement.domain.served(*self._charge(index))
        signatures = [self._keys[signer].sign(digest) for signer in signers]
        return self._settlement.record_served(self._place.job, index, signatures)

    def _verdict(self, index: ShareIndex, finding: Finding, signers: list[Address]) -> Call:
        digest = self._settlement.domain.verdict(*self._charge(index), int(finding))
        signatures = [self._keys[signer].sign(digest) for signer in signers]
        return self._settlement.record_verdict(self._place.job, index, finding, signatures)

    def _charge(self, index: ShareIndex) -> tuple[JobId, ShareIndex, Hash32, Address, ChargeKind]:
        """What judges speak of; where there is no such index, of nothing."""
        job, view = self._place.job, self.model.job_view(self._place.job)
        if view is None or not 1 <= index <= view.node_count:
            return job, index, Hash32(bytes(32)), NOBODY, ChargeKind.NONE
        seat = self.model.index_views(job)[index - 1]
        return job, index, view.root, seat.node, seat.kind


class Translation:
    """From the people, the seconds and the terms of a walk to those on chain.

    Args:
        accounts: account on chain of everybody in the walk.
        seconds: what is added to every time.
        amounts: fee, judge_fee and stake on chain; they decide nothing about who acts when.
    """

    def __init__(
        self, accounts: Mapping[Address, Address], seconds: int, amounts: Mapping[str, int]
    ) -> None:
        self._accounts, self._seconds, self._amounts = accounts, seconds, amounts

    def act(self, act: Act) -> Act:
        """The act on chain."""
        values = {key: self._value(key, value) for key, value in act.values.items()}
        return Act(act.now + self._seconds, act.name, values)

    def terms(self, terms: Terms) -> Terms:
        """The terms on chain."""
        changes: dict[str, Any] = dict(self._amounts)
        for name in ("accept_by", "compute_by", "collect_by"):
            changes[name] = getattr(terms, name) + self._seconds
        return replace(terms, **changes)

    def _value(self, key: str, value: Any) -> Any:
        match key:
            case "payer" | "caller":
                return self._accounts[value]
            case "signed_by":
                return {index: self._accounts[account] for index, account in value.items()}
            case "nodes" | "signers":
                return [self._accounts[account] for account in value]
            case "terms":
                return self.terms(value)
            case "valid_until":
                return value if value is None else value + self._seconds
            case _:
                return value
