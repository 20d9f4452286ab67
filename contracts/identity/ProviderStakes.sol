// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Bounds} from "../anchoring/Bounds.sol";
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
    uint256 private immutable _pauseSeconds;

    mapping(address provider => ProviderStake entry) private _stakes;

    constructor(address anchor_, uint256 minStake_, uint256 unbondingSeconds_, uint256 pauseSeconds_) {
        _anchor = IAssetAnchor(anchor_);
        _minStake = minStake_;
        _unbondingSeconds = unbondingSeconds_;
        _pauseSeconds = pauseSeconds_;
        Bounds.requireWithin("minStake", minStake_, 1, type(uint96).max);
        // Half of the longest lock: a provider that renews once in that time never loses its standing.
        uint256 half = _anchor.maxLockSeconds() / 2;
        Bounds.requireWithin("unbondingSeconds", unbondingSeconds_, 1, half);
        Bounds.requireWithin("pauseSeconds", pauseSeconds_, 1, half);
    }

    /// @inheritdoc IProviderStakes
    function stake(uint256 amount) external {
        address provider = _requireActing(msg.sender);
        ProviderStake memory had = _stakes[provider];
        bool held = had.amount != 0 && block.timestamp <= had.expiresAt;
        uint256 total = held ? amount + had.amount : amount;
        uint256 expiresAt = block.timestamp + _anchor.maxLockSeconds();
        uint256 countsFrom = had.countsFrom;
        if (total >= _minStake && !_isBonded(had)) countsFrom = _countsFrom(countsFrom != 0);

        _stakes[provider] = ProviderStake(
            total.toUint96(), expiresAt.toUint40(), 0, countsFrom.toUint40(), had.newMembersFrom
        );
        emit ProviderStaked(provider, amount, total, expiresAt, countsFrom);
        if (held) _prolong(provider, had, amount, total, expiresAt);
        else _lockAnew(provider, had, total, expiresAt);
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
        // What remains says that it has counted before, and when the last member left.
        _stakes[provider] = ProviderStake(0, 0, 0, had.countsFrom, had.newMembersFrom);
        address to = expired ? _ownerOf(provider) : actorOf(provider);
        emit ProviderStakeReleased(provider, to, had.amount);
        if (expired) _expire(provider);
        else _anchor.pay(stakeSubjectOf(provider), 0, to, had.amount);
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
    function pauseSeconds() external view returns (uint256) {
        return _pauseSeconds;
    }

    /// @inheritdoc IProviderStakes
    function anchor() external view returns (address) {
        return address(_anchor);
    }

    /// @inheritdoc IProviderStakes
    function activeStakeOf(address provider) external view returns (uint256) {
        return _isStaked(provider) ? _stakes[provider].amount : 0;
    }

    /// @inheritdoc IProviderStakes
    function actorOf(address provider) public view virtual returns (address);

    /// @inheritdoc IProviderStakes
    function stakeSubjectOf(address provider) public pure returns (bytes32) {
        return bytes32(uint256(uint160(provider)));
    }

    /// @dev Starts unbonding unless there is nothing to unbond, or it has started.
    function _startUnbonding(address provider) internal {
        ProviderStake storage had = _stakes[provider];
        if (had.amount == 0 || had.freeAt != 0) return;
        uint256 freeAt = block.timestamp + _unbondingSeconds;
        had.freeAt = freeAt.toUint40();
        emit ProviderUnbonding(provider, had.amount, freeAt);
    }

    /// @dev A member left: postings that name it fail, so who is new in its place has to wait.
    function _pauseNewMembers(address provider) internal {
        _stakes[provider].newMembersFrom = _countsFrom(true).toUint40();
    }

    /// @dev The provider that `account` acts for; reverts when there is none.
    function _requireActing(address account) internal view virtual returns (address provider);

    /// @dev Reverts unless the provider has enough at stake to take members in; a pause ends by itself.
    function _requireStake(address provider) internal view {
        ProviderStake memory had = _stakes[provider];
        if (!_isBonded(had)) revert StakeTooLow(provider, had.freeAt == 0 ? had.amount : 0, _minStake);
    }

    /// @dev Whether new work may be taken for the provider. A provider that has retired unbonds for good.
    function _isStaked(address provider) internal view returns (bool) {
        ProviderStake memory had = _stakes[provider];
        return _isBonded(had) && block.timestamp >= had.countsFrom;
    }

    function _newMembersFrom(address provider) internal view returns (uint256) {
        return _stakes[provider].newMembersFrom;
    }

    /// @dev From when it counts: at once the first time, after the pause for whom it has counted before.
    function _countsFrom(bool again) internal view returns (uint256) {
        return again ? block.timestamp + _pauseSeconds : block.timestamp;
    }

    /// @dev Lets a lock last longer and hold more. The allowance is asked for `total`, as for a new lock.
    function _prolong(
        address provider,
        ProviderStake memory had,
        uint256 amount,
        uint256 total,
        uint256 expiresAt
    ) private {
        bytes32 subject = stakeSubjectOf(provider);
        if (_ownerOf(provider) != msg.sender) {
            // Since the succession it is still the former account's.
            _anchor.pay(subject, 0, msg.sender, had.amount);
            _anchor.lock(subject, msg.sender, total, expiresAt);
            return;
        }
        if (expiresAt > had.expiresAt) _anchor.renew(subject, expiresAt);
        if (amount != 0) _anchor.increase(subject, 0, amount);
    }

    function _lockAnew(address provider, ProviderStake memory had, uint256 total, uint256 expiresAt) private {
        if (had.amount != 0) _expire(provider);
        _anchor.lock(stakeSubjectOf(provider), msg.sender, total, expiresAt);
    }

    /// @dev Anyone may have returned an expired lock before.
    function _expire(address provider) private {
        if (_ownerOf(provider) == address(0)) return;
        _anchor.expire(address(this), stakeSubjectOf(provider), 0);
    }

    /// @dev Enough, not leaving, and locked for longer than any complaint can take.
    function _isBonded(ProviderStake memory had) private view returns (bool) {
        bool lasts = had.freeAt == 0 && block.timestamp + _unbondingSeconds <= had.expiresAt;
        return lasts && had.amount >= _minStake;
    }

    /// @dev Whose tokens the lock holds; zero when it is gone.
    function _ownerOf(address provider) private view returns (address owner) {
        (owner,) = _anchor.placeOf(address(this), stakeSubjectOf(provider), 0);
    }
}
