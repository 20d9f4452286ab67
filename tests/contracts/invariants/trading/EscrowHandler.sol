// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../../contracts/anchoring/AssetAnchor.sol";
import {ChannelId, IChannelEscrow} from "../../../../contracts/interfaces/trading/IChannelEscrow.sol";
import {HookToken} from "../../../../contracts/mocks/tokens/HookToken.sol";
import {ChannelEscrow} from "../../../../contracts/trading/ChannelEscrow.sol";
import {Draws} from "../Draws.sol";
import {vm} from "../Vm.sol";
import {ChannelSignatures} from "./ChannelSignatures.sol";

/// @title EscrowHandler: what buyers, sellers, towers and strangers do with channels, in any order, at any time
/// @notice An action that the rules do not allow now does nothing; one that they allow must not revert.
contract EscrowHandler is ChannelSignatures {
    uint256 internal constant WEALTH = 1e24;
    uint256 private constant MOST_CHANNELS = 5;
    address internal constant STRANGER = address(0x57a9);
    address public constant TOWER = address(0x70e5);

    HookToken public token;
    AssetAnchor public anchor;
    IChannelEscrow.Terms[] private _terms;
    mapping(uint256 place => uint256 amount) public signed; // the most that the payer signed in a channel
    mapping(uint256 place => uint256 amount) public deposited; // what came in, the bond included

    constructor() {
        token = new HookToken(address(this));
        anchor = new AssetAnchor(address(token));
        // No channel here names an offer: Offers.invariants.t.sol has those that do.
        escrow = new ChannelEscrow(
            address(anchor), address(this), address(this), IChannelEscrow.Limits(10, 1000, 5000, 1e20)
        );
        token.approve(address(anchor), type(uint256).max);
        anchor.deposit(vm.addr(PAYER_KEY), WEALTH);
        uint256 until = block.timestamp + anchor.maxLockSeconds();
        vm.prank(vm.addr(PAYER_KEY));
        anchor.allowLocker(address(escrow), WEALTH, until);
    }

    function count() public view returns (uint256) {
        return _terms.length;
    }

    function termsOf(uint256 place) public view returns (IChannelEscrow.Terms memory) {
        return _terms[place];
    }

    function wealth() external pure returns (uint256) {
        return WEALTH;
    }

    function open(uint256 seed, uint256 deposit, uint256 bond) external {
        if (count() == MOST_CHANNELS) return;
        IChannelEscrow.Terms memory terms;
        (terms.payer, terms.seller) = (vm.addr(PAYER_KEY), vm.addr(SELLER_KEY));
        (terms.payerKey, terms.sellerKey) = (vm.addr(PAYER_SIGNS), vm.addr(SELLER_SIGNS));
        terms.deposit = uint88(Draws.within(deposit, 1, 1e20));
        terms.bond = uint88(Draws.within(bond, (uint256(terms.deposit) + 9) / 10, 1e20));
        terms.window = uint40(Draws.within(seed, 10, 1000));
        terms.expiresAt = uint40(block.timestamp + seed % 2000);
        terms.closeBy = terms.expiresAt + terms.window + uint40(seed % 300);
        terms.nonce = count();
        deposited[count()] = uint256(terms.deposit) + terms.bond;
        _terms.push(terms);
        IChannelEscrow.Opening[] memory list = _opening(terms);
        vm.prank(terms.payer);
        escrow.open(list);
    }

    function topUp(uint256 seed, uint256 amount) external {
        (uint256 place, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (entry.phase != IChannelEscrow.ChannelPhase.Open || block.timestamp > terms.expiresAt) return;
        uint256 room = 1e20 - (uint256(entry.locked) + entry.paid - terms.bond);
        if (room == 0) return;
        IChannelEscrow.TopUp[] memory list = new IChannelEscrow.TopUp[](1);
        list[0] = IChannelEscrow.TopUp(terms, Draws.within(amount, 1, room));
        deposited[place] += list[0].amount;
        vm.prank(terms.payer);
        escrow.topUp(list);
    }

    function reduce(uint256 seed, uint256 amount) external {
        (uint256 place, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (entry.phase != IChannelEscrow.ChannelPhase.Open || block.timestamp > terms.closeBy) return;
        if (entry.locked == terms.bond) return;
        amount = Draws.within(amount, 1, entry.locked - terms.bond);
        deposited[place] -= amount;
        escrow.reduce(_reduction(terms, amount));
    }

    function checkpoint(uint256 seed, uint256 amount) external {
        (uint256 place, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (entry.phase != IChannelEscrow.ChannelPhase.Open) return;
        if (block.timestamp > escrow.lockExpiryOf(terms) || entry.locked == terms.bond) return;
        amount = _sign(place, Draws.within(amount, uint256(entry.paid) + 1, 3e20));
        escrow.checkpoint(_claim(terms, amount));
    }

    function amend(uint256 seed, uint256 amount) external {
        (uint256 place, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (entry.phase != IChannelEscrow.ChannelPhase.Open || block.timestamp > terms.expiresAt) return;
        uint256 most = uint256(entry.locked) + entry.paid - terms.bond;
        amount = _sign(place, Draws.within(amount, entry.paid, most));
        escrow.amend(_amendment(terms, amount, address(uint160(1 + seed % 3))));
    }

    function closeTogether(uint256 seed, uint256 amount) external {
        (uint256 place, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (entry.phase != IChannelEscrow.ChannelPhase.Open || block.timestamp > terms.closeBy) return;
        uint256 most = uint256(entry.locked) + entry.paid - terms.bond;
        amount = _sign(place, Draws.within(amount, entry.paid, most));
        escrow.closeTogether(_closing(terms, amount));
    }

    function close(uint256 seed, uint256 amount) external {
        (uint256 place, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (entry.phase != IChannelEscrow.ChannelPhase.Open || block.timestamp > terms.closeBy) return;
        amount = _sign(place, Draws.within(amount, 0, 2e20));
        IChannelEscrow.Claim[] memory list = _claim(terms, amount);
        vm.prank(seed % 4 == 0 ? terms.seller : terms.payer);
        escrow.close(list);
    }

    function closeBare(uint256 seed) external {
        (, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (entry.phase != IChannelEscrow.ChannelPhase.Open || block.timestamp > terms.closeBy) return;
        address caller = seed % 3 == 0 ? terms.seller : terms.payer;
        if (block.timestamp > terms.expiresAt && seed % 2 == 0) caller = STRANGER;
        vm.prank(caller);
        escrow.closeBare(_one(terms));
    }

    function respond(uint256 seed, uint256 amount) external {
        (uint256 place, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (!_isClosing(entry) || block.timestamp > entry.deadline) return;
        ChannelId channel = escrow.channelIdOf(terms);
        uint256 shown = escrow.windowOf(channel).amount;
        if (shown < entry.paid) shown = entry.paid;
        if (shown == uint256(entry.locked) + entry.paid - terms.bond) return;
        amount = _sign(place, Draws.within(amount, shown + 1, 3e20));
        bool bySeller = entry.phase == IChannelEscrow.ChannelPhase.ClosingBySeller;
        address tower = seed % 2 == 0 ? TOWER : address(0);
        IChannelEscrow.Response[] memory list = _response(terms, amount, tower, seed % 8, bySeller);
        vm.prank(STRANGER);
        escrow.respond(list);
    }

    function settle(uint256 seed) external {
        (, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (!_isClosing(entry) || block.timestamp <= entry.deadline) return;
        if (block.timestamp > escrow.lockExpiryOf(terms)) return;
        vm.prank(STRANGER);
        escrow.settle(_one(terms));
    }

    function endUnclosed(uint256 seed) external {
        (, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        bool late = block.timestamp > escrow.lockExpiryOf(terms) && _isClosing(entry);
        bool over = block.timestamp > terms.closeBy && entry.phase == IChannelEscrow.ChannelPhase.Open;
        if (!late && !over) return;
        vm.prank(STRANGER);
        escrow.endUnclosed(_one(terms));
    }

    /// @notice A stranger returns a lock behind the escrow's back.
    function expire(uint256 seed) external {
        (, IChannelEscrow.Terms memory terms,) = _pick(seed);
        if (terms.payer == address(0) || block.timestamp <= escrow.lockExpiryOf(terms)) return;
        if (heldOf(terms) == 0) return;
        anchor.expire(address(escrow), ChannelId.unwrap(escrow.channelIdOf(terms)), 0);
    }

    function wait_(uint256 seed) external {
        vm.warp(block.timestamp + (seed % 16 == 0 ? 6000 : Draws.within(seed, 1, 400)));
    }

    function heldOf(IChannelEscrow.Terms memory terms) public view returns (uint256 held) {
        (, held) = anchor.placeOf(address(escrow), ChannelId.unwrap(escrow.channelIdOf(terms)), 0);
    }

    function _sign(uint256 place, uint256 amount) private returns (uint256) {
        if (amount > signed[place]) signed[place] = amount;
        return amount;
    }

    function _isClosing(IChannelEscrow.Channel memory entry) private pure returns (bool) {
        return
            entry.phase > IChannelEscrow.ChannelPhase.Open && entry.phase < IChannelEscrow.ChannelPhase.Ended;
    }

    function _pick(uint256 seed)
        internal
        view
        returns (uint256 place, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry)
    {
        if (count() == 0) return (place, terms, entry);
        place = (seed / 64) % count();
        terms = _terms[place];
        entry = escrow.channelOf(escrow.channelIdOf(terms));
    }
}
