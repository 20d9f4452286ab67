// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../contracts/anchoring/AssetAnchor.sol";
import {ITokenReceiver} from "../../../contracts/mocks/ITokenReceiver.sol";

/// @title GreedyPayee: tries to be paid again while it is being paid
/// @dev Its code is copied to the address of a node: immutables come along, storage starts empty.
contract GreedyPayee is ITokenReceiver {
    AssetAnchor private immutable _anchor;
    bool private _inside;

    constructor(AssetAnchor anchor) {
        _anchor = anchor;
    }

    function tokensReceived(address, uint256 value) external {
        if (_inside) return; // else every second level undoes the one below it, and nothing shows
        _inside = true;
        uint256 had = _anchor.freeBalanceOf(address(this));
        require(_anchor.totalFree() >= had, "books are behind");
        try _anchor.withdraw(address(this), value) {
            revert("withdrew while being paid");
        } catch {}
        try _anchor.deposit(address(this), value) {
            revert("deposited while being paid");
        } catch {}
        try _anchor.expire(1) {} catch {}
        require(_anchor.freeBalanceOf(address(this)) >= had, "lost by calling back");
        _inside = false;
    }
}
