// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../../contracts/anchoring/AssetAnchor.sol";
import {ChannelId, IChannelEscrow} from "../../../../contracts/interfaces/trading/IChannelEscrow.sol";
import {HookToken} from "../../../../contracts/mocks/tokens/HookToken.sol";
import {ChannelEscrow} from "../../../../contracts/trading/ChannelEscrow.sol";
import {ChannelSignatures} from "../../invariants/trading/ChannelSignatures.sol";
import {vm} from "../../invariants/Vm.sol";
import {Boundary} from "../Boundary.sol";

/// @title The boundary seconds of a channel: statements, service, window, `closeBy`, lock
contract ChannelDeadlinesTest is ChannelSignatures, Boundary {
    uint256 private constant NOW = 1_000_000;
    uint256 private constant GRACE = 5000;
    address private constant STRANGER = address(0x57a9);

    IChannelEscrow.Terms private _terms;

    function setUp() external {
        vm.warp(NOW);
        HookToken token = new HookToken(address(this));
        AssetAnchor anchor = new AssetAnchor(address(token));
        IChannelEscrow.Limits memory limits = IChannelEscrow.Limits(10, 1000, uint40(GRACE), 1e20);
        escrow = new ChannelEscrow(address(anchor), address(this), address(this), limits);
        token.approve(address(anchor), type(uint256).max);
        anchor.deposit(vm.addr(PAYER_KEY), 1e24);
        vm.prank(vm.addr(PAYER_KEY));
        anchor.allowLocker(address(escrow), 1e24, NOW + 100 days);
        (_terms.payer, _terms.seller) = (vm.addr(PAYER_KEY), vm.addr(SELLER_KEY));
        (_terms.payerKey, _terms.sellerKey) = (vm.addr(PAYER_SIGNS), vm.addr(SELLER_SIGNS));
        (_terms.deposit, _terms.bond, _terms.window) = (1000, 100, 100);
        (_terms.expiresAt, _terms.closeBy) = (uint40(NOW + 1000), uint40(NOW + 1300));
        IChannelEscrow.Opening[] memory list = _opening(_terms);
        vm.prank(_terms.payer);
        escrow.open(list);
    }

    function test_statements__count_until_their_last_second() external {
        IChannelEscrow.Terms memory other = _terms;
        other.nonce = 1;
        _requireUntil(_by(other.payer, abi.encodeCall(escrow.open, (_opening(other)))), NOW);
        _requireUntil(_by(STRANGER, abi.encodeCall(escrow.reduce, (_reduction(_terms, 10)))), NOW);
        _requireUntil(_by(STRANGER, abi.encodeCall(escrow.amend, (_amendment(_terms, 10, STRANGER)))), NOW);
        _requireUntil(_by(STRANGER, abi.encodeCall(escrow.closeTogether, (_closing(_terms, 10)))), NOW);
    }

    function test_stranger__closes_from_the_second_after_service_until_close_by() external {
        Act memory act = _by(STRANGER, abi.encodeCall(escrow.closeBare, (_one(_terms))));
        _requireAfter(act, _terms.expiresAt);
        _requireUntil(act, _terms.closeBy);
    }

    function test_deposit_and_keys__are_final_from_the_second_after_service() external {
        IChannelEscrow.TopUp[] memory list = new IChannelEscrow.TopUp[](1);
        list[0] = IChannelEscrow.TopUp(_terms, 10);
        _requireUntil(_by(_terms.payer, abi.encodeCall(escrow.topUp, (list))), _terms.expiresAt);
        vm.warp(_terms.closeBy); // until when both said that it counts
        Act memory act = _by(STRANGER, abi.encodeCall(escrow.amend, (_amendment(_terms, 10, STRANGER))));
        vm.warp(NOW);
        _requireUntil(act, _terms.expiresAt);
    }

    function test_reduction__counts_until_close_by() external {
        vm.warp(_terms.closeBy + 1);
        Act memory act = _by(STRANGER, abi.encodeCall(escrow.reduce, (_reduction(_terms, 10))));
        vm.warp(NOW);
        _requireUntil(act, _terms.closeBy);
    }

    function test_parties__close_until_close_by() external {
        _requireUntil(_by(_terms.payer, abi.encodeCall(escrow.closeBare, (_one(_terms)))), _terms.closeBy);
        _requireUntil(_by(_terms.seller, abi.encodeCall(escrow.closeBare, (_one(_terms)))), _terms.closeBy);
        _requireUntil(_by(_terms.payer, abi.encodeCall(escrow.close, (_claim(_terms, 10)))), _terms.closeBy);
        _requireUntil(_by(_terms.seller, abi.encodeCall(escrow.close, (_claim(_terms, 10)))), _terms.closeBy);
    }

    function test_unclosed__ends_from_the_second_after_close_by_and_is_payable_until_then() external {
        _requireAfter(_by(STRANGER, abi.encodeCall(escrow.endUnclosed, (_one(_terms)))), _terms.closeBy);
        Act memory act = _by(STRANGER, abi.encodeCall(escrow.checkpoint, (_claim(_terms, 10))));
        _requireUntil(act, escrow.lockExpiryOf(_terms));
    }

    function test_window__takes_responses_until_its_end_and_is_settled_after_it() external {
        for (uint256 turn = 0; turn < 2; ++turn) {
            uint256 snapshot = vm.snapshotState();
            uint256 deadline = NOW + (turn == 0 ? 100 : 200);
            IChannelEscrow.Claim[] memory list = _claim(_terms, 10);
            vm.prank(_terms.payer);
            if (turn == 0) escrow.close(list);
            else escrow.closeBare(_one(_terms));
            bytes memory data = abi.encodeCall(escrow.respond, (_response(_terms, 50, address(0), 0, false)));
            _requireUntil(_by(STRANGER, data), deadline);
            Act memory act = _by(STRANGER, abi.encodeCall(escrow.settle, (_one(_terms))));
            _requireAfter(act, deadline);
            _requireUntil(act, escrow.lockExpiryOf(_terms));
            vm.revertToState(snapshot);
        }
    }

    function test_window_that_begins_in_the_last_second__is_over_a_grace_before_the_lock() external {
        vm.warp(_terms.closeBy);
        vm.prank(STRANGER);
        escrow.closeBare(_one(_terms));
        uint256 deadline = escrow.channelOf(escrow.channelIdOf(_terms)).deadline;
        require(deadline + GRACE == escrow.lockExpiryOf(_terms), "another deadline");
        _requireAfter(_by(STRANGER, abi.encodeCall(escrow.settle, (_one(_terms)))), deadline);
    }

    function test_lapse__begins_in_the_second_after_the_lock() external {
        vm.prank(_terms.payer);
        escrow.closeBare(_one(_terms));
        uint256 expiry = escrow.lockExpiryOf(_terms);
        Act memory act = _by(STRANGER, abi.encodeCall(escrow.endUnclosed, (_one(_terms))));
        ChannelId channel = escrow.channelIdOf(_terms);
        bytes memory refusal = abi.encodeWithSelector(
            IChannelEscrow.ChannelNotOpen.selector, channel, IChannelEscrow.ChannelPhase.ClosingByPayer
        );
        _requireRefused(act, expiry - 1, refusal);
        _requireRefused(act, expiry, refusal);
        _requireAllowed(act, expiry + 1);
    }

    function test_last_second_for_more__stays_to_be_read() external {
        _requireLast(0, NOW + 200);
        _requireLast(_terms.closeBy + 1, _terms.closeBy);
        _requireLast(escrow.lockExpiryOf(_terms) + 1, escrow.lockExpiryOf(_terms));
    }

    /// @dev Ended at a second by nobody's closing; at zero: by the payer's window.
    function _requireLast(uint256 second, uint256 expected) private {
        uint256 snapshot = vm.snapshotState();
        if (second == 0) {
            vm.prank(_terms.payer);
            escrow.closeBare(_one(_terms));
            vm.warp(NOW + 201);
            escrow.settle(_one(_terms));
        } else {
            vm.warp(second);
            escrow.endUnclosed(_one(_terms));
        }
        IChannelEscrow.Channel memory entry = escrow.channelOf(escrow.channelIdOf(_terms));
        require(entry.deadline == expected && entry.locked == 1000 && entry.paid == 0, "another end");
        vm.revertToState(snapshot);
        vm.warp(NOW);
    }

    function _by(address caller, bytes memory data) private view returns (Act memory) {
        return Act(caller, address(escrow), data);
    }
}
