// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChannelId, IChannelEscrow} from "../../../../contracts/interfaces/trading/IChannelEscrow.sol";
import {vm} from "../Vm.sol";
import {EscrowHandler} from "./EscrowHandler.sol";

/// @title The invariants of the escrow of channels; contracts/README.md lists them by name
contract EscrowInvariants {
    EscrowHandler private _handler;

    function setUp() external {
        vm.warp(1_000_000);
        _handler = new EscrowHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice A channel holds what its lock holds, until the lock expired; nothing else is locked, no token is
    /// made or lost.
    /// forge-config: default.invariant.runs = 6
    function invariant_every_channel_is_in_its_lock() external view {
        uint256 locked = 0;
        for (uint256 place = 0; place < _handler.count(); ++place) {
            IChannelEscrow.Terms memory terms = _handler.termsOf(place);
            IChannelEscrow.Channel memory entry = _entryOf(terms);
            uint256 held = _handler.heldOf(terms);
            bool expired = block.timestamp > _handler.escrow().lockExpiryOf(terms);
            bool ended = entry.phase == IChannelEscrow.ChannelPhase.Ended;
            require(held == (ended ? 0 : entry.locked) || expired, "a channel differs from its lock");
            locked += held;
        }
        require(locked == _handler.anchor().totalLocked(), "something else is locked");
        uint256 all = _handler.anchor().totalFree() + locked;
        require(all == _handler.wealth(), "tokens were made or lost");
        require(_handler.token().balanceOf(address(_handler.anchor())) == all, "tokens left");
    }

    /// @notice No seller is paid more than the payer signed, or more than was deposited.
    /// forge-config: default.invariant.runs = 6
    function invariant_nothing_unsigned_is_paid() external view {
        for (uint256 place = 0; place < _handler.count(); ++place) {
            IChannelEscrow.Terms memory terms = _handler.termsOf(place);
            IChannelEscrow.Channel memory entry = _entryOf(terms);
            require(entry.paid <= _handler.signed(place), "unsigned");
            require(entry.paid + entry.locked <= _handler.deposited(place), "more than came in");
        }
    }

    /// @notice A window ends `exitGrace` before its lock, and stands in storage only while it runs.
    /// forge-config: default.invariant.runs = 6
    function invariant_no_window_outlives_its_lock() external view {
        uint256 grace = _handler.escrow().limits().exitGrace;
        for (uint256 place = 0; place < _handler.count(); ++place) {
            IChannelEscrow.Terms memory terms = _handler.termsOf(place);
            IChannelEscrow.Channel memory entry = _entryOf(terms);
            ChannelId channel = _handler.escrow().channelIdOf(terms);
            IChannelEscrow.Window memory window = _handler.escrow().windowOf(channel);
            bool ended = entry.phase == IChannelEscrow.ChannelPhase.Ended;
            uint256 expiry = _handler.escrow().lockExpiryOf(terms);
            require(entry.deadline + (ended ? 0 : grace) <= expiry, "outlives its lock");
            bool empty = window.amount == 0 && window.tower == address(0) && !window.answered;
            bool runs = entry.deadline != 0 && !ended;
            require(runs || (empty && entry.number == 0), "a window without an end");
        }
    }

    /// @notice From every state a stranger's calls end every channel and free every lock.
    /// forge-config: default.invariant.runs = 6
    function invariant_every_channel_has_an_exit() external {
        uint256 snapshot = vm.snapshotState();
        // The last of all deadlines, and long before the last of all locks; and once beyond them.
        for (uint256 turn = 0; turn < 2; ++turn) {
            vm.warp(block.timestamp + (turn == 0 ? 4000 : 100_000));
            for (uint256 place = 0; place < _handler.count(); ++place) {
                _handler.settle(place * 64);
                _handler.endUnclosed(place * 64);
                _handler.expire(place * 64);
            }
        }
        require(_handler.anchor().totalLocked() == 0, "a lock stayed");
        for (uint256 place = 0; place < _handler.count(); ++place) {
            bool ended = _entryOf(_handler.termsOf(place)).phase == IChannelEscrow.ChannelPhase.Ended;
            require(ended, "a channel stayed");
        }
        vm.revertToState(snapshot);
    }

    function _entryOf(IChannelEscrow.Terms memory terms)
        private
        view
        returns (IChannelEscrow.Channel memory)
    {
        return _handler.escrow().channelOf(_handler.escrow().channelIdOf(terms));
    }
}
