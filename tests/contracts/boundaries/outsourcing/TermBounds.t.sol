// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bounds} from "../../../../contracts/anchoring/Bounds.sol";
import {IJobSettlement} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {JobSettlement} from "../../../../contracts/outsourcing/JobSettlement.sol";
import {Scene} from "../../invariants/Scene.sol";
import {vm} from "../../invariants/Vm.sol";
import {Boundary} from "../Boundary.sol";

/// @title Every bound of a job's terms and of a deployment's limits: the last number inside, the first outside
contract TermBoundsTest is Scene, Boundary {
    uint256 private constant MOST_NODES = 24;

    constructor() Scene(MOST_NODES, 4) {}

    function setUp() public override {
        super.setUp();
        _fund(PAYER, 1e25); // for the greatest fee
    }

    function test_terms__each_number_has_its_bounds() external {
        _requireTerm("functionBytes", 1, 64 * 2 ** 20);
        _requireTerm("termCount", 1, 2 ** 24);
        _requireTerm("inputs", 1, 2000);
        _requireTerm("outputs", 1, 1024);
        _requireTerm("degree", 1, 20);
        _requireTerm("batch", 1, 4096);
        _requireTerm("shareBytes", 34, 34);
        _requireTerm("errors", 1, 1);
        _requireTerm("jobKeyPrefix", 2, 3);
        _requireTerm("fee", 6, 1e24);
        _requireTerm("judgeFee", 250, 333);
        _requireTerm("stake", 6000, type(uint96).max);
    }

    function test_terms__that_no_list_of_nodes_can_meet__are_refused_by_their_bounds_first() external {
        IJobSettlement.Terms memory terms = _plain();
        terms.threshold = 65;
        _requireOut(terms, "threshold", 65, 1, 64);
        terms.threshold = 64;
        bytes4 few = IJobSettlement.TooFewNodes.selector;
        _requireRefused(_posting(terms), block.timestamp, abi.encodeWithSelector(few, 6, 2 * 64 + 1 + 2));
        terms.threshold = 0;
        _requireOut(terms, "threshold", 0, 1, 64);
        terms = _plain();
        terms.nodeCount = 65;
        _requireOut(terms, "nodeCount", 65, 1, 64);
        terms.nodeCount = 0;
        _requireOut(terms, "nodeCount", 0, 1, 64);
        terms.jobKey = new bytes(32);
        terms.nodeCount = 6;
        _requireOut(terms, "jobKey", 32, 33, 33);
        terms.jobKey = new bytes(34);
        _requireOut(terms, "jobKey", 34, 33, 33);
    }

    function test_nodes__as_many_as_degree_threshold_and_errors_need() external {
        IJobSettlement.Terms memory terms = _terms(12, 3, 2, 2);
        bytes4 few = IJobSettlement.TooFewNodes.selector;
        _requireRefused(_posting(terms), block.timestamp, abi.encodeWithSelector(few, 12, 3 * 3 + 1 + 4));
        _requireAllowed(_posting(_terms(14, 3, 2, 2)), block.timestamp);
        _requireRefused(
            _posting(_terms(13, 3, 2, 2)), block.timestamp, abi.encodeWithSelector(few, 13, 3 * 3 + 1 + 4)
        );
    }

    function test_sizes__of_a_share_an_answer_a_job_and_its_work__are_bounded_together() external {
        IJobSettlement.Terms memory terms = _sized(6, 4096, 64, 64, 1);
        _requireAllowed(_posting(terms), block.timestamp);
        _requireOut(_sized(6, 4096, 65, 1, 1), "inputValues", 4096 * 65, 1, 2 ** 18);
        _requireOut(_sized(6, 4096, 1, 65, 1), "outputValues", 4096 * 65, 1, 2 ** 18);
        _requireAllowed(_posting(_sized(16, 4096, 64, 1, 1)), block.timestamp);
        _requireOut(_sized(17, 4096, 64, 1, 1), "jobValues", 17 * 2 ** 18, 0, 2 ** 22);
        _requireOut(_sized(17, 4096, 1, 64, 1), "jobValues", 17 * 2 ** 18, 0, 2 ** 22);
        _requireAllowed(_posting(_sized(6, 16, 1, 1, 2 ** 24)), block.timestamp);
        _requireOut(_sized(6, 17, 1, 1, 2 ** 24), "products", 17 * 2 ** 24, 1, 2 ** 28);
    }

    /// @dev The floor is 1 and the price 1: g pays for 1 + 700 products at least.
    function test_judges_fee__pays_for_the_work() external {
        IJobSettlement.Terms memory terms = _plain();
        (terms.fee, terms.batch, terms.termCount) = (2200, 7, 100);
        terms.shareBytes = 17 * 8;
        terms.stake = 6 * 2200;
        terms.judgeFee = 701;
        _requireAllowed(_posting(terms), block.timestamp);
        terms.judgeFee = 700;
        _requireOut(terms, "judgeFee", 700, 701, 733);
    }

    function test_limits__each_has_its_bounds() external {
        uint256 work = 1 + 2 ** 24 * 4096;
        _requireLimit("minFee", 6, 1e24);
        _requireLimit("maxFee", 3 * work, type(uint96).max / 128);
        _requireLimit("minWindow", 1, 1000);
        _requireLimit("judgeWindow", 1, 0);
        _requireLimit("exitGrace", 1, 0);
    }

    /// @dev Three windows, W, twice the longer of W and two windows, and the grace: 7600 s here.
    function test_limits__leave_room_for_the_longest_job() external {
        IJobSettlement.Limits memory limits = _limits();
        uint256 longest = 3 * 1000 + 100 + 2 * 2000 + 500;
        limits.exitGrace += uint40(UNBONDING - longest);
        _deploy(limits);
        limits.exitGrace += 1;
        _requireNotDeployed(limits, "unbonding", UNBONDING, UNBONDING + 1, type(uint256).max);
        limits.exitGrace = uint40(730 days - longest + 501);
        _requireNotDeployed(limits, "longestLock", 730 days + 1, 1, 730 days);
        limits = _limits();
        limits.judgeWindow = 2001; // from here on W is the longer
        limits.exitGrace = uint40(UNBONDING - 3 * 1000 - 3 * 2001);
        _deploy(limits);
        limits.exitGrace += 1;
        _requireNotDeployed(limits, "unbonding", UNBONDING, UNBONDING + 1, type(uint256).max);
    }

    function test_pool__is_neither_nobody_nor_the_anchor() external {
        for (uint256 turn = 0; turn < 2; ++turn) {
            address bad = turn == 0 ? address(0) : address(anchor);
            try this.deploy(_limits(), bad) {
                revert("deployed");
            } catch (bytes memory why) {
                bytes memory needed = abi.encodeWithSelector(IJobSettlement.PoolInvalid.selector, bad);
                require(keccak256(why) == keccak256(needed), "why");
            }
        }
    }

    function test_settlement__says_what_it_was_deployed_with() external view {
        require(keccak256(abi.encode(settlement.limits())) == keccak256(abi.encode(_limits())), "limits");
        require(settlement.pool() == POOL && settlement.anchor() == address(anchor), "pool or anchor");
        require(settlement.registry() == address(registry), "registry");
        require(settlement.enclaves() == address(enclaves), "enclaves");
    }

    function deploy(IJobSettlement.Limits memory limits, address pool) external returns (address) {
        return address(
            new JobSettlement(
                address(anchor), address(registry), address(enclaves), pool, address(this), limits
            )
        );
    }

    function _deploy(IJobSettlement.Limits memory limits) private {
        this.deploy(limits, POOL);
    }

    function _requireLimit(bytes32 field, uint256 least, uint256 most) private {
        _deploy(_limitsWith(field, least));
        _requireNotDeployed(_limitsWith(field, least - 1), field, least - 1, least, _mostOf(field, most));
        if (most == 0) return;
        if (field != "minFee") _deploy(_limitsWith(field, most));
        // Of the least fee and window, what is outside is above the greatest: refused by its own bounds.
        _requireNotDeployed(_limitsWith(field, most + 1), field, most + 1, least, most);
    }

    function _mostOf(bytes32 field, uint256 most) private pure returns (uint256) {
        return field == "judgeWindow" || field == "exitGrace" ? type(uint40).max : most;
    }

    function _limitsWith(bytes32 field, uint256 value)
        private
        pure
        returns (IJobSettlement.Limits memory limits)
    {
        limits = _limits();
        if (field == "minFee") limits.minFee = uint96(value);
        if (field == "maxFee") limits.maxFee = uint96(value);
        if (field == "minWindow") limits.minWindow = uint40(value);
        if (field == "judgeWindow") limits.judgeWindow = uint40(value);
        if (field == "exitGrace") limits.exitGrace = uint40(value);
    }

    function _requireNotDeployed(
        IJobSettlement.Limits memory limits,
        bytes32 field,
        uint256 had,
        uint256 least,
        uint256 most
    ) private {
        try this.deploy(limits, POOL) {
            revert("deployed");
        } catch (bytes memory why) {
            bytes memory needed = abi.encodeWithSelector(Bounds.OutOfBounds.selector, field, had, least, most);
            require(keccak256(why) == keccak256(needed), "refused for another reason");
        }
    }

    function _requireTerm(bytes32 field, uint256 least, uint256 most) private {
        _requireAllowed(_posting(_with(field, least)), block.timestamp);
        _requireAllowed(_posting(_with(field, most)), block.timestamp);
        _requireOut(_with(field, least - 1), field, least - 1, least, most);
        if (most < type(uint96).max) _requireOut(_with(field, most + 1), field, most + 1, least, most);
    }

    function _with(bytes32 field, uint256 value) private view returns (IJobSettlement.Terms memory terms) {
        terms = _plain();
        // Where the work grows, the fee has to bear it.
        if (field == "termCount" || field == "batch") terms = _sized(6, 1, 1, 1, 1);
        if (field == "degree" && value > 1) terms = _terms(24, 1, 1, 1);
        if (field == "functionBytes") terms.functionBytes = uint32(value);
        if (field == "termCount") terms.termCount = uint32(value);
        if (field == "inputs") (terms.inputs, terms.shareBytes) = (uint32(value), uint32(17 * (value + 1)));
        if (field == "outputs") terms.outputs = uint32(value);
        if (field == "degree") terms.degree = uint8(value);
        if (field == "batch") (terms.batch, terms.shareBytes) = (uint32(value), uint32(17 * (value + 1)));
        if (field == "shareBytes") terms.shareBytes = uint32(value);
        if (field == "errors") terms.errors = uint8(value);
        if (field == "jobKeyPrefix") terms.jobKey[0] = bytes1(uint8(value));
        if (field == "fee") {
            (terms.fee, terms.judgeFee) = (uint96(value), uint96((value + 3) / 4));
            terms.stake = uint96(value * 6);
        }
        if (field == "judgeFee") terms.judgeFee = uint96(value);
        if (field == "stake") terms.stake = uint96(value);
    }

    /// @dev With an ample fee.
    function _sized(uint8 nodes, uint32 batch, uint32 inputs, uint32 outputs, uint32 termCount)
        private
        view
        returns (IJobSettlement.Terms memory terms)
    {
        terms = _terms(nodes, 1, 1, 1);
        (terms.batch, terms.inputs, terms.outputs, terms.termCount) = (batch, inputs, outputs, termCount);
        terms.shareBytes = uint32(17 * (uint256(batch) * inputs + 1));
        (terms.fee, terms.judgeFee, terms.stake) = (3e15, 1e15, uint96(3e15 * uint256(nodes)));
    }

    function _plain() private view returns (IJobSettlement.Terms memory) {
        return _terms(6, 1, 1, 1);
    }

    function _requireOut(
        IJobSettlement.Terms memory terms,
        bytes32 field,
        uint256 had,
        uint256 least,
        uint256 most
    ) private {
        bytes memory refusal = abi.encodeWithSelector(Bounds.OutOfBounds.selector, field, had, least, most);
        _requireRefused(_posting(terms), block.timestamp, refusal);
    }

    function _posting(IJobSettlement.Terms memory terms) private view returns (Act memory) {
        uint256 count = terms.nodeCount > MOST_NODES ? MOST_NODES : terms.nodeCount;
        bytes memory data = abi.encodeCall(settlement.post, (77, keccak256("r"), terms, _firstNodes(count)));
        return Act(PAYER, address(settlement), data);
    }
}
