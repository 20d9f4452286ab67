// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Amounts} from "../../../outsourcing/Amounts.sol";

/// @title PlantedAmounts: ends of an index that lose a unit, pay more than there is, or pay the wrong one
/// @notice For tests, flaws on purpose. Two are the paper's: everybody's part is computed by itself (A6),
/// and the fine is what deters, whatever was staked (A7). Two are what this system paid before: judges
/// that never worked, and payers that served nobody.
library PlantedAmounts {
    uint256 private constant HARM_DIVISOR = 10;

    /// @notice The planted flaw: both halves are rounded down, and the odd unit is nobody's.
    function answered(uint256 fee, uint256 stake, uint256 judgeFee)
        internal
        pure
        returns (Amounts.Ending memory ending)
    {
        uint256 half = judgeFee / 2;
        ending.deposit.toJudges = 2 * half;
        ending.deposit.toNode = fee - half;
        ending.deposit.toPayer = fee + half;
        ending.stake.toNode = stake;
    }

    /// @notice The planted flaw: a fine of (m - 1) * f, with or without a stake that covers it.
    function convicted(uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodeCount)
        internal
        pure
        returns (Amounts.Ending memory ending)
    {
        uint256 fine = (nodeCount - 1) * fee;
        ending.deposit.toPayer = fee + Amounts.bondOf(fee, judgeFee);
        ending.stake.toJudges = judgeFee;
        ending.stake.toPayer = fine;
        ending.stake.toPool = stake > judgeFee + fine ? stake - judgeFee - fine : 0;
    }

    /// @notice The planted flaw: nobody served the charge, and the judges have g all the same.
    function voided(uint256 fee, uint256 stake, uint256 judgeFee)
        internal
        pure
        returns (Amounts.Ending memory ending)
    {
        ending.deposit.toNode = 2 * fee;
        ending.deposit.toJudges = judgeFee;
        ending.stake.toNode = stake;
    }

    /// @notice The planted flaw: payer and node lose z = f / 10 each to the pool. A payer that serves only
    /// as many nodes as it needs has most of its fee back, and a node loses by what others left undone.
    function unearned(uint256 fee, uint256 stake) internal pure returns (Amounts.Ending memory ending) {
        uint256 lost = fee / HARM_DIVISOR;
        ending.deposit.toPayer = fee - lost;
        ending.deposit.toPool = lost;
        ending.stake.toNode = stake - lost;
        ending.stake.toPool = lost;
    }
}
