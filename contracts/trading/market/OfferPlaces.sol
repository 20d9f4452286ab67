// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Bounds} from "../../anchoring/Bounds.sol";
import {IAssetAnchor} from "../../interfaces/IAssetAnchor.sol";
import {IOfferBook, OfferId} from "../../interfaces/trading/IOfferBook.sol";

/// @title OfferPlaces: the 256 places of each category, who has one, and how one is left
/// @notice Read IOfferBook first: it says what every function does.
/// @dev Nobody else can pay out of the locks of deposits; until one expires it holds the whole deposit.
abstract contract OfferPlaces is IOfferBook {
    /// @dev A bit a place, lowest first; an offer never moves to another one.
    struct Category {
        uint256 taken;
        OfferId[256] offers;
    }

    uint256 private constant LAST_PLACE = 255;
    uint256 private constant FULL = type(uint256).max;
    uint256 private constant OUTBIDS = 2; // times a deposit: to keep k out costs more than k do

    IAssetAnchor internal immutable _anchor;
    uint96 internal immutable _minDeposit;

    mapping(address escrow => mapping(OfferId offer => Offer entry)) internal _offers;
    mapping(address escrow => mapping(bytes32 category => Category entry)) private _categories;

    constructor(address anchor_, uint96 minDeposit_) {
        Bounds.requireWithin("minDeposit", minDeposit_, 1, type(uint96).max / OUTBIDS);
        (_anchor, _minDeposit) = (IAssetAnchor(anchor_), minDeposit_);
    }

    /// @inheritdoc IOfferBook
    function listedIn(address escrow, bytes32 category) external view returns (OfferId[] memory) {
        return _listedIn(escrow, category);
    }

    /// @inheritdoc IOfferBook
    function roomIn(address escrow, bytes32 category) external view returns (uint256 place, uint256 needed) {
        Category storage room = _categories[escrow][category];
        if (room.taken != FULL) return (_firstFree(room.taken), _minDeposit);
        needed = type(uint256).max;
        for (uint256 turn = 0; turn <= LAST_PLACE; ++turn) {
            OfferId there = room.offers[turn];
            uint256 price = _isLive(escrow, there) ? OUTBIDS * _depositOf(there) : _minDeposit;
            if (price < needed) (place, needed) = (turn, price);
        }
    }

    /// @inheritdoc IOfferBook
    function anchor() external view returns (address) {
        return address(_anchor);
    }

    /// @inheritdoc IOfferBook
    function sellerOf(OfferId offer) public pure returns (address) {
        return address(bytes20(OfferId.unwrap(offer)));
    }

    /// @dev Gives an offer the lowest free place, or that of an offer that makes room for it.
    /// @return place where it stands now
    /// @return gone  whose deposit the caller gives back, once everything is written; zero: nobody's
    /// @return held  what that is while its lock has not expired
    function _enter(address escrow, bytes32 category, OfferId offer, uint256 deposit, uint256 wanted)
        internal
        returns (uint256 place, OfferId gone, uint256 held)
    {
        Category storage room = _categories[escrow][category];
        uint256 taken = room.taken;
        if (taken != FULL) {
            place = _firstFree(taken);
            room.taken = taken | (1 << place);
            room.offers[place] = offer;
            return (place, gone, held);
        }
        Bounds.requireWithin("place", wanted, 0, LAST_PLACE);
        (place, gone) = (wanted, room.offers[wanted]);
        if (_isLive(escrow, gone)) {
            held = _depositOf(gone);
            uint256 needed = OUTBIDS * held;
            if (deposit < needed) revert CategoryFull(category, place, deposit, needed);
            emit OfferDisplaced(gone, offer);
        } else {
            emit OfferCleared(gone);
        }
        room.offers[place] = offer;
        delete _offers[escrow][gone];
    }

    /// @dev The deposit of an offer that made room.
    function _giveBack(OfferId gone, uint256 held) internal {
        if (held != 0) _anchor.pay(OfferId.unwrap(gone), 0, sellerOf(gone), held);
        else _expire(gone);
    }

    /// @dev Takes an offer off the list.
    function _leave(address escrow, OfferId offer) internal {
        Offer storage entry = _offers[escrow][offer];
        _categories[escrow][entry.category].taken &= ~(uint256(1) << entry.place);
        delete _offers[escrow][offer];
    }

    /// @dev What an expired lock still holds; anyone may have returned it before.
    function _expire(OfferId offer) internal {
        if (_depositOf(offer) != 0) _anchor.expire(address(this), OfferId.unwrap(offer), 0);
    }

    function _listedIn(address escrow, bytes32 category) internal view returns (OfferId[] memory offers) {
        Category storage room = _categories[escrow][category];
        uint256 taken = room.taken;
        offers = new OfferId[](_countOf(taken));
        uint256 count = 0;
        for (uint256 place = 0; count < offers.length; ++place) {
            if (taken & (1 << place) == 0) continue;
            offers[count] = room.offers[place];
            ++count;
        }
    }

    /// @dev Whether it is listed and has not expired.
    function _isLive(address escrow, OfferId offer) internal view returns (bool) {
        return block.timestamp <= _offers[escrow][offer].expiresAt;
    }

    function _depositOf(OfferId offer) internal view returns (uint256 held) {
        (, held) = _anchor.placeOf(address(this), OfferId.unwrap(offer), 0);
    }

    function _firstFree(uint256 taken) private pure returns (uint256) {
        return Math.log2(~taken & (taken + 1));
    }

    function _countOf(uint256 bits) private pure returns (uint256 count) {
        for (; bits != 0; bits &= bits - 1) {
            ++count;
        }
    }
}
