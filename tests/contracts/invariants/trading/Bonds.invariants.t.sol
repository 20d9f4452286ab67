// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IControllers} from "../../../../contracts/interfaces/trading/IControllers.sol";
import {vm} from "../Vm.sol";
import {BondHandler} from "./BondHandler.sol";

/// @title The invariants of the bonds of controllers; contracts/README.md lists them by name
contract BondInvariants {
    BondHandler private _handler;

    function setUp() external {
        vm.warp(1_000_000);
        _handler = new BondHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice What is said of a bond is what its lock holds, until that expired; each controller has what it
    /// began with but for what was taken, and the pool has all that was.
    /// forge-config: default.invariant.runs = 6
    function invariant_every_bond_is_in_its_lock() external view {
        for (uint256 place = 0; place < _handler.COUNT(); ++place) {
            address controller = _handler.controllerAt(place);
            IControllers.Bond memory entry = _handler.controllers().bondOf(controller);
            uint256 held = _heldOf(controller);
            bool expired = block.timestamp > entry.expiresAt;
            require(held == entry.amount || (expired && held == 0), "a bond differs from its lock");
            uint256 all = _handler.anchor().freeBalanceOf(controller) + held;
            require(all + _handler.lost(place) == _handler.WEALTH(), "tokens were made or lost");
        }
        require(_handler.anchor().freeBalanceOf(_handler.POOL()) == _handler.taken(), "not the pool's");
    }

    /// @notice A controller in standing has a bond that answers for the unbonding time.
    /// forge-config: default.invariant.runs = 6
    function invariant_who_stands_answers_for_the_unbonding_time() external view {
        for (uint256 place = 0; place < _handler.COUNT(); ++place) {
            address controller = _handler.controllerAt(place);
            if (!_handler.controllers().isInStanding(controller)) continue;
            IControllers.Bond memory entry = _handler.controllers().bondOf(controller);
            require(entry.amount >= _handler.controllers().minBond(), "below the least");
            require(entry.expiresAt >= block.timestamp + _handler.UNBONDING(), "may be gone before");
            require(entry.freeAt == 0 && entry.convictedAt == 0, "leaves, or was convicted");
        }
    }

    /// @notice From every state a stranger's calls return every bond after its lock expired.
    /// forge-config: default.invariant.runs = 6
    function invariant_every_bond_has_an_exit() external {
        uint256 snapshot = vm.snapshotState();
        vm.warp(block.timestamp + 800 days);
        for (uint256 place = 0; place < _handler.COUNT(); ++place) {
            _handler.release(place);
            require(_heldOf(_handler.controllerAt(place)) == 0, "a bond stayed");
        }
        vm.revertToState(snapshot);
    }

    function _heldOf(address controller) private view returns (uint256 amount) {
        bytes32 subject = _handler.controllers().subjectOf(controller);
        (, amount) = _handler.anchor().placeOf(address(_handler.controllers()), subject, 0);
    }
}
