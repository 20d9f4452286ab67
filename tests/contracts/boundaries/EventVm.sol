// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title EventVm: forge's check of events
interface EventVm {
    /// @notice The next call emits, from `emitter`, the event that is emitted here next, with all its values.
    function expectEmit(address emitter) external;
}
