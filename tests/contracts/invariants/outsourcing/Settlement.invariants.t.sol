// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssetAnchor} from "../../../../contracts/interfaces/IAssetAnchor.sol";
import {IJobSettlement, JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {Phases} from "../../../../contracts/outsourcing/Phases.sol";
import {Exits} from "./Exits.sol";
import {JobHandler} from "./JobHandler.sol";
import {vm} from "../Vm.sol";

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
        require(_sumOfPlaces() == anchor.totalLocked(), "locks differ from their sum");
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
        _expireAll();
        require(anchor.totalLocked() == 0, "a lock did not return");
        vm.revertToState(snapshot);
    }

    /// @notice A job's locks hold exactly what its open indices can still cost, until they expire.
    function invariant_locks_hold_what_open_indices_need() external view {
        for (uint256 place = 0; place < _handler.jobCount(); ++place) {
            JobId job = _handler.jobs(place);
            if (block.timestamp <= Exits.expiryOf(_handler.settlement(), job)) _checkLocks(job);
        }
    }

    /// @notice No more is charged than survives, counted here; the handler tries one more, and one twice.
    function invariant_charges_stay_within_e() external view {
        for (uint256 place = 0; place < _handler.jobCount(); ++place) {
            JobId job = _handler.jobs(place);
            IJobSettlement.Job memory job_ = _handler.settlement().jobOf(job);
            require(_handler.chargesOf(job) <= job_.errors, "more charged than e");
            require(_handler.chargesOf(job) == job_.charged, "the contract counts otherwise");
        }
    }

    function _sumOfPlaces() private view returns (uint256 sum) {
        for (uint256 turn = 0; turn < _handler.placeCount(); ++turn) {
            (address locker, bytes32 subject, uint256 place) = _handler.placeAt(turn);
            (, uint256 amount) = _handler.anchor().placeOf(locker, subject, place);
            sum += amount;
        }
    }

    function _expireAll() private {
        for (uint256 turn = 0; turn < _handler.placeCount(); ++turn) {
            (address locker, bytes32 subject, uint256 place) = _handler.placeAt(turn);
            (, uint256 amount) = _handler.anchor().placeOf(locker, subject, place);
            if (amount != 0) _handler.anchor().expire(locker, subject, place);
        }
    }

    function _checkLocks(JobId job) private view {
        IJobSettlement settlement = _handler.settlement();
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        uint256 needed = 0;
        for (uint256 index = 1; index <= job_.nodeCount; ++index) {
            IJobSettlement.IndexPhase phase = Phases.phaseOf(job_.phases, index);
            bool open = Exits.isOpenIn(job_.phases, index);
            bool staked = open && phase != IJobSettlement.IndexPhase.Named;
            require(_held(job, index) == (staked ? job_.stake : 0), "a stake is not whole, or kept");
            if (open) needed += job_.fee;
            bool charged =
                phase == IJobSettlement.IndexPhase.Charged || phase == IJobSettlement.IndexPhase.Served;
            if (charged) needed += uint256(job_.fee) + job_.judgeFee;
        }
        require(_held(job, 0) == needed, "deposit and bonds");
    }

    function _leave(JobId job) private {
        IJobSettlement settlement = _handler.settlement();
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        uint256 expiry = Exits.expiryOf(settlement, job);
        bool posted = job_.phase == IJobSettlement.JobPhase.Posted;
        if (job_.phase == IJobSettlement.JobPhase.Cancelled) return _requireFree(job, job_);
        _passTo(posted ? job_.acceptBy : job_.collectBy);
        if (block.timestamp <= expiry && posted) Exits.endJob(settlement, job);
        if (block.timestamp <= expiry && !posted) Exits.endUncharged(settlement, job);
        job_ = settlement.jobOf(job);
        for (uint256 index = 1; index <= job_.nodeCount; ++index) {
            if (!Exits.isOpenIn(job_.phases, index)) continue;
            _passTo(Exits.deadlineOf(settlement, job, index));
            if (block.timestamp <= expiry) Exits.endIndex(settlement, job, index);
        }
        _requireFree(job, settlement.jobOf(job));
    }

    /// @dev Beyond the expiry the settlement can pay nothing; the anchor returns what is left.
    function _requireFree(JobId job, IJobSettlement.Job memory job_) private {
        bool expired = block.timestamp > Exits.expiryOf(_handler.settlement(), job);
        for (uint256 index = 1; index <= job_.nodeCount; ++index) {
            require(expired || !Exits.isOpenIn(job_.phases, index), "an index stayed open");
        }
        for (uint256 place = 0; place <= job_.nodeCount; ++place) {
            if (_held(job, place) == 0) continue;
            require(expired, "a place stayed filled");
            _handler.anchor().expire(address(_handler.settlement()), JobId.unwrap(job), place);
            require(_held(job, place) == 0, "a place outlived its expiry");
        }
    }

    function _held(JobId job, uint256 place) private view returns (uint256 amount) {
        address locker = address(_handler.settlement());
        (, amount) = _handler.anchor().placeOf(locker, JobId.unwrap(job), place);
    }

    function _passTo(uint256 deadline) private {
        if (block.timestamp <= deadline) vm.warp(deadline + 1);
    }
}
