// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssetAnchor} from "../../../contracts/interfaces/IAssetAnchor.sol";
import {ISettlement} from "../../../contracts/interfaces/ISettlement.sol";
import {Exits} from "./Exits.sol";
import {JobHandler} from "./JobHandler.sol";
import {vm} from "./Vm.sol";

/// @title The invariants of contracts/README.md, by name
contract SettlementInvariants {
    JobHandler private _handler;

    function setUp() external {
        _handler = new JobHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice What came in and did not go out is there, is owed to somebody, and to nobody twice.
    function invariant_every_token_in_is_held_or_paid() external view {
        uint256 held = _handler.token().balanceOf(address(_handler.anchor()));
        uint256 owed = _handler.deposited() - _handler.withdrawn();
        IAssetAnchor anchor = _handler.anchor();
        require(held == owed + _handler.strayed(), "held differs from what came in and went out");
        require(anchor.totalFree() + anchor.totalLocked() == owed, "books differ from what is owed");

        uint256 free = 0;
        address[] memory actors = _handler.actors();
        for (uint256 place = 0; place < actors.length; ++place) {
            free += anchor.freeBalanceOf(actors[place]);
        }
        require(free == anchor.totalFree(), "free balances differ from their sum");
        uint256 locked = 0;
        for (uint256 lockId = 1; lockId <= _handler.lastLock(); ++lockId) {
            locked += anchor.lockOf(lockId).remaining;
        }
        require(locked == anchor.totalLocked(), "locks differ from their sum");
    }

    /// @notice Whatever happened, a stranger's calls after the deadlines end every index of every job.
    function invariant_every_locked_unit_has_an_exit() external {
        for (uint256 place = 0; place < _handler.jobCount(); ++place) {
            uint256 snapshot = vm.snapshotState();
            _leave(_handler.jobs(place));
            vm.revertToState(snapshot);
        }
    }

    /// @notice And should nobody ever call the settlement again, a stranger's calls to the anchor do.
    function invariant_every_lock_returns_by_expiry_alone() external {
        uint256 snapshot = vm.snapshotState();
        IAssetAnchor anchor = _handler.anchor();
        vm.warp(block.timestamp + anchor.maxLockSeconds() + 1);
        for (uint256 lockId = 1; lockId <= _handler.lastLock(); ++lockId) {
            if (anchor.lockOf(lockId).remaining != 0) anchor.expire(lockId);
        }
        require(anchor.totalLocked() == 0, "a lock did not return");
        vm.revertToState(snapshot);
    }

    /// @notice A job's locks hold exactly what its open indices can still cost, until they expire.
    function invariant_locks_hold_what_open_indices_need() external view {
        for (uint256 place = 0; place < _handler.jobCount(); ++place) {
            bytes32 job = _handler.jobs(place);
            if (block.timestamp <= Exits.expiryOf(_handler.settlement(), job)) _checkLocks(job);
        }
    }

    /// @notice No more is charged than survives, and each index has one end at most.
    function invariant_charges_stay_within_e() external view {
        for (uint256 place = 0; place < _handler.jobCount(); ++place) {
            ISettlement.Job memory entry = _handler.settlement().jobOf(_handler.jobs(place));
            require(entry.charged <= entry.errors, "more charged than e");
        }
    }

    function _checkLocks(bytes32 job) private view {
        ISettlement settlement = _handler.settlement();
        IAssetAnchor anchor = _handler.anchor();
        ISettlement.Job memory entry = settlement.jobOf(job);
        uint256 open = 0;
        uint256 bonded = 0;
        for (uint256 index = 1; index <= entry.nodeCount; ++index) {
            ISettlement.Index memory seat = settlement.indexOf(job, index);
            if (!Exits.isOpen(settlement, job, index)) {
                require(seat.stakeLock == 0 || anchor.lockOf(seat.stakeLock).remaining == 0, "stake kept");
                continue;
            }
            ++open;
            if (seat.phase != ISettlement.IndexPhase.Named) {
                require(anchor.lockOf(seat.stakeLock).remaining == entry.stake, "stake is not whole");
            }
            bool charged =
                seat.phase == ISettlement.IndexPhase.Charged || seat.phase == ISettlement.IndexPhase.Served;
            if (charged) ++bonded;
        }
        require(anchor.lockOf(entry.depositLock).remaining == open * entry.fee, "deposit");
        uint256 bond = uint256(entry.fee) + entry.judgeFee;
        require(entry.bondLock == 0 || anchor.lockOf(entry.bondLock).remaining == bonded * bond, "bond");
    }

    function _leave(bytes32 job) private {
        ISettlement settlement = _handler.settlement();
        ISettlement.Job memory entry = settlement.jobOf(job);
        if (entry.phase == ISettlement.JobPhase.Posted) {
            _passTo(entry.acceptBy);
            if (block.timestamp <= Exits.expiryOf(_handler.settlement(), job)) Exits.endJob(settlement, job);
        }
        for (uint256 index = 1; index <= entry.nodeCount; ++index) {
            if (!Exits.isOpen(settlement, job, index)) continue;
            _passTo(Exits.deadlineOf(settlement, job, index));
            if (block.timestamp <= Exits.expiryOf(_handler.settlement(), job)) {
                Exits.endIndex(settlement, job, index);
            }
        }
        _requireFree(job, entry);
    }

    /// @dev Beyond the expiry the settlement can pay nothing; the anchor returns what is left.
    function _requireFree(bytes32 job, ISettlement.Job memory entry) private {
        ISettlement settlement = _handler.settlement();
        _requireEmpty(job, entry.depositLock);
        _requireEmpty(job, entry.bondLock);
        for (uint256 index = 1; index <= entry.nodeCount; ++index) {
            bool expired = block.timestamp > Exits.expiryOf(_handler.settlement(), job);
            require(expired || !Exits.isOpen(settlement, job, index), "an index stayed open");
            _requireEmpty(job, settlement.indexOf(job, index).stakeLock);
        }
    }

    function _requireEmpty(bytes32 job, uint256 lockId) private {
        IAssetAnchor anchor = _handler.anchor();
        if (anchor.lockOf(lockId).remaining == 0) return;
        require(block.timestamp > Exits.expiryOf(_handler.settlement(), job), "a lock stayed");
        anchor.expire(lockId);
        require(anchor.lockOf(lockId).remaining == 0, "a lock outlived its expiry");
    }

    function _passTo(uint256 deadline) private {
        if (block.timestamp <= deadline) vm.warp(deadline + 1);
    }
}
