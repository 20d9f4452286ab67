// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../../contracts/anchoring/AssetAnchor.sol";
import {ITokenReceiver} from "../../../../contracts/mocks/payees/ITokenReceiver.sol";

/// @title GreedyPayee: tries to be paid again while it is being paid
/// @dev Its code is copied to the address of a node: immutables come along, storage starts empty.
contract GreedyPayee is ITokenReceiver {
    AssetAnchor private immutable _anchor;
    address private immutable _locker;
    bytes32 private immutable _subject;
    bool private _inside;

    /// @param locker, subject a plain lock that it tries to have returned
    constructor(AssetAnchor anchor, address locker, bytes32 subject) {
        _anchor = anchor;
        _locker = locker;
        _subject = subject;
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
        try _anchor.expire(_locker, _subject, 0) {} catch {}
        require(_anchor.freeBalanceOf(address(this)) >= had, "lost by calling back");
        _inside = false;
    }
}
