// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {Stage} from "../Stage.sol";
import {vm} from "../Vm.sol";

/// @title Actors: everybody who can hold tokens in the invariants, and every place that can hold them
abstract contract Actors is Stage {
    uint256 public constant NODES = 9;
    uint256 internal constant JUDGES = 4;

    JobId[] public jobs;

    constructor() Stage(NODES, JUDGES) {}

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

    /// @notice How many places of locks there can be: a stake of each provider's, then the jobs'.
    function placeCount() external view returns (uint256) {
        return NODES + JUDGES + jobs.length * (NODES + 1);
    }

    function placeAt(uint256 turn) external view returns (address locker, bytes32 subject, uint256 place) {
        if (turn < NODES + JUDGES) return (address(registry), _subjectOf(turn), 0);
        turn -= NODES + JUDGES;
        return (address(settlement), JobId.unwrap(jobs[turn / (NODES + 1)]), turn % (NODES + 1));
    }

    function _dress(address account, address payee) internal {
        vm.etch(account, payee.code);
        token.hook(account);
    }

    function _actor(uint256 seed) internal view returns (address) {
        address[] memory everybody = actors();
        return everybody[seed % everybody.length];
    }

    /// @dev Of the providers of the nodes, then of the judges.
    function _subjectOf(uint256 provider) internal view returns (bytes32) {
        uint256 first = provider < NODES ? 0xa000 : 0xc000 - NODES;
        return registry.stakeSubjectOf(address(uint160(first + provider)));
    }
}
