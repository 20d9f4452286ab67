// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

import {IAllocations} from "../interfaces/IAllocations.sol";
import {Allocations} from "./Allocations.sol";

/// @title MetaCoin (MTC): the token in which jobs are paid and stakes are held
/// @notice ERC-20 with permit (ERC-2612), 18 decimals. The whole supply exists from the first block, in
/// four allocations under vesting; nobody can mint, burn, pause or freeze.
/// @dev The constructor makes the Allocations itself, so that no account ever holds what is not its own.
contract MetaCoin is ERC20, ERC20Permit {
    /// @notice 1,000,000,000 MTC in the smallest unit (Meta-BMEOC, section V).
    uint256 public constant SUPPLY = 1_000_000_000 ether;

    Allocations private immutable _allocations;

    /// @param plans the four allocations, by `IAllocations.Purpose`; they sum to `SUPPLY`
    /// @param heir  gets what no beneficiary released in time
    constructor(IAllocations.Plan[4] memory plans, address heir)
        ERC20("MetaCoin", "MTC")
        ERC20Permit("MetaCoin")
    {
        _allocations = new Allocations(plans, heir, SUPPLY);
        _mint(address(_allocations), SUPPLY);
    }

    /// @notice The contract that holds what is not released yet.
    function allocations() external view returns (address) {
        return address(_allocations);
    }
}
