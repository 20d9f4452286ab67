// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../contracts/anchoring/AssetAnchor.sol";
import {HookToken} from "../../../contracts/mocks/tokens/HookToken.sol";
import {vm} from "./Vm.sol";

uint256 constant ACCOUNTS = 4;
uint256 constant LOCKERS = 2;
uint256 constant SUBJECTS = 3;
uint256 constant SEATS = 4;

/// @title AnchorModel: what the anchor's books ought to say, kept beside it in the plainest way
/// @dev Every call is made whether it is allowed or not: it must work exactly when the model says so.
abstract contract AnchorModel {
    struct Allowed {
        uint256 amount;
        uint256 expiresAt;
        uint256 granted; // when it was set, and what was locked under it since
        uint256 used;
    }

    struct Held {
        address owner;
        uint256 amount;
    }

    struct Kept {
        uint256 expiresAt;
        bool isGroup;
    }

    uint256 internal constant ACCOUNT_KEY = 0x3000;

    HookToken public token;
    AssetAnchor public anchor;
    uint256 public deposited;
    uint256 public withdrawn;
    uint256 public strayed;
    mapping(address account => uint256 amount) public free;
    mapping(address account => mapping(address locker => Allowed entry)) public allowed;
    mapping(address locker => mapping(bytes32 subject => Kept entry)) public kept;
    mapping(address locker => mapping(bytes32 subject => mapping(uint256 place => Held entry))) public held;

    address[] private _accounts;

    constructor() {
        token = new HookToken(address(this));
        anchor = new AssetAnchor(address(token));
        token.approve(address(anchor), type(uint256).max);
        for (uint256 place = 0; place < ACCOUNTS; ++place) {
            _accounts.push(vm.addr(ACCOUNT_KEY + place));
        }
    }

    function account(uint256 seed) public view returns (address) {
        return _accounts[seed % ACCOUNTS];
    }

    function locker(uint256 seed) public pure returns (address) {
        return address(uint160(0x10c0 + seed % LOCKERS));
    }

    function subject(uint256 seed) public pure returns (bytes32) {
        return bytes32(seed % SUBJECTS);
    }

    /// @notice The first, two neighbours, and the last.
    function seat(uint256 seed) public pure returns (uint256) {
        return seed % SEATS == 3 ? 255 : seed % SEATS;
    }

    /// @dev Mostly near, seldom past or further away than a lock may end.
    function _expiry(uint256 seed) internal view returns (uint256) {
        uint256 latest = block.timestamp + anchor.maxLockSeconds();
        if (seed % 16 == 0) return block.timestamp - seed % 2;
        if (seed % 16 == 1) return latest + seed / 16 % 2;
        return block.timestamp + 1 + (seed / 16) % 3000;
    }

    function _inRange(uint256 expiresAt, uint256 earliest) internal view returns (bool) {
        return expiresAt >= earliest && expiresAt <= block.timestamp + anchor.maxLockSeconds();
    }

    function _mayLock(address owner, address by, uint256 amount) internal view returns (bool) {
        Allowed memory had = allowed[owner][by];
        return had.amount >= amount && block.timestamp <= had.expiresAt && free[owner] >= amount;
    }

    function _isUsable(address by, bytes32 what) internal view returns (bool) {
        uint256 expiresAt = kept[by][what].expiresAt;
        return expiresAt != 0 && block.timestamp <= expiresAt;
    }

    function _try(address caller, bytes memory data, bool isAllowed) internal {
        vm.prank(caller);
        (bool done,) = address(anchor).call(data);
        require(done == isAllowed, done ? "it did what is not allowed" : "it refused what is allowed");
    }

    function _useAllowance(address owner, address by, uint256 amount) internal {
        allowed[owner][by].amount -= amount;
        allowed[owner][by].used += amount;
    }

    function _hold(address by, bytes32 what, uint256 place, address owner, uint256 amount) internal {
        _useAllowance(owner, by, amount);
        free[owner] -= amount;
        held[by][what][place].owner = owner;
        held[by][what][place].amount += amount;
    }

    function _give(address by, bytes32 what, uint256 place, address to, uint256 amount) internal {
        held[by][what][place].amount -= amount;
        free[to] += amount;
        if (held[by][what][place].amount == 0) delete held[by][what][place];
        if (!kept[by][what].isGroup && held[by][what][0].amount == 0) delete kept[by][what];
    }
}
