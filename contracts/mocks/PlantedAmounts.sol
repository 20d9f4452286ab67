// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Amounts} from "../outsourcing/Amounts.sol";

/// @title PlantedAmounts: ends of an index that lose a unit or pay more than there is, flaws on purpose
/// @notice For tests. As the paper has it: everybody's part is computed by itself (A6), and the fine is
/// what deters, whatever was staked (A7).
library PlantedAmounts {
    /// @notice The planted flaw: both halves are rounded down, and the odd unit is nobody's.
    function answered(uint256 fee, uint256 stake, uint256 judgeFee)
        internal
        pure
        returns (Amounts.Ending memory ending)
    {
        uint256 half = judgeFee / 2;
        ending.deposit.toNode = fee;
        ending.stake.toJudges = half;
        ending.stake.toNode = stake - half;
        ending.bond.toJudges = half;
        ending.bond.toPayer = fee + half;
    }

    /// @notice The planted flaw: a fine of (m - 1) * f, with or without a stake that covers it.
    function convicted(uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodeCount)
        internal
        pure
        returns (Amounts.Ending memory ending)
    {
        uint256 fine = (nodeCount - 1) * fee;
        ending.deposit.toPayer = fee;
        ending.stake.toJudges = judgeFee;
        ending.stake.toPayer = fine;
        ending.stake.toPool = stake > judgeFee + fine ? stake - judgeFee - fine : 0;
        ending.bond.toPayer = Amounts.bondOf(fee, judgeFee);
    }
}
