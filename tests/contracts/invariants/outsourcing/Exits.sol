// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement, JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {Phases} from "../../../../contracts/outsourcing/Phases.sol";
import {vm} from "../Vm.sol";

/// @title Exits: how a stranger ends whatever others leave undone, and from when on
library Exits {
    address private constant STRANGER = address(0x57a9);

    /// @notice A stranger ends a job that never started.
    function endJob(IJobSettlement settlement, JobId job) internal {
        vm.prank(STRANGER);
        settlement.cancelUnstarted(job);
    }

    /// @notice A stranger ends one open index.
    function endIndex(IJobSettlement settlement, JobId job, uint256 index) internal {
        IJobSettlement.IndexPhase phase = settlement.indexOf(job, index).phase;
        uint256[] memory one = new uint256[](1);
        one[0] = index;
        vm.prank(STRANGER);
        if (phase == IJobSettlement.IndexPhase.Charged) settlement.voidCharge(job, index);
        else if (phase == IJobSettlement.IndexPhase.Served) settlement.lapseCharge(job, index);
        else settlement.collect(job, one);
    }

    /// @notice The last second in which only the parties may act on this open index.
    function deadlineOf(IJobSettlement settlement, JobId job, uint256 index) internal view returns (uint256) {
        IJobSettlement.Index memory seat = settlement.indexOf(job, index);
        if (seat.phase == IJobSettlement.IndexPhase.Charged) return seat.servedBy;
        if (seat.phase == IJobSettlement.IndexPhase.Served) return seat.verdictBy;
        return settlement.jobOf(job).collectBy;
    }

    /// @notice Whether a stranger may end this open index now.
    function isDue(IJobSettlement settlement, JobId job, uint256 index) internal view returns (bool) {
        IJobSettlement.Job memory entry = settlement.jobOf(job);
        bool waits = entry.phase == IJobSettlement.JobPhase.Posted;
        uint256 deadline = waits ? entry.acceptBy : deadlineOf(settlement, job, index);
        return block.timestamp > deadline && block.timestamp <= expiryOf(settlement, job);
    }

    /// @notice Mostly the deadline of a charge, when there is one, and seldom the expiry of the locks.
    function anyDeadlineOf(IJobSettlement settlement, JobId job, uint256 which)
        internal
        view
        returns (uint256)
    {
        IJobSettlement.Job memory entry = settlement.jobOf(job);
        if (which == 0) return expiryOf(settlement, job);
        if (which < 2) return entry.acceptBy;
        if (which < 5) return entry.computeBy;
        if (which < 7) return entry.collectBy;
        uint256 index = firstIn(settlement, job, IJobSettlement.IndexPhase.Charged);
        if (index == 0) index = firstIn(settlement, job, IJobSettlement.IndexPhase.Served);
        if (index == 0) return entry.computeBy;
        if (which < 10) return settlement.indexOf(job, index).answerBy;
        return deadlineOf(settlement, job, index);
    }

    /// @notice Whether the index has not ended yet.
    function isOpen(IJobSettlement settlement, JobId job, uint256 index) internal view returns (bool) {
        return isOpenIn(settlement.jobOf(job).phases, index);
    }

    /// @notice The same, of the phases of a job.
    function isOpenIn(uint256 phases, uint256 index) internal pure returns (bool) {
        IJobSettlement.IndexPhase phase = Phases.phaseOf(phases, index);
        return phase > IJobSettlement.IndexPhase.None && phase < IJobSettlement.IndexPhase.Paid;
    }

    /// @notice The first index of the job in this phase; zero when there is none.
    function firstIn(IJobSettlement settlement, JobId job, IJobSettlement.IndexPhase phase)
        internal
        view
        returns (uint256)
    {
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        for (uint256 index = 1; index <= job_.nodeCount; ++index) {
            if (Phases.phaseOf(job_.phases, index) == phase) return index;
        }
        return 0;
    }

    /// @notice A stranger ends every uncharged index of a started job in one call.
    function endUncharged(IJobSettlement settlement, JobId job) internal {
        IJobSettlement.Job memory job_ = settlement.jobOf(job);
        uint256[] memory indices = new uint256[](job_.nodeCount);
        uint256 count = 0;
        for (uint256 index = 1; index <= job_.nodeCount; ++index) {
            IJobSettlement.IndexPhase phase = Phases.phaseOf(job_.phases, index);
            bool charged =
                phase == IJobSettlement.IndexPhase.Charged || phase == IJobSettlement.IndexPhase.Served;
            if (!charged) indices[count++] = index; // what has ended is passed over
        }
        assembly ("memory-safe") {
            mstore(indices, count)
        }
        vm.prank(STRANGER);
        settlement.collect(job, indices);
    }

    /// @notice The last second of a job's lock: collectBy + W + 2 max(W, 2 maxWindow) + exitGrace.
    function expiryOf(IJobSettlement settlement, JobId job) internal view returns (uint256) {
        IJobSettlement.Limits memory limits = settlement.limits();
        uint256 longest = 2 * uint256(limits.maxWindow);
        if (longest < limits.judgeWindow) longest = limits.judgeWindow;
        return settlement.jobOf(job).collectBy + limits.judgeWindow + 2 * longest + limits.exitGrace;
    }
}
