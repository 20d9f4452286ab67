// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";

/// @title AssetAnchor
/// @notice Read IAssetAnchor first: it says what every function does.
/// @dev Only the deposits and `withdraw` call the token, the only foreign code here; both are guarded.
/// Counters, never the token balance, say who owns what: stray tokens change nothing.
contract AssetAnchor is IAssetAnchor, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    uint256 private constant MAX_LOCK_SECONDS = 730 days; // no job or stake of any system is longer

    IERC20 private immutable _token;

    mapping(address account => uint256 amount) private _free;
    mapping(address account => mapping(address locker => uint256 amount)) private _allowances;
    mapping(uint256 lockId => Lock entry) private _locks;
    uint256 private _lastLockId;
    uint128 private _totalFree;
    uint128 private _totalLocked;

    /// @param token_ the ERC-20 held here
    constructor(address token_) {
        if (token_ == address(0)) revert ZeroAccount();
        _token = IERC20(token_);
    }

    /// @inheritdoc IAssetAnchor
    function deposit(address account, uint256 amount) external nonReentrant returns (uint256 received) {
        return _deposit(account, amount);
    }

    /// @inheritdoc IAssetAnchor
    function depositWithPermit(
        address account,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant returns (uint256 received) {
        // Whoever saw the signature may have used it: then the allowance is there, and it is no fault.
        try IERC20Permit(address(_token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {
            return _deposit(account, amount);
        } catch (bytes memory why) {
            if (_token.allowance(msg.sender, address(this)) < amount) revert PermitRefused(msg.sender, why);
            return _deposit(account, amount);
        }
    }

    /// @inheritdoc IAssetAnchor
    function withdraw(address to, uint256 amount) external nonReentrant {
        _requireHolder(to);
        _requireAmount(amount);
        _takeFree(msg.sender, amount);
        emit Withdrawn(msg.sender, to, amount);
        _token.safeTransfer(to, amount);
    }

    /// @inheritdoc IAssetAnchor
    function allowLocker(address locker, uint256 amount) external {
        if (locker == address(0)) revert ZeroAccount();
        _allowances[msg.sender][locker] = amount;
        emit LockerAllowed(msg.sender, locker, amount);
    }

    /// @inheritdoc IAssetAnchor
    function lock(address account, uint256 amount, uint256 expiresAt) external returns (uint256 lockId) {
        _requireAmount(amount);
        uint256 latest = block.timestamp + MAX_LOCK_SECONDS;
        if (expiresAt <= block.timestamp || expiresAt > latest) {
            revert ExpiryOutOfRange(expiresAt, block.timestamp + 1, latest);
        }
        uint256 allowed = _allowances[account][msg.sender];
        if (allowed < amount) revert AllowanceTooLow(account, msg.sender, allowed, amount);
        _allowances[account][msg.sender] = allowed - amount;
        _takeFree(account, amount);
        _totalLocked += amount.toUint128();
        lockId = ++_lastLockId;
        _locks[lockId] = Lock(account, expiresAt.toUint40(), msg.sender, amount.toUint96());
        emit Locked(lockId, account, msg.sender, amount, expiresAt);
    }

    /// @inheritdoc IAssetAnchor
    function pay(uint256 lockId, address to, uint256 amount) external {
        if (amount == 0) return;
        _requireHolder(to);
        Lock storage entry = _locks[lockId];
        uint256 had = entry.remaining;
        if (had == 0) revert LockUnknown(lockId);
        if (entry.locker != msg.sender) revert NotTheLocker(lockId, entry.locker, msg.sender);
        if (block.timestamp > entry.expiresAt) {
            revert LockExpired(lockId, entry.expiresAt, block.timestamp);
        }
        if (had < amount) revert LockTooSmall(lockId, had, amount);
        if (had == amount) delete _locks[lockId];
        else entry.remaining = (had - amount).toUint96();
        _release(to, amount);
        emit Paid(lockId, to, msg.sender, amount);
    }

    /// @inheritdoc IAssetAnchor
    function expire(uint256 lockId) external {
        Lock memory entry = _locks[lockId];
        if (entry.remaining == 0) revert LockUnknown(lockId);
        if (block.timestamp <= entry.expiresAt) {
            revert LockNotExpired(lockId, entry.expiresAt, block.timestamp);
        }
        delete _locks[lockId];
        _release(entry.owner, entry.remaining);
        emit LockReturned(lockId, entry.owner, msg.sender, entry.remaining);
    }

    /// @inheritdoc IAssetAnchor
    function freeBalanceOf(address account) external view returns (uint256) {
        return _free[account];
    }

    /// @inheritdoc IAssetAnchor
    function lockerAllowance(address account, address locker) external view returns (uint256) {
        return _allowances[account][locker];
    }

    /// @inheritdoc IAssetAnchor
    function lockOf(uint256 lockId) external view returns (Lock memory) {
        return _locks[lockId];
    }

    /// @inheritdoc IAssetAnchor
    function totalFree() external view returns (uint256) {
        return _totalFree;
    }

    /// @inheritdoc IAssetAnchor
    function totalLocked() external view returns (uint256) {
        return _totalLocked;
    }

    /// @inheritdoc IAssetAnchor
    function token() external view returns (address) {
        return address(_token);
    }

    /// @inheritdoc IAssetAnchor
    function maxLockSeconds() external pure returns (uint256) {
        return MAX_LOCK_SECONDS;
    }

    function _deposit(address account, uint256 amount) private returns (uint256 received) {
        _requireHolder(account);
        _requireAmount(amount);
        // The one place where the interaction comes first: what arrived is known only afterwards.
        uint256 before = _token.balanceOf(address(this));
        _token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 afterwards = _token.balanceOf(address(this));
        if (afterwards <= before) revert NothingReceived(account, amount);
        received = afterwards - before;
        _requireAmount(received);
        _free[account] += received;
        _totalFree += received.toUint128();
        emit Deposited(account, msg.sender, received);
    }

    function _takeFree(address account, uint256 amount) private {
        uint256 had = _free[account];
        if (had < amount) revert FreeBalanceTooLow(account, had, amount);
        _free[account] = had - amount;
        _totalFree -= amount.toUint128();
    }

    function _release(address to, uint256 amount) private {
        _totalLocked -= amount.toUint128();
        _totalFree += amount.toUint128();
        _free[to] += amount;
    }

    /// @dev The anchor itself could never withdraw: tokens credited or sent to it would be lost.
    function _requireHolder(address account) private view {
        if (account == address(0)) revert ZeroAccount();
        if (account == address(this)) revert AnchorAsAccount();
    }

    function _requireAmount(uint256 amount) private pure {
        if (amount == 0 || amount > type(uint96).max) revert AmountOutOfRange(amount);
    }
}
