// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Amounts: who gets what at each end of an index
/// @notice Pure. f = fee, S = stake, g = judges' fee, m = number of nodes, z = f / 10.
/// Of each index three pots are divided: the deposit f that the payer locked at posting, the stake S
/// of the node and, when it was charged, the bond g + f of the payer. The parts of a pot always sum
/// to the pot.
library Amounts {
    /// @notice How one pot is divided.
    struct Parts {
        uint256 toPayer;
        uint256 toNode;
        uint256 toJudges;
        uint256 toPool;
    }

    /// @notice How the three pots of one index are divided.
    struct Ending {
        Parts deposit;
        Parts stake;
        Parts bond;
    }

    uint256 private constant HARM_DIVISOR = 10; // z = f / 10: what each side loses when nobody can be blamed

    /// @notice Right and uncharged: f to the node, stake back.
    function paid(uint256 fee, uint256 stake) internal pure returns (Ending memory ending) {
        ending.deposit.toNode = fee;
        ending.stake.toNode = stake;
    }

    /// @notice Accepted, never committed, never charged: payer and node lose z each to the pool.
    function equalHarm(uint256 fee, uint256 stake) internal pure returns (Ending memory ending) {
        uint256 lost = harmOf(fee);
        ending.deposit.toPayer = fee - lost;
        ending.deposit.toPool = lost;
        ending.stake.toNode = stake - lost;
        ending.stake.toPool = lost;
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
        ending.deposit.toPayer = fee;
        ending.stake.toJudges = judgeFee;
        ending.stake.toPayer = rest < most ? rest : most;
        ending.stake.toPool = rest - ending.stake.toPayer;
        ending.bond.toPayer = bondOf(fee, judgeFee);
    }

    /// @notice The charge failed, by verdict (refuted) or because nobody served it (void): the bond pays
    /// the judges g and the node f, which also has its own f and its stake.
    function failedCharge(uint256 fee, uint256 stake, uint256 judgeFee)
        internal
        pure
        returns (Ending memory ending)
    {
        ending.deposit.toNode = fee;
        ending.stake.toNode = stake;
        ending.bond.toJudges = judgeFee;
        ending.bond.toNode = fee;
    }

    /// @notice Charged as silent, but handed a right result to the judges: f to the node; bond and stake
    /// pay the judges half of g each (the bond the odd unit).
    function answered(uint256 fee, uint256 stake, uint256 judgeFee)
        internal
        pure
        returns (Ending memory ending)
    {
        uint256 half = judgeFee / 2;
        ending.deposit.toNode = fee;
        ending.stake.toJudges = half;
        ending.stake.toNode = stake - half;
        ending.bond.toJudges = judgeFee - half;
        ending.bond.toPayer = fee + half;
    }

    /// @notice No verdict: bond and stake return, f goes to the pool, the judges get nothing.
    function lapsed(uint256 fee, uint256 stake, uint256 judgeFee)
        internal
        pure
        returns (Ending memory ending)
    {
        ending.deposit.toPool = fee;
        ending.stake.toNode = stake;
        ending.bond.toPayer = bondOf(fee, judgeFee);
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

    /// @notice z, what payer and node lose each when nobody can be blamed.
    function harmOf(uint256 fee) internal pure returns (uint256) {
        return fee / HARM_DIVISOR;
    }

    /// @notice Least stake: max(ceil(m * f / e), 2g + f), and 2g + f when e = 0.
    function minStakeOf(uint256 fee, uint256 judgeFee, uint256 nodeCount, uint256 errors)
        internal
        pure
        returns (uint256)
    {
        uint256 covering = 2 * judgeFee + fee;
        if (errors == 0) return covering;
        uint256 deterring = (nodeCount * fee + errors - 1) / errors;
        return deterring > covering ? deterring : covering;
    }
}
