// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement, JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {Scene} from "../../invariants/Scene.sol";
import {vm} from "../../invariants/Vm.sol";
import {EventVm} from "../EventVm.sol";

/// @title What a job says of itself: each event, with every value
contract JobEventsTest is Scene {
    uint8 private constant NODES = 6;
    EventVm private constant EVENTS = EventVm(address(vm));

    constructor() Scene(NODES, 4) {}

    function test_post_accept_and_start() external {
        IJobSettlement.Terms memory terms = _terms(NODES, 1, 1, 2);
        JobId job = settlement.jobIdOf(PAYER, 1);
        bytes32 hash = settlement.hashTerms(terms);
        require(hash == keccak256(abi.encode(terms)), "hash");
        _expect();
        emit IJobSettlement.JobPosted(job, PAYER, keccak256("root"), hash, terms, _firstNodes(NODES));
        _post(terms);
        _expect();
        emit IJobSettlement.NodeAccepted(job, 2, _nodes[1]);
        _accept(job, 2, 2);
        IJobSettlement.Job memory entry = settlement.jobOf(job);
        require(entry.accepted == 1 && entry.phase == IJobSettlement.JobPhase.Posted, "started too early");
        require(entry.payer == PAYER && entry.postedBlock == block.number, "payer or block");
        require(entry.root == keccak256("root") && entry.termsHash == hash, "root or terms");
        _accept(job, 3, NODES);
        vm.warp(block.timestamp + 3);
        _expect();
        emit IJobSettlement.JobStarted(job, block.timestamp);
        _accept(job, 1, 2); // the second is accepted already, and passed over
        require(settlement.jobOf(job).startedAt == block.timestamp, "startedAt");
        _accept(job, 1, NODES); // nothing is left to be done, and nobody is stopped
    }

    function test_cancel() external {
        JobId job = _post(_terms(NODES, 1, 1, 2));
        vm.warp(settlement.jobOf(job).acceptBy + 1);
        _expect();
        emit IJobSettlement.JobCancelled(job, STRANGER);
        vm.prank(STRANGER);
        settlement.cancelUnstarted(job);
        require(settlement.jobOf(job).phase == IJobSettlement.JobPhase.Cancelled, "phase");
        require(_gain(PAYER) == 0, "not everything came back");
    }

    function test_commit_approve_and_collect() external {
        JobId job = _start(_terms(NODES, 1, 1, 2));
        _expect();
        emit IJobSettlement.ResultCommitted(job, 2, _nodes[1], keccak256("c"));
        vm.prank(_nodes[1]);
        settlement.commit(job, 2, keccak256("c"));
        require(settlement.indexOf(job, 2).committed && !settlement.indexOf(job, 3).committed, "committed");
        _expect();
        emit IJobSettlement.NodePaid(job, 2, _nodes[1], FEE);
        vm.prank(PAYER);
        settlement.approve(job, _range(2, 2));
        require(settlement.indexOf(job, 2).committed, "forgot that it had");
        vm.warp(settlement.jobOf(job).collectBy + 1);
        _expect();
        emit IJobSettlement.FeeUnearned(job, 3, _nodes[2], FEE);
        settlement.collect(job, _range(3, 3));
    }

    function test_charge_void_serve_and_lapse() external {
        JobId job = _start(_terms(NODES, 1, 1, 2));
        _commit(job, 1, NODES);
        uint256 servedBy = block.timestamp + 100;
        uint256 snapshot = vm.snapshotState();
        _expect();
        emit IJobSettlement.NodeCharged(job, 2, _nodes[1], IJobSettlement.ChargeKind.Wrong, servedBy);
        _charge(job, _range(2, 2), _none());
        IJobSettlement.Index memory seat = settlement.indexOf(job, 2);
        require(seat.committed && seat.servedBy == servedBy, "committed, or served by");
        require(seat.answerBy == 0 && seat.verdictBy == 0, "a deadline before its time");
        vm.warp(servedBy + 1);
        _expect();
        emit IJobSettlement.ChargeVoided(job, 2, _nodes[1]);
        settlement.voidCharge(job, 2);
        vm.revertToState(snapshot);
        vm.warp(settlement.jobOf(job).computeBy + 1);
        servedBy = block.timestamp + 100;
        _expect();
        emit IJobSettlement.NodeCharged(job, 2, _nodes[1], IJobSettlement.ChargeKind.Silent, servedBy);
        _charge(job, _none(), _range(2, 2));
        uint256 computing = settlement.jobOf(job).computeBy - settlement.jobOf(job).startedAt;
        uint256 answerBy = block.timestamp + computing;
        bytes[] memory signatures = _signatures(settlement.servedDigest(job, 2));
        _expect();
        emit IJobSettlement.ChargeServed(job, 2, answerBy, answerBy + computing);
        settlement.recordServed(job, 2, signatures);
        require(settlement.indexOf(job, 2).kind == IJobSettlement.ChargeKind.Silent, "kind");
        vm.warp(answerBy + computing + 1);
        _expect();
        emit IJobSettlement.ChargeLapsed(job, 2, _nodes[1]);
        settlement.lapseCharge(job, 2);
    }

    function test_verdicts() external {
        JobId job = _start(_terms(NODES, 1, 1, 2));
        _commit(job, 1, NODES);
        uint256 snapshot = vm.snapshotState();
        _charge(job, _range(2, 2), _none());
        _serve(job, 2);
        uint256 served = vm.snapshotState();
        _expect();
        emit IJobSettlement.NodeConvicted(job, 2, _nodes[1], IJobSettlement.Finding.Wrong, 5000, 750);
        _rule(job, 2, IJobSettlement.Finding.Wrong);
        vm.revertToState(served);
        _expect();
        emit IJobSettlement.ChargeRefuted(job, 2, _nodes[1]);
        _rule(job, 2, IJobSettlement.Finding.Right);
        vm.revertToState(snapshot);
        vm.warp(settlement.jobOf(job).computeBy + 1);
        _charge(job, _none(), _range(2, 2));
        _serve(job, 2);
        _expect();
        emit IJobSettlement.ChargeAnswered(job, 2, _nodes[1]);
        _rule(job, 2, IJobSettlement.Finding.Right);
    }

    function test_every_judge_that_signed__has_its_share_and_no_other() external {
        JobId job = _start(_terms(NODES, 1, 1, 2));
        _commit(job, 1, NODES);
        _charge(job, _range(2, 2), _none());
        _serve(job, 2);
        _ruleBy(job, 2, IJobSettlement.Finding.Wrong, 3);
        for (uint256 place = 0; place < 4; ++place) {
            uint256 had = anchor.freeBalanceOf(vm.addr(_judgeKeys[place]));
            require(had == (place < 3 ? 62 : 0), "share");
        }
    }

    function test_the_guardian__stops_new_jobs_for_good_and_nothing_else() external {
        JobId job = _start(_terms(NODES, 1, 1, 2));
        vm.prank(STRANGER);
        (bool done,) = address(settlement).call(abi.encodeCall(settlement.deprecate, ()));
        require(!done && !settlement.isDeprecated(), "anybody may");
        require(settlement.guardian() == address(this), "guardian");
        settlement.deprecate();
        require(settlement.isDeprecated(), "not stopped");
        (done,) = address(settlement).call(abi.encodeCall(settlement.deprecate, ()));
        require(!done, "twice");
        IJobSettlement.Terms memory terms = _terms(NODES, 1, 1, 2);
        vm.prank(PAYER);
        (done,) = address(settlement)
            .call(abi.encodeCall(settlement.post, (99, keccak256("root"), terms, _firstNodes(NODES))));
        require(!done, "a job more");
        _commit(job, 1, NODES);
    }

    function test_a_job__comes_once_and_its_commitment_is_something() external {
        IJobSettlement.Terms memory terms = _terms(NODES, 1, 1, 2);
        JobId job = _start(terms);
        require(
            JobId.unwrap(job) == keccak256(abi.encode(block.chainid, address(settlement), PAYER, 1)), "id"
        );
        bytes memory again =
            abi.encodeCall(settlement.post, (1, keccak256("root"), terms, _firstNodes(NODES)));
        _requireError(PAYER, again, abi.encodeWithSelector(IJobSettlement.JobExists.selector, job));
        bytes memory empty = abi.encodeCall(settlement.commit, (job, 2, bytes32(0)));
        _requireError(
            _nodes[1], empty, abi.encodeWithSelector(IJobSettlement.CommitmentEmpty.selector, job, 2)
        );
    }

    function test_acceptances__are_each_nodes_own_for_the_list_that_was_posted() external {
        JobId job = _post(_terms(NODES, 1, 1, 2));
        address[] memory nodes = _firstNodes(NODES);
        IJobSettlement.Acceptance[] memory one = _acceptances(job, 2, 2);
        one[0].index = 3;
        one[0].signature = _sign(NODE_KEY + 1, settlement.acceptanceDigest(job, 3, one[0].validUntil));
        bytes4 unsigned = IJobSettlement.AcceptanceNotSigned.selector;
        bytes memory refusal = abi.encodeWithSelector(unsigned, nodes[1], nodes[2]);
        _requireError(STRANGER, abi.encodeCall(settlement.accept, (job, nodes, one)), refusal);
        one[0].index = 0;
        bytes4 range = IJobSettlement.IndexOutOfRange.selector;
        bytes memory data = abi.encodeCall(settlement.accept, (job, nodes, one));
        _requireError(STRANGER, data, abi.encodeWithSelector(range, 0, NODES));
        one[0].index = NODES + 1;
        data = abi.encodeCall(settlement.accept, (job, nodes, one));
        _requireError(STRANGER, data, abi.encodeWithSelector(range, NODES + 1, NODES));
        one = _acceptances(job, 2, 2);
        nodes[5] = nodes[4];
        unsigned = IJobSettlement.NodeListWrong.selector;
        bytes32 posted = settlement.jobOf(job).nodesHash;
        refusal = abi.encodeWithSelector(unsigned, keccak256(abi.encodePacked(nodes)), posted);
        _requireError(STRANGER, abi.encodeCall(settlement.accept, (job, nodes, one)), refusal);
        vm.prank(address(0xa001));
        registry.dismiss(_nodes[1]);
        data = abi.encodeCall(settlement.accept, (job, _firstNodes(NODES), one));
        bytes4 inactive = IJobSettlement.NodeNotActive.selector;
        _requireError(STRANGER, data, abi.encodeWithSelector(inactive, _nodes[1], address(0xa001)));
    }

    function _requireError(address caller, bytes memory data, bytes memory refusal) private {
        vm.prank(caller);
        (bool done, bytes memory answer) = address(settlement).call(data);
        require(!done && keccak256(answer) == keccak256(refusal), "not refused, or for another reason");
    }

    function _expect() private {
        EVENTS.expectEmit(address(settlement));
    }
}
