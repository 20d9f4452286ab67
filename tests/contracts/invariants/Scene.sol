// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement, JobId} from "../../../contracts/interfaces/IJobSettlement.sol";
import {Stage} from "./Stage.sol";
import {vm} from "./Vm.sol";

/// @title Scene: jobs on the stage, a step a line, and who gained what
abstract contract Scene is Stage {
    uint96 internal constant FEE = 1000;
    uint96 internal constant JUDGE_FEE = 250;
    uint256 internal constant START = 1e24;

    uint256 internal _nonce;
    bytes32 internal _root = keccak256("root");
    uint256 internal _offset; // of the node that is named first

    constructor(uint256 nodes, uint256 judges) Stage(nodes, judges) {}

    function setUp() public virtual {
        vm.warp(1_000_000);
        _fund(PAYER, START);
        for (uint256 place = 0; place < _nodes.length; ++place) {
            _fund(_nodes[place], START);
        }
    }

    function _terms(uint8 m, uint8 t, uint8 e, uint8 d)
        internal
        view
        returns (IJobSettlement.Terms memory terms)
    {
        terms.functionBytes = terms.termCount = terms.inputs = terms.outputs = terms.batch = 1;
        (terms.degree, terms.threshold, terms.errors, terms.nodeCount) = (d, t, e, m);
        terms.shareBytes = 34;
        terms.jobKey = abi.encodePacked(uint8(2), keccak256("job key"));
        (terms.fee, terms.judgeFee) = (FEE, JUDGE_FEE);
        terms.stake = (FEE * m + e - 1) / e;
        terms.acceptBy = uint40(block.timestamp + 100);
        terms.computeBy = terms.acceptBy + 100;
        terms.collectBy = terms.computeBy + 100;
    }

    function _firstNodes(uint256 count) internal view returns (address[] memory list) {
        list = new address[](count);
        for (uint256 place = 0; place < count; ++place) {
            list[place] = _nodes[_offset + place];
        }
    }

    function _range(uint256 from, uint256 to) internal pure returns (uint256[] memory indices) {
        indices = new uint256[](to + 1 - from);
        for (uint256 place = 0; place < indices.length; ++place) {
            indices[place] = from + place;
        }
    }

    function _none() internal pure returns (uint256[] memory) {
        return new uint256[](0);
    }

    function _post(IJobSettlement.Terms memory terms) internal returns (JobId) {
        address[] memory nodes = _firstNodes(terms.nodeCount);
        vm.prank(PAYER);
        return settlement.post(++_nonce, _root, terms, nodes);
    }

    function _start(IJobSettlement.Terms memory terms) internal returns (JobId job) {
        job = _post(terms);
        _accept(job, 1, terms.nodeCount);
    }

    /// @dev In one call.
    function _accept(JobId job, uint256 from, uint256 to) internal {
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        settlement.accept(job, _firstNodes(job_.nodeCount), _acceptances(job, from, to));
    }

    function _acceptances(JobId job, uint256 from, uint256 to)
        internal
        view
        returns (IJobSettlement.Acceptance[] memory acceptances)
    {
        uint256 until = settlement.jobOf(job).acceptBy;
        acceptances = new IJobSettlement.Acceptance[](to + 1 - from);
        for (uint256 index = from; index <= to; ++index) {
            bytes memory signature =
                _sign(NODE_KEY + _offset + index - 1, settlement.acceptanceDigest(job, index, until));
            acceptances[index - from] = IJobSettlement.Acceptance(index, until, signature);
        }
    }

    function _commit(JobId job, uint256 from, uint256 to) internal {
        for (uint256 index = from; index <= to; ++index) {
            vm.prank(_nodes[_offset + index - 1]);
            settlement.commit(job, index, keccak256(abi.encode("anything", index)));
        }
    }

    function _charge(JobId job, uint256[] memory wrong, uint256[] memory silent) internal {
        vm.prank(PAYER);
        settlement.charge(job, wrong, silent);
    }

    function _serve(JobId job, uint256 index) internal {
        settlement.recordServed(job, index, _signatures(settlement.servedDigest(job, index)));
    }

    /// @dev By as many judges as decide.
    function _rule(JobId job, uint256 index, IJobSettlement.Finding finding) internal {
        _ruleBy(job, index, finding, enclaves.threshold());
    }

    function _ruleBy(JobId job, uint256 index, IJobSettlement.Finding finding, uint256 judges) internal {
        bytes[] memory signatures = _signaturesOf(settlement.verdictDigest(job, index, finding), judges);
        settlement.recordVerdict(job, index, finding, signatures);
    }

    function _passTo(uint256 deadline) internal {
        vm.warp(deadline + 1);
    }

    function _gain(address who) internal view returns (int256) {
        return int256(anchor.freeBalanceOf(who)) - int256(START);
    }

    function _nodesGain(uint256 from, uint256 to) internal view returns (int256 sum) {
        for (uint256 index = from; index <= to; ++index) {
            sum += _gain(_nodes[index - 1]);
        }
    }

    function _judgesGain() internal view returns (int256 sum) {
        for (uint256 place = 0; place < _judgeKeys.length; ++place) {
            sum += int256(anchor.freeBalanceOf(vm.addr(_judgeKeys[place])));
        }
    }

    function _poolGain() internal view returns (int256) {
        return int256(anchor.freeBalanceOf(POOL));
    }
}
