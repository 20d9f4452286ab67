// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../contracts/anchoring/AssetAnchor.sol";
import {IAssetAnchor} from "../../../contracts/interfaces/IAssetAnchor.sol";
import {vm} from "../invariants/Vm.sol";
import {Boundary} from "./Boundary.sol";
import {CallingToken} from "./CallingToken.sol";

/// @title The boundary seconds of locks and of allowances
contract AnchorDeadlinesTest is Boundary {
    uint256 private constant OWNER_KEY = 0xab1e;
    address private constant LOCKER = address(0x10c4);
    address private constant STRANGER = address(0x57a9);
    bytes32 private constant PLAIN = "plain";
    bytes32 private constant GROUP = "group";
    uint256 private constant AMOUNT = 100;

    AssetAnchor private _anchor;
    address private _owner;
    uint256 private _until; // last second of both locks

    function setUp() external {
        vm.warp(1_000_000);
        CallingToken token = new CallingToken();
        _anchor = new AssetAnchor(address(token));
        _owner = vm.addr(OWNER_KEY);
        _anchor.deposit(_owner, 1e6);
        _until = block.timestamp + 1000;
        vm.prank(_owner);
        _anchor.allowLocker(LOCKER, 10_000, block.timestamp + 5000);
        vm.prank(LOCKER);
        _anchor.lock(PLAIN, _owner, AMOUNT, _until);
        vm.prank(LOCKER);
        _anchor.openGroup(GROUP, _owner, AMOUNT, _until);
    }

    function test_lock__expires_in_the_future_and_not_after_the_longest() external {
        uint256 most = block.timestamp + 730 days;
        for (uint256 turn = 0; turn < 2; ++turn) {
            _requireAllowed(_locking(turn == 0, block.timestamp + 1), block.timestamp);
            _requireAllowed(_locking(turn == 0, most), block.timestamp);
            bytes memory refusal = _outOfRange(block.timestamp, block.timestamp + 1);
            _requireRefused(_locking(turn == 0, block.timestamp), block.timestamp, refusal);
            refusal = _outOfRange(most + 1, block.timestamp + 1);
            _requireRefused(_locking(turn == 0, most + 1), block.timestamp, refusal);
        }
        require(_anchor.maxLockSeconds() == 730 days, "longest");
    }

    function test_a_lock__serves_its_locker_until_its_last_second() external {
        IAssetAnchor.Payment[] memory payments = new IAssetAnchor.Payment[](1);
        payments[0] = IAssetAnchor.Payment(0, STRANGER, 1);
        IAssetAnchor.Fill[] memory fills = new IAssetAnchor.Fill[](1);
        fills[0] = IAssetAnchor.Fill(3, _owner);
        bytes[7] memory acts = [
            abi.encodeCall(_anchor.pay, (PLAIN, 0, STRANGER, AMOUNT)),
            abi.encodeCall(_anchor.payMany, (PLAIN, payments)),
            abi.encodeCall(_anchor.increase, (PLAIN, 0, 1)),
            abi.encodeCall(_anchor.pay, (GROUP, 0, STRANGER, 1)),
            abi.encodeCall(_anchor.payMany, (GROUP, payments)),
            abi.encodeCall(_anchor.increase, (GROUP, 0, 1)),
            abi.encodeCall(_anchor.fillMany, (GROUP, fills, 1))
        ];
        for (uint256 turn = 0; turn < acts.length; ++turn) {
            bytes32 subject = turn < 3 ? PLAIN : GROUP;
            _requireUntil(Act(LOCKER, address(_anchor), acts[turn]), _until, _expired(subject));
        }
        bytes memory renewing = abi.encodeCall(_anchor.renew, (PLAIN, _until + 100));
        _requireUntil(Act(LOCKER, address(_anchor), renewing), _until, _expired(PLAIN));
    }

    function test_renew__lasts_longer_than_before_and_not_longer_than_the_longest() external {
        uint256 most = block.timestamp + 730 days;
        _requireAllowed(_renewing(_until + 1), block.timestamp);
        _requireAllowed(_renewing(most), block.timestamp);
        _requireRefused(_renewing(_until), block.timestamp, _outOfRange(_until, _until + 1));
        _requireRefused(_renewing(most + 1), block.timestamp, _outOfRange(most + 1, _until + 1));
    }

    function test_expire__after_the_last_second_by_anyone() external {
        for (uint256 turn = 0; turn < 2; ++turn) {
            bytes32 subject = turn == 0 ? PLAIN : GROUP;
            Act memory act =
                Act(STRANGER, address(_anchor), abi.encodeCall(_anchor.expire, (LOCKER, subject, 0)));
            bytes4 early = IAssetAnchor.LockNotExpired.selector;
            bytes memory refusal = abi.encodeWithSelector(early, LOCKER, subject, _until, _until - 1);
            _requireRefused(act, _until - 1, refusal);
            _requireRefused(act, _until, abi.encodeWithSelector(early, LOCKER, subject, _until, _until));
            _requireAllowed(act, _until + 1);
        }
    }

    function test_an_allowance__counts_until_its_last_second() external {
        uint256 last = block.timestamp + 500;
        vm.prank(_owner);
        _anchor.allowLocker(LOCKER, 10 * AMOUNT, last);
        IAssetAnchor.Fill[] memory fills = new IAssetAnchor.Fill[](1);
        fills[0] = IAssetAnchor.Fill(255, _owner);
        bytes[5] memory acts = [
            abi.encodeCall(_anchor.lock, ("other", _owner, AMOUNT, last + 100)),
            abi.encodeCall(_anchor.openGroup, ("other", _owner, AMOUNT, last + 100)),
            abi.encodeCall(_anchor.increase, (PLAIN, 0, AMOUNT)),
            abi.encodeCall(_anchor.renew, (PLAIN, _until + 100)),
            abi.encodeCall(_anchor.fillMany, (GROUP, fills, AMOUNT))
        ];
        bytes memory refusal =
            abi.encodeWithSelector(IAssetAnchor.AllowanceExpired.selector, _owner, LOCKER, last, last + 1);
        for (uint256 turn = 0; turn < acts.length; ++turn) {
            _requireUntil(Act(LOCKER, address(_anchor), acts[turn]), last, refusal);
        }
    }

    function test_an_allowance__ends_now_at_the_earliest_and_not_after_the_longest() external {
        uint256 most = block.timestamp + 730 days;
        for (uint256 turn = 0; turn < 2; ++turn) {
            bool signed = turn == 1;
            _requireAllowed(_allowing(signed, block.timestamp), block.timestamp);
            _requireAllowed(_allowing(signed, most), block.timestamp);
            uint256 had = block.timestamp - 1;
            _requireRefused(_allowing(signed, had), block.timestamp, _outOfRange(had, block.timestamp));
            bytes memory refusal = _outOfRange(most + 1, block.timestamp);
            _requireRefused(_allowing(signed, most + 1), block.timestamp, refusal);
        }
        bytes memory nothing = abi.encodeCall(_anchor.allowLocker, (LOCKER, 0, 0));
        _requireAllowed(Act(_owner, address(_anchor), nothing), block.timestamp);
    }

    function test_a_group__has_places_0_to_255_and_its_subject_comes_once() external {
        IAssetAnchor.Fill[] memory fills = new IAssetAnchor.Fill[](1);
        uint256[4] memory places = [uint256(0), 1, 255, 256];
        for (uint256 turn = 0; turn < 4; ++turn) {
            fills[0] = IAssetAnchor.Fill(places[turn], _owner);
            Act memory act =
                Act(LOCKER, address(_anchor), abi.encodeCall(_anchor.fillMany, (GROUP, fills, AMOUNT)));
            if (turn == 1 || turn == 2) {
                _requireAllowed(act, block.timestamp);
                continue;
            }
            bytes memory refusal = abi.encodeWithSelector(
                IAssetAnchor.PlaceOutOfRange.selector, places[turn], turn == 0 ? 1 : 0, 255
            );
            _requireRefused(act, block.timestamp, refusal);
        }
        vm.prank(LOCKER);
        _anchor.pay(GROUP, 0, STRANGER, AMOUNT);
        bytes memory exists = abi.encodeWithSelector(IAssetAnchor.LockExists.selector, LOCKER, GROUP);
        bytes memory again = abi.encodeCall(_anchor.openGroup, (GROUP, _owner, AMOUNT, _until));
        _requireRefused(Act(LOCKER, address(_anchor), again), block.timestamp, exists);
        vm.prank(LOCKER);
        _anchor.pay(PLAIN, 0, STRANGER, AMOUNT);
        bytes memory anew = abi.encodeCall(_anchor.lock, (PLAIN, _owner, AMOUNT, _until));
        _requireAllowed(Act(LOCKER, address(_anchor), anew), block.timestamp);
    }

    function _locking(bool plain, uint256 expiresAt) private view returns (Act memory) {
        bytes memory data = plain
            ? abi.encodeCall(_anchor.lock, ("new", _owner, AMOUNT, expiresAt))
            : abi.encodeCall(_anchor.openGroup, ("new", _owner, AMOUNT, expiresAt));
        return Act(LOCKER, address(_anchor), data);
    }

    function _renewing(uint256 expiresAt) private view returns (Act memory) {
        return Act(LOCKER, address(_anchor), abi.encodeCall(_anchor.renew, (PLAIN, expiresAt)));
    }

    function _allowing(bool signed, uint256 expiresAt) private view returns (Act memory) {
        if (!signed) {
            return Act(_owner, address(_anchor), abi.encodeCall(_anchor.allowLocker, (LOCKER, 7, expiresAt)));
        }
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(OWNER_KEY, _anchor.allowanceDigest(_owner, LOCKER, 7, expiresAt));
        bytes memory signature = abi.encodePacked(r, s, v);
        bytes memory data =
            abi.encodeCall(_anchor.allowLockerSigned, (_owner, LOCKER, 7, expiresAt, signature));
        return Act(STRANGER, address(_anchor), data);
    }

    function _expired(bytes32 subject) private view returns (bytes memory) {
        return abi.encodeWithSelector(IAssetAnchor.LockExpired.selector, LOCKER, subject, _until, _until + 1);
    }

    function _outOfRange(uint256 had, uint256 least) private view returns (bytes memory) {
        uint256 most = block.timestamp + 730 days;
        return abi.encodeWithSelector(IAssetAnchor.ExpiryOutOfRange.selector, had, least, most);
    }
}
