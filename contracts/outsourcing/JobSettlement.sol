// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Callers} from "../anchoring/Callers.sol";
import {Deadlines} from "../anchoring/Deadlines.sol";
import {Deprecation} from "../anchoring/Deprecation.sol";
import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";
import {IJobSettlement, JobId} from "../interfaces/IJobSettlement.sol";
import {Charges} from "./Charges.sol";
import {JobBook} from "./JobBook.sol";
import {JobTerms} from "./JobTerms.sol";
import {NodeGroup} from "./NodeGroup.sol";
import {Phases} from "./Phases.sol";

/// @title JobSettlement
/// @notice Read IJobSettlement first: it says what every function does.
contract JobSettlement is Charges, Deprecation {
    using SafeCast for uint256;

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
    ) JobBook(anchor_, registry_, enclaves_, pool_, limits_) Deprecation(guardian_) {}

    /// @inheritdoc IJobSettlement
    function post(uint256 nonce, bytes32 root, Terms calldata terms, address[] calldata nodes)
        external
        returns (JobId job)
    {
        _requireNotDeprecated();
        job = jobIdOf(msg.sender, nonce);
        Job storage job_ = _jobs[job];
        if (job_.phase != JobPhase.None) revert JobExists(job);
        JobTerms.check(terms, limits());
        if (nodes.length != terms.nodeCount) revert NodeListLength(nodes.length, terms.nodeCount);
        NodeGroup.check(_registry, _enclaves.members(), nodes);

        bytes32 termsHash = JobTerms.hash(terms);
        _enter(job_, terms);
        job_.root = root;
        job_.termsHash = termsHash;
        job_.nodesHash = keccak256(abi.encodePacked(nodes));
        job_.phases = Phases.all(nodes.length, IndexPhase.Named);
        emit JobPosted(job, msg.sender, root, termsHash, terms, nodes);
        uint256 deposit = nodes.length * terms.fee;
        _anchor.openGroup(JobId.unwrap(job), msg.sender, deposit, _lockExpiryOf(job_));
    }

    /// @inheritdoc IJobSettlement
    function accept(JobId job, address[] calldata nodes, Acceptance[] calldata acceptances) external {
        // All are accepted already: whoever brought them first has spoilt nothing.
        if (_jobs[job].phase == JobPhase.Started) return;
        Job storage job_ = _requireJob(job, JobPhase.Posted);
        Deadlines.requireBy(job_.acceptBy);
        bytes32 listHash = keccak256(abi.encodePacked(nodes));
        if (listHash != job_.nodesHash) revert NodeListWrong(listHash, job_.nodesHash);

        IAssetAnchor.Fill[] memory fills = _acceptEach(job, job_, nodes, acceptances);
        if (fills.length == 0) return;
        uint256 accepted = job_.accepted + fills.length;
        job_.accepted = accepted.toUint8();
        if (accepted == nodes.length) {
            job_.phase = JobPhase.Started;
            job_.startedAt = block.timestamp.toUint40();
            emit JobStarted(job, block.timestamp);
        }
        _anchor.fillMany(JobId.unwrap(job), fills, job_.stake);
    }

    /// @inheritdoc IJobSettlement
    function cancelUnstarted(JobId job) external {
        Job storage job_ = _requireJob(job, JobPhase.Posted);
        Deadlines.requireAfter(job_.acceptBy);

        _cancel(job, job_);
    }

    /// @inheritdoc IJobSettlement
    function commit(JobId job, uint256 index, bytes32 commitment) external {
        _requireJob(job, JobPhase.Started);
        Job storage job_ = _requireIndex(job, index, IndexPhase.Accepted);
        Callers.requireCaller(_nodeOf(job, index));
        Deadlines.requireBy(job_.computeBy);
        if (commitment == bytes32(0)) revert CommitmentEmpty(job, index);

        job_.phases = Phases.moved(job_.phases, index, IndexPhase.Committed);
        emit ResultCommitted(job, index, msg.sender, commitment);
    }

    /// @inheritdoc IJobSettlement
    function approve(JobId job, uint256[] calldata indices) external {
        Job storage job_ = _requireJob(job, JobPhase.Started);
        Callers.requireCaller(job_.payer);
        _endUncharged(job, job_, indices, false);
    }

    /// @inheritdoc IJobSettlement
    function collect(JobId job, uint256[] calldata indices) external {
        Job storage job_ = _requireJob(job, JobPhase.Started);
        Deadlines.requireAfter(job_.collectBy);
        _endUncharged(job, job_, indices, true);
    }

    /// @inheritdoc IJobSettlement
    function claim(JobId[] calldata jobs) external returns (uint256 ended) {
        uint256 looked = 0;
        for (uint256 turn = 0; turn < jobs.length; ++turn) {
            Job storage job_ = _jobs[jobs[turn]];
            uint256 count = job_.nodeCount;
            looked += count == 0 ? 1 : count; // an unknown job is a look too
            if (looked > JobTerms.MAX_NODES) revert ClaimTooLarge(looked, JobTerms.MAX_NODES);
            ended += _claimJob(jobs[turn], job_);
        }
    }

    function _enter(Job storage job_, Terms calldata terms) private {
        (job_.payer, job_.phase) = (msg.sender, JobPhase.Posted);
        (job_.nodeCount, job_.errors, job_.computeBy) = (terms.nodeCount, terms.errors, terms.computeBy);
        (job_.fee, job_.stake, job_.postedBlock) = (terms.fee, terms.stake, block.number.toUint40());
        (job_.judgeFee, job_.acceptBy, job_.collectBy) = (terms.judgeFee, terms.acceptBy, terms.collectBy);
    }

    /// @dev Checks the acceptances that are new; returns whose stakes are to be locked.
    function _acceptEach(
        JobId job,
        Job storage job_,
        address[] calldata nodes,
        Acceptance[] calldata acceptances
    ) private returns (IAssetAnchor.Fill[] memory fills) {
        fills = new IAssetAnchor.Fill[](acceptances.length);
        uint256 phases = job_.phases;
        uint256 count = 0;
        for (uint256 turn = 0; turn < acceptances.length; ++turn) {
            uint256 index = acceptances[turn].index;
            _requireInRange(index, nodes.length);
            if (Phases.phaseOf(phases, index) != IndexPhase.Named) continue;
            address node = nodes[index - 1];
            _requireAcceptance(job, node, acceptances[turn]);
            phases = Phases.moved(phases, index, IndexPhase.Accepted);
            (fills[count].place, fills[count].owner) = (index, node);
            ++count;
            emit NodeAccepted(job, index, node);
        }
        job_.phases = phases;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            mstore(fills, count) // never more than were allocated
        }
    }

    /// @dev Nothing here may revert: the other jobs of the list go on.
    function _claimJob(JobId job, Job storage job_) private returns (uint256 ended) {
        // Beyond it the anchor returns what is left, and can pay nothing.
        if (block.timestamp > _lockExpiryOf(job_)) return 0;
        if (job_.phase == JobPhase.Posted && block.timestamp > job_.acceptBy) {
            _cancel(job, job_);
            return job_.nodeCount;
        }
        if (job_.phase != JobPhase.Started) return 0;
        uint256 most = job_.nodeCount;
        bool collecting = block.timestamp > job_.collectBy;
        Round memory round = _beginRound(job, most, 0);
        for (uint256 index = 1; index <= most; ++index) {
            if (_claimIndex(round, index, collecting)) ++ended;
        }
        if (ended != 0) _closeRound(round);
    }

    function _claimIndex(Round memory round, uint256 index, bool collecting) private returns (bool) {
        IndexPhase phase = Phases.phaseOf(round.phases, index);
        if (phase == IndexPhase.Charged && block.timestamp > _charges[round.job][index].servedBy) {
            _endVoid(round, index);
        } else if (phase == IndexPhase.Served && block.timestamp > _charges[round.job][index].verdictBy) {
            _endLapsed(round, index);
        } else if (phase == IndexPhase.Committed && collecting) {
            _endPaid(round, index);
        } else if (phase == IndexPhase.Accepted && collecting) {
            _endUnearned(round, index);
        } else {
            return false;
        }
        return true;
    }

    function _cancel(JobId job, Job storage job_) private {
        job_.phase = JobPhase.Cancelled;
        emit JobCancelled(job, msg.sender);
        uint256 most = job_.nodeCount;
        Round memory round = _beginRound(job, most, 0);
        for (uint256 index = 1; index <= most; ++index) {
            _endReleased(round, index);
        }
        _closeRound(round);
    }

    /// @dev What is committed is paid; what is only accepted has earned nothing, when it may be ended at
    /// all; what has ended is passed over: nobody stops a payment by making one of its parts before.
    function _endUncharged(JobId job, Job storage job_, uint256[] calldata indices, bool accepted) private {
        uint256 most = job_.nodeCount;
        uint256 previous = 0;
        Round memory round = _beginRound(job, indices.length, 0);
        for (uint256 turn = 0; turn < indices.length; ++turn) {
            uint256 index = indices[turn];
            _requireNext(previous, index, most);
            previous = index;
            IndexPhase phase = Phases.phaseOf(round.phases, index);
            if (phase == IndexPhase.Committed) _endPaid(round, index);
            else if (phase == IndexPhase.Accepted && accepted) _endUnearned(round, index);
            else if (phase < IndexPhase.Paid) revert IndexPhaseWrong(job, index, phase);
        }
        _closeRound(round);
    }

    /// @dev Reverts unless the node signed it, in time, and may take new work.
    function _requireAcceptance(JobId job, address node, Acceptance calldata acceptance) private view {
        Deadlines.requireBy(acceptance.validUntil);
        bytes32 digest = acceptanceDigest(job, acceptance.index, acceptance.validUntil);
        address signer = ECDSA.recoverCalldata(digest, acceptance.signature);
        if (signer != node) revert AcceptanceNotSigned(signer, node);
        NodeGroup.requireActive(_registry, node);
    }
}
