// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bounds} from "../anchoring/Bounds.sol";
import {IJobSettlement} from "../interfaces/IJobSettlement.sol";
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
    uint256 private constant MAX_VALUES = 2 ** 18; // of a share or an answer: 4.5 MB, 8.9 MB
    uint256 private constant MAX_JOB_VALUES = 2 ** 22; // of all shares or all answers of a job: 71 MB, 143 MB
    uint256 private constant MAX_PRODUCTS = 2 ** 28; // termCount times inputs: what judges compute of a task
    uint256 private constant LEAST_FEE = 6; // from it on some g lies between f / 4 and f / 3
    uint256 private constant POT_FACTOR = 2 * MAX_NODES; // deposit <= 64 f, bonds <= 15 (g + f) <= 20 f

    /// @notice Reverts unless a job may have these terms now.
    function check(IJobSettlement.Terms calldata terms, IJobSettlement.Limits memory limits) internal view {
        _checkFunction(terms);
        _checkSharing(terms);
        _checkJobKey(terms.jobKey);
        _checkAmounts(terms, limits);
        _checkTimes(terms, limits);
    }

    /// @notice Reverts unless the limits leave room for every job they allow.
    /// @param maxLockSeconds   longest lock that the anchor takes
    /// @param unbondingSeconds how long a provider's stake stays after it stops to count for new jobs
    function checkLimits(
        IJobSettlement.Limits memory limits,
        uint256 maxLockSeconds,
        uint256 unbondingSeconds
    ) internal pure {
        Bounds.requireWithin("minFee", limits.minFee, LEAST_FEE, limits.maxFee);
        // g <= f / 3 has to pay for the largest work that terms can ask for.
        uint256 work = limits.judgeFloor + MAX_TERMS * MAX_BATCH * limits.judgePrice;
        uint256 leastMaxFee = limits.minFee > 3 * work ? limits.minFee : 3 * work;
        Bounds.requireWithin("maxFee", limits.maxFee, leastMaxFee, type(uint96).max / POT_FACTOR);
        Bounds.requireWithin("minWindow", limits.minWindow, 1, limits.maxWindow);
        Bounds.requireWithin("judgeWindow", limits.judgeWindow, 1, type(uint40).max);
        Bounds.requireWithin("exitGrace", limits.exitGrace, 1, type(uint40).max);
        // Posting to `collectBy` takes at most three windows; see `longestTail` for the rest.
        uint256 longest = 3 * uint256(limits.maxWindow) + longestTail(limits);
        Bounds.requireWithin("longestLock", longest, 1, maxLockSeconds);
        Bounds.requireWithin("unbonding", unbondingSeconds, longest, type(uint256).max);
    }

    /// @notice Seconds from `collectBy` until the locks of a job expire: after the last possible step.
    /// @dev A charge at `collectBy` is served within W, then answered and then judged, each within
    /// max(W, computeBy - startedAt), where the second term is at most two windows.
    function longestTail(IJobSettlement.Limits memory limits) internal pure returns (uint256) {
        uint256 judging = limits.judgeWindow;
        uint256 computing = 2 * uint256(limits.maxWindow);
        return judging + 2 * (judging > computing ? judging : computing) + limits.exitGrace;
    }

    /// @notice keccak256(abi.encode(terms)): what the nodes sign.
    function hash(IJobSettlement.Terms calldata terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(terms));
    }

    function _checkTimes(IJobSettlement.Terms calldata terms, IJobSettlement.Limits memory limits)
        private
        view
    {
        _window("acceptBy", terms.acceptBy, block.timestamp, limits);
        _window("computeBy", terms.computeBy, terms.acceptBy, limits);
        _window("collectBy", terms.collectBy, terms.computeBy, limits);
    }

    function _checkFunction(IJobSettlement.Terms calldata terms) private pure {
        Bounds.requireWithin("functionBytes", terms.functionBytes, 1, MAX_FUNCTION_BYTES);
        Bounds.requireWithin("termCount", terms.termCount, 1, MAX_TERMS);
        Bounds.requireWithin("inputs", terms.inputs, 1, MAX_INPUTS);
        Bounds.requireWithin("outputs", terms.outputs, 1, MAX_OUTPUTS);
        Bounds.requireWithin("degree", terms.degree, 1, MAX_DEGREE);
        Bounds.requireWithin("batch", terms.batch, 1, MAX_BATCH);
        _checkSizes(terms);
        uint256 bytesOfShare = ELEMENT_BYTES * (uint256(terms.batch) * terms.inputs + 1);
        Bounds.requireWithin("shareBytes", terms.shareBytes, bytesOfShare, bytesOfShare);
    }

    /// @dev Each number alone may be large, not all of them together: somebody has to move and to compute it.
    function _checkSizes(IJobSettlement.Terms calldata terms) private pure {
        uint256 batch = terms.batch;
        uint256 wider = terms.inputs > terms.outputs ? terms.inputs : terms.outputs;
        Bounds.requireWithin("inputValues", batch * terms.inputs, 1, MAX_VALUES);
        Bounds.requireWithin("outputValues", batch * terms.outputs, 1, MAX_VALUES);
        Bounds.requireWithin("jobValues", terms.nodeCount * batch * wider, 0, MAX_JOB_VALUES);
        Bounds.requireWithin("products", batch * terms.termCount, 1, MAX_PRODUCTS);
    }

    function _checkSharing(IJobSettlement.Terms calldata terms) private pure {
        uint256 threshold = terms.threshold;
        Bounds.requireWithin("threshold", threshold, 1, MAX_NODES);
        Bounds.requireWithin("errors", terms.errors, 1, threshold);
        Bounds.requireWithin("nodeCount", terms.nodeCount, 1, MAX_NODES);
        uint256 needed = (uint256(terms.degree) + 1) * threshold + 1 + 2 * uint256(terms.errors);
        if (terms.nodeCount < needed) revert IJobSettlement.TooFewNodes(terms.nodeCount, needed);
    }

    function _checkJobKey(bytes calldata key) private pure {
        Bounds.requireWithin("jobKey", key.length, KEY_BYTES, KEY_BYTES);
        Bounds.requireWithin("jobKeyPrefix", uint8(key[0]), 2, 3);
    }

    function _checkAmounts(IJobSettlement.Terms calldata terms, IJobSettlement.Limits memory limits)
        private
        pure
    {
        Bounds.requireWithin("fee", terms.fee, limits.minFee, limits.maxFee);
        uint256 products = uint256(terms.termCount) * terms.batch;
        uint256 leastJudgeFee =
            Amounts.minJudgeFeeOf(terms.fee, limits.judgeFloor, limits.judgePrice, products);
        Bounds.requireWithin("judgeFee", terms.judgeFee, leastJudgeFee, Amounts.maxJudgeFeeOf(terms.fee));
        uint256 leastStake = Amounts.minStakeOf(terms.fee, terms.nodeCount, terms.errors);
        Bounds.requireWithin("stake", terms.stake, leastStake, type(uint96).max);
    }

    function _window(bytes32 field, uint256 had, uint256 start, IJobSettlement.Limits memory limits)
        private
        pure
    {
        Bounds.requireWithin(field, had, start + limits.minWindow, start + limits.maxWindow);
    }
}
