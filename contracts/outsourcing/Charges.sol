// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Amounts} from "./Amounts.sol";
import {JobBook} from "./JobBook.sol";

/// @title Charges: from the accusation of an index to its end
/// @notice Charged, then served by the judges or void, then a verdict or lapsed: whatever anybody
/// leaves undone, a stranger ends it after the deadline.
abstract contract Charges is JobBook {
    using SafeCast for uint256;

    /// @inheritdoc ISettlement
    function charge(bytes32 job, uint256[] calldata wrong, uint256[] calldata silent) external {
        Job storage entry = _requireJob(job, JobPhase.Started);
        _requireCaller(entry.payer);
        _requireBy(entry.collectBy);
        if (entry.charged != 0) revert AlreadyCharged(job);
        uint256 count = wrong.length + silent.length;
        if (count == 0 || count > entry.errors) revert ChargeCountOutOfRange(count, entry.errors);
        if (silent.length != 0) _requireAfter(entry.computeBy);

        entry.charged = count.toUint8();
        uint256 servedBy = block.timestamp + _limits.judgeWindow;
        _chargeEach(job, wrong, ChargeKind.Wrong, servedBy);
        _chargeEach(job, silent, ChargeKind.Silent, servedBy);
        uint256 bond = count * Amounts.bondOf(entry.fee, entry.judgeFee);
        entry.bondLock = _anchor.lock(entry.payer, bond, _lockExpiryOf(entry)).toUint64();
    }

    /// @inheritdoc ISettlement
    function recordServed(bytes32 job, uint256 index, bytes[] calldata signatures) external {
        Index storage entry = _requireIndex(job, index, IndexPhase.Charged);
        _requireBy(entry.servedBy);
        _enclaves.checkSignatures(servedDigest(job, index), signatures);

        uint256 window = _limits.judgeWindow;
        uint256 answerBy = block.timestamp;
        if (entry.kind == ChargeKind.Silent) {
            uint256 computing = _jobs[job].computeBy - _jobs[job].startedAt;
            answerBy += computing > window ? computing : window;
        }
        uint256 verdictBy = answerBy + window;
        entry.phase = IndexPhase.Served;
        entry.answerBy = answerBy.toUint40();
        entry.verdictBy = verdictBy.toUint40();
        emit ChargeServed(job, index, answerBy, verdictBy);
    }

    /// @inheritdoc ISettlement
    function recordVerdict(bytes32 job, uint256 index, Finding finding, bytes[] calldata signatures)
        external
    {
        Index storage entry = _requireIndex(job, index, IndexPhase.Served);
        _requireBy(entry.verdictBy);
        if (finding == Finding.None) revert FindingNotAllowed(entry.kind, finding);
        if (finding == Finding.Missing) {
            if (entry.kind != ChargeKind.Silent) revert FindingNotAllowed(entry.kind, finding);
            _requireAfter(entry.answerBy);
        }
        _enclaves.checkSignatures(verdictDigest(job, index, finding), signatures);

        if (finding != Finding.Right) _convict(job, index, entry, finding);
        else if (entry.kind == ChargeKind.Wrong) _refute(job, index, entry);
        else _acceptAnswer(job, index, entry);
    }

    /// @inheritdoc ISettlement
    function voidCharge(bytes32 job, uint256 index) external {
        Index storage entry = _requireIndex(job, index, IndexPhase.Charged);
        _requireAfter(entry.servedBy);
        _void(job, index, entry);
    }

    /// @inheritdoc ISettlement
    function lapseCharge(bytes32 job, uint256 index) external {
        Index storage entry = _requireIndex(job, index, IndexPhase.Served);
        _requireAfter(entry.verdictBy);
        _lapse(job, index, entry);
    }

    /// @dev Not served in time.
    function _void(bytes32 job, uint256 index, Index storage entry) internal {
        entry.phase = IndexPhase.Void;
        emit ChargeVoided(job, index, entry.node);
        Job storage terms = _jobs[job];
        _payOut(job, index, Amounts.failedCharge(terms.fee, terms.stake, terms.judgeFee));
    }

    /// @dev No verdict in time.
    function _lapse(bytes32 job, uint256 index, Index storage entry) internal {
        entry.phase = IndexPhase.Lapsed;
        emit ChargeLapsed(job, index, entry.node);
        Job storage terms = _jobs[job];
        _payOut(job, index, Amounts.lapsed(terms.fee, terms.stake, terms.judgeFee));
    }

    function _chargeEach(bytes32 job, uint256[] calldata indices, ChargeKind kind, uint256 servedBy) private {
        uint256 previous = 0;
        for (uint256 place = 0; place < indices.length; ++place) {
            uint256 index = indices[place];
            Index storage entry = _anyIndex(job, index);
            if (index <= previous) revert IndicesNotAscending(previous, index);
            previous = index;
            bool open = entry.phase == IndexPhase.Committed
                || (kind == ChargeKind.Silent && entry.phase == IndexPhase.Accepted);
            if (!open) revert IndexPhaseWrong(job, index, entry.phase);
            entry.phase = IndexPhase.Charged;
            entry.kind = kind;
            entry.servedBy = servedBy.toUint40();
            emit NodeCharged(job, index, entry.node, kind, servedBy);
        }
    }

    function _convict(bytes32 job, uint256 index, Index storage entry, Finding finding) private {
        Job storage terms = _jobs[job];
        Amounts.Ending memory ending =
            Amounts.convicted(terms.fee, terms.stake, terms.judgeFee, terms.nodeCount);
        entry.phase = IndexPhase.Convicted;
        emit NodeConvicted(job, index, entry.node, finding, ending.stake.toPayer, ending.stake.toPool);
        _payOut(job, index, ending);
    }

    function _refute(bytes32 job, uint256 index, Index storage entry) private {
        entry.phase = IndexPhase.Refuted;
        emit ChargeRefuted(job, index, entry.node);
        Job storage terms = _jobs[job];
        _payOut(job, index, Amounts.failedCharge(terms.fee, terms.stake, terms.judgeFee));
    }

    function _acceptAnswer(bytes32 job, uint256 index, Index storage entry) private {
        entry.phase = IndexPhase.Answered;
        emit ChargeAnswered(job, index, entry.node);
        Job storage terms = _jobs[job];
        _payOut(job, index, Amounts.answered(terms.fee, terms.stake, terms.judgeFee));
    }
}
