// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bounds} from "../../../../contracts/anchoring/Bounds.sol";
import {Quorum} from "../../../../contracts/crypto/Quorum.sol";
import {IEnclaveManager} from "../../../../contracts/interfaces/IEnclaveManager.sol";
import {IJobSettlement, JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {PlantedBareStatements} from "../../../../contracts/mocks/planted/outsourcing/PlantedBareStatements.sol";
import {PlantedEqualPay} from "../../../../contracts/mocks/planted/outsourcing/PlantedEqualPay.sol";
import {Scene} from "../Scene.sol";
import {vm} from "../Vm.sol";

/// @title What an audit of the first version found: each attack, and what the attacker gains now
/// @notice Numbers are the audit's. Its gas tests stand in LargestJob.t.sol.
contract AuditTest is Scene {
    int256 private constant F = int256(uint256(FEE));
    int256 private constant G = int256(uint256(JUDGE_FEE));
    int256 private constant S = 6 * F;

    constructor() Scene(7, 4) {}

    /// @notice F1: judges that never serve earned g. Now nothing: g is the pool's. (The charged node has 2f
    /// as before: the payer's charge failed, and nobody can tell why.)
    function test_f1_judges_that_never_serve__earn_nothing() external {
        JobId job = _charged();
        _passTo(settlement.indexOf(job, 2).servedBy);
        settlement.voidCharge(job, 2);
        require(_judgesGain() == 0, "judges are paid for nothing");
        require(_poolGain() == G && _gain(_nodes[1]) == 2 * F, "g to the pool, 2f to the node");
    }

    /// @notice F1, its relative: a judge that signs nothing earned as much as those that re-execute.
    function test_f1_judge_whose_signature_is_missing__earns_nothing() external {
        JobId job = _charged();
        _serve(job, 2);
        _ruleBy(job, 2, IJobSettlement.Finding.Wrong, 3);
        require(_freeOf(0) == uint256(G) / 4 && _freeOf(2) == uint256(G) / 4, "a signer has g/n");
        require(_freeOf(3) == 0, "an idle judge is paid");
        require(_poolGain() == (S - G - _fine()) + (G - 3 * (G / 4)), "the rest is the pool's");

        PlantedEqualPay planted = new PlantedEqualPay();
        address[] memory judges = enclaves.members();
        address[] memory signers = new address[](3);
        (signers[0], signers[1], signers[2]) = (judges[0], judges[1], judges[2]);
        planted.pay(uint256(G), judges, signers);
        require(planted.credit(judges[3]) == planted.credit(judges[0]), "the planted flaw is gone");
    }

    /// @notice F2: judges had W for 2^24 monomials times 4096 inputs. Now they have as long as nodes had, and
    /// what they compute of one task is bounded.
    function test_f2_judges__have_as_long_as_nodes_had() external {
        JobId job = _charged();
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        _serve(job, 2);
        uint256 had = settlement.indexOf(job, 2).verdictBy - block.timestamp;
        require(had == job_.computeBy - job_.startedAt && had > 100, "less than nodes had");
        IJobSettlement.Terms memory terms = _terms(6, 1, 1, 2);
        (terms.termCount, terms.batch, terms.functionBytes) = (2 ** 24, 17, 64 * 2 ** 20);
        terms.shareBytes = 17 * 18;
        _requireRefused(terms, "products", 17 * 2 ** 24, 1, 2 ** 28);
    }

    /// @notice F3: with e = 0 nodes that commit to anything are paid, and nobody can be charged.
    function test_f3_no_errors_survived__is_refused() external {
        IJobSettlement.Terms memory terms = _terms(6, 1, 1, 2);
        terms.errors = 0;
        _requireRefused(terms, "errors", 0, 1, 1);
    }

    /// @notice F3 with e = 1: what all nodes gain by doing nothing is less than one of them loses.
    function test_f3_nodes_that_do_nothing__lose_together() external {
        JobId job = _charged();
        _serve(job, 2);
        _rule(job, 2, IJobSettlement.Finding.Wrong);
        _collectRest(job);
        require(_nodesGain(1, 6) == 5 * F - S && 5 * F < S, "nodes gain");
        require(_gain(PAYER) == -5 * F + _fine(), "the payer has no result, and lost by it");
    }

    /// @notice F4: whoever owns the pool posted jobs, served nobody, and won z of each node. Now it wins
    /// nothing, and no node loses.
    function test_f4_owner_of_the_pool__farms_nothing() external {
        JobId job = _start(_terms(6, 1, 1, 2));
        _passTo(settlement.jobOf(job).collectBy);
        settlement.collect(job, _range(1, 6));
        require(_gain(PAYER) + _poolGain() == 0, "payer and pool together gain");
        require(_nodesGain(1, 6) == 0, "nodes lose");
    }

    /// @notice F5 stays open: 2e + 1 nodes commit in time and show their answers to nobody; all are paid and
    /// there is no result. To close it needs delivery on chain, which comes with a later version; then this
    /// test turns round.
    function test_f5_nodes_that_commit_and_deliver_to_nobody__are_still_paid() external {
        JobId job = _start(_terms(6, 1, 1, 2));
        _commit(job, 1, 6); // 1, 2 and 3 withhold: the payer holds 3 answers of 6
        _passTo(settlement.jobOf(job).computeBy);
        _charge(job, _none(), _range(1, 1)); // as many as it may
        _serve(job, 1);
        _rule(job, 1, IJobSettlement.Finding.Right); // hands in: 4 answers of 6, and 5 are needed
        _passTo(settlement.jobOf(job).collectBy);
        settlement.collect(job, _range(1, 6)); // passes over the one that ended
        require(_nodesGain(1, 3) == 3 * F - G / 2, "withholding pays otherwise than known");
    }

    /// @notice F6: a payer with nodes of its own made judges re-execute anything for one unit. Now the fee
    /// has a floor by the work, and all of it is lost to the payer and its nodes.
    function test_f6_charge_that_makes_judges_work__costs_what_the_work_costs() external {
        IJobSettlement.Terms memory terms = _terms(6, 1, 1, 2);
        terms.judgeFee = 1;
        _requireRefused(terms, "judgeFee", 1, 250, 333);
        terms = _terms(6, 1, 1, 2);
        (terms.termCount, terms.batch, terms.functionBytes) = (2 ** 20, 16, 2 ** 24);
        terms.shareBytes = 17 * 17;
        uint256 work = 1 + 2 ** 24; // floor and price of this deployment are one unit each
        (terms.fee, terms.judgeFee) = (uint96(4 * work), uint96(work - 1));
        terms.stake = 6 * terms.fee;
        _requireRefused(terms, "judgeFee", work - 1, work, 4 * work / 3);
        terms.judgeFee = uint96(work);
        JobId job = _start(terms);
        _commit(job, 1, 6);
        _charge(job, _range(2, 2), _none());
        _serve(job, 2);
        _ruleBy(job, 2, IJobSettlement.Finding.Right, 4);
        _collectRest(job);
        require(_gain(PAYER) + _nodesGain(1, 6) == -int256(work), "work is cheaper than its price");
        require(_judgesGain() == 4 * int256(work / 4), "judges have less than their work");
    }

    /// @notice F7: judges' statements named neither root nor node nor kind: after a reorganisation they
    /// convicted another node. Now they are about nobody else.
    function test_f7_verdict_of_a_job_that_was_reorganised_away__convicts_nobody() external {
        PlantedBareStatements planted = new PlantedBareStatements();
        uint256 before = vm.snapshotState();
        JobId job = _start(_terms(6, 1, 1, 2));
        _commit(job, 1, 6);
        _charge(job, _range(1, 1), _none());
        IJobSettlement.Finding finding = IJobSettlement.Finding.Wrong; // a liar at index 1
        bytes[] memory served = _signatures(settlement.servedDigest(job, 1));
        bytes[] memory wrong = _signatures(settlement.verdictDigest(job, 1, finding));
        bytes[] memory bareServed = _signatures(planted.servedDigest(JobId.unwrap(job), 1));
        bytes[] memory bareWrong = _signatures(planted.verdictDigest(JobId.unwrap(job), 1, uint8(finding)));
        vm.revertToState(before); // that job is gone; the payer posts again, same nonce, another node first
        (_root, _offset) = (keccak256("another root"), 1);
        require(JobId.unwrap(_start(_terms(6, 1, 1, 2))) == JobId.unwrap(job), "id");
        _commit(job, 1, 6);
        _charge(job, _range(1, 1), _none());

        // Over the bare digests the same signatures are still those of k judges.
        enclaves.checkSignatures(planted.servedDigest(JobId.unwrap(job), 1), bareServed);
        enclaves.checkSignatures(planted.verdictDigest(JobId.unwrap(job), 1, uint8(finding)), bareWrong);
        _requireForeign(abi.encodeCall(settlement.recordServed, (job, 1, served)));
        _requireForeign(abi.encodeCall(settlement.recordServed, (job, 1, bareServed)));
        _serve(job, 1);
        _requireForeign(abi.encodeCall(settlement.recordVerdict, (job, 1, finding, wrong)));
        _requireForeign(abi.encodeCall(settlement.recordVerdict, (job, 1, finding, bareWrong)));
        require(settlement.indexOf(job, 1).phase == IJobSettlement.IndexPhase.Served, "moved");
    }

    /// @notice F8: a charge as silent at the last second is a lottery ticket. It costs g/2, which is now a
    /// twelfth to an eighth of f at least, and it wins when the node is away for as long as it had to compute.
    function test_f8_silent_charge_as_a_lottery_ticket__costs_half_of_g() external {
        JobId job = _start(_terms(6, 1, 1, 2));
        _commit(job, 1, 6);
        vm.warp(settlement.jobOf(job).collectBy);
        _charge(job, _none(), _range(1, 1));
        _serve(job, 1);
        uint256 served = vm.snapshotState();
        _rule(job, 1, IJobSettlement.Finding.Right);
        _collectRest(job);
        require(_gain(PAYER) + 6 * F == -(G - G / 2), "the ticket costs something else");
        require(8 * (G - G / 2) >= F, "the ticket is cheaper than f/8");
        vm.revertToState(served);
        _passTo(settlement.indexOf(job, 1).answerBy);
        _rule(job, 1, IJobSettlement.Finding.Missing);
        _collectRest(job);
        require(_gain(PAYER) + 6 * F == F + _fine(), "the ticket wins something else");
    }

    /// @notice F9: a provider let postings that name its node revert and was in good standing again at once.
    /// Now it has to wait, and gets no work meanwhile.
    function test_f9_standing_switched_off_and_on__waits_for_the_pause() external {
        address provider = address(uint160(0xa000));
        vm.prank(provider);
        anchor.allowLocker(address(registry), MIN_STAKE, block.timestamp);
        vm.prank(provider);
        registry.unstake();
        vm.prank(provider);
        registry.stake(0);
        require(!_isActive(_nodes[0]), "in good standing at once");
        vm.warp(block.timestamp + PAUSE - 1);
        require(!_isActive(_nodes[0]), "in good standing too early");
        vm.warp(block.timestamp + 1);
        require(_isActive(_nodes[0]), "kept out for longer than the pause");
    }

    /// @notice F10: a payer that served four of its six nodes had its result for 4.2f, and the others lost z.
    /// Now it pays 6f, and they lose nothing.
    function test_f10_payer_that_serves_only_as_many_nodes_as_it_needs__saves_nothing() external {
        JobId job = _start(_terms(6, 1, 1, 2));
        _commit(job, 1, 4);
        vm.prank(PAYER);
        settlement.approve(job, _range(1, 4));
        _collectRest(job);
        require(_gain(PAYER) == -6 * F && _poolGain() == 2 * F, "the payer saves something");
        require(_nodesGain(5, 6) == 0, "nodes that were never served lose");
    }

    /// @dev All have committed to anything, and node 2 is charged as wrong.
    function _charged() private returns (JobId job) {
        job = _start(_terms(6, 1, 1, 2));
        _commit(job, 1, 6);
        _charge(job, _range(2, 2), _none());
    }

    function _collectRest(JobId job) private {
        uint256 collectBy = settlement.jobOf(job).collectBy;
        if (block.timestamp <= collectBy) _passTo(collectBy);
        settlement.collect(job, _range(1, 6));
    }

    function _requireRefused(
        IJobSettlement.Terms memory terms,
        bytes32 field,
        uint256 had,
        uint256 least,
        uint256 most
    ) private {
        address[] memory nodes = _firstNodes(terms.nodeCount);
        vm.prank(PAYER);
        try settlement.post(++_nonce, keccak256("root"), terms, nodes) {
            revert("posted");
        } catch (bytes memory why) {
            bytes memory wanted = abi.encodeWithSelector(Bounds.OutOfBounds.selector, field, had, least, most);
            require(keccak256(why) == keccak256(wanted), "refused for another reason");
        }
    }

    /// @dev Signatures over something else seem to come from accounts that are no judges, in any order.
    function _requireForeign(bytes memory call) private {
        (bool done, bytes memory why) = address(settlement).call(call);
        require(!done, "a statement about another node counted");
        bool foreign = bytes4(why) == IEnclaveManager.NotAMember.selector;
        bool mixed = bytes4(why) == Quorum.SignersNotAscending.selector;
        require(foreign || mixed, "refused for another reason");
    }

    function _isActive(address node) private view returns (bool active) {
        (,, active) = registry.standingOf(node);
    }

    function _freeOf(uint256 judge) private view returns (uint256) {
        return anchor.freeBalanceOf(vm.addr(_judgeKeys[judge]));
    }

    /// @dev What a conviction gives the payer beyond its own fee and bond: min(S - g, 5f).
    function _fine() private pure returns (int256) {
        return S - G < 5 * F ? S - G : 5 * F;
    }
}
