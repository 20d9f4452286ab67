// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement, JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {IParticipantRegistry} from "../../../../contracts/interfaces/IParticipantRegistry.sol";
import {EnclaveManager} from "../../../../contracts/outsourcing/EnclaveManager.sol";
import {JobSettlement} from "../../../../contracts/outsourcing/JobSettlement.sol";
import {Scene} from "../../invariants/Scene.sol";
import {vm} from "../../invariants/Vm.sol";
import {Boundary} from "../Boundary.sol";

/// @title Lists that are too long, too short, out of order or out of range
contract JobListsTest is Scene, Boundary {
    uint8 private constant NODES = 9;

    constructor() Scene(NODES + 1, 4) {}

    function test_post__with_a_list_that_is_longer_or_shorter_than_m__is_refused() external {
        IJobSettlement.Terms memory terms = _terms(NODES, 2, 2, 1);
        for (uint256 count = NODES - 1; count <= NODES + 1; ++count) {
            bytes memory data =
                abi.encodeCall(settlement.post, (9, keccak256("r"), terms, _firstNodes(count)));
            Act memory act = Act(PAYER, address(settlement), data);
            if (count == NODES) {
                _requireAllowed(act, block.timestamp);
            } else {
                _requireRefused(
                    act, block.timestamp, _error(IJobSettlement.NodeListLength.selector, count, NODES)
                );
            }
        }
    }

    function test_post__nodes_out_of_the_order_of_their_providers__are_refused() external {
        address[] memory nodes = _firstNodes(NODES);
        (nodes[3], nodes[4]) = (nodes[4], nodes[3]);
        bytes memory data =
            abi.encodeCall(settlement.post, (9, keccak256("r"), _terms(NODES, 2, 2, 1), nodes));
        bytes memory refusal = abi.encodeWithSelector(
            IJobSettlement.NodesNotAscending.selector, nodes[4], address(0xa004), address(0xa003)
        );
        _requireRefused(Act(PAYER, address(settlement), data), block.timestamp, refusal);
        nodes[4] = nodes[3];
        data = abi.encodeCall(settlement.post, (9, keccak256("r"), _terms(NODES, 2, 2, 1), nodes));
        refusal =
            abi.encodeWithSelector(IJobSettlement.SameProvider.selector, nodes[3], nodes[4], address(0xa004));
        _requireRefused(Act(PAYER, address(settlement), data), block.timestamp, refusal);
    }

    function test_post__with_a_node_of_a_judges_provider_or_with_a_judge__is_refused() external {
        for (uint256 judge = 0; judge < 4; ++judge) {
            address provider = address(uint160(0xc000 + judge));
            address judging = enclaves.members()[judge];
            address node = address(uint160(0xe000 + judge));
            vm.prank(provider);
            registry.admit(node);
            vm.prank(node);
            registry.registerServer(
                16, provider, keccak256("key"), "https://node", IParticipantRegistry.Resources(1, 1, 1, 1)
            );
            bytes4 selector = IJobSettlement.JudgesProvider.selector;
            _requireRefused(
                _postingWith(node), block.timestamp, abi.encodeWithSelector(selector, node, judging, provider)
            );
            bytes memory refusal = abi.encodeWithSelector(IJobSettlement.NotAComputeNode.selector, judging);
            _requireRefused(_postingWith(judging), block.timestamp, refusal);
        }
        bytes memory stranger = abi.encodeWithSelector(IJobSettlement.NotAComputeNode.selector, STRANGER);
        _requireRefused(_postingWith(STRANGER), block.timestamp, stranger);
        address provider_ = address(uint160(0xa000 + NODES - 1));
        vm.prank(provider_);
        registry.dismiss(_nodes[NODES - 1]);
        bytes memory idle =
            abi.encodeWithSelector(IJobSettlement.NodeNotActive.selector, _nodes[NODES - 1], provider_);
        _requireRefused(_postingWith(_nodes[NODES - 1]), block.timestamp, idle);
    }

    function test_post__under_judges_that_never_registered__is_refused() external {
        address[] memory members = new address[](4);
        for (uint256 place = 0; place < 4; ++place) {
            members[place] = place < 3 ? enclaves.members()[place] : STRANGER;
        }
        JobSettlement other = new JobSettlement(
            address(anchor),
            address(registry),
            address(new EnclaveManager(members)),
            POOL,
            address(this),
            _limits()
        );
        bytes memory refusal = abi.encodeWithSelector(IJobSettlement.JudgeNotRegistered.selector, STRANGER);
        Act memory act = _postingWith(_nodes[NODES - 1]);
        act.target = address(other);
        _requireRefused(act, block.timestamp, refusal);
    }

    function test_charge__indices_ascend_in_each_of_the_two_lists() external {
        JobId job = _start(_terms(NODES, 2, 2, 1));
        _commit(job, 1, NODES);
        vm.warp(settlement.jobOf(job).computeBy + 1);
        for (uint256 turn = 0; turn < 2; ++turn) {
            bool wrong = turn == 0;
            _requireAllowed(_charging(job, 1, 2, wrong), block.timestamp);
            _requireAllowed(_charging(job, NODES - 1, NODES, wrong), block.timestamp);
            bytes4 order = IJobSettlement.IndicesNotAscending.selector;
            _requireRefused(_charging(job, 2, 1, wrong), block.timestamp, _error(order, 2, 1));
            _requireRefused(_charging(job, 2, 2, wrong), block.timestamp, _error(order, 2, 2));
            bytes4 range = IJobSettlement.IndexOutOfRange.selector;
            _requireRefused(_charging(job, 0, 1, wrong), block.timestamp, _error(range, 0, NODES));
            _requireRefused(
                _charging(job, 1, NODES + 1, wrong), block.timestamp, _error(range, NODES + 1, NODES)
            );
        }
    }

    function test_collect__indices_ascend_and_exist() external {
        JobId job = _start(_terms(NODES, 2, 2, 1));
        _commit(job, 1, NODES);
        uint256 time = settlement.jobOf(job).collectBy + 1;
        _requireAllowed(_collecting(job, 1, NODES), time);
        bytes4 order = IJobSettlement.IndicesNotAscending.selector;
        _requireRefused(_collecting(job, 3, 2), time, _error(order, 3, 2));
        _requireRefused(_collecting(job, 3, 3), time, _error(order, 3, 3));
        bytes4 range = IJobSettlement.IndexOutOfRange.selector;
        _requireRefused(_collecting(job, 0, 2), time, _error(range, 0, NODES));
        _requireRefused(_collecting(job, 2, NODES + 1), time, _error(range, NODES + 1, NODES));
    }

    function test_charge__of_e_indices_in_all__and_none_twice() external {
        JobId job = _start(_terms(NODES, 2, 2, 1));
        _commit(job, 1, NODES);
        _charge(job, _range(4, 4), _none());
        bytes memory again = abi.encodeCall(settlement.charge, (job, _range(4, 4), _none()));
        bytes memory refusal = abi.encodeWithSelector(
            IJobSettlement.IndexPhaseWrong.selector, job, 4, IJobSettlement.IndexPhase.Charged
        );
        _requireRefused(Act(PAYER, address(settlement), again), block.timestamp, refusal);
        bytes4 count = IJobSettlement.ChargeCountOutOfRange.selector;
        _requireRefused(_charging(job, 1, 2, true), block.timestamp, _error(count, 3, 2));
        bytes memory nothing = abi.encodeCall(settlement.charge, (job, _none(), _none()));
        _requireRefused(Act(PAYER, address(settlement), nothing), block.timestamp, _error(count, 1, 2));
        _charge(job, _range(1, 1), _none());
        require(settlement.jobOf(job).charged == 2, "charged");
    }

    function test_claim__of_more_than_the_largest_job__is_refused() external {
        JobId[] memory jobs = new JobId[](65);
        for (uint256 place = 0; place < 65; ++place) {
            jobs[place] = JobId.wrap(bytes32(place + 1));
        }
        bytes memory refusal = _error(IJobSettlement.ClaimTooLarge.selector, 65, 64);
        _requireRefused(_claiming(jobs), block.timestamp, refusal);
        assembly ("memory-safe") {
            mstore(jobs, 64)
        }
        _requireAllowed(_claiming(jobs), block.timestamp);
        jobs[0] = _start(_terms(NODES, 2, 2, 1)); // counts for its 9
        refusal = _error(IJobSettlement.ClaimTooLarge.selector, 65, 64);
        assembly ("memory-safe") {
            mstore(jobs, 57)
        }
        _requireRefused(_claiming(jobs), block.timestamp, refusal);
        assembly ("memory-safe") {
            mstore(jobs, 56)
        }
        _requireAllowed(_claiming(jobs), block.timestamp);
    }

    /// @dev The usual nodes, the last of them replaced.
    function _postingWith(address last) private view returns (Act memory) {
        address[] memory nodes = _firstNodes(NODES);
        nodes[NODES - 1] = last;
        bytes memory data =
            abi.encodeCall(settlement.post, (9, keccak256("r"), _terms(NODES, 2, 2, 1), nodes));
        return Act(PAYER, address(settlement), data);
    }

    function _claiming(JobId[] memory jobs) private view returns (Act memory) {
        return Act(STRANGER, address(settlement), abi.encodeCall(settlement.claim, (jobs)));
    }

    function _charging(JobId job, uint256 first, uint256 second, bool wrong)
        private
        view
        returns (Act memory)
    {
        uint256[] memory list = _pair(first, second);
        (uint256[] memory bad, uint256[] memory mute) = wrong ? (list, _none()) : (_none(), list);
        bytes memory data = abi.encodeCall(settlement.charge, (job, bad, mute));
        return Act(PAYER, address(settlement), data);
    }

    function _collecting(JobId job, uint256 first, uint256 second) private view returns (Act memory) {
        bytes memory data = abi.encodeCall(settlement.collect, (job, _pair(first, second)));
        return Act(STRANGER, address(settlement), data);
    }

    function _pair(uint256 first, uint256 second) private pure returns (uint256[] memory list) {
        list = new uint256[](2);
        (list[0], list[1]) = (first, second);
    }

    function _error(bytes4 selector, uint256 first, uint256 second) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second);
    }
}
