// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement, JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {GasBurningPayee} from "../../../../contracts/mocks/payees/GasBurningPayee.sol";
import {RefusingPayee} from "../../../../contracts/mocks/payees/RefusingPayee.sol";
import {ReturnBombPayee} from "../../../../contracts/mocks/payees/ReturnBombPayee.sol";
import {Phases} from "../../../../contracts/outsourcing/Phases.sol";
import {Actors} from "./Actors.sol";
import {Exits} from "./Exits.sol";
import {GreedyPayee} from "./GreedyPayee.sol";
import {RandomTerms} from "./RandomTerms.sol";
import {vm} from "../Vm.sol";

/// @title JobHandler: what payer, nodes, judges and strangers may do, in any order, at any time
/// @notice Node 1 is honest, node 2 refuses payments, node 3 burns gas, node 4 re-enters, the pool
/// returns a megabyte. An action that the rules do not allow now does nothing; one that they allow
/// must not revert (`fail_on_revert`), which makes every action here a liveness claim too.
contract JobHandler is Actors {
    uint256 private constant MAX_JOBS = 2; // keeps a run short and the jobs deep

    uint256 public deposited;
    uint256 public withdrawn;
    uint256 public strayed;
    mapping(JobId job => uint256 count) public chargesOf; // by this count, not by the contract's

    constructor() Actors() {
        deposited = _staked;
        _dress(_nodes[1], address(new RefusingPayee()));
        _dress(_nodes[2], address(new GasBurningPayee()));
        _dress(_nodes[3], address(new GreedyPayee(anchor, address(registry), _subjectOf(0))));
        _dress(POOL, address(new ReturnBombPayee()));
        address[] memory everybody = actors();
        for (uint256 place = 0; place < everybody.length; ++place) {
            deposited += 1e24;
            _fund(everybody[place], 1e24);
        }
    }

    // Tokens.

    function deposit(uint256 seed, uint96 amount) external {
        amount = uint96(RandomTerms.within(amount, 1, 1e20));
        deposited += amount;
        anchor.deposit(_actor(seed), amount);
    }

    function withdraw(uint256 seed, uint256 toSeed, uint256 amount) external {
        address account = _actor(seed);
        uint256 had = anchor.freeBalanceOf(account);
        if (had == 0) return;
        address to = toSeed % 2 == 0 ? account : _actor(toSeed);
        _withdraw(account, to, RandomTerms.within(amount, 1, had < 1e20 ? had : 1e20));
    }

    function stray(uint256 amount) external {
        amount = RandomTerms.within(amount, 1, 1e20);
        strayed += amount;
        token.transfer(address(anchor), amount);
    }

    function passSeconds(uint256 secondsToPass) external {
        vm.warp(block.timestamp + RandomTerms.within(secondsToPass, 1, 60));
    }

    /// @notice To the last second of some deadline of a job, or the one before or after it.
    function passToDeadline(uint256 seed, uint256 which) external {
        if (jobs.length == 0) return;
        uint256 deadline = Exits.anyDeadlineOf(settlement, _job(seed), (which / 3) % 16);
        uint256 later = which % 3; // 0: the second before, 1: the last second, 2: the one after
        if (deadline + later > block.timestamp + 1) vm.warp(deadline + later - 1);
    }

    // Jobs.

    function post(uint256 seed) external {
        if (jobs.length == MAX_JOBS) return;
        IJobSettlement.Terms memory terms = RandomTerms.make(seed, NODES);
        if (anchor.freeBalanceOf(PAYER) < uint256(terms.fee) * NODES) return;
        vm.prank(PAYER);
        jobs.push(settlement.post(jobs.length, keccak256(abi.encode(seed)), terms, _nodes));
    }

    /// @notice Some of them, as a batch, whether they are accepted already or not.
    function accept(uint256 seed, uint256 which) external {
        _accept(_job(seed), which);
    }

    function start(uint256 seed) external {
        _accept(_job(seed), type(uint256).max);
    }

    function commit(uint256 seed, uint256 which) external {
        JobId job = _job(seed);
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        if (job_.phase != IJobSettlement.JobPhase.Started || block.timestamp > job_.computeBy) return;
        for (uint256 index = 1; index <= NODES; ++index) {
            if (_phase(job, index) != IJobSettlement.IndexPhase.Accepted || (which >> index) & 1 == 0) {
                continue;
            }
            vm.prank(_nodes[index - 1]);
            settlement.commit(job, index, keccak256(abi.encode(which, index)));
        }
    }

    /// @notice Every index that may be paid, and those that have ended with them.
    function approve(uint256 seed, uint256 which) external {
        JobId job = _job(seed);
        if (_expired(job) || settlement.jobOf(job).phase != IJobSettlement.JobPhase.Started) return;
        uint256[] memory indices =
            _some(job, which, IJobSettlement.IndexPhase.Committed, IJobSettlement.IndexPhase.Committed);
        vm.prank(PAYER);
        settlement.approve(job, indices);
    }

    /// @notice What the rules forbid is tried, too: more than e charges, and an index once more.
    function charge(uint256 seed, uint256 index, bool silent) external {
        JobId job = _job(seed);
        index = RandomTerms.within(index, 1, NODES);
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        IJobSettlement.IndexPhase phase = _phase(job, index);
        if (job_.phase != IJobSettlement.JobPhase.Started || block.timestamp > job_.collectBy) return;
        if (phase == IJobSettlement.IndexPhase.Accepted) silent = true;
        else if (phase != IJobSettlement.IndexPhase.Committed) return;
        if (silent && block.timestamp <= job_.computeBy) return;
        if (anchor.freeBalanceOf(PAYER) < 2 * (uint256(job_.fee) + job_.judgeFee)) return;
        bool full = chargesOf[job] == job_.errors;
        if (!_tryCharge(job, index, silent)) return require(full, "a charge is refused");
        ++chargesOf[job];
        require(!_tryCharge(job, index, silent), "an index is charged again");
    }

    function serve(uint256 seed) external {
        _serve(_job(seed));
    }

    function judge(uint256 seed, uint8 found) external {
        _judge(_job(seed), IJobSettlement.Finding(1 + (found % 3)));
    }

    function serveAndJudge(uint256 seed, bool right) external {
        _serve(_job(seed));
        _judge(_job(seed), right ? IJobSettlement.Finding.Right : IJobSettlement.Finding.Wrong);
    }

    // Exits, by a stranger.

    function endUnstarted(uint256 seed) external {
        JobId job = _job(seed);
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        if (job_.phase != IJobSettlement.JobPhase.Posted || block.timestamp <= job_.acceptBy) return;
        if (_expired(job)) return;
        Exits.endJob(settlement, job);
    }

    function endCharge(uint256 seed) external {
        JobId job = _job(seed);
        uint256 index = Exits.firstIn(settlement, job, IJobSettlement.IndexPhase.Charged);
        if (index == 0) index = Exits.firstIn(settlement, job, IJobSettlement.IndexPhase.Served);
        if (index != 0) _end(job, index);
    }

    function collect(uint256 seed, uint256 which) external {
        JobId job = _job(seed);
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        if (job_.phase != IJobSettlement.JobPhase.Started || block.timestamp <= job_.collectBy) return;
        if (_expired(job)) return;
        uint256[] memory indices =
            _some(job, which, IJobSettlement.IndexPhase.Accepted, IJobSettlement.IndexPhase.Committed);
        vm.prank(STRANGER);
        settlement.collect(job, indices);
    }

    /// @notice All jobs together, due or not: what is due ends, what is not stays and stops nothing.
    function claim() external {
        uint256 due = 0;
        for (uint256 place = 0; place < jobs.length * NODES; ++place) {
            (JobId job, uint256 index) = (jobs[place / NODES], 1 + place % NODES);
            if (Exits.isOpen(settlement, job, index) && Exits.isDue(settlement, job, index)) ++due;
        }
        vm.prank(STRANGER);
        require(settlement.claim(jobs) == due, "claimed another number than is due");
    }

    function expire(uint256 seed, uint256 place) external {
        if (jobs.length == 0) return;
        bytes32 subject = JobId.unwrap(_job(seed));
        place = RandomTerms.within(place, 0, NODES);
        (uint256 expiresAt,) = anchor.lockOf(address(settlement), subject);
        (, uint256 amount) = anchor.placeOf(address(settlement), subject, place);
        if (amount == 0 || block.timestamp <= expiresAt) return;
        vm.prank(STRANGER);
        anchor.expire(address(settlement), subject, place);
    }

    function _tryCharge(JobId job, uint256 index, bool silent) private returns (bool done) {
        uint256[] memory none = new uint256[](0);
        vm.prank(PAYER);
        try settlement.charge(job, silent ? none : _one(index), silent ? _one(index) : none) {
            done = true;
        } catch {}
    }

    function _serve(JobId job) private {
        uint256 index = Exits.firstIn(settlement, job, IJobSettlement.IndexPhase.Charged);
        if (index == 0 || block.timestamp > settlement.indexOf(job, index).servedBy) return;
        settlement.recordServed(job, index, _signatures(settlement.servedDigest(job, index)));
    }

    function _judge(JobId job, IJobSettlement.Finding finding) private {
        uint256 index = Exits.firstIn(settlement, job, IJobSettlement.IndexPhase.Served);
        if (index == 0) return;
        IJobSettlement.Index memory seat = settlement.indexOf(job, index);
        if (block.timestamp > seat.verdictBy) return;
        if (finding == IJobSettlement.Finding.Missing) {
            if (seat.kind != IJobSettlement.ChargeKind.Silent || block.timestamp <= seat.answerBy) return;
        }
        bytes32 digest = settlement.verdictDigest(job, index, finding);
        uint256 judges = enclaves.threshold() + block.timestamp % (JUDGES + 1 - enclaves.threshold());
        settlement.recordVerdict(job, index, finding, _signaturesOf(digest, judges));
    }

    function _end(JobId job, uint256 index) private {
        if (_expired(job) || block.timestamp <= Exits.deadlineOf(settlement, job, index)) return;
        Exits.endIndex(settlement, job, index);
    }

    function _accept(JobId job, uint256 which) private {
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        if (job_.phase != IJobSettlement.JobPhase.Posted || block.timestamp > job_.acceptBy) return;
        IJobSettlement.Acceptance[] memory batch = new IJobSettlement.Acceptance[](NODES);
        uint256 count = 0;
        for (uint256 index = 1; index <= NODES; ++index) {
            if ((which >> index) & 1 == 0 || anchor.freeBalanceOf(_nodes[index - 1]) < job_.stake) continue;
            bytes32 digest = settlement.acceptanceDigest(job, index, job_.acceptBy);
            bytes memory signature = _sign(NODE_KEY + index - 1, digest);
            batch[count++] = IJobSettlement.Acceptance(index, job_.acceptBy, signature);
        }
        IJobSettlement.Acceptance[] memory brought = new IJobSettlement.Acceptance[](count);
        for (uint256 place = 0; place < count; ++place) {
            brought[place] = batch[place];
        }
        settlement.accept(job, _nodes, brought);
    }

    /// @dev With bounded gas: a payee may burn all it is given, and may refuse.
    function _withdraw(address account, address to, uint256 amount) private {
        uint256 before = token.balanceOf(address(anchor));
        vm.prank(account);
        (bool done,) = address(anchor).call{gas: 3_000_000}(abi.encodeCall(anchor.withdraw, (to, amount)));
        uint256 gone = before - token.balanceOf(address(anchor));
        require(gone == (done ? amount : 0), "withdrew another amount");
        bool rude = to == _nodes[1] || to == _nodes[2] || to == POOL;
        require(done != rude, "only a rude payee can fail a withdrawal, and only its own");
        withdrawn += gone;
    }

    function _job(uint256 seed) private view returns (JobId) {
        return jobs.length == 0 ? JobId.wrap(0) : jobs[seed % jobs.length];
    }

    function _phase(JobId job, uint256 index) private view returns (IJobSettlement.IndexPhase) {
        return Phases.phaseOf(settlement.jobOf(job).phases, index);
    }

    /// @dev All locks of a job expire together.
    function _expired(JobId job) private view returns (bool) {
        return block.timestamp > Exits.expiryOf(settlement, job);
    }

    /// @dev By the bits of `which`: indices from one phase to another, and those that have ended.
    function _some(JobId job, uint256 which, IJobSettlement.IndexPhase from, IJobSettlement.IndexPhase to)
        private
        view
        returns (uint256[] memory indices)
    {
        uint256 count = 0;
        uint256 phases = settlement.jobOf(job).phases;
        uint256[] memory all = new uint256[](NODES);
        for (uint256 index = 1; index <= NODES; ++index) {
            IJobSettlement.IndexPhase phase = Phases.phaseOf(phases, index);
            bool fits = (phase >= from && phase <= to) || phase >= IJobSettlement.IndexPhase.Paid;
            if (fits && (which >> index) & 1 == 1) all[count++] = index;
        }
        indices = new uint256[](count);
        for (uint256 place = 0; place < count; ++place) {
            indices[place] = all[place];
        }
    }

    function _one(uint256 index) private pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = index;
    }
}
