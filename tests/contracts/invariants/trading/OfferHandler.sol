// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../../contracts/anchoring/AssetAnchor.sol";
import {ChannelId, IChannelEscrow} from "../../../../contracts/interfaces/trading/IChannelEscrow.sol";
import {IOfferBook, OfferId} from "../../../../contracts/interfaces/trading/IOfferBook.sol";
import {
    ITemplateRegistry,
    TemplateVersionId
} from "../../../../contracts/interfaces/trading/ITemplateRegistry.sol";
import {HookToken} from "../../../../contracts/mocks/tokens/HookToken.sol";
import {ChannelEscrow} from "../../../../contracts/trading/ChannelEscrow.sol";
import {OfferBook} from "../../../../contracts/trading/market/OfferBook.sol";
import {TemplateRegistry} from "../../../../contracts/trading/market/TemplateRegistry.sol";
import {Draws} from "../Draws.sol";
import {vm} from "../Vm.sol";
import {ChannelSignatures} from "./ChannelSignatures.sol";

/// @title OfferHandler: what a seller, a buyer, a spammer and strangers do with offers, in any order, at any time
/// @notice An action that the rules do not allow now does nothing; one that they allow must not revert.
contract OfferHandler is ChannelSignatures {
    uint256 public constant WEALTH = 1e24;
    uint256 public constant MIN_DEPOSIT = 1000;
    uint256 private constant MIN_SECONDS = 500;
    uint256 private constant MAX_SECONDS = 5000;
    uint256 private constant MOST_OFFERS = 6;
    uint256 private constant MOST_CHANNELS = 12;
    address private constant STRANGER = address(0x57a9);
    bytes32 public constant CATEGORY = keccak256("what is sold");

    AssetAnchor public anchor;
    OfferBook public book;
    TemplateVersionId private _template;
    OfferId[] private _offers;
    IChannelEscrow.Terms[] private _terms;

    constructor() {
        HookToken token = new HookToken(address(this));
        anchor = new AssetAnchor(address(token));
        TemplateRegistry templates = new TemplateRegistry();
        _template = _register(templates);
        book = new OfferBook(
            address(anchor),
            address(templates),
            address(0),
            IOfferBook.Limits(uint96(MIN_DEPOSIT), uint40(MIN_SECONDS), uint40(MAX_SECONDS))
        );
        escrow = new ChannelEscrow(
            address(anchor), address(book), address(0), IChannelEscrow.Limits(10, 1000, 5000, 1e20)
        );
        token.approve(address(anchor), type(uint256).max);
        anchor.deposit(seller(), WEALTH);
        anchor.deposit(vm.addr(PAYER_KEY), WEALTH);
    }

    function post(uint256 seed, uint256 deposit) external {
        if (_offers.length == MOST_OFFERS) return;
        _allow(seller(), address(book));
        IOfferBook.Draft memory draft;
        (draft.escrow, draft.category, draft.template) = (address(escrow), CATEGORY, _template);
        (draft.price, draft.capacity) = (uint88(1 + seed % 9), uint32(1 + seed % 3));
        draft.expiresAt = uint40(block.timestamp + Draws.within(seed, MIN_SECONDS, MAX_SECONDS));
        deposit = Draws.within(deposit, MIN_DEPOSIT, 1e20);
        vm.prank(seller());
        _offers.push(book.post(draft, deposit, 0));
    }

    function renew(uint256 seed) external {
        (OfferId offer, IOfferBook.Offer memory entry) = _pick(seed);
        uint256 until = block.timestamp + Draws.within(seed, MIN_SECONDS, MAX_SECONDS);
        if (entry.expiresAt < block.timestamp || until <= entry.expiresAt) return;
        _allow(seller(), address(book));
        vm.prank(seller());
        book.renew(address(escrow), offer, until);
    }

    function withdraw(uint256 seed) external {
        (OfferId offer, IOfferBook.Offer memory entry) = _pick(seed);
        if (entry.expiresAt == 0 || seed % 4 != 0) return;
        vm.prank(seller());
        book.withdraw(address(escrow), offer);
    }

    function clear(uint256 seed) public {
        (OfferId offer, IOfferBook.Offer memory entry) = _pick(seed);
        uint256 expiresAt = entry.expiresAt;
        if (expiresAt == 0) (expiresAt,) = anchor.lockOf(address(book), OfferId.unwrap(offer));
        if (expiresAt == 0 || block.timestamp <= expiresAt) return;
        OfferId[] memory list = new OfferId[](1);
        list[0] = offer;
        vm.prank(STRANGER);
        book.clear(address(escrow), list);
    }

    /// @notice A stranger returns a deposit behind the book's back.
    function expire(uint256 seed) external {
        (OfferId offer,) = _pick(seed);
        if (heldOf(offer) == 0) return;
        (uint256 expiresAt,) = anchor.lockOf(address(book), OfferId.unwrap(offer));
        if (block.timestamp <= expiresAt) return;
        anchor.expire(address(book), OfferId.unwrap(offer), 0);
    }

    function open(uint256 seed) external {
        if (_terms.length == MOST_CHANNELS) return;
        (OfferId offer, IOfferBook.Offer memory entry) = _pick(seed);
        if (entry.expiresAt < block.timestamp || entry.taken == entry.capacity) return;
        _allow(vm.addr(PAYER_KEY), address(escrow));
        IChannelEscrow.Terms memory terms;
        (terms.payer, terms.seller) = (vm.addr(PAYER_KEY), seller());
        (terms.payerKey, terms.sellerKey) = (vm.addr(PAYER_SIGNS), vm.addr(SELLER_SIGNS));
        (terms.deposit, terms.bond, terms.window) = (100, 10, 10);
        terms.expiresAt = uint40(block.timestamp + seed % 500);
        terms.closeBy = terms.expiresAt + 20;
        (terms.offer, terms.nonce) = (OfferId.unwrap(offer), _terms.length);
        _terms.push(terms);
        IChannelEscrow.Opening[] memory list = _opening(terms);
        vm.prank(terms.payer);
        escrow.open(list);
    }

    function end(uint256 seed) external {
        if (_terms.length == 0) return;
        IChannelEscrow.Terms memory terms = _terms[seed % _terms.length];
        if (_phaseOf(terms) != IChannelEscrow.ChannelPhase.Open) return;
        if (block.timestamp <= terms.closeBy) {
            escrow.closeTogether(_closing(terms, 7));
            return;
        }
        escrow.endUnclosed(_one(terms));
        if (block.timestamp <= escrow.lockExpiryOf(terms)) return;
        anchor.expire(address(escrow), ChannelId.unwrap(escrow.channelIdOf(terms)), 0);
    }

    function release(uint256 seed) external {
        if (_terms.length == 0) return;
        IChannelEscrow.Terms memory terms = _terms[seed % _terms.length];
        uint256 taken = book.offerOf(address(escrow), OfferId.wrap(terms.offer)).taken;
        bool isDue = _phaseOf(terms) == IChannelEscrow.ChannelPhase.Ended && taken != 0;
        if (!isDue || isReleased(terms)) return;
        vm.prank(STRANGER);
        book.release(address(escrow), _one(terms));
    }

    function pass(uint256 seed) external {
        vm.warp(block.timestamp + (seed % 16 == 0 ? 6000 : Draws.within(seed, 1, 400)));
    }

    function count() external view returns (uint256) {
        return _offers.length;
    }

    function offerAt(uint256 place) external view returns (OfferId) {
        return _offers[place];
    }

    /// @notice Channels that were opened with an offer and not released.
    function holdersOf(OfferId offer) external view returns (uint256 holders) {
        for (uint256 place = 0; place < _terms.length; ++place) {
            bool names = _terms[place].offer == OfferId.unwrap(offer);
            if (names && !isReleased(_terms[place])) ++holders;
        }
    }

    function lockedInChannels() external view returns (uint256 locked) {
        for (uint256 place = 0; place < _terms.length; ++place) {
            IChannelEscrow.Channel memory entry = escrow.channelOf(escrow.channelIdOf(_terms[place]));
            // Of one that ended, `locked` says what went back.
            if (entry.phase != IChannelEscrow.ChannelPhase.Ended) locked += entry.locked;
        }
    }

    function heldOf(OfferId offer) public view returns (uint256 held) {
        (, held) = anchor.placeOf(address(book), OfferId.unwrap(offer), 0);
    }

    function isReleased(IChannelEscrow.Terms memory terms) public view returns (bool) {
        return book.isReleased(address(escrow), escrow.channelIdOf(terms));
    }

    function seller() public pure returns (address) {
        return vm.addr(SELLER_KEY);
    }

    function _register(TemplateRegistry templates) private returns (TemplateVersionId) {
        ITemplateRegistry.Draft memory draft;
        (draft.name, draft.kind, draft.number) = ("one", ITemplateRegistry.TemplateKind.Settlement, 1);
        (draft.contentHash, draft.textBytes, draft.locator) = (keccak256("text"), 4, "somewhere");
        draft.settlement = templates.register(draft);
        (draft.name, draft.kind) = ("another", ITemplateRegistry.TemplateKind.Initiation);
        return templates.register(draft);
    }

    /// @dev To hold a lock longer needs as much of an allowance as to lock it.
    function _allow(address account, address locker) private {
        vm.prank(account);
        anchor.allowLocker(locker, WEALTH, block.timestamp);
    }

    function _pick(uint256 seed) private view returns (OfferId offer, IOfferBook.Offer memory entry) {
        if (_offers.length == 0) return (offer, entry);
        offer = _offers[(seed / 64) % _offers.length];
        entry = book.offerOf(address(escrow), offer);
    }

    function _phaseOf(IChannelEscrow.Terms memory terms) private view returns (IChannelEscrow.ChannelPhase) {
        return escrow.channelOf(escrow.channelIdOf(terms)).phase;
    }
}
