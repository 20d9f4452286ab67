// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Callers} from "../anchoring/Callers.sol";
import {Deadlines} from "../anchoring/Deadlines.sol";
import {IJobSettlement, JobId} from "../interfaces/IJobSettlement.sol";
import {Amounts} from "./Amounts.sol";
import {Endings} from "./Endings.sol";
import {Phases} from "./Phases.sol";

/// @title Charges: from the accusation of an index to its end
/// @notice Charged, then served by the judges or void, then a verdict or lapsed: whatever anybody
/// leaves undone, a stranger ends it after the deadline.
abstract contract Charges is Endings {
    using SafeCast for uint256;

    /// @inheritdoc IJobSettlement
    function charge(JobId job, uint256[] calldata wrong, uint256[] calldata silent) external {
        Job storage job_ = _requireJob(job, JobPhase.Started);
        Callers.requireCaller(job_.payer);
        Deadlines.requireBy(job_.collectBy);
        uint256 count = wrong.length + silent.length;
        uint256 charged = job_.charged + count;
        if (count == 0 || charged > job_.errors) revert ChargeCountOutOfRange(charged, job_.errors);
        if (silent.length != 0) Deadlines.requireAfter(job_.computeBy);

        job_.charged = charged.toUint8();
        uint256 phases = _chargeEach(job, job_.phases, wrong, ChargeKind.Wrong);
        job_.phases = _chargeEach(job, phases, silent, ChargeKind.Silent);
        _anchor.increase(JobId.unwrap(job), 0, count * Amounts.bondOf(job_.fee, job_.judgeFee));
    }

    /// @inheritdoc IJobSettlement
    function recordServed(JobId job, uint256 index, bytes[] calldata signatures) external {
        Job storage job_ = _requireIndex(job, index, IndexPhase.Charged);
        Charge memory had = _charges[job][index];
        Deadlines.requireBy(had.servedBy);
        _enclaves.checkSignatures(servedDigest(job, index), signatures);

        uint256 window = _windowOf(job_);
        uint256 answerBy = block.timestamp;
        if (had.kind == ChargeKind.Silent) answerBy += window;
        uint256 verdictBy = answerBy + window;
        (had.answerBy, had.verdictBy) = (answerBy.toUint40(), verdictBy.toUint40());
        _charges[job][index] = had;
        job_.phases = Phases.moved(job_.phases, index, IndexPhase.Served);
        emit ChargeServed(job, index, answerBy, verdictBy);
    }

    /// @inheritdoc IJobSettlement
    function recordVerdict(JobId job, uint256 index, Finding finding, bytes[] calldata signatures) external {
        _requireIndex(job, index, IndexPhase.Served);
        Charge memory had = _charges[job][index];
        Deadlines.requireBy(had.verdictBy);
        if (finding == Finding.None) revert FindingNotAllowed(had.kind, finding);
        if (finding == Finding.Missing) {
            if (had.kind != ChargeKind.Silent) revert FindingNotAllowed(had.kind, finding);
            Deadlines.requireAfter(had.answerBy);
        }
        address[] memory signers = _enclaves.checkSignatures(verdictDigest(job, index, finding), signatures);

        Round memory round = _beginRound(job, 1, signers.length);
        if (finding != Finding.Right) _endConvicted(round, index, finding, signers);
        else if (had.kind == ChargeKind.Wrong) _endRefuted(round, index, signers);
        else _endAnswered(round, index, signers);
        _closeRound(round);
    }

    /// @inheritdoc IJobSettlement
    function voidCharge(JobId job, uint256 index) external {
        _requireIndex(job, index, IndexPhase.Charged);
        Deadlines.requireAfter(_charges[job][index].servedBy);
        Round memory round = _beginRound(job, 1, 0);
        _endVoid(round, index);
        _closeRound(round);
    }

    /// @inheritdoc IJobSettlement
    function lapseCharge(JobId job, uint256 index) external {
        _requireIndex(job, index, IndexPhase.Served);
        Deadlines.requireAfter(_charges[job][index].verdictBy);
        Round memory round = _beginRound(job, 1, 0);
        _endLapsed(round, index);
        _closeRound(round);
    }

    function _chargeEach(JobId job, uint256 phases, uint256[] calldata indices, ChargeKind kind)
        private
        returns (uint256)
    {
        uint256 most = _jobs[job].nodeCount;
        uint256 servedBy = block.timestamp + _judging();
        uint256 previous = 0;
        for (uint256 turn = 0; turn < indices.length; ++turn) {
            uint256 index = indices[turn];
            _requireNext(previous, index, most);
            previous = index;
            IndexPhase phase = Phases.phaseOf(phases, index);
            bool committed = phase == IndexPhase.Committed;
            if (!committed && (kind == ChargeKind.Wrong || phase != IndexPhase.Accepted)) {
                revert IndexPhaseWrong(job, index, phase);
            }
            phases = Phases.moved(phases, index, IndexPhase.Charged);
            _charges[job][index] = Charge(kind, committed, servedBy.toUint40(), 0, 0);
            emit NodeCharged(job, index, _nodeOf(job, index), kind, servedBy);
        }
        return phases;
    }

    /// @dev max(W, computeBy - startedAt): judges, and a node charged as silent, get as long as nodes had.
    function _windowOf(Job storage job_) private view returns (uint256) {
        uint256 computing = job_.computeBy - job_.startedAt;
        uint256 judging = _judging();
        return computing > judging ? computing : judging;
    }
}
