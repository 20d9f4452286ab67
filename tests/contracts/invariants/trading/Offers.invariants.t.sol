// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IOfferBook, OfferId} from "../../../../contracts/interfaces/trading/IOfferBook.sol";
import {vm} from "../Vm.sol";
import {OfferHandler} from "./OfferHandler.sol";

/// @title The invariants of offers; contracts/README.md lists them by name
contract OfferInvariants {
    OfferHandler private _handler;

    function setUp() external {
        vm.warp(1_000_000);
        _handler = new OfferHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice What of an offer's capacity is taken is what its channels hold that were not released, and never
    /// more than there is.
    /// forge-config: default.invariant.runs = 6
    function invariant_capacity_taken_is_that_of_its_channels() external view {
        for (uint256 place = 0; place < _handler.count(); ++place) {
            OfferId offer = _handler.offerAt(place);
            IOfferBook.Offer memory entry = _entryOf(offer);
            if (entry.expiresAt == 0) continue; // its count left with it
            require(entry.taken == _handler.holdersOf(offer), "others hold it");
            require(entry.taken <= entry.capacity, "more than there is");
        }
    }

    /// @notice An offer that is listed and has not expired has its deposit, and is in its place; nothing else is
    /// locked but in channels, and no token is made or lost.
    /// forge-config: default.invariant.runs = 6
    function invariant_every_listed_offer_has_its_deposit() external view {
        uint256 locked = _handler.lockedInChannels();
        uint256 listed = 0;
        for (uint256 place = 0; place < _handler.count(); ++place) {
            OfferId offer = _handler.offerAt(place);
            IOfferBook.Offer memory entry = _entryOf(offer);
            uint256 held = _handler.heldOf(offer);
            locked += held;
            if (entry.expiresAt == 0) continue;
            ++listed;
            bool isLive = block.timestamp <= entry.expiresAt;
            require(!isLive || held >= _handler.MIN_DEPOSIT(), "no deposit");
        }
        OfferId[] memory offers = _handler.book().listedIn(address(_handler.escrow()), _handler.CATEGORY());
        require(offers.length == listed, "others are listed");
        require(locked == _handler.anchor().totalLocked(), "something else is locked");
        require(_handler.anchor().totalFree() + locked == 2 * _handler.WEALTH(), "made or lost");
    }

    /// @notice From every state a stranger's calls return every deposit after its expiry.
    /// forge-config: default.invariant.runs = 6
    function invariant_every_deposit_has_an_exit() external {
        uint256 snapshot = vm.snapshotState();
        vm.warp(block.timestamp + 5001);
        for (uint256 place = 0; place < _handler.count(); ++place) {
            _handler.clear(place * 64);
            require(_handler.heldOf(_handler.offerAt(place)) == 0, "a deposit stayed");
            require(_entryOf(_handler.offerAt(place)).expiresAt == 0, "an offer stayed");
        }
        vm.revertToState(snapshot);
    }

    function _entryOf(OfferId offer) private view returns (IOfferBook.Offer memory) {
        return _handler.book().offerOf(address(_handler.escrow()), offer);
    }
}
