// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bounds} from "../../../../contracts/anchoring/Bounds.sol";
import {ChannelId, IChannelEscrow} from "../../../../contracts/interfaces/trading/IChannelEscrow.sol";
import {IWatchtowers} from "../../../../contracts/interfaces/trading/IWatchtowers.sol";
import {TowerHandler} from "../../invariants/trading/TowerHandler.sol";
import {vm} from "../../invariants/Vm.sol";
import {Boundary} from "../Boundary.sol";

/// @title The boundary seconds of towers: receipts, covers, claims, terms, locks
contract TowerDeadlinesTest is TowerHandler, Boundary {
    address private _watcher;
    ChannelId private _channel;

    function setUp() external {
        this.open(0, 1000, 1000);
        this.bond(0, 1000);
        (_watcher, _channel) = (towerAt(0), escrow.channelIdOf(termsOf(0)));
        _cover(escrow.lockExpiryOf(termsOf(0)));
    }

    function test_claim__counts_for_the_claiming_time_after_its_receipts_last_second() external {
        uint256 deadline = _end();
        Act memory act = _claiming(deadline + 7);
        _requireUntil(act, deadline + 7 + CLAIMING);
        uint256 until = towers.coverOf(_watcher, _channel).until;
        _requireUntil(_claiming(until + 7), until + CLAIMING); // the cover's, which is first
    }

    function test_receipt__answers_for_a_channel_whose_last_second_is_its_own() external {
        uint256 deadline = _end();
        bytes4 later = IWatchtowers.EndedLater.selector;
        bytes memory refusal = abi.encodeWithSelector(later, _channel, deadline, deadline - 1);
        _requireRefused(_claiming(deadline - 1), deadline + 1, refusal);
        _requireAllowed(_claiming(deadline), deadline + 1);
        _requireAllowed(_claiming(deadline + 1), deadline + 1);
    }

    function test_cover__is_given_up_from_the_second_after_the_claiming_time() external {
        ChannelId[] memory list = new ChannelId[](1);
        list[0] = _channel;
        Act memory act = _by(STRANGER, abi.encodeCall(towers.uncover, (_watcher, list)));
        uint256 last = towers.coverOf(_watcher, _channel).until + CLAIMING;
        bytes memory stands =
            abi.encodeWithSelector(IWatchtowers.CoverStands.selector, _watcher, _channel, last);
        _requireRefused(act, last - 1, stands);
        _requireRefused(act, last, stands);
        _requireAllowed(act, last + 1);
    }

    function test_terms_and_covers__end_a_claiming_time_before_the_lock() external {
        uint256 latest = towers.bondOf(_watcher).expiresAt - CLAIMING;
        uint256 least = towers.coverOf(_watcher, _channel).until;
        for (uint256 second = latest - 1; second <= latest + 1; ++second) {
            bytes memory low =
                abi.encodeWithSelector(Bounds.OutOfBounds.selector, bytes32("until"), second, 1, latest);
            bytes memory short =
                abi.encodeWithSelector(Bounds.OutOfBounds.selector, bytes32("until"), second, least, latest);
            _requireWhether(_publishing(second), second <= latest, low);
            _requireWhether(_covering(second), second <= latest, short);
        }
    }

    function test_bond__serves_until_the_last_second_of_its_lock_and_goes_back_after_it() external {
        uint256 expiresAt = towers.bondOf(_watcher).expiresAt;
        bytes memory none = abi.encodeWithSelector(IWatchtowers.TowerNotBonded.selector, _watcher);
        _requireUntil(_by(_watcher, abi.encodeCall(towers.retire, ())), expiresAt, none);
        Act memory act = _by(STRANGER, abi.encodeCall(towers.release, (_watcher)));
        bytes memory stays = abi.encodeWithSelector(IWatchtowers.NotRetired.selector, _watcher);
        _requireRefused(act, expiresAt - 1, stays);
        _requireRefused(act, expiresAt, stays);
        _requireAllowed(act, expiresAt + 1);
    }

    /// @dev By the payer, without a voucher; nobody answers.
    function _end() private returns (uint256 deadline) {
        vm.prank(termsOf(0).payer);
        escrow.closeBare(_one(termsOf(0)));
        deadline = escrow.channelOf(_channel).deadline;
        vm.warp(deadline + 1);
        escrow.settle(_one(termsOf(0)));
    }

    function _cover(uint256 until) private {
        Act memory act = _covering(until);
        vm.prank(act.caller);
        (bool done,) = act.target.call(act.data);
        require(done, "not covered");
    }

    function _requireWhether(Act memory act, bool isAllowed, bytes memory refusal) private {
        if (isAllowed) _requireAllowed(act, block.timestamp);
        else _requireRefused(act, block.timestamp, refusal);
    }

    function _claiming(uint256 until) private view returns (Act memory) {
        IWatchtowers.Claim memory said = _receipt(0, termsOf(0), 1000, until);
        return _by(STRANGER, abi.encodeCall(towers.claim, (said)));
    }

    function _covering(uint256 until) private view returns (Act memory) {
        IWatchtowers.Covering[] memory list = new IWatchtowers.Covering[](1);
        list[0] = IWatchtowers.Covering(_channel, 100, until);
        return _by(_watcher, abi.encodeCall(towers.cover, (list)));
    }

    function _publishing(uint256 until) private view returns (Act memory) {
        IWatchtowers.TowerTerms memory terms = IWatchtowers.TowerTerms(1, 1, uint40(until));
        return _by(_watcher, abi.encodeCall(towers.publish, (terms)));
    }

    function _by(address caller, bytes memory data) private view returns (Act memory) {
        return Act(caller, address(towers), data);
    }
}
