// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Amounts: who gets what at each end of an index
/// @notice Pure. f = fee, S = stake, g = judges' fee, b = g + f = bond, m = number of nodes.
/// Of each index two pots are divided: what the payer locked for it (f, and b when it was charged) and
/// the stake S of the node. The parts of a pot always sum to the pot. The judges' fee comes out of one
/// pot, whole.
library Amounts {
    /// @notice How one pot is divided.
    struct Parts {
        uint256 toPayer;
        uint256 toNode;
        uint256 toJudges;
        uint256 toPool;
    }

    /// @notice How the two pots of one index are divided.
    /// @param deposit what the payer locked
    /// @param stake   what the node locked
    struct Ending {
        Parts deposit;
        Parts stake;
    }

    /// @notice Right and uncharged: f to the node, stake back.
    function paid(uint256 fee, uint256 stake) internal pure returns (Ending memory ending) {
        ending.deposit.toNode = fee;
        ending.stake.toNode = stake;
    }

    /// @notice Accepted, never committed, never charged. Who failed is undecidable: the node has earned
    /// nothing, and a payer that does not serve a node saves nothing by it.
    function unearned(uint256 fee, uint256 stake) internal pure returns (Ending memory ending) {
        ending.deposit.toPool = fee;
        ending.stake.toNode = stake;
    }

    /// @notice Wrong or missing: the stake pays the judges, up to (m - 1) * f to the payer, the rest to
    /// the pool; the payer has its fee and bond back.
    function convicted(uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodeCount)
        internal
        pure
        returns (Ending memory ending)
    {
        uint256 rest = stake - judgeFee;
        uint256 most = (nodeCount - 1) * fee;
        ending.deposit.toPayer = fee + bondOf(fee, judgeFee);
        ending.stake.toJudges = judgeFee;
        ending.stake.toPayer = rest < most ? rest : most;
        ending.stake.toPool = rest - ending.stake.toPayer;
    }

    /// @notice Charged as wrong, found right: the bond pays the judges g and the node f, which also has
    /// its own f and its stake.
    function refuted(uint256 fee, uint256 stake, uint256 judgeFee)
        internal
        pure
        returns (Ending memory ending)
    {
        ending.deposit.toNode = 2 * fee;
        ending.deposit.toJudges = judgeFee;
        ending.stake.toNode = stake;
    }

    /// @notice Charged as silent, but handed a right result to the judges: f to the node; payer and node
    /// bear g half each (the payer the odd unit), out of the bond and the fee.
    function answered(uint256 fee, uint256 stake, uint256 judgeFee)
        internal
        pure
        returns (Ending memory ending)
    {
        uint256 half = judgeFee / 2;
        ending.deposit.toJudges = judgeFee;
        ending.deposit.toNode = fee - half;
        ending.deposit.toPayer = fee + half;
        ending.stake.toNode = stake;
    }

    /// @notice Nobody served the charge: as refuted, but no judge worked, and g goes to the pool.
    function voided(uint256 fee, uint256 stake, uint256 judgeFee)
        internal
        pure
        returns (Ending memory ending)
    {
        ending.deposit.toNode = 2 * fee;
        ending.deposit.toPool = judgeFee;
        ending.stake.toNode = stake;
    }

    /// @notice No verdict: bond and stake return, f goes to the pool, the judges get nothing.
    function lapsed(uint256 fee, uint256 stake, uint256 judgeFee)
        internal
        pure
        returns (Ending memory ending)
    {
        ending.deposit.toPayer = bondOf(fee, judgeFee);
        ending.deposit.toPool = fee;
        ending.stake.toNode = stake;
    }

    /// @notice The job never started: everything back.
    function released(uint256 fee, uint256 stake) internal pure returns (Ending memory ending) {
        ending.deposit.toPayer = fee;
        ending.stake.toNode = stake;
    }

    /// @notice b = g + f, what the payer locks for each index it charges.
    function bondOf(uint256 fee, uint256 judgeFee) internal pure returns (uint256) {
        return fee + judgeFee;
    }

    /// @notice What each of `judges` judges has of g when its signature stands under the verdict. What
    /// the absent leave, and what does not divide, goes to the pool.
    function judgeShareOf(uint256 judgeFee, uint256 judges) internal pure returns (uint256) {
        return judgeFee / judges;
    }

    /// @notice Least stake, ceil(m * f / e): e convictions give the payer back what it paid to all.
    function minStakeOf(uint256 fee, uint256 nodeCount, uint256 errors) internal pure returns (uint256) {
        return (nodeCount * fee + errors - 1) / errors;
    }

    /// @notice Least g: a quarter of f, and what the work of a verdict costs.
    /// @param products termCount times inputs of the batch
    function minJudgeFeeOf(uint256 fee, uint256 judgeFloor, uint256 judgePrice, uint256 products)
        internal
        pure
        returns (uint256)
    {
        uint256 share = (fee + 3) / 4;
        uint256 work = judgeFloor + products * judgePrice;
        return share > work ? share : work;
    }

    /// @notice Most g: above 0.38 f charging at random among liars loses.
    function maxJudgeFeeOf(uint256 fee) internal pure returns (uint256) {
        return fee / 3;
    }
}
