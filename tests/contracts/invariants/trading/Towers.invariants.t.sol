// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChannelId, IChannelEscrow} from "../../../../contracts/interfaces/trading/IChannelEscrow.sol";
import {IWatchtowers} from "../../../../contracts/interfaces/trading/IWatchtowers.sol";
import {vm} from "../Vm.sol";
import {TowerHandler} from "./TowerHandler.sol";

/// @title The invariants of the bonds of towers; contracts/README.md lists them by name
contract TowerInvariants {
    TowerHandler private _handler;

    function setUp() external {
        vm.warp(1_000_000);
        _handler = new TowerHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice What is said of a bond is what its lock holds, and what is set aside of it the sum of its covers;
    /// each tower has what it began with but for what sellers were paid.
    /// forge-config: default.invariant.runs = 6
    function invariant_every_cover_is_in_its_bond() external view {
        for (uint256 turn = 0; turn < _handler.TOWERS(); ++turn) {
            address tower = _handler.towerAt(turn);
            IWatchtowers.Bond memory entry = _handler.towers().bondOf(tower);
            uint256 covered = 0;
            for (uint256 place = 0; place < _handler.count(); ++place) {
                covered += _coverOf(tower, place).amount;
            }
            require(covered == entry.covered && covered <= entry.amount, "not set aside");
            uint256 held = _handler.heldBy(turn);
            require(held == entry.amount, "a bond differs from its lock");
            uint256 all = _handler.anchor().freeBalanceOf(tower) + held;
            require(all + _handler.lost(turn) == _handler.wealth(), "tokens were made or lost");
        }
    }

    /// @notice A seller is paid no more by a tower than went back to the payer, and nothing where its own
    /// word ended the channel; every cover lasts as long as it answers, within the lock.
    /// forge-config: default.invariant.runs = 6
    function invariant_no_tower_pays_more_than_a_channel_lost() external view {
        for (uint256 turn = 0; turn < _handler.TOWERS(); ++turn) {
            address tower = _handler.towerAt(turn);
            for (uint256 place = 0; place < _handler.count(); ++place) {
                IWatchtowers.Cover memory cover = _coverOf(tower, place);
                require(cover.paid == _handler.paid(turn, place), "paid otherwise");
                ChannelId channel = _handler.escrow().channelIdOf(_handler.termsOf(place));
                IChannelEscrow.Channel memory entry = _handler.escrow().channelOf(channel);
                bool ended = entry.phase == IChannelEscrow.ChannelPhase.Ended && entry.deadline != 0;
                require(cover.paid <= (ended ? entry.locked : 0), "more than was lost");
                if (cover.amount == 0) continue;
                uint256 last = cover.until + _handler.CLAIMING();
                require(last <= _handler.towers().bondOf(tower).expiresAt, "outlives its lock");
            }
        }
    }

    /// @notice From every state a stranger's calls give up every cover and return every bond.
    /// forge-config: default.invariant.runs = 6
    function invariant_every_tower_has_an_exit() external {
        uint256 snapshot = vm.snapshotState();
        vm.warp(block.timestamp + 800 days);
        for (uint256 turn = 0; turn < _handler.TOWERS(); ++turn) {
            for (uint256 place = 0; place < _handler.count(); ++place) {
                _handler.uncover(turn * 8 + place * 64);
            }
            _handler.release(turn * 8);
            IWatchtowers.Bond memory entry = _handler.towers().bondOf(_handler.towerAt(turn));
            require(_handler.heldBy(turn) == 0, "a bond stayed");
            require(entry.amount == 0 && entry.covered == 0, "a cover stayed");
        }
        vm.revertToState(snapshot);
    }

    function _coverOf(address tower, uint256 place) private view returns (IWatchtowers.Cover memory) {
        ChannelId channel = _handler.escrow().channelIdOf(_handler.termsOf(place));
        return _handler.towers().coverOf(tower, channel);
    }
}
