// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";
import {IEnclaveManager} from "../interfaces/IEnclaveManager.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Amounts} from "./Amounts.sol";
import {JobTerms} from "./JobTerms.sol";
import {Statements} from "./Statements.sol";

/// @title JobBook: the state of all jobs, how it is read, and how an index is paid out
/// @dev Every contract called from here is fixed at deployment, calls no foreign code on the paths
/// used, and only credits accounts: no payee runs code during a settlement.
abstract contract JobBook is ISettlement, EIP712 {
    IAssetAnchor internal immutable _anchor;
    IParticipantRegistry internal immutable _registry;
    IEnclaveManager internal immutable _enclaves;
    address internal immutable _pool;

    Limits internal _limits;
    mapping(bytes32 job => Job entry) internal _jobs;
    mapping(bytes32 job => mapping(uint256 index => Index entry)) internal _indices;

    constructor(address anchor_, address registry_, address enclaves_, address pool_, Limits memory limits_)
        EIP712("Edgemark Outsourcing", "1")
    {
        if (pool_ == address(0) || pool_ == anchor_) revert PoolInvalid(pool_);
        _anchor = IAssetAnchor(anchor_);
        _registry = IParticipantRegistry(registry_);
        _enclaves = IEnclaveManager(enclaves_);
        _pool = pool_;
        JobTerms.checkLimits(limits_, _anchor.maxLockSeconds(), _registry.unbondingSeconds());
        _limits = limits_;
    }

    /// @inheritdoc ISettlement
    function jobOf(bytes32 job) external view returns (Job memory) {
        return _jobs[job];
    }

    /// @inheritdoc ISettlement
    function indexOf(bytes32 job, uint256 index) external view returns (Index memory) {
        return _indices[job][index];
    }

    /// @inheritdoc ISettlement
    function limits() external view returns (Limits memory) {
        return _limits;
    }

    /// @inheritdoc ISettlement
    function anchor() external view returns (address) {
        return address(_anchor);
    }

    /// @inheritdoc ISettlement
    function registry() external view returns (address) {
        return address(_registry);
    }

    /// @inheritdoc ISettlement
    function enclaves() external view returns (address) {
        return address(_enclaves);
    }

    /// @inheritdoc ISettlement
    function pool() external view returns (address) {
        return _pool;
    }

    /// @inheritdoc ISettlement
    function hashTerms(Terms calldata terms) external pure returns (bytes32) {
        return JobTerms.hash(terms);
    }

    /// @inheritdoc ISettlement
    function jobIdOf(address payer, uint256 nonce) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), payer, nonce));
    }

    /// @inheritdoc ISettlement
    function acceptanceDigest(bytes32 job, uint256 index, uint256 validUntil) public view returns (bytes32) {
        return _hashTypedDataV4(Statements.acceptance(job, index, _jobs[job], validUntil));
    }

    /// @inheritdoc ISettlement
    function servedDigest(bytes32 job, uint256 index) public view returns (bytes32) {
        return _hashTypedDataV4(Statements.served(job, index));
    }

    /// @inheritdoc ISettlement
    function verdictDigest(bytes32 job, uint256 index, Finding finding) public view returns (bytes32) {
        return _hashTypedDataV4(Statements.verdict(job, index, finding));
    }

    /// @dev Divides deposit, stake and bond of one index. To be called last: it interacts.
    function _payOut(bytes32 job, uint256 index, Amounts.Ending memory ending) internal {
        Job storage entry = _jobs[job];
        address payer = entry.payer;
        address node = _indices[job][index].node;
        uint256 stakeLock = _indices[job][index].stakeLock;
        uint256 bondLock = entry.bondLock;
        _payFrom(entry.depositLock, payer, node, ending.deposit);
        _payFrom(stakeLock, payer, node, ending.stake);
        _payFrom(bondLock, payer, node, ending.bond);
        uint256 judgeFee = ending.bond.toJudges + ending.stake.toJudges;
        if (judgeFee != 0) _payJudges(judgeFee, bondLock, ending.bond.toJudges, stakeLock);
    }

    /// @dev Reverts unless the job is in `needed`.
    function _requireJob(bytes32 job, JobPhase needed) internal view returns (Job storage entry) {
        entry = _jobs[job];
        if (entry.phase != needed) revert JobPhaseWrong(job, entry.phase, needed);
    }

    /// @dev Reverts unless 1 <= index <= m and the index is in `needed`.
    function _requireIndex(bytes32 job, uint256 index, IndexPhase needed)
        internal
        view
        returns (Index storage entry)
    {
        entry = _anyIndex(job, index);
        if (entry.phase != needed) revert IndexPhaseWrong(job, index, entry.phase);
    }

    /// @dev Reverts unless 1 <= index <= m.
    function _anyIndex(bytes32 job, uint256 index) internal view returns (Index storage) {
        uint256 most = _jobs[job].nodeCount;
        if (index == 0 || index > most) revert IndexOutOfRange(index, most);
        return _indices[job][index];
    }

    function _requireCaller(address needed) internal view {
        if (msg.sender != needed) revert CallerWrong(msg.sender, needed);
    }

    function _requireBy(uint256 deadline) internal view {
        if (block.timestamp > deadline) revert TooLate(block.timestamp, deadline);
    }

    function _requireAfter(uint256 deadline) internal view {
        if (block.timestamp <= deadline) revert TooEarly(block.timestamp, deadline);
    }

    /// @dev Every lock of a job outlives its last possible step by `exitGrace`.
    function _lockExpiryOf(Job storage entry) internal view returns (uint256) {
        return entry.collectBy + JobTerms.longestTail(_limits);
    }

    function _payFrom(uint256 lockId, address payer, address node, Amounts.Parts memory parts) private {
        if (parts.toPayer != 0) _anchor.pay(lockId, payer, parts.toPayer);
        if (parts.toNode != 0) _anchor.pay(lockId, node, parts.toNode);
        if (parts.toPool != 0) _anchor.pay(lockId, _pool, parts.toPool);
    }

    /// @dev The same to every judge, whoever signed; what does not divide goes to the pool. The bond's
    /// part is used up before the stake's.
    function _payJudges(uint256 judgeFee, uint256 bondLock, uint256 fromBond, uint256 stakeLock) private {
        address[] memory judges = _enclaves.members();
        uint256 each = judgeFee / judges.length;
        for (uint256 place = 0; place < judges.length; ++place) {
            fromBond -= _payTwice(bondLock, stakeLock, judges[place], each, fromBond);
        }
        _payTwice(bondLock, stakeLock, _pool, judgeFee % judges.length, fromBond);
    }

    /// @dev Pays `amount`, up to `bondLeft` of it from the bond and the rest from the stake.
    function _payTwice(uint256 bondLock, uint256 stakeLock, address to, uint256 amount, uint256 bondLeft)
        private
        returns (uint256 fromBond)
    {
        fromBond = amount < bondLeft ? amount : bondLeft;
        if (fromBond != 0) _anchor.pay(bondLock, to, fromBond);
        if (amount != fromBond) _anchor.pay(stakeLock, to, amount - fromBond);
    }
}
