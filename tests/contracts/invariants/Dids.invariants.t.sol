// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DidRegistry} from "../../../contracts/identity/DidRegistry.sol";
import {DidHandler} from "./DidHandler.sol";
import {vm} from "./Vm.sol";

/// @title The invariants of identities; contracts/README.md lists them by name
contract DidsInvariants {
    DidHandler private _handler;

    function setUp() external {
        vm.roll(1000);
        vm.warp(1_000_000);
        _handler = new DidHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice Owner, delegate, last change and nonce are those of a plain model, in which owners act alone.
    /// forge-config: default.invariant.runs = 12
    function invariant_an_identity_is_what_its_owners_said() external view {
        for (uint256 place = 0; place < _handler.ACCOUNTS(); ++place) {
            _handler.check(place);
        }
    }

    /// @notice Neither its own key nor a former owner's brings a deactivated identity back.
    /// forge-config: default.invariant.runs = 12
    function invariant_deactivated_is_for_good() external {
        DidRegistry registry = _handler.registry();
        for (uint256 place = 0; place < _handler.ACCOUNTS(); ++place) {
            if (!_handler.isDeactivated(place)) continue;
            address identity = _handler.accountOf(place);
            for (uint256 other = 0; other < _handler.ACCOUNTS(); ++other) {
                address account = _handler.accountOf(other);
                bytes memory data =
                    abi.encodeCall(registry.changeOwner, (identity, _handler.accountOf(other ^ 1)));
                vm.prank(account);
                (bool isDone,) = address(registry).call(data);
                require(!isDone, "came back");
            }
            require(registry.identityOwner(identity) == address(0), "has an owner");
        }
    }
}
