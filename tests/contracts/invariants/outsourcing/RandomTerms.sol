// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {Amounts} from "../../../../contracts/outsourcing/Amounts.sol";

/// @title RandomTerms: good terms from a seed
library RandomTerms {
    /// @notice Terms that may be posted now, of any amounts and windows.
    function make(uint256 seed, uint256 nodes) internal view returns (IJobSettlement.Terms memory terms) {
        terms.functionBytes = terms.termCount = terms.inputs = terms.outputs = terms.batch = 1;
        terms.degree = 1;
        terms.threshold = 2;
        terms.errors = uint8(1 + seed % 2);
        terms.nodeCount = uint8(nodes);
        terms.shareBytes = 34;
        terms.jobKey = abi.encodePacked(uint8(2), keccak256("job key"));
        terms.fee = uint96(within(_dice(seed, 1), 6, 1e18));
        uint256 leastJudgeFee = Amounts.minJudgeFeeOf(terms.fee, 1, 1, 1);
        terms.judgeFee = uint96(within(_dice(seed, 2), leastJudgeFee, Amounts.maxJudgeFeeOf(terms.fee)));
        uint256 least = Amounts.minStakeOf(terms.fee, nodes, terms.errors);
        terms.stake = uint96(least + within(_dice(seed, 3), 0, least));
        terms.acceptBy = uint40(block.timestamp + within(_dice(seed, 4), 10, 1000));
        terms.computeBy = uint40(terms.acceptBy + within(_dice(seed, 5), 10, 1000));
        terms.collectBy = uint40(terms.computeBy + within(_dice(seed, 6), 10, 1000));
    }

    /// @notice A number from `least` to `most`.
    function within(uint256 value, uint256 least, uint256 most) internal pure returns (uint256) {
        return least + value % (most - least + 1);
    }

    function _dice(uint256 seed, uint256 salt) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, salt)));
    }
}
