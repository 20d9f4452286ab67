// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {ITokenReceiver} from "../payees/ITokenReceiver.sol";

/// @title HookToken: a token that runs the recipient's code, in the manner of ERC-777
/// @notice For tests. Where it is the token, a payee may refuse, burn gas, return megabytes or re-enter.
contract HookToken is ERC20 {
    mapping(address account => bool known) private _hooked;

    constructor(address holder) ERC20("Hook", "HOOK") {
        _mint(holder, 1_000_000_000 ether);
    }

    /// @notice From now on the code of `account` runs when it is paid.
    function hook(address account) external {
        _hooked[account] = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (_hooked[to]) ITokenReceiver(to).tokensReceived(from, value);
    }
}
