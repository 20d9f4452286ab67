// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title BlacklistToken: an issuer may forbid accounts to pay and to be paid
/// @notice For tests. Anyone is the issuer.
contract BlacklistToken is ERC20 {
    mapping(address account => bool banned) private _banned;

    error Banned(address account);

    constructor(address holder) ERC20("Black", "BLK") {
        _mint(holder, 1_000_000 ether);
    }

    /// @notice Nothing goes to or from `account` any more.
    function ban(address account) external {
        _banned[account] = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_banned[from]) revert Banned(from);
        if (_banned[to]) revert Banned(to);
        super._update(from, to, value);
    }
}
