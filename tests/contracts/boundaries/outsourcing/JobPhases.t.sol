// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement, JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {Scene} from "../../invariants/Scene.sol";
import {vm} from "../../invariants/Vm.sol";
import {Boundary} from "../Boundary.sol";

/// @title Every act in every phase of an index: allowed where the table says so, refused elsewhere; and
/// at every end, who has what
contract JobPhasesTest is Scene, Boundary {
    uint8 private constant NODES = 9;
    uint256 private constant INDEX = 2; // the one that is looked at; nobody touches the others

    constructor() Scene(NODES, 4) {}

    function test_charge__of_what_is_committed_or_as_silent_of_what_is_accepted() external {
        for (uint8 turn = 2; turn <= 12; ++turn) {
            IJobSettlement.IndexPhase phase = IJobSettlement.IndexPhase(turn);
            if (phase == IJobSettlement.IndexPhase.Unearned) continue; // no charge comes so late
            bool committed = phase == IJobSettlement.IndexPhase.Committed;
            bool accepted = phase == IJobSettlement.IndexPhase.Accepted;
            uint256 snapshot = vm.snapshotState();
            JobId job = _reach(phase);
            if (block.timestamp <= settlement.jobOf(job).computeBy) {
                vm.warp(settlement.jobOf(job).computeBy + 1);
            }
            uint256[] memory one = _range(INDEX, INDEX);
            _requireIn(PAYER, job, phase, abi.encodeCall(settlement.charge, (job, one, _none())), committed);
            bytes memory silent = abi.encodeCall(settlement.charge, (job, _none(), one));
            _requireIn(PAYER, job, phase, silent, committed || accepted);
            vm.revertToState(snapshot);
        }
    }

    function test_commit_serve_judge_void_and_lapse__each_in_one_phase() external {
        bytes[] memory none = new bytes[](0);
        for (uint8 turn = 2; turn <= 12; ++turn) {
            IJobSettlement.IndexPhase phase = IJobSettlement.IndexPhase(turn);
            uint256 snapshot = vm.snapshotState();
            JobId job = _reach(phase);
            address node = _nodes[INDEX - 1];
            if (phase != IJobSettlement.IndexPhase.Accepted) {
                _requireIn(node, job, phase, abi.encodeCall(settlement.commit, (job, INDEX, "c")), false);
            }
            if (phase != IJobSettlement.IndexPhase.Charged) {
                bytes memory serving = abi.encodeCall(settlement.recordServed, (job, INDEX, none));
                _requireIn(STRANGER, job, phase, serving, false);
                _requireIn(STRANGER, job, phase, abi.encodeCall(settlement.voidCharge, (job, INDEX)), false);
            }
            if (phase != IJobSettlement.IndexPhase.Served) {
                IJobSettlement.Finding right = IJobSettlement.Finding.Right;
                bytes memory ruling = abi.encodeCall(settlement.recordVerdict, (job, INDEX, right, none));
                _requireIn(STRANGER, job, phase, ruling, false);
                _requireIn(STRANGER, job, phase, abi.encodeCall(settlement.lapseCharge, (job, INDEX)), false);
            }
            vm.revertToState(snapshot);
        }
    }

    function test_approve_and_collect__pass_over_what_has_ended_and_refuse_what_is_charged() external {
        for (uint8 turn = 2; turn <= 12; ++turn) {
            IJobSettlement.IndexPhase phase = IJobSettlement.IndexPhase(turn);
            uint256 snapshot = vm.snapshotState();
            JobId job = _reach(phase);
            bool charged =
                phase == IJobSettlement.IndexPhase.Charged || phase == IJobSettlement.IndexPhase.Served;
            bool accepted = phase == IJobSettlement.IndexPhase.Accepted;
            uint256[] memory one = _range(INDEX, INDEX);
            bytes memory approving = abi.encodeCall(settlement.approve, (job, one));
            _requireIn(PAYER, job, phase, approving, !charged && !accepted);
            uint256 collectBy = settlement.jobOf(job).collectBy;
            if (block.timestamp <= collectBy) vm.warp(collectBy + 1);
            _requireIn(STRANGER, job, phase, abi.encodeCall(settlement.collect, (job, one)), !charged);
            uint256 before = anchor.freeBalanceOf(_nodes[INDEX - 1]);
            if (!charged) settlement.collect(job, one);
            bool open = accepted || phase == IJobSettlement.IndexPhase.Committed;
            require((anchor.freeBalanceOf(_nodes[INDEX - 1]) != before) == open, "paid twice");
            vm.revertToState(snapshot);
        }
    }

    /// @dev f = 1000, g = 250, S = 9000, m = 9: a conviction costs the node S, of which (m - 1) f goes to
    /// the payer. Three of four judges sign: 62 each, the rest of g to the pool.
    function test_every_end__gives_everybody_what_the_table_says() external {
        _requireEnd(IJobSettlement.IndexPhase.Paid, -1000, 1000, 0, 0);
        _requireEnd(IJobSettlement.IndexPhase.Unearned, -1000, 0, 0, 1000);
        _requireEnd(IJobSettlement.IndexPhase.Convicted, 8000, -9000, 186, 64 + 750);
        _requireEnd(IJobSettlement.IndexPhase.Refuted, -2250, 2000, 186, 64);
        _requireEnd(IJobSettlement.IndexPhase.Answered, -1125, 875, 186, 64);
        _requireEnd(IJobSettlement.IndexPhase.Void, -2250, 2000, 0, 250);
        _requireEnd(IJobSettlement.IndexPhase.Lapsed, -1000, 0, 0, 1000);
        _requireEnd(IJobSettlement.IndexPhase.Released, 0, 0, 0, 0);
    }

    function test_calls_of_anybody_else__are_refused() external {
        JobId job = _reach(IJobSettlement.IndexPhase.Committed);
        bytes[3] memory acts = [
            abi.encodeCall(settlement.approve, (job, _range(INDEX, INDEX))),
            abi.encodeCall(settlement.charge, (job, _range(INDEX, INDEX), _none())),
            abi.encodeCall(settlement.commit, (job, 1, bytes32("c")))
        ];
        job = _start(_jobTerms());
        acts[2] = abi.encodeCall(settlement.commit, (job, 1, bytes32("c")));
        for (uint256 turn = 0; turn < 3; ++turn) {
            address needed = turn == 2 ? _nodes[0] : PAYER;
            bytes memory refusal = abi.encodeWithSignature("CallerWrong(address,address)", STRANGER, needed);
            _requireRefused(Act(STRANGER, address(settlement), acts[turn]), block.timestamp, refusal);
            _requireAllowed(Act(needed, address(settlement), acts[turn]), block.timestamp);
        }
    }

    function test_findings__fit_the_kind_of_the_charge() external {
        JobId job = _start(_jobTerms());
        _commit(job, 1, NODES);
        _charge(job, _range(INDEX, INDEX), _none());
        _serve(job, INDEX);
        IJobSettlement.Finding[2] memory bad = [IJobSettlement.Finding.None, IJobSettlement.Finding.Missing];
        for (uint256 turn = 0; turn < 2; ++turn) {
            bytes[] memory signatures = _signatures(settlement.verdictDigest(job, INDEX, bad[turn]));
            bytes memory data = abi.encodeCall(settlement.recordVerdict, (job, INDEX, bad[turn], signatures));
            bytes4 selector = IJobSettlement.FindingNotAllowed.selector;
            bytes memory refusal =
                abi.encodeWithSelector(selector, IJobSettlement.ChargeKind.Wrong, bad[turn]);
            _requireRefused(Act(STRANGER, address(settlement), data), block.timestamp, refusal);
        }
    }

    function _requireEnd(
        IJobSettlement.IndexPhase phase,
        int256 payer,
        int256 node,
        int256 judges,
        int256 pool
    ) private {
        uint256 snapshot = vm.snapshotState();
        JobId job = _reach(phase);
        IJobSettlement.Index memory seat = settlement.indexOf(job, INDEX);
        require(seat.phase == phase && seat.node == address(0), "phase");
        (, uint256 left) = anchor.placeOf(address(settlement), JobId.unwrap(job), INDEX);
        require(left == 0, "stake stays");
        // What the payer has locked for the other indices is not lost yet.
        (, left) = anchor.placeOf(address(settlement), JobId.unwrap(job), 0);
        require(left == (phase == IJobSettlement.IndexPhase.Released ? 0 : FEE * (NODES - 1)), "deposit");
        require(_gain(PAYER) + int256(left) == payer, "payer");
        require(_gain(_nodes[INDEX - 1]) == node, "node");
        require(_judgesGain() == judges, "judges");
        require(_poolGain() == pool, "pool");
        vm.revertToState(snapshot);
    }

    function _requireIn(
        address caller,
        JobId job,
        IJobSettlement.IndexPhase phase,
        bytes memory data,
        bool allowed
    ) private {
        Act memory act = Act(caller, address(settlement), data);
        if (allowed) {
            _requireAllowed(act, block.timestamp);
            return;
        }
        bytes4 selector = IJobSettlement.IndexPhaseWrong.selector;
        _requireRefused(act, block.timestamp, abi.encodeWithSelector(selector, job, INDEX, phase));
    }

    /// @dev A job with `INDEX` in `phase` and the others accepted.
    function _reach(IJobSettlement.IndexPhase phase) private returns (JobId job) {
        if (phase == IJobSettlement.IndexPhase.Released) {
            job = _post(_jobTerms());
            _accept(job, 1, NODES - 1);
            vm.warp(settlement.jobOf(job).acceptBy + 1);
            settlement.cancelUnstarted(job);
            return job;
        }
        job = _start(_jobTerms());
        IJobSettlement.Job memory entry = settlement.jobOf(job);
        if (phase == IJobSettlement.IndexPhase.Accepted) return job;
        if (phase == IJobSettlement.IndexPhase.Unearned) {
            vm.warp(entry.collectBy + 1);
            settlement.collect(job, _range(INDEX, INDEX));
            return job;
        }
        if (phase == IJobSettlement.IndexPhase.Answered) {
            vm.warp(entry.computeBy + 1);
            _charge(job, _none(), _range(INDEX, INDEX));
        } else {
            _commit(job, INDEX, INDEX);
            if (phase == IJobSettlement.IndexPhase.Committed) return job;
            if (phase == IJobSettlement.IndexPhase.Paid) {
                vm.prank(PAYER);
                settlement.approve(job, _range(INDEX, INDEX));
                return job;
            }
            _charge(job, _range(INDEX, INDEX), _none());
        }
        _endCharge(job, phase);
    }

    function _endCharge(JobId job, IJobSettlement.IndexPhase phase) private {
        if (phase == IJobSettlement.IndexPhase.Charged) return;
        if (phase == IJobSettlement.IndexPhase.Void) {
            vm.warp(settlement.indexOf(job, INDEX).servedBy + 1);
            settlement.voidCharge(job, INDEX);
            return;
        }
        _serve(job, INDEX);
        if (phase == IJobSettlement.IndexPhase.Served) return;
        if (phase == IJobSettlement.IndexPhase.Lapsed) {
            vm.warp(settlement.indexOf(job, INDEX).verdictBy + 1);
            settlement.lapseCharge(job, INDEX);
            return;
        }
        bool convicted = phase == IJobSettlement.IndexPhase.Convicted;
        _rule(job, INDEX, convicted ? IJobSettlement.Finding.Wrong : IJobSettlement.Finding.Right);
    }

    function _jobTerms() private view returns (IJobSettlement.Terms memory terms) {
        terms = _terms(NODES, 2, 2, 1);
        terms.stake = 9000;
        terms.collectBy = terms.computeBy + 1000;
    }
}
