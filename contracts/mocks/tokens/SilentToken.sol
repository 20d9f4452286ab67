// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title SilentToken: moves tokens and returns nothing, as some old tokens do
/// @notice For tests.
contract SilentToken {
    mapping(address account => uint256 amount) public balanceOf;

    error BalanceTooLow(address account);

    constructor(address holder) {
        balanceOf[holder] = 1_000_000 ether;
    }

    /// @notice Moves the caller's tokens.
    function transfer(address to, uint256 value) external {
        _move(msg.sender, to, value);
    }

    /// @notice Moves tokens of `from`; everybody is allowed to.
    function transferFrom(address from, address to, uint256 value) external {
        _move(from, to, value);
    }

    function _move(address from, address to, uint256 value) private {
        if (balanceOf[from] < value) revert BalanceTooLow(from);
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}
