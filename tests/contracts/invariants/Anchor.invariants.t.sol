// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../contracts/anchoring/AssetAnchor.sol";
import {AnchorHandler} from "./AnchorHandler.sol";
import {ACCOUNTS, LOCKERS, SEATS, SUBJECTS} from "./AnchorModel.sol";
import {vm} from "./Vm.sol";

/// @title The invariants of the anchor; contracts/README.md lists them by name
contract AnchorInvariants {
    AnchorHandler private _handler;
    AssetAnchor private _anchor;

    function setUp() external {
        _handler = new AnchorHandler();
        _anchor = _handler.anchor();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice What came in and did not go out is free or in one place of one lock, whatever was moved.
    /// forge-config: default.invariant.runs = 24
    function invariant_every_token_in_is_held_or_paid() external view {
        uint256 owed = _handler.deposited() - _handler.withdrawn();
        uint256 there = _handler.token().balanceOf(address(_anchor));
        require(there == owed + _handler.strayed(), "held differs from what came in and went out");
        uint256 free = 0;
        for (uint256 seed = 0; seed < ACCOUNTS; ++seed) {
            address account = _handler.account(seed);
            require(_anchor.freeBalanceOf(account) == _handler.free(account), "a free balance");
            free += _handler.free(account);
        }
        require(free == _anchor.totalFree(), "free balances differ from their sum");
        require(_sumPlaces() == _anchor.totalLocked(), "places differ from their sum");
        require(free + _anchor.totalLocked() == owed, "books differ from what is owed");
    }

    /// @notice No lock ends later than the longest lock from now; what holds nothing is no plain lock.
    /// forge-config: default.invariant.runs = 16
    function invariant_a_lock_never_outlives_its_bound() external view {
        uint256 latest = block.timestamp + _anchor.maxLockSeconds();
        for (uint256 by = 0; by < LOCKERS; ++by) {
            for (uint256 what = 0; what < SUBJECTS; ++what) {
                (address locker, bytes32 subject) = (_handler.locker(by), _handler.subject(what));
                (uint256 expiresAt, bool isGroup) = _anchor.lockOf(locker, subject);
                (uint256 needed, bool neededGroup) = _handler.kept(locker, subject);
                require(expiresAt == needed && isGroup == neededGroup, "another lock than was made");
                require(expiresAt <= latest, "a lock outlives its bound");
                (, uint256 amount) = _anchor.placeOf(locker, subject, 0);
                require(isGroup || (amount != 0) == (expiresAt != 0), "an empty lock, or one without an end");
            }
        }
    }

    /// @notice Under an allowance no more is locked than it says, and nothing after it has ended.
    /// forge-config: default.invariant.runs = 16
    function invariant_allowances_are_never_exceeded_nor_outlived() external view {
        for (uint256 seed = 0; seed < ACCOUNTS; ++seed) {
            for (uint256 by = 0; by < LOCKERS; ++by) {
                (address account, address locker) = (_handler.account(seed), _handler.locker(by));
                (uint256 left, uint256 expiresAt, uint256 granted, uint256 used) =
                    _handler.allowed(account, locker);
                (uint256 amount, uint256 until) = _anchor.lockerAllowance(account, locker);
                require(amount == left && until == expiresAt, "another allowance than was set");
                require(used + left == granted, "more was locked than was allowed");
                require(until <= block.timestamp + _anchor.maxLockSeconds(), "it never ends");
            }
        }
    }

    /// @notice Whatever happened, a stranger alone empties every place.
    /// forge-config: default.invariant.runs = 16
    function invariant_every_place_has_an_exit() external {
        uint256 snapshot = vm.snapshotState();
        vm.warp(block.timestamp + _anchor.maxLockSeconds() + 1);
        for (uint256 key = 0; key < LOCKERS * SUBJECTS; ++key) {
            for (uint256 where = 0; where < SEATS; ++where) {
                _handler.expire(key, key / LOCKERS, where);
            }
        }
        require(_anchor.totalLocked() == 0, "a place stayed full");
        vm.revertToState(snapshot);
    }

    function _sumPlaces() private view returns (uint256 sum) {
        for (uint256 by = 0; by < LOCKERS; ++by) {
            for (uint256 what = 0; what < SUBJECTS; ++what) {
                for (uint256 where = 0; where < SEATS; ++where) {
                    sum += _checkPlace(_handler.locker(by), _handler.subject(what), _handler.seat(where));
                }
            }
        }
    }

    function _checkPlace(address locker, bytes32 subject, uint256 place) private view returns (uint256) {
        (address owner, uint256 amount) = _anchor.placeOf(locker, subject, place);
        (address neededOwner, uint256 needed) = _handler.held(locker, subject, place);
        require(owner == neededOwner && amount == needed, "a place");
        return amount;
    }
}
