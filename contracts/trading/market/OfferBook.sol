// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Bounds} from "../../anchoring/Bounds.sol";
import {Callers} from "../../anchoring/Callers.sol";
import {Deadlines} from "../../anchoring/Deadlines.sol";
import {Deprecation} from "../../anchoring/Deprecation.sol";
import {ChannelId, IChannelEscrow} from "../../interfaces/trading/IChannelEscrow.sol";
import {IOfferBook, OfferId} from "../../interfaces/trading/IOfferBook.sol";
import {ITemplateRegistry} from "../../interfaces/trading/ITemplateRegistry.sol";
import {OfferMatching} from "./OfferMatching.sol";
import {OfferPlaces} from "./OfferPlaces.sol";

/// @title OfferBook
/// @notice Read IOfferBook first: it says what every function does.
contract OfferBook is OfferPlaces, Deprecation {
    using SafeCast for uint256;

    uint256 private constant MAX_PIECES = 32; // of one call
    uint256 private constant MAX_QUALIFICATIONS = 4;
    uint256 private constant MAX_ISSUERS = 4;
    uint256 private constant PLACE_BITS = 8; // of a key by which offers are ordered

    ITemplateRegistry private immutable _templates;
    uint40 private immutable _minSeconds;
    uint40 private immutable _maxSeconds;

    mapping(address seller => uint96 number) private _numbers; // of its last offer
    mapping(address escrow => mapping(ChannelId channel => bool isReleased)) private _released;

    /// @param anchor_    AssetAnchor that holds the deposits
    /// @param templates_ TemplateRegistry that knows the templates
    /// @param guardian_  may call `deprecate` and nothing else; zero: nobody may
    /// @param limits_    bounds of all offers
    constructor(address anchor_, address templates_, address guardian_, Limits memory limits_)
        OfferPlaces(anchor_, limits_.minDeposit)
        Deprecation(guardian_)
    {
        _templates = ITemplateRegistry(templates_);
        (_minSeconds, _maxSeconds) = (limits_.minSeconds, limits_.maxSeconds);
        Bounds.requireWithin("maxSeconds", limits_.maxSeconds, 1, _anchor.maxLockSeconds());
        Bounds.requireWithin("minSeconds", limits_.minSeconds, 1, limits_.maxSeconds);
    }

    /// @inheritdoc IOfferBook
    function post(Draft calldata draft, uint256 deposit, uint256 place) external returns (OfferId offer) {
        _requireNotDeprecated();
        _check(draft, deposit);
        uint96 number = ++_numbers[msg.sender];
        offer = OfferId.wrap(bytes32(bytes20(msg.sender)) | bytes32(uint256(number)));
        OfferId gone;
        uint256 held;
        (place, gone, held) = _enter(draft.escrow, draft.category, offer, deposit, place);
        _write(draft, offer, place, deposit);
        if (OfferId.unwrap(gone) != 0) _giveBack(gone, held);
        _anchor.lock(OfferId.unwrap(offer), msg.sender, deposit, draft.expiresAt);
    }

    /// @inheritdoc IOfferBook
    function renew(address escrow, OfferId offer, uint256 expiresAt) external {
        Offer storage entry = _requireOwn(escrow, offer);
        Deadlines.requireBy(entry.expiresAt);
        _requireExpiry(expiresAt);
        entry.expiresAt = expiresAt.toUint40();
        emit OfferRenewed(offer, expiresAt);
        _anchor.renew(OfferId.unwrap(offer), expiresAt);
    }

    /// @inheritdoc IOfferBook
    function withdraw(address escrow, OfferId offer) external {
        uint256 expiresAt = _requireOwn(escrow, offer).expiresAt;
        _leave(escrow, offer);
        emit OfferWithdrawn(offer, expiresAt);
    }

    /// @inheritdoc IOfferBook
    function clear(address escrow, OfferId[] calldata offers) external returns (uint256 count) {
        _requireCount(offers.length);
        for (uint256 turn = 0; turn < offers.length; ++turn) {
            if (_clear(escrow, offers[turn], offers.length == 1)) ++count;
        }
    }

    /// @inheritdoc IOfferBook
    function take(OfferId offer, address seller) external {
        if (sellerOf(offer) != seller) revert OfferNotOfSeller(offer, seller);
        Offer storage entry = _offers[msg.sender][offer];
        (uint32 capacity, uint32 taken, uint40 expiresAt) = (entry.capacity, entry.taken, entry.expiresAt);
        if (expiresAt == 0) revert OfferUnknown(msg.sender, offer);
        Deadlines.requireBy(expiresAt);
        if (taken >= capacity) revert CapacityTaken(offer, capacity);
        unchecked {
            entry.taken = taken + 1; // at most the capacity
        }
    }

    /// @inheritdoc IOfferBook
    function release(address escrow, IChannelEscrow.Terms[] calldata terms) external returns (uint256 count) {
        _requireCount(terms.length);
        for (uint256 turn = 0; turn < terms.length; ++turn) {
            if (_release(escrow, terms[turn], terms.length == 1)) ++count;
        }
    }

    /// @inheritdoc IOfferBook
    function recommend(Demand calldata demand, uint256 from, uint256 count)
        external
        view
        returns (Recommendation[] memory page, uint256 fitting)
    {
        Bounds.requireWithin("issuers", demand.issuers.length, 0, MAX_ISSUERS);
        OfferId[] memory offers = _listedIn(demand.escrow, demand.category);
        uint256[] memory keys = new uint256[](offers.length);
        for (uint256 turn = 0; turn < offers.length; ++turn) {
            Offer memory entry = _offers[demand.escrow][offers[turn]];
            if (!_fits(offers[turn], entry, demand)) continue;
            keys[fitting] = (uint256(entry.price) << PLACE_BITS) | turn;
            ++fitting;
        }
        // What does not fit is behind everything that does.
        for (uint256 turn = fitting; turn < keys.length; ++turn) {
            keys[turn] = type(uint256).max;
        }
        Arrays.sort(keys);
        uint256 left = from < fitting ? fitting - from : 0;
        page = new Recommendation[](count < left ? count : left);
        for (uint256 turn = 0; turn < page.length; ++turn) {
            OfferId id = offers[keys[from + turn] & type(uint8).max];
            page[turn] = Recommendation(id, _offers[demand.escrow][id]);
        }
    }

    /// @inheritdoc IOfferBook
    function offerOf(address escrow, OfferId offer) external view returns (Offer memory) {
        return _offers[escrow][offer];
    }

    /// @inheritdoc IOfferBook
    function isReleased(address escrow, ChannelId channel) external view returns (bool) {
        return _released[escrow][channel];
    }

    /// @inheritdoc IOfferBook
    function templates() external view returns (address) {
        return address(_templates);
    }

    /// @inheritdoc IOfferBook
    function limits() external view returns (Limits memory) {
        return Limits(_minDeposit, _minSeconds, _maxSeconds);
    }

    function _write(Draft calldata draft, OfferId offer, uint256 place, uint256 deposit) private {
        Offer storage entry = _offers[draft.escrow][offer];
        (entry.price, entry.capacity, entry.expiresAt) = (draft.price, draft.capacity, draft.expiresAt);
        entry.place = place.toUint8();
        entry.specification = draft.specification;
        (entry.category, entry.template) = (draft.category, draft.template);
        for (uint256 turn = 0; turn < draft.qualifications.length; ++turn) {
            entry.qualifications.push(draft.qualifications[turn]);
        }
        emit OfferPosted(offer, draft.escrow, draft.category, deposit, entry);
    }

    function _clear(address escrow, OfferId offer, bool alone) private returns (bool) {
        uint256 expiresAt = _offers[escrow][offer].expiresAt;
        bool isListed = expiresAt != 0;
        if (!isListed) (expiresAt,) = _anchor.lockOf(address(this), OfferId.unwrap(offer));
        if (alone) {
            if (expiresAt == 0) revert OfferUnknown(escrow, offer);
            Deadlines.requireAfter(expiresAt);
        } else if (expiresAt == 0 || block.timestamp <= expiresAt) {
            return false;
        }
        if (isListed) {
            _leave(escrow, offer);
            emit OfferCleared(offer);
        }
        _expire(offer);
        return true;
    }

    function _release(address escrow, IChannelEscrow.Terms calldata terms, bool alone)
        private
        returns (bool)
    {
        ChannelId channel = IChannelEscrow(escrow).channelIdOf(terms);
        IChannelEscrow.ChannelPhase phase = IChannelEscrow(escrow).channelOf(channel).phase;
        OfferId offer = OfferId.wrap(terms.offer);
        Offer storage entry = _offers[escrow][offer];
        uint256 taken = entry.taken;
        // An offer that left the list takes its count with it: no number comes twice.
        bool isHeld = taken != 0 && !_released[escrow][channel];
        bool hasEnded = phase == IChannelEscrow.ChannelPhase.Ended;
        if (alone && !isHeld) revert NothingTaken(channel, offer);
        if (alone && !hasEnded) revert ChannelNotEnded(channel, phase);
        if (!isHeld || !hasEnded) return false;

        _released[escrow][channel] = true;
        entry.taken = (taken - 1).toUint32();
        emit CapacityReleased(offer, channel, taken - 1);
        return true;
    }

    function _check(Draft calldata draft, uint256 deposit) private view {
        if (draft.escrow == address(0)) revert OfferUnknown(draft.escrow, OfferId.wrap(0));
        Bounds.requireWithin("deposit", deposit, _minDeposit, type(uint96).max);
        Bounds.requireWithin("price", draft.price, 1, type(uint88).max);
        Bounds.requireWithin("capacity", draft.capacity, 1, type(uint32).max);
        Bounds.requireWithin("qualifications", draft.qualifications.length, 0, MAX_QUALIFICATIONS);
        _requireExpiry(draft.expiresAt);
        ITemplateRegistry.Version memory version = _templates.versionOf(draft.template);
        if (version.kind != ITemplateRegistry.TemplateKind.Initiation || version.deprecatedAt != 0) {
            revert TemplateUnfit(draft.template, uint256(version.kind), version.deprecatedAt);
        }
    }

    function _requireExpiry(uint256 expiresAt) private view {
        uint256 nowAt = block.timestamp;
        Bounds.requireWithin("expiresAt", expiresAt, nowAt + _minSeconds, nowAt + _maxSeconds);
    }

    function _requireOwn(address escrow, OfferId offer) private view returns (Offer storage entry) {
        Callers.requireCaller(sellerOf(offer));
        entry = _offers[escrow][offer];
        if (entry.expiresAt == 0) revert OfferUnknown(escrow, offer);
    }

    function _fits(OfferId id, Offer memory entry, Demand calldata demand) private view returns (bool) {
        return OfferMatching.suits(entry, demand)
            && OfferMatching.isQualified(sellerOf(id), entry.qualifications, demand);
    }

    function _requireCount(uint256 count) private pure {
        Bounds.requireWithin("pieces", count, 1, MAX_PIECES);
    }
}
