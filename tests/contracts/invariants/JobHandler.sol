// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssetAnchor} from "../../../contracts/interfaces/IAssetAnchor.sol";
import {ISettlement} from "../../../contracts/interfaces/ISettlement.sol";
import {GasBurningPayee} from "../../../contracts/mocks/GasBurningPayee.sol";
import {RefusingPayee} from "../../../contracts/mocks/RefusingPayee.sol";
import {ReturnBombPayee} from "../../../contracts/mocks/ReturnBombPayee.sol";
import {Exits} from "./Exits.sol";
import {GreedyPayee} from "./GreedyPayee.sol";
import {RandomTerms} from "./RandomTerms.sol";
import {Stage} from "./Stage.sol";
import {vm} from "./Vm.sol";

/// @title JobHandler: what payer, nodes, judges and strangers may do, in any order, at any time
/// @notice Node 1 is honest, node 2 refuses payments, node 3 burns gas, node 4 re-enters, the pool
/// returns a megabyte. An action that the rules do not allow now does nothing; one that they allow
/// must not revert (`fail_on_revert`), which makes every action here a liveness claim too.
contract JobHandler is Stage {
    uint256 public constant NODES = 6;
    uint256 private constant JUDGES = 4;
    uint256 private constant MAX_JOBS = 3; // keeps a run short and the jobs deep

    bytes32[] public jobs;
    uint256 public deposited;
    uint256 public withdrawn;
    uint256 public strayed;
    mapping(uint256 phase => uint256 count) public ended;

    constructor() Stage(NODES, JUDGES) {
        deposited = _staked;
        _dress(_nodes[1], address(new RefusingPayee()));
        _dress(_nodes[2], address(new GasBurningPayee()));
        _dress(_nodes[3], address(new GreedyPayee(anchor)));
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
        ISettlement.Terms memory terms = RandomTerms.make(seed, NODES);
        if (anchor.freeBalanceOf(PAYER) < uint256(terms.fee) * NODES) return;
        vm.prank(PAYER);
        jobs.push(settlement.post(jobs.length, keccak256(abi.encode(seed)), terms, _nodes));
    }

    function accept(uint256 seed, uint256 index) external {
        _accept(_job(seed), RandomTerms.within(index, 1, NODES));
    }

    function start(uint256 seed) external {
        for (uint256 index = 1; index <= NODES; ++index) {
            _accept(_job(seed), index);
        }
    }

    function commit(uint256 seed, uint256 which) external {
        bytes32 job = _job(seed);
        ISettlement.Job memory entry = settlement.jobOf(job);
        if (entry.phase != ISettlement.JobPhase.Started || block.timestamp > entry.computeBy) return;
        for (uint256 index = 1; index <= NODES; ++index) {
            if (_phase(job, index) != ISettlement.IndexPhase.Accepted || (which >> index) & 1 == 0) continue;
            vm.prank(_nodes[index - 1]);
            settlement.commit(job, index, keccak256(abi.encode(which, index)));
        }
    }

    function approve(uint256 seed, uint256 index) external {
        bytes32 job = _job(seed);
        index = RandomTerms.within(index, 1, NODES);
        if (_expired(job) || _phase(job, index) != ISettlement.IndexPhase.Committed) return;
        vm.prank(PAYER);
        settlement.approve(job, _one(index));
        _count(job, index);
    }

    function charge(uint256 seed, uint256 index, bool silent) external {
        bytes32 job = _job(seed);
        index = RandomTerms.within(index, 1, NODES);
        ISettlement.Job memory entry = settlement.jobOf(job);
        ISettlement.IndexPhase phase = _phase(job, index);
        if (entry.phase != ISettlement.JobPhase.Started || entry.errors == 0 || entry.charged != 0) return;
        if (block.timestamp > entry.collectBy) return;
        if (phase == ISettlement.IndexPhase.Accepted) silent = true;
        else if (phase != ISettlement.IndexPhase.Committed) return;
        if (silent && block.timestamp <= entry.computeBy) return;
        if (anchor.freeBalanceOf(PAYER) < uint256(entry.fee) + entry.judgeFee) return;
        uint256[] memory none = new uint256[](0);
        vm.prank(PAYER);
        settlement.charge(job, silent ? none : _one(index), silent ? _one(index) : none);
    }

    function serve(uint256 seed) external {
        _serve(_job(seed));
    }

    function judge(uint256 seed, uint8 found) external {
        _judge(_job(seed), ISettlement.Finding(1 + (found % 3)));
    }

    function serveAndJudge(uint256 seed, bool right) external {
        _serve(_job(seed));
        _judge(_job(seed), right ? ISettlement.Finding.Right : ISettlement.Finding.Wrong);
    }

    // Exits, by a stranger.

    function endUnstarted(uint256 seed) external {
        bytes32 job = _job(seed);
        ISettlement.Job memory entry = settlement.jobOf(job);
        if (entry.phase != ISettlement.JobPhase.Posted || block.timestamp <= entry.acceptBy) return;
        if (_expired(job)) return;
        Exits.endJob(settlement, job);
        for (uint256 index = 1; index <= NODES; ++index) {
            _count(job, index);
        }
    }

    function endCharge(uint256 seed) external {
        bytes32 job = _job(seed);
        uint256 index = Exits.firstIn(settlement, job, ISettlement.IndexPhase.Charged);
        if (index == 0) index = Exits.firstIn(settlement, job, ISettlement.IndexPhase.Served);
        if (index != 0) _end(job, index);
    }

    function collect(uint256 seed, uint256 index) external {
        bytes32 job = _job(seed);
        index = RandomTerms.within(index, 1, NODES);
        ISettlement.IndexPhase phase = _phase(job, index);
        if (settlement.jobOf(job).phase != ISettlement.JobPhase.Started) return;
        if (phase != ISettlement.IndexPhase.Accepted && phase != ISettlement.IndexPhase.Committed) return;
        _end(job, index);
    }

    /// @notice All jobs together, due or not: what is due ends, what is not stays and stops nothing.
    function claim() external {
        uint256 due = 0;
        bool[] memory open = new bool[](jobs.length * NODES);
        for (uint256 place = 0; place < open.length; ++place) {
            open[place] = Exits.isOpen(settlement, jobs[place / NODES], 1 + place % NODES);
            if (open[place] && Exits.isDue(settlement, jobs[place / NODES], 1 + place % NODES)) ++due;
        }
        vm.prank(STRANGER);
        require(settlement.claim(jobs) == due, "claimed another number than is due");
        for (uint256 place = 0; place < open.length; ++place) {
            bool isOpen = Exits.isOpen(settlement, jobs[place / NODES], 1 + place % NODES);
            if (open[place] && !isOpen) _count(jobs[place / NODES], 1 + place % NODES);
        }
    }

    function expire(uint256 lockId) external {
        lockId = RandomTerms.within(lockId, 1, lastLock() + 1);
        IAssetAnchor.Lock memory entry = anchor.lockOf(lockId);
        if (entry.remaining == 0 || block.timestamp <= entry.expiresAt) return;
        vm.prank(STRANGER);
        anchor.expire(lockId);
    }

    // What the invariants ask and do.

    /// @notice Everybody who can hold tokens.
    function actors() public view returns (address[] memory everybody) {
        everybody = new address[](NODES + JUDGES + 2);
        for (uint256 place = 0; place < NODES; ++place) {
            everybody[place] = _nodes[place];
        }
        for (uint256 place = 0; place < JUDGES; ++place) {
            everybody[NODES + place] = vm.addr(_judgeKeys[place]);
        }
        everybody[NODES + JUDGES] = PAYER;
        everybody[NODES + JUDGES + 1] = POOL;
    }

    function jobCount() external view returns (uint256) {
        return jobs.length;
    }

    /// @notice An upper bound of the lock ids in use.
    function lastLock() public view returns (uint256) {
        return NODES + JUDGES + jobs.length * (NODES + 2); // a stake of each provider's, then the jobs'
    }

    function _serve(bytes32 job) private {
        uint256 index = Exits.firstIn(settlement, job, ISettlement.IndexPhase.Charged);
        if (index == 0 || block.timestamp > settlement.indexOf(job, index).servedBy) return;
        settlement.recordServed(job, index, _signatures(settlement.servedDigest(job, index)));
    }

    function _judge(bytes32 job, ISettlement.Finding finding) private {
        uint256 index = Exits.firstIn(settlement, job, ISettlement.IndexPhase.Served);
        if (index == 0) return;
        ISettlement.Index memory seat = settlement.indexOf(job, index);
        if (block.timestamp > seat.verdictBy) return;
        if (finding == ISettlement.Finding.Missing) {
            if (seat.kind != ISettlement.ChargeKind.Silent || block.timestamp <= seat.answerBy) return;
        }
        bytes32 digest = settlement.verdictDigest(job, index, finding);
        settlement.recordVerdict(job, index, finding, _signatures(digest));
        _count(job, index);
    }

    function _end(bytes32 job, uint256 index) private {
        if (_expired(job) || block.timestamp <= Exits.deadlineOf(settlement, job, index)) return;
        Exits.endIndex(settlement, job, index);
        _count(job, index);
    }

    function _accept(bytes32 job, uint256 index) private {
        ISettlement.Job memory entry = settlement.jobOf(job);
        if (entry.phase != ISettlement.JobPhase.Posted || block.timestamp > entry.acceptBy) return;
        if (_phase(job, index) != ISettlement.IndexPhase.Named) return;
        if (anchor.freeBalanceOf(_nodes[index - 1]) < entry.stake) return;
        bytes32 digest = settlement.acceptanceDigest(job, index, entry.acceptBy);
        settlement.accept(job, index, entry.acceptBy, _sign(NODE_KEY + index - 1, digest));
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

    function _dress(address account, address payee) private {
        vm.etch(account, payee.code);
        token.hook(account);
    }

    function _count(bytes32 job, uint256 index) private {
        ++ended[uint256(_phase(job, index))];
    }

    function _job(uint256 seed) private view returns (bytes32) {
        return jobs.length == 0 ? bytes32(0) : jobs[seed % jobs.length];
    }

    function _phase(bytes32 job, uint256 index) private view returns (ISettlement.IndexPhase) {
        return settlement.indexOf(job, index).phase;
    }

    /// @dev All locks of a job expire together.
    function _expired(bytes32 job) private view returns (bool) {
        return block.timestamp > Exits.expiryOf(settlement, job);
    }

    function _actor(uint256 seed) private view returns (address) {
        address[] memory everybody = actors();
        return everybody[seed % everybody.length];
    }

    function _one(uint256 index) private pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = index;
    }
}
