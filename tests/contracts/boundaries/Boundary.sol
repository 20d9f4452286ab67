// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Deadlines} from "../../../contracts/anchoring/Deadlines.sol";
import {vm} from "../invariants/Vm.sol";

/// @title Boundary: what is allowed in the second before a deadline D, at D, and in the second after
/// @notice Every trial begins in the same state: what it did is taken back.
abstract contract Boundary {
    /// @notice A call to be tried at several times.
    struct Act {
        address caller;
        address target;
        bytes data;
    }

    /// @dev Allowed at D - 1 and D; refused as too late at D + 1.
    function _requireUntil(Act memory act, uint256 deadline) internal {
        _requireUntil(
            act, deadline, abi.encodeWithSelector(Deadlines.TooLate.selector, deadline + 1, deadline)
        );
    }

    function _requireUntil(Act memory act, uint256 deadline, bytes memory refusal) internal {
        _requireAllowed(act, deadline - 1);
        _requireAllowed(act, deadline);
        _requireRefused(act, deadline + 1, refusal);
    }

    /// @dev Refused as too early at D - 1 and D; allowed at D + 1.
    function _requireAfter(Act memory act, uint256 deadline) internal {
        bytes4 early = Deadlines.TooEarly.selector;
        _requireRefused(act, deadline - 1, abi.encodeWithSelector(early, deadline - 1, deadline));
        _requireRefused(act, deadline, abi.encodeWithSelector(early, deadline, deadline));
        _requireAllowed(act, deadline + 1);
    }

    function _requireAllowed(Act memory act, uint256 time) internal returns (bytes memory answer) {
        bool done;
        (done, answer) = _try(act, time);
        if (!done) _fail(answer);
    }

    function _requireRefused(Act memory act, uint256 time, bytes memory refusal) internal {
        (bool done, bytes memory answer) = _try(act, time);
        require(!done, "not refused");
        if (keccak256(answer) != keccak256(refusal)) _fail(answer);
    }

    function _try(Act memory act, uint256 time) private returns (bool done, bytes memory answer) {
        uint256 snapshot = vm.snapshotState();
        uint256 before = block.timestamp;
        vm.warp(time);
        vm.prank(act.caller);
        (done, answer) = act.target.call(act.data);
        vm.revertToState(snapshot);
        vm.warp(before);
    }

    function _fail(bytes memory answer) private pure {
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }
}
