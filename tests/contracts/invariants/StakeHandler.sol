// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderStakes} from "../../../contracts/interfaces/IProviderStakes.sol";
import {Draws} from "./Draws.sol";
import {Stage} from "./Stage.sol";
import {vm} from "./Vm.sol";

/// @title StakeHandler: what providers and strangers may do with stakes, in any order, at any time
/// @notice An action that the rules do not allow now does nothing; one that they allow must not revert.
contract StakeHandler is Stage {
    uint256 public constant PROVIDERS = 4 + 3;
    uint256 private constant WALLET = 1e24;

    address[] public providers;
    uint256 public deposited;
    uint256 public released;
    mapping(address provider => bool gone) private _retired;
    mapping(address provider => bool known) private _hasCounted;
    mapping(address provider => uint256 at) private _stoppedAt; // zero: it counts, or never has

    /// @dev After every act: whoever stopped to count does not count again before the pause is over.
    modifier watched() {
        _;
        for (uint256 place = 0; place < PROVIDERS; ++place) {
            _watch(providers[place]);
        }
    }

    constructor() Stage(PROVIDERS - 4, 4) {
        for (uint256 place = 0; place < PROVIDERS; ++place) {
            bool ofNode = place < PROVIDERS - 4;
            providers.push(address(uint160(ofNode ? 0xa000 + place : 0xc000 + place - (PROVIDERS - 4))));
            anchor.deposit(providers[place], WALLET);
            _hasCounted[providers[place]] = true;
        }
        deposited = _staked + PROVIDERS * WALLET;
    }

    function stake(uint256 seed, uint256 amount) external watched {
        address provider = _provider(seed);
        if (_retired[provider]) return;
        uint256 had = anchor.freeBalanceOf(provider);
        uint256 most = had < 1e22 ? had : 1e22;
        amount = seed % 3 == 0 ? 0 : Draws.within(amount, 0, most);
        // Renewing nothing is locking nothing.
        if (amount == 0 && !_isHeld(provider)) return;
        uint256 total = _isHeld(provider) ? amount + registry.stakeOf(provider).amount : amount;
        uint256 until = block.timestamp;
        vm.prank(provider);
        anchor.allowLocker(address(registry), total, until);
        vm.prank(provider);
        registry.stake(amount);
    }

    function unstake(uint256 seed) external watched {
        address provider = _provider(seed);
        IProviderStakes.ProviderStake memory entry = registry.stakeOf(provider);
        if (_retired[provider] || entry.amount == 0 || entry.freeAt != 0) return;
        vm.prank(provider);
        registry.unstake();
    }

    function retire(uint256 seed) external watched {
        address provider = _provider(seed);
        if (_retired[provider] || seed % 8 != 0) return;
        _retired[provider] = true;
        vm.prank(provider);
        registry.retire();
    }

    function release(uint256 seed) external watched {
        address provider = _provider(seed);
        if (!isFree(provider)) return;
        ++released;
        vm.prank(STRANGER);
        registry.releaseStake(provider);
    }

    /// @notice A stranger returns a lock behind the registry's back.
    function expire(uint256 seed) external watched {
        IProviderStakes.ProviderStake memory entry = registry.stakeOf(_provider(seed));
        if (entry.amount == 0 || block.timestamp <= entry.expiresAt) return;
        bytes32 subject = registry.stakeSubjectOf(_provider(seed));
        (uint256 expiresAt,) = anchor.lockOf(address(registry), subject);
        if (expiresAt == 0) return;
        vm.prank(STRANGER);
        anchor.expire(address(registry), subject, 0);
    }

    function pass(uint256 secondsToPass) external watched {
        vm.warp(block.timestamp + Draws.within(secondsToPass, 1, UNBONDING));
    }

    function passDays(uint256 count) external watched {
        vm.warp(block.timestamp + Draws.within(count, 1, 400) * 1 days);
    }

    /// @notice To the last second of unbonding or of a lock, or the one after it.
    function passToDeadline(uint256 seed, bool later) external watched {
        IProviderStakes.ProviderStake memory entry = registry.stakeOf(_provider(seed));
        uint256 deadline = entry.freeAt == 0 ? entry.expiresAt : entry.freeAt;
        if (deadline > block.timestamp) vm.warp(deadline + (later ? 1 : 0));
    }

    /// @notice May anyone release it now?
    function isFree(address provider) public view returns (bool) {
        IProviderStakes.ProviderStake memory entry = registry.stakeOf(provider);
        if (entry.amount == 0) return false;
        if (block.timestamp > entry.expiresAt) return true;
        return entry.freeAt != 0 && block.timestamp > entry.freeAt;
    }

    function unbonding() external pure returns (uint256) {
        return UNBONDING;
    }

    function _watch(address provider) private {
        if (registry.activeStakeOf(provider) == 0) {
            if (_hasCounted[provider] && _stoppedAt[provider] == 0) _stoppedAt[provider] = block.timestamp;
            return;
        }
        uint256 since = _stoppedAt[provider];
        require(since == 0 || block.timestamp >= since + PAUSE, "it counts again before the pause is over");
        _stoppedAt[provider] = 0;
    }

    function _isHeld(address provider) private view returns (bool) {
        IProviderStakes.ProviderStake memory entry = registry.stakeOf(provider);
        return entry.amount != 0 && block.timestamp <= entry.expiresAt;
    }

    function _provider(uint256 seed) private view returns (address) {
        return providers[seed % PROVIDERS];
    }
}
