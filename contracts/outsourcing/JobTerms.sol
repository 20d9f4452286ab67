// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Amounts} from "./Amounts.sol";

/// @title JobTerms: which terms a job may have
/// @notice Every bound is checked at posting, so that no code behind it meets a number it cannot handle.
library JobTerms {
    uint256 internal constant MAX_NODES = 64; // bounds every loop over the indices of a job
    uint256 private constant MAX_FUNCTION_BYTES = 64 * 2 ** 20; // what a node is asked to fetch
    uint256 private constant MAX_TERMS = 2 ** 24;
    uint256 private constant MAX_INPUTS = 2000;
    uint256 private constant MAX_OUTPUTS = 1024;
    uint256 private constant MAX_DEGREE = 20;
    uint256 private constant MAX_BATCH = 4096;
    uint256 private constant ELEMENT_BYTES = 17; // a field element, q = 2^128 + 51
    uint256 private constant KEY_BYTES = 33; // SEC 1, 2.3.3: compressed point
    uint256 private constant LEAST_FEE = 10; // below it z = f / 10 would be nothing
    uint256 private constant POT_FACTOR = 2 * MAX_NODES; // deposit <= 64 f, bonds <= 64 (g + f) <= 128 f

    /// @notice Reverts unless a job may have these terms now.
    function check(ISettlement.Terms calldata terms, ISettlement.Limits memory limits) internal view {
        _checkFunction(terms);
        _checkSharing(terms);
        _checkJobKey(terms.jobKey);
        _checkAmounts(terms, limits);
        _checkTimes(terms, limits);
    }

    /// @notice Reverts unless the limits leave room for every job they allow.
    /// @param maxLockSeconds   longest lock that the anchor takes
    /// @param unbondingSeconds how long a provider's stake stays after it stops to count for new jobs
    function checkLimits(ISettlement.Limits memory limits, uint256 maxLockSeconds, uint256 unbondingSeconds)
        internal
        pure
    {
        _limit("minFee", limits.minFee, LEAST_FEE, limits.maxFee);
        _limit("maxFee", limits.maxFee, limits.minFee, type(uint96).max / POT_FACTOR);
        _limit("minWindow", limits.minWindow, 1, limits.maxWindow);
        _limit("judgeWindow", limits.judgeWindow, 1, type(uint40).max);
        _limit("exitGrace", limits.exitGrace, 1, type(uint40).max);
        // Posting to `collectBy` takes at most three windows; see `longestTail` for the rest.
        uint256 longest = 3 * uint256(limits.maxWindow) + longestTail(limits);
        _limit("longestLock", longest, 1, maxLockSeconds);
        _limit("unbonding", unbondingSeconds, longest, type(uint256).max);
    }

    /// @notice Seconds from `collectBy` until the locks of a job expire: after the last possible step.
    /// @dev A charge at `collectBy` is served within W, answered within max(W, computeBy - startedAt),
    /// where the second term is at most two windows, and judged within W.
    function longestTail(ISettlement.Limits memory limits) internal pure returns (uint256) {
        return 3 * uint256(limits.judgeWindow) + 2 * uint256(limits.maxWindow) + limits.exitGrace;
    }

    /// @notice keccak256(abi.encode(terms)): what the nodes sign.
    function hash(ISettlement.Terms calldata terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(terms));
    }

    function _checkTimes(ISettlement.Terms calldata terms, ISettlement.Limits memory limits) private view {
        _window("acceptBy", terms.acceptBy, block.timestamp, limits);
        _window("computeBy", terms.computeBy, terms.acceptBy, limits);
        _window("collectBy", terms.collectBy, terms.computeBy, limits);
    }

    function _checkFunction(ISettlement.Terms calldata terms) private pure {
        _term("functionBytes", terms.functionBytes, 1, MAX_FUNCTION_BYTES);
        _term("termCount", terms.termCount, 1, MAX_TERMS);
        _term("inputs", terms.inputs, 1, MAX_INPUTS);
        _term("outputs", terms.outputs, 1, MAX_OUTPUTS);
        _term("degree", terms.degree, 1, MAX_DEGREE);
        _term("batch", terms.batch, 1, MAX_BATCH);
        uint256 bytesOfShare = ELEMENT_BYTES * (uint256(terms.batch) * terms.inputs + 1);
        _term("shareBytes", terms.shareBytes, bytesOfShare, bytesOfShare);
    }

    function _checkSharing(ISettlement.Terms calldata terms) private pure {
        uint256 threshold = terms.threshold;
        _term("threshold", threshold, 1, MAX_NODES);
        _term("errors", terms.errors, 0, threshold);
        _term("nodeCount", terms.nodeCount, 1, MAX_NODES);
        uint256 needed = (uint256(terms.degree) + 1) * threshold + 1 + 2 * uint256(terms.errors);
        if (terms.nodeCount < needed) revert ISettlement.TooFewNodes(terms.nodeCount, needed);
    }

    function _checkJobKey(bytes calldata key) private pure {
        _term("jobKey", key.length, KEY_BYTES, KEY_BYTES);
        _term("jobKeyPrefix", uint8(key[0]), 2, 3);
    }

    function _checkAmounts(ISettlement.Terms calldata terms, ISettlement.Limits memory limits) private pure {
        _term("fee", terms.fee, limits.minFee, limits.maxFee);
        _term("judgeFee", terms.judgeFee, 1, terms.fee);
        uint256 least = Amounts.minStakeOf(terms.fee, terms.judgeFee, terms.nodeCount, terms.errors);
        _term("stake", terms.stake, least, type(uint96).max);
    }

    function _window(bytes32 field, uint256 had, uint256 start, ISettlement.Limits memory limits)
        private
        pure
    {
        _term(field, had, start + limits.minWindow, start + limits.maxWindow);
    }

    function _term(bytes32 field, uint256 had, uint256 least, uint256 most) private pure {
        if (had < least || had > most) revert ISettlement.TermOutOfRange(field, had, least, most);
    }

    function _limit(bytes32 field, uint256 had, uint256 least, uint256 most) private pure {
        if (had < least || had > most) revert ISettlement.LimitsInvalid(field, had, least, most);
    }
}
