// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";

/// @title FreeBalances: the layer of the anchor that takes tokens in, gives them out, and counts them
/// @notice Read IAssetAnchor first: it says what every function does.
/// @dev The deposits and `withdraw` alone call the token, the only foreign code here; they are guarded.
/// Counters, never the token balance, say who owns what: stray tokens change nothing.
abstract contract FreeBalances is IAssetAnchor, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @dev One slot.
    struct Totals {
        uint128 free;
        uint128 locked;
    }

    IERC20 private immutable _token;

    mapping(address account => uint256 amount) private _free;
    Totals private _totals;

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
        _totals.free -= amount.toUint128();
        emit Withdrawn(msg.sender, to, amount);
        _token.safeTransfer(to, amount);
    }

    /// @inheritdoc IAssetAnchor
    function move(address to, uint256 amount) external {
        _requireHolder(to);
        _requireAmount(amount);
        _takeFree(msg.sender, amount);
        _free[to] += amount;
        emit Moved(msg.sender, to, amount);
    }

    /// @inheritdoc IAssetAnchor
    function freeBalanceOf(address account) external view returns (uint256) {
        return _free[account];
    }

    /// @inheritdoc IAssetAnchor
    function totalFree() external view returns (uint256) {
        return _totals.free;
    }

    /// @inheritdoc IAssetAnchor
    function totalLocked() external view returns (uint256) {
        return _totals.locked;
    }

    /// @inheritdoc IAssetAnchor
    function token() external view returns (address) {
        return address(_token);
    }

    /// @dev The caller adds to the totals what it takes, once for all accounts.
    function _takeFree(address account, uint256 amount) internal {
        uint256 had = _free[account];
        if (had < amount) revert FreeBalanceTooLow(account, had, amount);
        _free[account] = had - amount;
    }

    function _giveFree(address account, uint256 amount) internal {
        _free[account] += amount;
    }

    function _addLocked(uint256 amount) internal {
        Totals memory had = _totals;
        _totals = Totals(had.free - amount.toUint128(), had.locked + amount.toUint128());
    }

    function _addFree(uint256 amount) internal {
        Totals memory had = _totals;
        _totals = Totals(had.free + amount.toUint128(), had.locked - amount.toUint128());
    }

    /// @dev The anchor itself could never withdraw: tokens credited or sent to it would be lost.
    function _requireHolder(address account) internal view {
        if (account == address(0)) revert ZeroAccount();
        if (account == address(this)) revert AnchorAsAccount();
    }

    function _requireAmount(uint256 amount) internal pure {
        if (amount == 0 || amount > type(uint96).max) revert AmountOutOfRange(amount);
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
        _totals.free += received.toUint128();
        emit Deposited(account, msg.sender, received);
    }
}
