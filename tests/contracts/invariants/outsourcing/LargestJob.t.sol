// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement, JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {Scene} from "../Scene.sol";
import {vm} from "../Vm.sol";

/// @title A5: every transaction of the largest job there is fits into a block many times over
/// @notice 64 nodes, t = e = 15, 16 judges; every exit that takes many indices takes all of them at once.
contract LargestJobTest is Scene {
    uint8 private constant NODES = 64;
    uint8 private constant ERRORS = 15;
    uint256 private constant GAS_BUDGET = 8_000_000; // of any one transaction

    constructor() Scene(NODES, 16) {}

    function test_a05_honest_job__each_call_stays_within_the_gas_budget() external {
        uint256 before = gasleft();
        JobId job = _post(_largest());
        _requireCheap(before, "post");
        _acceptWithinBudget(job, NODES);
        _commit(job, 1, NODES);
        uint256[] memory all = _range(1, NODES);
        before = gasleft();
        vm.prank(PAYER);
        settlement.approve(job, all);
        _requireCheap(before, "approve");
        require(anchor.totalLocked() == _staked, "something stayed locked");
    }

    function test_a05_collect__stays_within_the_gas_budget() external {
        JobId job = _start(_largest());
        _commit(job, 33, NODES); // half is paid, half has earned nothing
        _passTo(settlement.jobOf(job).collectBy);
        uint256 before = gasleft();
        settlement.collect(job, _range(1, NODES));
        _requireCheap(before, "collect");
        require(anchor.totalLocked() == _staked, "something stayed locked");
    }

    function test_a05_claim_with_every_charge_void__stays_within_the_gas_budget() external {
        JobId job = _startAndCharge();
        _passTo(settlement.jobOf(job).collectBy + 100);
        _claimAll(job);
    }

    function test_a05_claim_with_every_charge_lapsed__stays_within_the_gas_budget() external {
        JobId job = _startAndCharge();
        for (uint256 index = 1; index <= ERRORS; ++index) {
            _serve(job, index);
        }
        _passTo(settlement.indexOf(job, 1).verdictBy);
        _claimAll(job);
    }

    function test_a05_collect_and_void_one_by_one__stay_within_the_gas_budget() external {
        JobId job = _startAndCharge();
        _passTo(settlement.jobOf(job).collectBy + 100);
        uint256 before = gasleft();
        settlement.collect(job, _range(ERRORS + 1, NODES));
        _requireCheap(before, "collect");
        before = gasleft();
        settlement.voidCharge(job, 1);
        _requireCheap(before, "voidCharge");
    }

    function test_a05_cancel__stays_within_the_gas_budget() external {
        JobId job = _post(_largest());
        _acceptWithinBudget(job, NODES - 1);
        _passTo(settlement.jobOf(job).acceptBy);
        uint256 before = gasleft();
        settlement.cancelUnstarted(job);
        _requireCheap(before, "cancelUnstarted");
        require(anchor.totalLocked() == _staked, "something stayed locked");
    }

    function test_a05_verdicts_with_most_judges__stay_within_the_gas_budget() external {
        JobId job = _startAndCharge();
        for (uint256 index = 1; index <= 2; ++index) {
            bytes[] memory served = _signaturesOf(settlement.servedDigest(job, index), 16);
            uint256 before = gasleft();
            settlement.recordServed(job, index, served);
            _requireCheap(before, "recordServed");
        }
        uint256 answered = gasleft();
        _ruleBy(job, 1, IJobSettlement.Finding.Right, 16);
        _requireCheap(answered, "recordVerdict: right");
        uint256 convicted = gasleft();
        _ruleBy(job, 2, IJobSettlement.Finding.Wrong, 16);
        _requireCheap(convicted, "recordVerdict: wrong");
    }

    function _largest() private view returns (IJobSettlement.Terms memory) {
        return _terms(NODES, ERRORS, ERRORS, 1);
    }

    /// @dev Started, and charged with as many silent nodes as it survives.
    function _startAndCharge() private returns (JobId job) {
        job = _start(_largest());
        _passTo(settlement.jobOf(job).computeBy);
        uint256 before = gasleft();
        _charge(job, _none(), _range(1, ERRORS));
        _requireCheap(before, "charge");
    }

    function _claimAll(JobId job) private {
        JobId[] memory list = new JobId[](1);
        list[0] = job;
        uint256 before = gasleft();
        require(settlement.claim(list) == NODES, "something stayed");
        _requireCheap(before, "claim");
        require(anchor.totalLocked() == _staked, "something stayed locked");
    }

    function _acceptWithinBudget(JobId job, uint256 last) private {
        IJobSettlement.Acceptance[] memory acceptances = _acceptances(job, 1, last);
        uint256 before = gasleft();
        settlement.accept(job, _nodes, acceptances);
        _requireCheap(before, "accept");
    }

    function _requireCheap(uint256 before, string memory what) private {
        uint256 used = before - gasleft();
        emit GasUsed(what, used);
        require(used <= GAS_BUDGET, what);
    }

    event GasUsed(string what, uint256 gas);
}
