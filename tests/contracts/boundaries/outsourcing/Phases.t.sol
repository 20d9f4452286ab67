// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {Phases} from "../../../../contracts/outsourcing/Phases.sol";

/// @title The word of phases: every index has its own four bits, whatever the others are
contract PhasesTest {
    function test_all_moved_and_phaseOf__agree_for_every_index_and_phase() external pure {
        for (uint8 number = 0; number <= 13; ++number) {
            IJobSettlement.IndexPhase phase = IJobSettlement.IndexPhase(number);
            uint256 built = 0;
            for (uint256 count = 1; count <= 64; ++count) {
                built = Phases.moved(built, count, phase);
                require(Phases.phaseOf(built, count) == phase, "phaseOf");
                require(Phases.all(count, phase) == built, "all");
            }
            uint256 other = Phases.moved(built, 33, IJobSettlement.IndexPhase.Released);
            require(Phases.phaseOf(other, 33) == IJobSettlement.IndexPhase.Released, "moved");
            require(Phases.moved(other, 33, phase) == built, "a neighbour changed");
        }
    }
}
