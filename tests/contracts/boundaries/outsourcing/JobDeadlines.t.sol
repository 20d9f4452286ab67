// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bounds} from "../../../../contracts/anchoring/Bounds.sol";
import {IJobSettlement, JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {Scene} from "../../invariants/Scene.sol";
import {vm} from "../../invariants/Vm.sol";
import {Boundary} from "../Boundary.sol";

/// @title The boundary seconds of every step of a job, alone and by `claim`
/// @notice Under `Stage`'s limits: windows of 10 to 1000 seconds, W = 100.
contract JobDeadlinesTest is Scene, Boundary {
    uint8 private constant NODES = 6;
    uint256 private constant WINDOW = 100; // W

    constructor() Scene(NODES, 4) {}

    function test_post__windows_have_a_least_and_a_most() external {
        bytes32[3] memory fields = [bytes32("acceptBy"), "computeBy", "collectBy"];
        for (uint256 which = 0; which < 3; ++which) {
            uint256 start = which == 0 ? block.timestamp : block.timestamp + 100 * which;
            uint256[4] memory times = [start + 9, start + 10, start + 1000, start + 1001];
            for (uint256 turn = 0; turn < 4; ++turn) {
                IJobSettlement.Terms memory terms = _terms(NODES, 1, 1, 2);
                uint256 time = times[turn];
                if (which == 0) terms.acceptBy = uint40(time);
                if (which <= 1) terms.computeBy = uint40(which == 1 ? time : time + 100);
                terms.collectBy = which == 2 ? uint40(time) : terms.computeBy + 100;
                if (turn == 1 || turn == 2) _requireAllowed(_posting(terms), block.timestamp);
                else _requireOutOfBounds(terms, fields[which], time, start + 10, start + 1000);
            }
        }
    }

    function test_accept__until_the_second_acceptBy_and_the_second_validUntil() external {
        JobId job = _post(_terms(NODES, 1, 1, 2));
        uint256 acceptBy = settlement.jobOf(job).acceptBy;
        _requireUntil(_accepting(job, acceptBy + 50), acceptBy);
        _requireUntil(_accepting(job, acceptBy - 50), acceptBy - 50);
    }

    function test_cancel__after_the_second_acceptBy() external {
        JobId job = _post(_terms(NODES, 1, 1, 2));
        _accept(job, 1, NODES - 1);
        uint256 acceptBy = settlement.jobOf(job).acceptBy;
        _requireAfter(_act(STRANGER, abi.encodeCall(settlement.cancelUnstarted, (job))), acceptBy);
        _requireClaimed(job, acceptBy, 0);
        _requireClaimed(job, acceptBy + 1, NODES);
    }

    function test_commit__until_the_second_computeBy() external {
        JobId job = _start(_terms(NODES, 1, 1, 2));
        bytes memory data = abi.encodeCall(settlement.commit, (job, 3, keccak256("commitment")));
        _requireUntil(_act(_nodes[2], data), settlement.jobOf(job).computeBy);
    }

    function test_charge__until_the_second_collectBy_and_as_silent_after_the_second_computeBy() external {
        JobId job = _start(_terms(NODES, 1, 1, 2));
        _commit(job, 1, 2);
        IJobSettlement.Job memory entry = settlement.jobOf(job);
        Act memory wrong = _act(PAYER, abi.encodeCall(settlement.charge, (job, _range(1, 1), _none())));
        Act memory silent = _act(PAYER, abi.encodeCall(settlement.charge, (job, _none(), _range(3, 3))));
        _requireUntil(wrong, entry.collectBy);
        _requireAllowed(wrong, entry.computeBy);
        _requireAfter(silent, entry.computeBy);
        _requireUntil(silent, entry.collectBy);
    }

    function test_approve__at_any_time_until_the_locks_expire() external {
        JobId job = _start(_terms(NODES, 1, 1, 2));
        _commit(job, 1, 2);
        IJobSettlement.Job memory entry = settlement.jobOf(job);
        Act memory act = _act(PAYER, abi.encodeCall(settlement.approve, (job, _range(1, 2))));
        _requireAllowed(act, entry.startedAt);
        _requireAllowed(act, entry.collectBy + 1);
        (uint256 expiresAt,) = anchor.lockOf(address(settlement), JobId.unwrap(job));
        _requireAllowed(act, expiresAt);
    }

    function test_collect__after_the_second_collectBy() external {
        JobId job = _start(_terms(NODES, 1, 1, 2));
        _commit(job, 1, 4);
        uint256 collectBy = settlement.jobOf(job).collectBy;
        _requireAfter(_act(STRANGER, abi.encodeCall(settlement.collect, (job, _range(1, NODES)))), collectBy);
        _requireClaimed(job, collectBy, 0);
        _requireClaimed(job, collectBy + 1, NODES);
    }

    function test_charge__is_served_until_the_second_servedBy_and_void_after_it() external {
        JobId job = _start(_terms(NODES, 1, 1, 2));
        _commit(job, 1, NODES);
        _charge(job, _range(2, 2), _none());
        uint256 servedBy = settlement.indexOf(job, 2).servedBy;
        require(servedBy == block.timestamp + WINDOW, "servedBy");
        bytes[] memory signatures = _signatures(settlement.servedDigest(job, 2));
        bytes memory serving = abi.encodeCall(settlement.recordServed, (job, 2, signatures));
        _requireUntil(_act(STRANGER, serving), servedBy);
        _requireAfter(_act(STRANGER, abi.encodeCall(settlement.voidCharge, (job, 2))), servedBy);
        _requireClaimed(job, servedBy, 0);
        _requireClaimed(job, servedBy + 1, 1);
    }

    /// @dev Computing took longer than W, or less: what counts is the longer.
    function test_wrong_charge__is_judged_until_the_second_verdictBy_and_lapses_after_it() external {
        for (uint256 turn = 0; turn < 2; ++turn) {
            uint256 computing = turn == 0 ? WINDOW + 57 : WINDOW - 57;
            JobId job = _startWith(computing);
            _commit(job, 1, NODES);
            _charge(job, _range(2, 2), _none());
            vm.warp(block.timestamp + 7);
            _serve(job, 2);
            IJobSettlement.Index memory seat = settlement.indexOf(job, 2);
            require(seat.answerBy == block.timestamp, "answerBy");
            require(seat.verdictBy == block.timestamp + (turn == 0 ? computing : WINDOW), "verdictBy");
            _requireUntil(_ruling(job, IJobSettlement.Finding.Right), seat.verdictBy);
            _requireUntil(_ruling(job, IJobSettlement.Finding.Wrong), seat.verdictBy);
            _requireLapse(job, seat.verdictBy);
        }
    }

    function test_silent_charge__is_missing_after_the_second_answerBy_and_lapses_after_verdictBy() external {
        for (uint256 turn = 0; turn < 2; ++turn) {
            uint256 computing = turn == 0 ? WINDOW + 57 : WINDOW - 57;
            uint256 longer = turn == 0 ? computing : WINDOW;
            JobId job = _startWith(computing);
            vm.warp(settlement.jobOf(job).computeBy + 1);
            _charge(job, _none(), _range(2, 2));
            vm.warp(block.timestamp + 7);
            _serve(job, 2);
            IJobSettlement.Index memory seat = settlement.indexOf(job, 2);
            require(seat.answerBy == block.timestamp + longer, "answerBy");
            require(seat.verdictBy == block.timestamp + 2 * longer, "verdictBy");
            _requireUntil(_ruling(job, IJobSettlement.Finding.Right), seat.verdictBy);
            _requireAllowed(_ruling(job, IJobSettlement.Finding.Right), block.timestamp);
            _requireAfter(_ruling(job, IJobSettlement.Finding.Missing), seat.answerBy);
            _requireUntil(_ruling(job, IJobSettlement.Finding.Missing), seat.verdictBy);
            _requireLapse(job, seat.verdictBy);
        }
    }

    function test_claim__at_the_second_of_expiry_still_pays_and_after_it_leaves_all_to_the_anchor() external {
        JobId started = _start(_terms(NODES, 1, 1, 2));
        JobId posted = _post(_terms(NODES, 1, 1, 2));
        (uint256 expiresAt,) = anchor.lockOf(address(settlement), JobId.unwrap(started));
        require(expiresAt == settlement.jobOf(started).collectBy + 100 + 2 * 2000 + 500, "expiry");
        _requireClaimed(started, expiresAt, NODES);
        _requireClaimed(posted, expiresAt, NODES);
        _requireClaimed(started, expiresAt + 1, 0);
        _requireClaimed(posted, expiresAt + 1, 0);
    }

    function _requireLapse(JobId job, uint256 verdictBy) private {
        _requireAfter(_act(STRANGER, abi.encodeCall(settlement.lapseCharge, (job, 2))), verdictBy);
        uint256 collectBy = settlement.jobOf(job).collectBy;
        uint256 others = verdictBy > collectBy ? NODES - 1 : 0;
        uint256 answerBy = settlement.indexOf(job, 2).answerBy;
        _requireClaimed(job, answerBy + 1, answerBy + 1 > collectBy ? NODES - 1 : 0);
        _requireClaimed(job, verdictBy, others);
        _requireClaimed(job, verdictBy + 1, verdictBy + 1 > collectBy ? NODES : 1);
    }

    /// @dev A stranger claims; so many indices end.
    function _requireClaimed(JobId job, uint256 time, uint256 ended) private {
        JobId[] memory jobs = new JobId[](1);
        jobs[0] = job;
        bytes memory answer = _requireAllowed(_act(STRANGER, abi.encodeCall(settlement.claim, (jobs))), time);
        require(abi.decode(answer, (uint256)) == ended, "claimed another number");
        uint256 snapshot = vm.snapshotState();
        uint256 before = _countEnded(job);
        vm.warp(time);
        settlement.claim(jobs);
        require(_countEnded(job) == before + ended, "said so, and did not");
        vm.revertToState(snapshot);
    }

    /// @dev Indices that have ended and hold no stake any more.
    function _countEnded(JobId job) private view returns (uint256 count) {
        for (uint256 index = 1; index <= NODES; ++index) {
            (, uint256 held) = anchor.placeOf(address(settlement), JobId.unwrap(job), index);
            bool over = settlement.indexOf(job, index).phase >= IJobSettlement.IndexPhase.Paid;
            require(!over || held == 0, "ended, and its stake stays");
            if (over) ++count;
        }
    }

    function _requireOutOfBounds(
        IJobSettlement.Terms memory terms,
        bytes32 field,
        uint256 had,
        uint256 least,
        uint256 most
    ) private {
        bytes memory refusal = abi.encodeWithSelector(Bounds.OutOfBounds.selector, field, had, least, most);
        _requireRefused(_posting(terms), block.timestamp, refusal);
    }

    /// @dev Started so many seconds before its nodes have to be ready.
    function _startWith(uint256 computing) private returns (JobId job) {
        IJobSettlement.Terms memory terms = _terms(NODES, 1, 1, 2);
        terms.computeBy = uint40(block.timestamp + computing);
        terms.acceptBy = terms.computeBy - 15;
        terms.collectBy = terms.computeBy + 1000;
        return _start(terms);
    }

    function _posting(IJobSettlement.Terms memory terms) private view returns (Act memory) {
        bytes32 root = keccak256("root");
        return _act(PAYER, abi.encodeCall(settlement.post, (77, root, terms, _firstNodes(terms.nodeCount))));
    }

    function _accepting(JobId job, uint256 validUntil) private view returns (Act memory) {
        IJobSettlement.Acceptance[] memory one = new IJobSettlement.Acceptance[](1);
        bytes memory signature = _sign(NODE_KEY + 1, settlement.acceptanceDigest(job, 2, validUntil));
        one[0] = IJobSettlement.Acceptance(2, validUntil, signature);
        return _act(STRANGER, abi.encodeCall(settlement.accept, (job, _firstNodes(NODES), one)));
    }

    function _ruling(JobId job, IJobSettlement.Finding finding) private view returns (Act memory) {
        bytes[] memory signatures = _signatures(settlement.verdictDigest(job, 2, finding));
        return _act(STRANGER, abi.encodeCall(settlement.recordVerdict, (job, 2, finding, signatures)));
    }

    function _act(address caller, bytes memory data) private view returns (Act memory) {
        return Act(caller, address(settlement), data);
    }
}
