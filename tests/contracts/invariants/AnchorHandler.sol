// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssetAnchor} from "../../../contracts/interfaces/IAssetAnchor.sol";
import {ACCOUNTS, AnchorModel, SEATS} from "./AnchorModel.sol";
import {Draws} from "./Draws.sol";
import {vm} from "./Vm.sol";

/// @title AnchorHandler: what owners, lockers and strangers may try with the anchor, at any time
contract AnchorHandler is AnchorModel {
    address private constant STRANGER = address(0x57a9);

    function deposit(uint256 seed, uint256 amount) external {
        amount = Draws.within(amount, 1, 1e9);
        anchor.deposit(account(seed), amount);
        free[account(seed)] += amount;
        deposited += amount;
    }

    function withdraw(uint256 seed, uint256 amount) external {
        address who = account(seed);
        amount = Draws.within(amount, 0, free[who] + 1);
        bool may = amount != 0 && amount <= free[who];
        _try(who, abi.encodeCall(anchor.withdraw, (who, amount)), may);
        if (!may) return;
        free[who] -= amount;
        withdrawn += amount;
    }

    function move(uint256 seed, uint256 toSeed, uint256 amount) external {
        (address who, address to) = (account(seed), account(toSeed));
        amount = Draws.within(amount, 0, free[who] + 1);
        bool may = amount != 0 && amount <= free[who];
        _try(who, abi.encodeCall(anchor.move, (to, amount)), may);
        if (!may) return;
        free[who] -= amount;
        free[to] += amount;
    }

    function stray(uint256 amount) external {
        amount = Draws.within(amount, 1, 1000);
        token.transfer(address(anchor), amount);
        strayed += amount;
    }

    function allow(uint256 seed, uint256 by, uint256 amount, uint256 ahead) external {
        (address who, address whom) = (account(seed), locker(by));
        amount = Draws.within(amount, 0, 5000);
        uint256 expiresAt = _expiry(ahead);
        bool may = amount == 0 || _inRange(expiresAt, block.timestamp);
        _try(who, abi.encodeCall(anchor.allowLocker, (whom, amount, expiresAt)), may);
        if (may) allowed[who][whom] = Allowed(amount, amount == 0 ? 0 : expiresAt, amount, 0);
    }

    /// @notice Brought by a stranger, twice, and now and then signed by another account.
    function allowSigned(uint256 seed, uint256 by, uint256 amount, uint256 ahead, uint256 signer) external {
        (address who, address whom) = (account(seed), locker(by));
        amount = Draws.within(amount, 0, 5000);
        uint256 expiresAt = _expiry(ahead);
        uint256 key = ACCOUNT_KEY + (seed % ACCOUNTS + (signer % 4 == 0 ? 1 : 0)) % ACCOUNTS;
        bytes32 digest = anchor.allowanceDigest(who, whom, amount, expiresAt);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        bytes memory call = abi.encodeCall(
            anchor.allowLockerSigned, (who, whom, amount, expiresAt, abi.encodePacked(r, s, v))
        );
        bool may = signer % 4 != 0 && _inRange(expiresAt, block.timestamp);
        _try(STRANGER, call, may);
        _try(STRANGER, call, false);
        if (may) allowed[who][whom] = Allowed(amount, amount == 0 ? 0 : expiresAt, amount, 0);
    }

    function open(uint256 by, uint256 what, uint256 seed, uint256 amount, uint256 ahead, bool isGroup)
        external
    {
        (address me, bytes32 topic, address owner) = (locker(by), subject(what), account(seed));
        amount = Draws.within(amount, 0, 500);
        uint256 expiresAt = _expiry(ahead);
        bool may = amount != 0 && _inRange(expiresAt, block.timestamp + 1) && kept[me][topic].expiresAt == 0
            && _mayLock(owner, me, amount);
        bytes memory call = isGroup
            ? abi.encodeCall(anchor.openGroup, (topic, owner, amount, expiresAt))
            : abi.encodeCall(anchor.lock, (topic, owner, amount, expiresAt));
        _try(me, call, may);
        if (!may) return;
        kept[me][topic] = Kept(expiresAt, isGroup);
        _hold(me, topic, 0, owner, amount);
    }

    function fill(uint256 by, uint256 what, uint256 seats, uint256 seeds, uint256 amount) external {
        (address me, bytes32 topic) = (locker(by), subject(what));
        IAssetAnchor.Fill[] memory fills = new IAssetAnchor.Fill[](seats % 3);
        amount = Draws.within(amount, 0, 300);
        bool may = amount != 0 && _isUsable(me, topic) && kept[me][topic].isGroup;
        for (uint256 turn = 0; turn < fills.length; ++turn) {
            uint256 place = seats % 8 == 7 && turn == 1 ? 256 : seat(seats / 8 / SEATS ** turn);
            fills[turn] = IAssetAnchor.Fill(place, account(seeds / ACCOUNTS ** turn));
            may = may && place != 0 && place < 256 && held[me][topic][place].amount == 0;
            bool twice = turn == 1 && fills[0].owner == fills[1].owner;
            may = may && _mayLock(fills[turn].owner, me, twice ? 2 * amount : amount);
        }
        if (fills.length == 2) may = may && fills[0].place != fills[1].place;
        _try(me, abi.encodeCall(anchor.fillMany, (topic, fills, amount)), may);
        for (uint256 turn = 0; may && turn < fills.length; ++turn) {
            _hold(me, topic, fills[turn].place, fills[turn].owner, amount);
        }
    }

    function increase(uint256 by, uint256 what, uint256 where, uint256 amount) external {
        (address me, bytes32 topic, uint256 place) = (locker(by), subject(what), seat(where));
        amount = Draws.within(amount, 0, 300);
        Held memory had = held[me][topic][place];
        bool may = amount != 0 && _isUsable(me, topic) && had.amount != 0 && _mayLock(had.owner, me, amount);
        _try(me, abi.encodeCall(anchor.increase, (topic, place, amount)), may);
        if (may) _hold(me, topic, place, had.owner, amount);
    }

    function renew(uint256 by, uint256 what, uint256 ahead) external {
        (address me, bytes32 topic) = (locker(by), subject(what));
        uint256 expiresAt = _expiry(ahead);
        Held memory had = held[me][topic][0];
        Allowed memory left = allowed[had.owner][me];
        bool may = _isUsable(me, topic) && !kept[me][topic].isGroup
            && _inRange(expiresAt, kept[me][topic].expiresAt + 1) && left.amount >= had.amount
            && block.timestamp <= left.expiresAt;
        _try(me, abi.encodeCall(anchor.renew, (topic, expiresAt)), may);
        if (!may) return;
        kept[me][topic].expiresAt = expiresAt;
        _useAllowance(had.owner, me, had.amount);
    }

    function pay(uint256 by, uint256 what, uint256 where, uint256 toSeed, uint256 amount) external {
        (address me, bytes32 topic, uint256 place) = (locker(by), subject(what), seat(where));
        uint256 had = held[me][topic][place].amount;
        amount = amount % 4 == 0 ? had : Draws.within(amount, 0, had + 1);
        bool may = amount == 0 || (_isUsable(me, topic) && amount <= had);
        _try(me, abi.encodeCall(anchor.pay, (topic, place, account(toSeed), amount)), may);
        if (may && amount != 0) _give(me, topic, place, account(toSeed), amount);
    }

    /// @notice Out of one place or of two, also of one place twice.
    function payMany(uint256 by, uint256 what, uint256 seats, uint256 toSeed, uint256 amount) external {
        (address me, bytes32 topic) = (locker(by), subject(what));
        IAssetAnchor.Payment[] memory list = new IAssetAnchor.Payment[](2);
        bool may = _isUsable(me, topic);
        for (uint256 turn = 0; turn < 2; ++turn) {
            uint256 place = seat(seats / SEATS ** turn);
            uint256 left = held[me][topic][place].amount;
            if (turn == 1 && place == list[0].place) left -= left < list[0].amount ? left : list[0].amount;
            uint256 some = turn == 0 && amount % 3 == 0 ? left : Draws.within(amount, 0, left);
            bool tooMuch = turn == 1 && amount % 16 == 15;
            if (tooMuch) some = left + 1;
            list[turn] = IAssetAnchor.Payment(place, account(toSeed / ACCOUNTS ** turn), some);
            may = may && !tooMuch;
        }
        _try(me, abi.encodeCall(anchor.payMany, (topic, list)), may);
        for (uint256 turn = 0; may && turn < 2; ++turn) {
            if (list[turn].amount == 0) continue;
            _give(me, topic, list[turn].place, list[turn].to, list[turn].amount);
        }
    }

    function expire(uint256 by, uint256 what, uint256 where) public {
        (address me, bytes32 topic, uint256 place) = (locker(by), subject(what), seat(where));
        Held memory had = held[me][topic][place];
        bool may = block.timestamp > kept[me][topic].expiresAt && had.amount != 0;
        _try(STRANGER, abi.encodeCall(anchor.expire, (me, topic, place)), may);
        if (may) _give(me, topic, place, had.owner, had.amount);
    }

    function pass(uint256 secondsToPass) external {
        vm.warp(block.timestamp + Draws.within(secondsToPass, 1, 1000));
    }

    /// @notice To the last second of a lock or of an allowance, or the one after it.
    function passToDeadline(uint256 by, uint256 what, bool ofLock, bool later) external {
        uint256 deadline =
            ofLock ? kept[locker(by)][subject(what)].expiresAt : allowed[account(what)][locker(by)].expiresAt;
        if (deadline > block.timestamp) vm.warp(deadline + (later ? 1 : 0));
    }
}
