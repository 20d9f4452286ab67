// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Deadlines} from "../../../anchoring/Deadlines.sol";
import {IAssetAnchor} from "../../../interfaces/IAssetAnchor.sol";

/// @title PlantedLongWindow: a window that outlives the lock of its channel, a flaw on purpose (A53)
/// @notice For tests. The lock ends with the time in which one may close; who closes in its last second
/// has everything returned by the anchor while the others wait for the window to end.
contract PlantedLongWindow {
    bytes32 public constant CHANNEL = keccak256("the channel");

    IAssetAnchor private immutable _anchor;
    address private immutable _seller;
    uint256 public immutable window;
    uint256 public closeBy;
    uint256 public deadline;
    uint256 public shown;

    constructor(IAssetAnchor anchor, address seller, uint256 window_) {
        (_anchor, _seller, window) = (anchor, seller, window_);
    }

    /// @notice The planted flaw: nothing is added for the window that may still begin.
    function open(uint256 deposit, uint256 closeBy_) external {
        closeBy = closeBy_;
        _anchor.lock(CHANNEL, msg.sender, deposit, closeBy_);
    }

    function close() external {
        Deadlines.requireBy(closeBy);
        deadline = block.timestamp + window;
    }

    function respond(uint256 amount) external {
        Deadlines.requireBy(deadline);
        if (amount > shown) shown = amount;
    }

    function settle() external {
        Deadlines.requireAfter(deadline);
        _anchor.pay(CHANNEL, 0, _seller, shown);
    }
}
