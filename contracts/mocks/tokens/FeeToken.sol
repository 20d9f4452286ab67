// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title FeeToken: keeps a part of every transfer
/// @notice For tests. `keepPercent` of what is sent is burnt on the way.
contract FeeToken is ERC20 {
    uint256 private immutable _keepPercent;

    constructor(address holder, uint256 keepPercent) ERC20("Fee", "FEE") {
        _keepPercent = keepPercent;
        _mint(holder, 1_000_000 ether);
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 kept = from == address(0) || to == address(0) ? 0 : (value * _keepPercent) / 100;
        super._update(from, to, value - kept);
        if (kept != 0) super._update(from, address(0), kept);
    }
}
