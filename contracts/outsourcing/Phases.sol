// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement} from "../interfaces/IJobSettlement.sol";

/// @title Phases: the phases of all indices of a job in one word
/// @notice Pure. Index j, 1 to 64, has bits 4(j-1) to 4(j-1)+3. A transaction reads the word once and
/// writes it once, however many indices it moves.
library Phases {
    uint256 private constant BITS = 4;
    uint256 private constant MASK = 15;
    uint256 private constant ONES = type(uint256).max / MASK; // 0x1111...

    /// @notice Every index from 1 to `count` is in `phase`.
    function all(uint256 count, IJobSettlement.IndexPhase phase) internal pure returns (uint256) {
        return (ONES >> (256 - BITS * count)) * uint256(phase);
    }

    /// @notice The phase of `index`.
    function phaseOf(uint256 phases, uint256 index) internal pure returns (IJobSettlement.IndexPhase) {
        return IJobSettlement.IndexPhase((phases >> (BITS * (index - 1))) & MASK);
    }

    /// @notice The word in which `index` is in `phase`, everything else as it was.
    function moved(uint256 phases, uint256 index, IJobSettlement.IndexPhase phase)
        internal
        pure
        returns (uint256)
    {
        uint256 shift = BITS * (index - 1);
        return (phases & ~(MASK << shift)) | (uint256(phase) << shift);
    }
}
