// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title MetaCoin (MTC): the token in which jobs are paid and stakes are held
/// @notice ERC-20 with permit (ERC-2612), 18 decimals. The whole supply exists from the first block;
/// nobody can mint, burn, pause or freeze.
contract MetaCoin is ERC20, ERC20Permit {
    /// @notice 1,000,000,000 MTC in the smallest unit (Meta-BMEOC, section V).
    uint256 public constant SUPPLY = 1_000_000_000 ether;

    /// @param holder receives the whole supply
    constructor(address holder) ERC20("MetaCoin", "MTC") ERC20Permit("MetaCoin") {
        _mint(holder, SUPPLY);
    }
}
