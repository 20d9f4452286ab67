// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";
import {IProviderStakes} from "../interfaces/IProviderStakes.sol";

/// @title ProviderStakes: the layer of the registry that holds the providers' stakes
/// @notice Read IProviderStakes first: it says what every function does.
/// @dev Nobody else can pay out of these locks: `ProviderStake.amount` is what one holds until it expires.
abstract contract ProviderStakes is IProviderStakes {
    using SafeCast for uint256;

    IAssetAnchor private immutable _anchor;
    uint256 private immutable _minStake;
    uint256 private immutable _unbondingSeconds;

    mapping(address provider => ProviderStake entry) private _stakes;

    constructor(address anchor_, uint256 minStake_, uint256 unbondingSeconds_) {
        _anchor = IAssetAnchor(anchor_);
        _minStake = minStake_;
        _unbondingSeconds = unbondingSeconds_;
        _requireWithin("minStake", minStake_, 1, type(uint96).max);
        // Half of the longest lock: a provider that renews once in that time never loses its standing.
        _requireWithin("unbondingSeconds", unbondingSeconds_, 1, _anchor.maxLockSeconds() / 2);
    }

    /// @inheritdoc IProviderStakes
    function stake(uint256 amount) external {
        address provider = _requireActing(msg.sender);
        ProviderStake memory had = _stakes[provider];
        bool held = had.amount != 0 && block.timestamp <= had.expiresAt;
        uint256 total = held ? amount + had.amount : amount;
        uint256 expiresAt = block.timestamp + _anchor.maxLockSeconds();

        // The anchor calls nobody on these paths, and the lock's id is known only afterwards.
        if (held) _anchor.pay(had.lockId, msg.sender, had.amount);
        else _expire(had);
        uint256 lockId = _anchor.lock(msg.sender, total, expiresAt);
        _stakes[provider] = ProviderStake(total.toUint96(), expiresAt.toUint40(), 0, lockId.toUint64());
        emit ProviderStaked(provider, amount, total, expiresAt);
    }

    /// @inheritdoc IProviderStakes
    function unstake() external {
        address provider = _requireActing(msg.sender);
        ProviderStake memory had = _stakes[provider];
        if (had.amount == 0) revert NothingStaked(provider);
        if (had.freeAt != 0) revert AlreadyUnbonding(provider, had.freeAt);
        _startUnbonding(provider);
    }

    /// @inheritdoc IProviderStakes
    function releaseStake(address provider) external {
        ProviderStake memory had = _stakes[provider];
        if (had.amount == 0) revert NothingStaked(provider);
        bool expired = block.timestamp > had.expiresAt;
        if (!expired && (had.freeAt == 0 || block.timestamp <= had.freeAt)) {
            revert StillBonded(provider, had.freeAt, block.timestamp);
        }
        delete _stakes[provider];
        address to = expired ? _anchor.lockOf(had.lockId).owner : actorOf(provider);
        emit ProviderStakeReleased(provider, to, had.amount);
        if (expired) _expire(had);
        else _anchor.pay(had.lockId, to, had.amount);
    }

    /// @inheritdoc IProviderStakes
    function stakeOf(address provider) external view returns (ProviderStake memory) {
        return _stakes[provider];
    }

    /// @inheritdoc IProviderStakes
    function minStake() external view returns (uint256) {
        return _minStake;
    }

    /// @inheritdoc IProviderStakes
    function unbondingSeconds() external view returns (uint256) {
        return _unbondingSeconds;
    }

    /// @inheritdoc IProviderStakes
    function anchor() external view returns (address) {
        return address(_anchor);
    }

    /// @inheritdoc IProviderStakes
    function activeStakeOf(address provider) public view returns (uint256) {
        ProviderStake memory had = _stakes[provider];
        bool lasts = had.freeAt == 0 && block.timestamp + _unbondingSeconds <= had.expiresAt;
        return lasts ? had.amount : 0;
    }

    /// @inheritdoc IProviderStakes
    function actorOf(address provider) public view virtual returns (address);

    /// @dev Starts unbonding unless there is nothing to unbond, or it has started.
    function _startUnbonding(address provider) internal {
        ProviderStake storage had = _stakes[provider];
        if (had.amount == 0 || had.freeAt != 0) return;
        uint256 freeAt = block.timestamp + _unbondingSeconds;
        had.freeAt = freeAt.toUint40();
        emit ProviderUnbonding(provider, had.amount, freeAt);
    }

    /// @dev The provider that `account` acts for; reverts when there is none.
    function _requireActing(address account) internal view virtual returns (address provider);

    /// @dev Reverts unless the provider has enough at stake for new work.
    function _requireStake(address provider) internal view {
        uint256 had = activeStakeOf(provider);
        if (had < _minStake) revert StakeTooLow(provider, had, _minStake);
    }

    function _isStaked(address provider) internal view returns (bool) {
        return activeStakeOf(provider) >= _minStake;
    }

    /// @dev Anyone may have returned an expired lock before.
    function _expire(ProviderStake memory had) private {
        if (_anchor.lockOf(had.lockId).remaining != 0) _anchor.expire(had.lockId);
    }

    function _requireWithin(bytes32 field, uint256 had, uint256 least, uint256 most) private pure {
        if (had < least || had > most) revert StakingInvalid(field, had, least, most);
    }
}
