// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";
import {IEnclaveManager} from "../interfaces/IEnclaveManager.sol";
import {IJobSettlement, JobId} from "../interfaces/IJobSettlement.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {JobTerms} from "./JobTerms.sol";
import {Phases} from "./Phases.sol";
import {Statements} from "./Statements.sol";

/// @title JobBook: the state of all jobs and how it is read
/// @dev Every contract called from here is fixed at deployment, calls no foreign code on the paths
/// used, and only credits accounts: no payee runs code during a settlement.
abstract contract JobBook is IJobSettlement, EIP712 {
    /// @dev One slot for each index that was charged; none for the others.
    struct Charge {
        ChargeKind kind;
        bool committed;
        uint40 servedBy;
        uint40 answerBy;
        uint40 verdictBy;
    }

    IAssetAnchor internal immutable _anchor;
    IParticipantRegistry internal immutable _registry;
    IEnclaveManager internal immutable _enclaves;
    address internal immutable _pool;
    uint96 private immutable _minFee;
    uint96 private immutable _maxFee;
    uint96 private immutable _judgeFloor;
    uint96 private immutable _judgePrice;
    uint40 private immutable _minWindow;
    uint40 private immutable _maxWindow;
    uint40 private immutable _judgeWindow;
    uint40 private immutable _exitGrace;

    mapping(JobId job => Job job_) internal _jobs;
    mapping(JobId job => mapping(uint256 index => Charge charge_)) internal _charges;

    constructor(address anchor_, address registry_, address enclaves_, address pool_, Limits memory limits_)
        EIP712("Edgemark Outsourcing", "2")
    {
        if (pool_ == address(0) || pool_ == anchor_) revert PoolInvalid(pool_);
        _anchor = IAssetAnchor(anchor_);
        _registry = IParticipantRegistry(registry_);
        _enclaves = IEnclaveManager(enclaves_);
        _pool = pool_;
        JobTerms.checkLimits(
            limits_,
            IAssetAnchor(anchor_).maxLockSeconds(),
            IParticipantRegistry(registry_).unbondingSeconds()
        );
        (_minFee, _maxFee) = (limits_.minFee, limits_.maxFee);
        (_judgeFloor, _judgePrice) = (limits_.judgeFloor, limits_.judgePrice);
        (_minWindow, _maxWindow) = (limits_.minWindow, limits_.maxWindow);
        (_judgeWindow, _exitGrace) = (limits_.judgeWindow, limits_.exitGrace);
    }

    /// @inheritdoc IJobSettlement
    function jobOf(JobId job) external view returns (Job memory) {
        return _jobs[job];
    }

    /// @inheritdoc IJobSettlement
    function indexOf(JobId job, uint256 index) external view returns (Index memory seat) {
        Job storage job_ = _jobs[job];
        if (index == 0 || index > job_.nodeCount) return seat;
        Charge storage charge_ = _charges[job][index];
        seat.node = _nodeOf(job, index);
        seat.phase = Phases.phaseOf(job_.phases, index);
        seat.kind = charge_.kind;
        seat.committed =
            charge_.committed || seat.phase == IndexPhase.Committed || seat.phase == IndexPhase.Paid;
        seat.servedBy = charge_.servedBy;
        seat.answerBy = charge_.answerBy;
        seat.verdictBy = charge_.verdictBy;
    }

    /// @inheritdoc IJobSettlement
    function anchor() external view returns (address) {
        return address(_anchor);
    }

    /// @inheritdoc IJobSettlement
    function registry() external view returns (address) {
        return address(_registry);
    }

    /// @inheritdoc IJobSettlement
    function enclaves() external view returns (address) {
        return address(_enclaves);
    }

    /// @inheritdoc IJobSettlement
    function pool() external view returns (address) {
        return _pool;
    }

    /// @inheritdoc IJobSettlement
    function hashTerms(Terms calldata terms) external pure returns (bytes32) {
        return JobTerms.hash(terms);
    }

    /// @inheritdoc IJobSettlement
    function limits() public view returns (Limits memory) {
        return Limits({
            minFee: _minFee,
            maxFee: _maxFee,
            judgeFloor: _judgeFloor,
            judgePrice: _judgePrice,
            minWindow: _minWindow,
            maxWindow: _maxWindow,
            judgeWindow: _judgeWindow,
            exitGrace: _exitGrace
        });
    }

    /// @inheritdoc IJobSettlement
    function jobIdOf(address payer, uint256 nonce) public view returns (JobId) {
        return JobId.wrap(keccak256(abi.encode(block.chainid, address(this), payer, nonce)));
    }

    /// @inheritdoc IJobSettlement
    function acceptanceDigest(JobId job, uint256 index, uint256 validUntil) public view returns (bytes32) {
        return _hashTypedDataV4(Statements.acceptance(job, index, _jobs[job], validUntil));
    }

    /// @inheritdoc IJobSettlement
    function servedDigest(JobId job, uint256 index) public view returns (bytes32) {
        return _hashTypedDataV4(
            Statements.served(job, index, _jobs[job].root, _nodeOf(job, index), _charges[job][index].kind)
        );
    }

    /// @inheritdoc IJobSettlement
    function verdictDigest(JobId job, uint256 index, Finding finding) public view returns (bytes32) {
        return _hashTypedDataV4(
            Statements.verdict(
                job, index, _jobs[job].root, _nodeOf(job, index), _charges[job][index].kind, finding
            )
        );
    }

    /// @dev The node of an accepted index that has not ended: its stake lies in the anchor.
    function _nodeOf(JobId job, uint256 index) internal view returns (address node) {
        (node,) = _anchor.placeOf(address(this), JobId.unwrap(job), index);
    }

    /// @dev Reverts unless the job is in `needed`.
    function _requireJob(JobId job, JobPhase needed) internal view returns (Job storage job_) {
        job_ = _jobs[job];
        JobPhase had = job_.phase;
        if (had != needed) revert JobPhaseWrong(job, had, needed);
    }

    /// @dev Reverts unless 1 <= index <= m and the index is in `needed`.
    function _requireIndex(JobId job, uint256 index, IndexPhase needed)
        internal
        view
        returns (Job storage job_)
    {
        job_ = _jobs[job];
        _requireInRange(index, job_.nodeCount);
        IndexPhase had = Phases.phaseOf(job_.phases, index);
        if (had != needed) revert IndexPhaseWrong(job, index, had);
    }

    /// @dev W.
    function _judging() internal view returns (uint256) {
        return _judgeWindow;
    }

    /// @dev Every lock of a job outlives its last possible step by `exitGrace`.
    function _lockExpiryOf(Job storage job_) internal view returns (uint256) {
        return job_.collectBy + JobTerms.longestTail(limits());
    }

    function _requireInRange(uint256 index, uint256 most) internal pure {
        if (index == 0 || index > most) revert IndexOutOfRange(index, most);
    }

    /// @dev Lists of indices ascend: no index stands twice, and none is outside 1 to m.
    function _requireNext(uint256 previous, uint256 index, uint256 most) internal pure {
        _requireInRange(index, most);
        if (index <= previous) revert IndicesNotAscending(previous, index);
    }
}
