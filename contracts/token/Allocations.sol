// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAllocations} from "../interfaces/IAllocations.sol";

/// @title Allocations
/// @notice Read IAllocations first: it says what every function does.
/// @dev Not OpenZeppelin's VestingWallet: that has no exit once its owner is gone, an owner who may
/// renounce it, and a way in for ether.
contract Allocations is IAllocations {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    uint256 private constant PURPOSES = 4;
    uint256 private constant MAX_SPAN = 20 * 365 days; // a longer promise outlives those who made it

    IERC20 private immutable _token;
    address private immutable _heir;

    mapping(Purpose purpose => Allocation entry) private _allocations;

    /// @param plans  by `Purpose`
    /// @param heir_  gets what nobody released in time
    /// @param supply what the caller, the token, is about to mint to this contract
    constructor(Plan[PURPOSES] memory plans, address heir_, uint256 supply) {
        _token = IERC20(msg.sender);
        _heir = heir_;
        _requireAccount(heir_);
        uint256 sum = 0;
        for (uint256 place = 0; place < PURPOSES; ++place) {
            sum += plans[place].amount;
            _open(Purpose(place), plans[place]);
        }
        if (sum != supply) revert PlansDoNotSum(sum, supply);
    }

    /// @inheritdoc IAllocations
    function release(Purpose purpose) external returns (uint256 amount) {
        Allocation storage entry = _allocations[purpose];
        _requireBefore(purpose, entry.lapsesAt);
        amount = _vested(entry) - entry.released;
        if (amount == 0) revert NothingVested(purpose, block.timestamp, entry.endsAt);

        address beneficiary = entry.beneficiary;
        entry.released += amount.toUint96();
        emit AllocationReleased(purpose, beneficiary, amount);
        _token.safeTransfer(beneficiary, amount);
    }

    /// @inheritdoc IAllocations
    function offer(Purpose purpose, address account) external {
        Allocation storage entry = _allocations[purpose];
        _requireBefore(purpose, entry.lapsesAt);
        if (msg.sender != entry.beneficiary) revert WrongCaller(purpose, msg.sender, entry.beneficiary);
        entry.offeredTo = account;
        emit AllocationOffered(purpose, msg.sender, account);
    }

    /// @inheritdoc IAllocations
    function takeOver(Purpose purpose) external {
        Allocation storage entry = _allocations[purpose];
        _requireBefore(purpose, entry.lapsesAt);
        if (msg.sender != entry.offeredTo) revert WrongCaller(purpose, msg.sender, entry.offeredTo);
        address former = entry.beneficiary;
        entry.beneficiary = msg.sender;
        entry.offeredTo = address(0);
        emit AllocationHandedOver(purpose, former, msg.sender);
    }

    /// @inheritdoc IAllocations
    function lapse(Purpose purpose) external returns (uint256 amount) {
        Allocation storage entry = _allocations[purpose];
        if (block.timestamp <= entry.lapsesAt) revert NotLapsed(purpose, block.timestamp, entry.lapsesAt);
        amount = entry.amount - entry.released;
        if (amount == 0) revert NothingLeft(purpose);

        entry.released = entry.amount;
        emit AllocationLapsed(purpose, _heir, amount);
        _token.safeTransfer(_heir, amount);
    }

    /// @inheritdoc IAllocations
    function allocationOf(Purpose purpose) external view returns (Allocation memory) {
        return _allocations[purpose];
    }

    /// @inheritdoc IAllocations
    function releasable(Purpose purpose) external view returns (uint256) {
        Allocation storage entry = _allocations[purpose];
        return block.timestamp > entry.lapsesAt ? 0 : _vested(entry) - entry.released;
    }

    /// @inheritdoc IAllocations
    function heir() external view returns (address) {
        return _heir;
    }

    /// @inheritdoc IAllocations
    function token() external view returns (address) {
        return address(_token);
    }

    /// @inheritdoc IAllocations
    function maxSpan() external pure returns (uint256) {
        return MAX_SPAN;
    }

    function _open(Purpose purpose, Plan memory plan) private {
        _requireAccount(plan.beneficiary);
        _requireSpan(purpose, plan.delay, 0);
        _requireSpan(purpose, plan.duration, 0);
        _requireSpan(purpose, plan.grace, 1);
        Allocation storage entry = _allocations[purpose];
        entry.beneficiary = plan.beneficiary;
        entry.amount = plan.amount;
        entry.startsAt = (block.timestamp + plan.delay).toUint40();
        entry.endsAt = entry.startsAt + plan.duration;
        entry.lapsesAt = entry.endsAt + plan.grace;
    }

    /// @dev amount * (now - start) / (end - start), rounded down; never less than a second before.
    function _vested(Allocation storage entry) private view returns (uint256) {
        if (block.timestamp < entry.startsAt) return 0;
        if (block.timestamp >= entry.endsAt) return entry.amount;
        return Math.mulDiv(entry.amount, block.timestamp - entry.startsAt, entry.endsAt - entry.startsAt);
    }

    /// @dev Neither the token nor this contract could ever use what it is sent.
    function _requireAccount(address account) private view {
        if (account == address(0) || account == address(this) || account == address(_token)) {
            revert BeneficiaryInvalid(account);
        }
    }

    function _requireBefore(Purpose purpose, uint256 lapsesAt) private view {
        if (block.timestamp > lapsesAt) revert HasLapsed(purpose, block.timestamp, lapsesAt);
    }

    function _requireSpan(Purpose purpose, uint256 had, uint256 least) private pure {
        if (had < least || had > MAX_SPAN) revert SpanOutOfRange(purpose, had, least, MAX_SPAN);
    }
}
