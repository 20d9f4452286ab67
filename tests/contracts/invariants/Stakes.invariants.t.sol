// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssetAnchor} from "../../../contracts/interfaces/IAssetAnchor.sol";
import {IProviderStakes} from "../../../contracts/interfaces/IProviderStakes.sol";
import {StakeHandler} from "./StakeHandler.sol";
import {vm} from "./Vm.sol";

/// @title The invariants of the providers' stakes; contracts/README.md lists them by name
contract StakesInvariants {
    StakeHandler private _handler;

    function setUp() external {
        _handler = new StakeHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice A stake is what its lock holds, unless the lock expired and was returned; nothing else is locked.
    /// forge-config: default.invariant.runs = 24
    function invariant_every_stake_is_in_its_lock() external view {
        IAssetAnchor anchor = _handler.anchor();
        uint256 locked = 0;
        uint256 free = 0;
        for (uint256 place = 0; place < _handler.PROVIDERS(); ++place) {
            address provider = _handler.providers(place);
            IProviderStakes.ProviderStake memory entry = _handler.registry().stakeOf(provider);
            (uint256 expiresAt, uint256 held) = _lockOf(provider);
            require(held == 0 || expiresAt == entry.expiresAt, "a stake ends with another lock");
            require(
                held == entry.amount || block.timestamp > entry.expiresAt, "a stake differs from its lock"
            );
            require(held == entry.amount || held == 0, "a lock was returned in part");
            locked += held;
            free += anchor.freeBalanceOf(provider);
        }
        require(locked == anchor.totalLocked(), "something else is locked");
        require(free + locked == _handler.deposited(), "tokens were made or lost");
        require(_handler.token().balanceOf(address(anchor)) == _handler.deposited(), "tokens left");
    }

    /// @notice What counts for new work stays locked at least as long as any complaint about it can come.
    /// forge-config: default.invariant.runs = 24
    function invariant_what_counts_outlasts_every_complaint() external view {
        for (uint256 place = 0; place < _handler.PROVIDERS(); ++place) {
            address provider = _handler.providers(place);
            uint256 active = _handler.registry().activeStakeOf(provider);
            if (active == 0) continue;
            (uint256 expiresAt, uint256 held) = _lockOf(provider);
            require(held == active, "counts what is not there");
            require(expiresAt >= block.timestamp + _handler.unbonding(), "ends too soon");
            require(!_handler.isFree(provider), "counts what anyone may release");
        }
    }

    /// @notice Whatever happened, a stranger alone returns every stake.
    /// forge-config: default.invariant.runs = 24
    function invariant_every_stake_has_an_exit() external {
        uint256 snapshot = vm.snapshotState();
        vm.warp(block.timestamp + _handler.anchor().maxLockSeconds() + 1);
        for (uint256 place = 0; place < _handler.PROVIDERS(); ++place) {
            _handler.release(place);
        }
        require(_handler.anchor().totalLocked() == 0, "a stake stayed");
        vm.revertToState(snapshot);
    }

    function _lockOf(address provider) private view returns (uint256 expiresAt, uint256 held) {
        address registry = address(_handler.registry());
        bytes32 subject = _handler.registry().stakeSubjectOf(provider);
        (expiresAt,) = _handler.anchor().lockOf(registry, subject);
        (, held) = _handler.anchor().placeOf(registry, subject, 0);
    }
}
