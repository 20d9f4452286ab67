// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllocations} from "../../../contracts/interfaces/IAllocations.sol";
import {VestingHandler} from "./VestingHandler.sol";
import {vm} from "./Vm.sol";

/// @title The invariants of the supply; contracts/README.md lists them by name
contract VestingInvariants {
    VestingHandler private _handler;

    function setUp() external {
        _handler = new VestingHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice The supply is what is held back and what was given out; each part gives its own only.
    function invariant_the_supply_is_held_or_given_out() external view {
        uint256 sum = _handler.coin().balanceOf(address(_handler.held()));
        uint256 left = 0;
        for (uint256 place = 0; place < _handler.PURPOSES(); ++place) {
            IAllocations.Allocation memory entry = _handler.held().allocationOf(IAllocations.Purpose(place));
            require(entry.amount == _handler.amounts(place), "an amount changed");
            require(entry.released == _handler.paid(place), "released differs from what went out");
            left += entry.amount - entry.released;
        }
        require(sum == left, "held differs from what is left");
        for (uint256 place = 0; place < _handler.OWNERS(); ++place) {
            sum += _handler.coin().balanceOf(_handler.owner(place));
        }
        sum += _handler.coin().balanceOf(_handler.HEIR());
        require(sum == _handler.coin().SUPPLY(), "tokens were made or lost");
        require(_handler.coin().totalSupply() == _handler.coin().SUPPLY(), "the supply changed");
    }

    /// @notice Nothing goes out before its time: never more than the elapsed share, until all lapses.
    function invariant_nothing_is_released_before_it_vests() external view {
        for (uint256 place = 0; place < _handler.PURPOSES(); ++place) {
            IAllocations.Allocation memory entry = _handler.held().allocationOf(IAllocations.Purpose(place));
            if (block.timestamp >= entry.endsAt) continue;
            uint256 elapsed = block.timestamp < entry.startsAt ? 0 : block.timestamp - entry.startsAt;
            uint256 span = entry.endsAt - entry.startsAt;
            require(uint256(entry.released) * span <= uint256(entry.amount) * elapsed, "released too early");
        }
    }

    /// @notice Every unit that is held back has a deadline after which anyone frees it.
    function invariant_every_vesting_unit_has_an_exit() external {
        uint256 snapshot = vm.snapshotState();
        for (uint256 place = 0; place < _handler.PURPOSES(); ++place) {
            uint256 end = _handler.held().allocationOf(IAllocations.Purpose(place)).lapsesAt;
            if (block.timestamp <= end) vm.warp(end + 1);
            _handler.lapse(place);
        }
        require(_handler.coin().balanceOf(address(_handler.held())) == 0, "a unit stayed");
        vm.revertToState(snapshot);
    }
}
