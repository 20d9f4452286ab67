// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../../../contracts/interfaces/ISettlement.sol";
import {vm} from "./Vm.sol";

/// @title Exits: how a stranger ends whatever others leave undone, and from when on
library Exits {
    address private constant STRANGER = address(0x57a9);

    /// @notice A stranger ends a job that never started.
    function endJob(ISettlement settlement, bytes32 job) internal {
        vm.prank(STRANGER);
        settlement.cancelUnstarted(job);
    }

    /// @notice A stranger ends one open index.
    function endIndex(ISettlement settlement, bytes32 job, uint256 index) internal {
        ISettlement.IndexPhase phase = settlement.indexOf(job, index).phase;
        uint256[] memory one = new uint256[](1);
        one[0] = index;
        vm.prank(STRANGER);
        if (phase == ISettlement.IndexPhase.Charged) settlement.voidCharge(job, index);
        else if (phase == ISettlement.IndexPhase.Served) settlement.lapseCharge(job, index);
        else settlement.collect(job, one);
    }

    /// @notice The last second in which only the parties may act on this open index.
    function deadlineOf(ISettlement settlement, bytes32 job, uint256 index) internal view returns (uint256) {
        ISettlement.Index memory seat = settlement.indexOf(job, index);
        if (seat.phase == ISettlement.IndexPhase.Charged) return seat.servedBy;
        if (seat.phase == ISettlement.IndexPhase.Served) return seat.verdictBy;
        return settlement.jobOf(job).collectBy;
    }

    /// @notice Whether a stranger may end this open index now.
    function isDue(ISettlement settlement, bytes32 job, uint256 index) internal view returns (bool) {
        ISettlement.Job memory entry = settlement.jobOf(job);
        bool waits = entry.phase == ISettlement.JobPhase.Posted;
        uint256 deadline = waits ? entry.acceptBy : deadlineOf(settlement, job, index);
        return block.timestamp > deadline && block.timestamp <= expiryOf(settlement, job);
    }

    /// @notice Mostly the deadline of a charge, when there is one, and seldom the expiry of the locks.
    function anyDeadlineOf(ISettlement settlement, bytes32 job, uint256 which)
        internal
        view
        returns (uint256)
    {
        ISettlement.Job memory entry = settlement.jobOf(job);
        if (which == 0) return expiryOf(settlement, job);
        if (which < 2) return entry.acceptBy;
        if (which < 5) return entry.computeBy;
        if (which < 7) return entry.collectBy;
        uint256 index = firstIn(settlement, job, ISettlement.IndexPhase.Charged);
        if (index == 0) index = firstIn(settlement, job, ISettlement.IndexPhase.Served);
        if (index == 0) return entry.computeBy;
        if (which < 10) return settlement.indexOf(job, index).answerBy;
        return deadlineOf(settlement, job, index);
    }

    /// @notice Whether the index has not ended yet.
    function isOpen(ISettlement settlement, bytes32 job, uint256 index) internal view returns (bool) {
        ISettlement.IndexPhase phase = settlement.indexOf(job, index).phase;
        return phase > ISettlement.IndexPhase.None && phase < ISettlement.IndexPhase.Paid;
    }

    /// @notice The first index of the job in this phase; zero when there is none.
    function firstIn(ISettlement settlement, bytes32 job, ISettlement.IndexPhase phase)
        internal
        view
        returns (uint256)
    {
        for (uint256 index = 1; index <= settlement.jobOf(job).nodeCount; ++index) {
            if (settlement.indexOf(job, index).phase == phase) return index;
        }
        return 0;
    }

    /// @notice The last second of all locks of a job: collectBy + 3 W + 2 maxWindow + exitGrace.
    function expiryOf(ISettlement settlement, bytes32 job) internal view returns (uint256) {
        ISettlement.Limits memory limits = settlement.limits();
        uint256 tail = 3 * uint256(limits.judgeWindow) + 2 * uint256(limits.maxWindow) + limits.exitGrace;
        return settlement.jobOf(job).collectBy + tail;
    }
}
