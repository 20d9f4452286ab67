// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RebasingToken: balances change without a transfer
/// @notice For tests. Whoever holds a share of the whole keeps the share; anyone sets how much that is.
contract RebasingToken {
    mapping(address account => uint256 amount) private _shares;
    uint256 private _percent = 100;

    error BalanceTooLow(address account);

    constructor(address holder) {
        _shares[holder] = 1_000_000 ether;
    }

    /// @notice From now on every balance is `percent` of what was moved.
    function rebase(uint256 percent) external {
        _percent = percent;
    }

    /// @notice Moves the caller's tokens.
    function transfer(address to, uint256 value) external returns (bool) {
        return _move(msg.sender, to, value);
    }

    /// @notice Moves tokens of `from`; everybody is allowed to.
    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        return _move(from, to, value);
    }

    /// @notice As of the last `rebase`.
    function balanceOf(address account) external view returns (uint256) {
        return (_shares[account] * _percent) / 100;
    }

    function _move(address from, address to, uint256 value) private returns (bool) {
        uint256 shares = (value * 100) / _percent;
        if (_shares[from] < shares) revert BalanceTooLow(from);
        _shares[from] -= shares;
        _shares[to] += shares;
        return true;
    }
}
