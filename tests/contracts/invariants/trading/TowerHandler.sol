// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ParticipantRegistry} from "../../../../contracts/identity/ParticipantRegistry.sol";
import {IParticipantRegistry} from "../../../../contracts/interfaces/IParticipantRegistry.sol";
import {ChannelId, IChannelEscrow} from "../../../../contracts/interfaces/trading/IChannelEscrow.sol";
import {IWatchtowers} from "../../../../contracts/interfaces/trading/IWatchtowers.sol";
import {Watchtowers} from "../../../../contracts/trading/Watchtowers.sol";
import {Draws} from "../Draws.sol";
import {vm} from "../Vm.sol";
import {EscrowHandler} from "./EscrowHandler.sol";

/// @title TowerHandler: towers beside channels that end in every way, and whoever claims of their bonds
/// @notice An action that the rules do not allow now does nothing; one that they allow must not revert.
contract TowerHandler is EscrowHandler {
    uint256 public constant TOWERS = 2;
    uint256 public constant CLAIMING = 5000;
    uint256 private constant FIRST_TOWER = 0x7001;

    Watchtowers public towers;
    mapping(uint256 tower => uint256 amount) public lost; // paid out of its bond
    mapping(uint256 tower => mapping(uint256 place => uint256 amount)) public paid; // by channel

    constructor() {
        ParticipantRegistry registry = new ParticipantRegistry(address(anchor), 1, 1, 1);
        towers = new Watchtowers(address(anchor), address(registry), address(escrow), CLAIMING);
        anchor.deposit(address(this), 1);
        anchor.allowLocker(address(registry), 1, block.timestamp + 1);
        registry.registerProvider("a provider");
        registry.stake(1);
        for (uint256 turn = 0; turn < TOWERS; ++turn) {
            registry.admit(towerAt(turn));
            anchor.deposit(towerAt(turn), WEALTH);
            vm.prank(towerAt(turn));
            registry.registerServer(
                49,
                address(this),
                keccak256("TLS key"),
                "https://127.0.0.1",
                IParticipantRegistry.Resources(1, 1, 1, 1)
            );
        }
    }

    function towerAt(uint256 turn) public pure returns (address) {
        return vm.addr(FIRST_TOWER + turn);
    }

    function bond(uint256 seed, uint256 amount) external {
        (uint256 turn, address tower, IWatchtowers.Bond memory had) = _tower(seed);
        amount = Draws.within(amount, had.amount == 0 ? 1 : 0, 1e20);
        if (uint256(had.amount) + amount + lost[turn] > WEALTH / 2) return;
        vm.prank(tower);
        anchor.allowLocker(address(towers), WEALTH, block.timestamp);
        vm.prank(tower);
        towers.bond(amount);
        require(towers.bondOf(tower).amount == had.amount + amount, "another bond");
        require(towers.bondOf(tower).covered == had.covered, "other covers");
    }

    function cover(uint256 seed, uint256 amount, uint256 until) external {
        (, address tower, IWatchtowers.Bond memory had) = _tower(seed);
        (, IChannelEscrow.Terms memory terms,) = _pick(seed);
        if (had.amount == 0 || had.isRetired || terms.payer == address(0)) return;
        ChannelId channel = escrow.channelIdOf(terms);
        IWatchtowers.Cover memory entry = towers.coverOf(tower, channel);
        uint256 most = uint256(entry.amount) + had.amount - had.covered;
        if (most == 0) return;
        uint256 earliest = entry.until > block.timestamp ? entry.until : block.timestamp;
        IWatchtowers.Covering[] memory list = new IWatchtowers.Covering[](1);
        list[0] = IWatchtowers.Covering(
            channel,
            Draws.within(amount, entry.amount == 0 ? 1 : entry.amount, most),
            Draws.within(until, earliest, earliest + 8000)
        );
        vm.prank(tower);
        towers.cover(list);
    }

    /// @notice A payer closes a covered channel while nobody watches.
    function fail(uint256 seed) external {
        (, address tower, IWatchtowers.Bond memory had) = _tower(seed);
        (, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (entry.phase != IChannelEscrow.ChannelPhase.Open || block.timestamp > terms.closeBy) return;
        if (!had.isRetired && had.covered < had.amount) {
            IWatchtowers.Covering[] memory list = new IWatchtowers.Covering[](1);
            IWatchtowers.Cover memory before = towers.coverOf(tower, escrow.channelIdOf(terms));
            uint256 amount = Draws.within(seed, 1, had.amount - had.covered) + before.amount;
            uint256 until = escrow.lockExpiryOf(terms);
            if (until < before.until) until = before.until;
            list[0] = IWatchtowers.Covering(escrow.channelIdOf(terms), amount, until);
            vm.prank(tower);
            towers.cover(list);
        }
        vm.prank(terms.payer);
        escrow.closeBare(_one(terms));
        vm.warp(block.timestamp + 2 * uint256(terms.window) + 1);
        escrow.settle(_one(terms));
    }

    /// @notice With receipts for whatever the tower signs, of every channel for which it answers.
    function claim(uint256 seed, uint256 amount, uint256 until) external {
        for (uint256 place = 0; place < count(); ++place) {
            _claim(seed, place, amount, until);
        }
    }

    function _claim(uint256 seed, uint256 place, uint256 amount, uint256 until) private {
        (uint256 turn, address tower,) = _tower(seed);
        IChannelEscrow.Terms memory terms = termsOf(place);
        IChannelEscrow.Channel memory entry = escrow.channelOf(escrow.channelIdOf(terms));
        if (entry.phase != IChannelEscrow.ChannelPhase.Ended || entry.deadline == 0) return;
        IWatchtowers.Cover memory had = towers.coverOf(tower, escrow.channelIdOf(terms));
        until = Draws.within(until, entry.deadline, uint256(entry.deadline) + 8000);
        uint256 last = until < had.until ? until : had.until;
        if (entry.deadline > last || block.timestamp > last + CLAIMING) return;
        amount = Draws.within(amount, 0, 3e20);
        uint256 due = _expected(entry, had, amount);
        if (due == 0) return;
        IWatchtowers.Claim memory said = _receipt(turn, terms, amount, until);
        vm.prank(STRANGER);
        require(towers.claim(said) == due, "another sum");
        lost[turn] += due;
        paid[turn][place] += due;
        require(paid[turn][place] <= amount, "more than the receipt says");
    }

    function uncover(uint256 seed) public {
        (, address tower,) = _tower(seed);
        (, IChannelEscrow.Terms memory terms, IChannelEscrow.Channel memory entry) = _pick(seed);
        if (terms.payer == address(0)) return;
        IWatchtowers.Cover memory had = towers.coverOf(tower, escrow.channelIdOf(terms));
        if (had.until == 0) return;
        if (block.timestamp <= had.until + CLAIMING) {
            if (entry.phase != IChannelEscrow.ChannelPhase.Ended) return;
            // The largest receipt of all would be worth nothing.
            bool answers = entry.deadline != 0 && entry.deadline <= had.until;
            if (answers && _expected(entry, had, type(uint128).max) != 0) return;
        }
        ChannelId[] memory list = new ChannelId[](1);
        list[0] = escrow.channelIdOf(terms);
        vm.prank(STRANGER);
        require(towers.uncover(tower, list) == 1, "not given up");
    }

    function retire(uint256 seed) external {
        (, address tower, IWatchtowers.Bond memory had) = _tower(seed);
        if (had.amount == 0 || had.isRetired || seed % 8 > 1) return;
        vm.prank(tower);
        towers.retire();
    }

    function release(uint256 seed) public {
        (, address tower, IWatchtowers.Bond memory had) = _tower(seed);
        bool expired = block.timestamp > had.expiresAt;
        if (had.amount == 0 || (!expired && (!had.isRetired || had.covered != 0))) return;
        vm.prank(STRANGER);
        towers.release(tower);
    }

    function heldBy(uint256 turn) external view returns (uint256 held) {
        (, held) = anchor.placeOf(address(towers), towers.subjectOf(towerAt(turn)), 0);
    }

    function _receipt(uint256 turn, IChannelEscrow.Terms memory terms, uint256 amount, uint256 until)
        internal
        view
        returns (IWatchtowers.Claim memory)
    {
        IChannelEscrow.Signers memory keys = escrow.signersOf(terms);
        bytes32 digest =
            towers.receiptDigest(escrow.channelIdOf(terms), amount, keys.payerKey, keys.sellerKey, until);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(FIRST_TOWER + turn, digest);
        return IWatchtowers.Claim(towerAt(turn), terms, amount, until, abi.encodePacked(r, s, v));
    }

    function _tower(uint256 seed)
        private
        view
        returns (uint256 turn, address tower, IWatchtowers.Bond memory had)
    {
        turn = (seed / 8) % TOWERS;
        tower = towerAt(turn);
        had = towers.bondOf(tower);
    }

    function _expected(IChannelEscrow.Channel memory entry, IWatchtowers.Cover memory had, uint256 amount)
        private
        pure
        returns (uint256)
    {
        uint256 whole = uint256(entry.paid) + entry.locked;
        uint256 could = amount < whole ? amount : whole;
        uint256 has = uint256(entry.paid) + had.paid;
        if (could <= has) return 0;
        return could - has < had.amount ? could - has : had.amount;
    }
}
