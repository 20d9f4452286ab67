// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../../../contracts/interfaces/ISettlement.sol";
import {Stage} from "./Stage.sol";
import {vm} from "./Vm.sol";

/// @title A5: the largest job there is, 64 nodes and 16 judges, fits into a block many times over
contract LargestJobTest is Stage {
    uint256 private constant NODES = 64;
    uint256 private constant ERRORS = 10;
    uint256 private constant GAS_BUDGET = 8_000_000; // of any one transaction

    constructor() Stage(NODES, 16) {}

    function setUp() external {
        vm.warp(1_000_000);
        _fund(PAYER, 1e24);
        for (uint256 place = 0; place < NODES; ++place) {
            _fund(_nodes[place], 1e24);
        }
    }

    function test_a05_post_and_collect_of_the_largest_job__stay_within_the_gas_budget() external {
        bytes32 job = _post();
        _acceptUpTo(job, NODES);
        for (uint256 index = 2; index <= NODES; ++index) {
            vm.prank(_nodes[index - 1]);
            settlement.commit(job, index, keccak256("commitment"));
        }
        vm.warp(settlement.jobOf(job).collectBy + 1);
        uint256[] memory all = _first(NODES);
        uint256 before = gasleft();
        settlement.collect(job, all);
        require(before - gasleft() <= GAS_BUDGET, "collect is too dear");
    }

    function test_a05_claim_of_the_largest_job__stays_within_the_gas_budget() external {
        bytes32 job = _startAndCharge();
        vm.warp(settlement.jobOf(job).collectBy + 100 + 1); // every charge is void, the rest is collected
        bytes32[] memory list = new bytes32[](1);
        list[0] = job;
        uint256 before = gasleft();
        require(settlement.claim(list) == NODES, "something stayed");
        require(before - gasleft() <= GAS_BUDGET, "claim is too dear");
        require(anchor.totalLocked() == _staked, "something stayed locked");
    }

    function test_a05_cancel_of_the_largest_job__stays_within_the_gas_budget() external {
        bytes32 job = _post();
        _acceptUpTo(job, NODES - 1);
        vm.warp(settlement.jobOf(job).acceptBy + 1);
        uint256 before = gasleft();
        settlement.cancelUnstarted(job);
        require(before - gasleft() <= GAS_BUDGET, "cancel is too dear");
        require(anchor.totalLocked() == _staked, "something stayed locked");
    }

    function test_a05_verdict_with_most_judges__stays_within_the_gas_budget() external {
        bytes32 job = _startAndCharge();
        settlement.recordServed(job, 1, _signatures(settlement.servedDigest(job, 1)));
        bytes[] memory signatures = _signatures(settlement.verdictDigest(job, 1, ISettlement.Finding.Right));
        uint256 before = gasleft();
        settlement.recordVerdict(job, 1, ISettlement.Finding.Right, signatures);
        require(before - gasleft() <= GAS_BUDGET, "verdict is too dear");
    }

    function _post() private returns (bytes32 job) {
        ISettlement.Terms memory terms;
        terms.functionBytes = terms.termCount = terms.inputs = terms.outputs = terms.batch = 1;
        terms.degree = 2;
        terms.threshold = 14;
        terms.errors = uint8(ERRORS);
        terms.nodeCount = uint8(NODES);
        terms.shareBytes = 34;
        terms.jobKey = abi.encodePacked(uint8(2), keccak256("job key"));
        terms.fee = 1e18 + 3;
        terms.judgeFee = 1e17 + 1;
        terms.stake = 7e18;
        terms.acceptBy = uint40(block.timestamp + 100);
        terms.computeBy = terms.acceptBy + 100;
        terms.collectBy = terms.computeBy + 100;
        vm.prank(PAYER);
        uint256 before = gasleft();
        job = settlement.post(1, keccak256("root"), terms, _nodes);
        require(before - gasleft() <= GAS_BUDGET, "post is too dear");
    }

    /// @dev Started, and charged with as many silent nodes as it survives.
    function _startAndCharge() private returns (bytes32 job) {
        job = _post();
        _acceptUpTo(job, NODES);
        vm.warp(settlement.jobOf(job).computeBy + 1);
        vm.prank(PAYER);
        settlement.charge(job, new uint256[](0), _first(ERRORS));
    }

    function _acceptUpTo(bytes32 job, uint256 last) private {
        uint256 expires = block.timestamp + 100;
        for (uint256 index = 1; index <= last; ++index) {
            bytes32 digest = settlement.acceptanceDigest(job, index, expires);
            settlement.accept(job, index, expires, _sign(NODE_KEY + index - 1, digest));
        }
    }

    function _first(uint256 count) private pure returns (uint256[] memory indices) {
        indices = new uint256[](count);
        for (uint256 place = 0; place < count; ++place) {
            indices[place] = place + 1;
        }
    }
}
