// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Amounts} from "./Amounts.sol";
import {Charges} from "./Charges.sol";
import {JobBook} from "./JobBook.sol";
import {JobTerms} from "./JobTerms.sol";
import {NodeGroup} from "./NodeGroup.sol";

/// @title Settlement
/// @notice Read ISettlement first: it says what every function does.
contract Settlement is Charges {
    using SafeCast for uint256;

    address private immutable _guardian;
    bool private _deprecated;

    /// @param anchor_    AssetAnchor that holds the tokens
    /// @param registry_  ParticipantRegistry
    /// @param enclaves_  EnclaveManager
    /// @param pool_      account of the pool
    /// @param guardian_  may call `deprecate` and nothing else; zero: nobody may
    /// @param limits_    bounds of all jobs
    constructor(
        address anchor_,
        address registry_,
        address enclaves_,
        address pool_,
        address guardian_,
        Limits memory limits_
    ) JobBook(anchor_, registry_, enclaves_, pool_, limits_) {
        _guardian = guardian_;
    }

    /// @inheritdoc ISettlement
    function post(uint256 nonce, bytes32 root, Terms calldata terms, address[] calldata nodes)
        external
        returns (bytes32 job)
    {
        if (_deprecated) revert Deprecated();
        job = jobIdOf(msg.sender, nonce);
        if (_jobs[job].phase != JobPhase.None) revert JobExists(job);
        JobTerms.check(terms, _limits);
        if (nodes.length != terms.nodeCount) revert NodeListLength(nodes.length, terms.nodeCount);
        NodeGroup.check(_registry, _enclaves.members(), nodes);

        bytes32 termsHash = _enter(job, root, terms);
        for (uint256 place = 0; place < nodes.length; ++place) {
            _indices[job][place + 1].node = nodes[place];
            _indices[job][place + 1].phase = IndexPhase.Named;
        }
        emit JobPosted(job, msg.sender, root, termsHash, terms, nodes);
        uint256 deposit = uint256(terms.nodeCount) * terms.fee;
        Job storage entry = _jobs[job];
        entry.depositLock = _anchor.lock(msg.sender, deposit, _lockExpiryOf(entry)).toUint64();
    }

    /// @inheritdoc ISettlement
    function accept(bytes32 job, uint256 index, uint256 validUntil, bytes calldata signature) external {
        Job storage entry = _requireJob(job, JobPhase.Posted);
        Index storage seat = _requireIndex(job, index, IndexPhase.Named);
        _requireBy(entry.acceptBy);
        _requireBy(validUntil);
        address node = seat.node;
        address signer = ECDSA.recoverCalldata(acceptanceDigest(job, index, validUntil), signature);
        if (signer != node) revert AcceptanceNotSigned(signer, node);
        NodeGroup.requireActive(_registry, node);

        seat.phase = IndexPhase.Accepted;
        uint8 accepted = ++entry.accepted;
        emit NodeAccepted(job, index, node);
        if (accepted == entry.nodeCount) {
            entry.phase = JobPhase.Started;
            entry.startedAt = block.timestamp.toUint40();
            emit JobStarted(job, block.timestamp);
        }
        seat.stakeLock = _anchor.lock(node, entry.stake, _lockExpiryOf(entry)).toUint64();
    }

    /// @inheritdoc ISettlement
    function cancelUnstarted(bytes32 job) external {
        Job storage entry = _requireJob(job, JobPhase.Posted);
        _requireAfter(entry.acceptBy);

        _cancel(job, entry);
    }

    /// @inheritdoc ISettlement
    function commit(bytes32 job, uint256 index, bytes32 commitment) external {
        Job storage entry = _requireJob(job, JobPhase.Started);
        Index storage seat = _requireIndex(job, index, IndexPhase.Accepted);
        _requireCaller(seat.node);
        _requireBy(entry.computeBy);
        if (commitment == bytes32(0)) revert CommitmentEmpty(job, index);

        seat.phase = IndexPhase.Committed;
        seat.commitment = commitment;
        emit ResultCommitted(job, index, msg.sender, commitment);
    }

    /// @inheritdoc ISettlement
    function approve(bytes32 job, uint256[] calldata indices) external {
        Job storage entry = _requireJob(job, JobPhase.Started);
        _requireCaller(entry.payer);
        uint256 previous = 0;
        for (uint256 place = 0; place < indices.length; ++place) {
            previous = _requireAscending(previous, indices[place]);
            _payNode(job, indices[place], _requireIndex(job, indices[place], IndexPhase.Committed), entry);
        }
    }

    /// @inheritdoc ISettlement
    function collect(bytes32 job, uint256[] calldata indices) external {
        Job storage entry = _requireJob(job, JobPhase.Started);
        _requireAfter(entry.collectBy);
        uint256 previous = 0;
        for (uint256 place = 0; place < indices.length; ++place) {
            uint256 index = indices[place];
            previous = _requireAscending(previous, index);
            Index storage seat = _anyIndex(job, index);
            if (!_isUncharged(seat)) revert IndexPhaseWrong(job, index, seat.phase);
            _endUncharged(job, index, seat, entry);
        }
    }

    /// @inheritdoc ISettlement
    function claim(bytes32[] calldata jobs) external returns (uint256 ended) {
        uint256 looked = 0;
        for (uint256 place = 0; place < jobs.length; ++place) {
            Job storage entry = _jobs[jobs[place]];
            looked += entry.nodeCount == 0 ? 1 : entry.nodeCount; // an unknown job is a look too
            if (looked > JobTerms.MAX_NODES) revert ClaimTooLarge(looked, JobTerms.MAX_NODES);
            ended += _claimJob(jobs[place], entry);
        }
    }

    /// @inheritdoc ISettlement
    function deprecate() external {
        _requireCaller(_guardian);
        if (_deprecated) revert Deprecated();
        _deprecated = true;
        emit SettlementDeprecated(msg.sender);
    }

    /// @inheritdoc ISettlement
    function guardian() external view returns (address) {
        return _guardian;
    }

    /// @inheritdoc ISettlement
    function isDeprecated() external view returns (bool) {
        return _deprecated;
    }

    function _enter(bytes32 job, bytes32 root, Terms calldata terms) private returns (bytes32 termsHash) {
        termsHash = JobTerms.hash(terms);
        Job storage entry = _jobs[job];
        entry.payer = msg.sender;
        entry.phase = JobPhase.Posted;
        entry.nodeCount = terms.nodeCount;
        entry.errors = terms.errors;
        entry.acceptBy = terms.acceptBy;
        entry.computeBy = terms.computeBy;
        entry.collectBy = terms.collectBy;
        entry.fee = terms.fee;
        entry.stake = terms.stake;
        entry.judgeFee = terms.judgeFee;
        entry.root = root;
        entry.termsHash = termsHash;
    }

    /// @dev Nothing here may revert: the other jobs of the list go on.
    function _claimJob(bytes32 job, Job storage entry) private returns (uint256 ended) {
        // Beyond it the anchor returns what is left, and can pay nothing.
        if (block.timestamp > _lockExpiryOf(entry)) return 0;
        if (entry.phase == JobPhase.Posted && block.timestamp > entry.acceptBy) {
            _cancel(job, entry);
            return entry.nodeCount;
        }
        if (entry.phase != JobPhase.Started) return 0;
        for (uint256 index = 1; index <= entry.nodeCount; ++index) {
            if (_claimIndex(job, index, entry)) ++ended;
        }
    }

    function _claimIndex(bytes32 job, uint256 index, Job storage entry) private returns (bool) {
        Index storage seat = _indices[job][index];
        IndexPhase phase = seat.phase;
        if (phase == IndexPhase.Charged && block.timestamp > seat.servedBy) {
            _void(job, index, seat);
        } else if (phase == IndexPhase.Served && block.timestamp > seat.verdictBy) {
            _lapse(job, index, seat);
        } else if (_isUncharged(seat) && block.timestamp > entry.collectBy) {
            _endUncharged(job, index, seat, entry);
        } else {
            return false;
        }
        return true;
    }

    function _cancel(bytes32 job, Job storage entry) private {
        entry.phase = JobPhase.Cancelled;
        emit JobCancelled(job, msg.sender);
        for (uint256 index = 1; index <= entry.nodeCount; ++index) {
            Index storage seat = _indices[job][index];
            uint256 stake = seat.phase == IndexPhase.Accepted ? entry.stake : 0;
            seat.phase = IndexPhase.Released;
            _payOut(job, index, Amounts.released(entry.fee, stake));
        }
    }

    /// @dev After `collectBy`: paid for what it committed to, or equal harm.
    function _endUncharged(bytes32 job, uint256 index, Index storage seat, Job storage entry) private {
        if (seat.phase == IndexPhase.Committed) _payNode(job, index, seat, entry);
        else _shareHarm(job, index, seat, entry);
    }

    function _payNode(bytes32 job, uint256 index, Index storage seat, Job storage entry) private {
        seat.phase = IndexPhase.Paid;
        emit NodePaid(job, index, seat.node, entry.fee);
        _payOut(job, index, Amounts.paid(entry.fee, entry.stake));
    }

    function _shareHarm(bytes32 job, uint256 index, Index storage seat, Job storage entry) private {
        seat.phase = IndexPhase.EqualHarm;
        emit HarmShared(job, index, seat.node, Amounts.harmOf(entry.fee));
        _payOut(job, index, Amounts.equalHarm(entry.fee, entry.stake));
    }

    function _isUncharged(Index storage seat) private view returns (bool) {
        return seat.phase == IndexPhase.Committed || seat.phase == IndexPhase.Accepted;
    }

    function _requireAscending(uint256 previous, uint256 index) private pure returns (uint256) {
        if (index <= previous) revert IndicesNotAscending(previous, index);
        return index;
    }
}
