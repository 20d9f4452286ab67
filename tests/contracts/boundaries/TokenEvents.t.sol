// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../contracts/anchoring/AssetAnchor.sol";
import {IAssetAnchor} from "../../../contracts/interfaces/IAssetAnchor.sol";
import {vm} from "../invariants/Vm.sol";
import {CallingToken} from "./CallingToken.sol";
import {EventVm} from "./EventVm.sol";

/// @title What the anchor says of tokens: each event, with every value, and what its books say after it
contract TokenEventsTest {
    EventVm private constant EVENTS = EventVm(address(vm));
    uint256 private constant OWNER_KEY = 0xab1e;
    address private constant LOCKER = address(0x10c4);
    address private constant OTHER = address(0x0e2);
    bytes32 private constant PLAIN = "plain";
    bytes32 private constant GROUP = "group";

    AssetAnchor private _anchor;
    address private _owner;
    uint256 private _until;

    function setUp() external {
        vm.warp(1_000_000);
        _anchor = new AssetAnchor(address(new CallingToken()));
        _owner = vm.addr(OWNER_KEY);
        _until = block.timestamp + 1000;
        _anchor.deposit(_owner, 10_000);
        vm.prank(_owner);
        _anchor.allowLocker(LOCKER, 5000, _until);
        vm.prank(LOCKER);
        _anchor.lock(PLAIN, _owner, 100, _until);
        vm.prank(LOCKER);
        _anchor.openGroup(GROUP, _owner, 200, _until);
        _requireBooks(9700, 300, 4700);
    }

    function test_deposit_withdraw_and_move() external {
        _expect();
        emit IAssetAnchor.Deposited(_owner, address(this), 77);
        require(_anchor.deposit(_owner, 77) == 77, "received");
        _expect();
        emit IAssetAnchor.Deposited(_owner, address(this), 23);
        require(_anchor.depositWithPermit(_owner, 23, 0, 27, 0, 0) == 23, "received");
        _requireBooks(9800, 300, 4700);
        _expect();
        emit IAssetAnchor.Withdrawn(_owner, OTHER, 800);
        vm.prank(_owner);
        _anchor.withdraw(OTHER, 800);
        _requireBooks(9000, 300, 4700);
        _expect();
        emit IAssetAnchor.Moved(_owner, OTHER, 9000);
        vm.prank(_owner);
        _anchor.move(OTHER, 9000);
        require(_anchor.freeBalanceOf(_owner) == 0 && _anchor.freeBalanceOf(OTHER) == 9000, "moved");
        require(_anchor.totalFree() == 9000 && _anchor.totalLocked() == 300, "totals");
    }

    function test_a_permit_that_was_used__leaves_its_allowance() external {
        CallingToken token = CallingToken(_anchor.token());
        token.forbid(type(uint256).max - 23);
        require(_anchor.depositWithPermit(_owner, 23, 1, 27, 0, 0) == 23, "received");
        bytes memory data = abi.encodeCall(_anchor.depositWithPermit, (_owner, 24, 1, 27, 0, 0));
        bytes memory why = abi.encodeWithSignature("Error(string)", "used");
        bytes4 refused = IAssetAnchor.PermitRefused.selector;
        _requireError(address(this), data, abi.encodeWithSelector(refused, address(this), why));
    }

    function test_allowances() external {
        _expect();
        emit IAssetAnchor.LockerAllowed(_owner, LOCKER, type(uint96).max, _until);
        vm.prank(_owner);
        _anchor.allowLocker(LOCKER, type(uint96).max, _until);
        _expect();
        emit IAssetAnchor.SignaturesRevoked(_owner, 0);
        _expect();
        emit IAssetAnchor.LockerAllowed(_owner, LOCKER, 0, 0);
        vm.prank(_owner);
        _anchor.allowLocker(LOCKER, 0, _until);
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(OWNER_KEY, _anchor.allowanceDigest(_owner, LOCKER, 7, _until));
        _expect();
        emit IAssetAnchor.LockerAllowed(_owner, LOCKER, 7, _until);
        _anchor.allowLockerSigned(_owner, LOCKER, 7, _until, abi.encodePacked(r, s, v));
        (uint256 amount, uint256 expiresAt) = _anchor.lockerAllowance(_owner, LOCKER);
        require(amount == 7 && expiresAt == _until, "allowance");
        bytes memory again =
            abi.encodeCall(_anchor.allowLockerSigned, (_owner, LOCKER, 7, _until, abi.encodePacked(r, s, v)));
        (bool done,) = address(_anchor).call(again);
        require(!done, "a signature counts once");
        _expect();
        emit IAssetAnchor.SignaturesRevoked(_owner, 2);
        vm.prank(_owner);
        _anchor.revokeSignatures();
        (done,) = address(_anchor).call(abi.encodeCall(_anchor.allowLocker, (LOCKER, 1 << 96, _until)));
        require(!done, "an amount that no account has");
        (done,) = address(_anchor).call(abi.encodeCall(_anchor.allowLocker, (address(0), 1, _until)));
        require(!done, "nobody as a locker");
    }

    function test_locks() external {
        vm.prank(LOCKER);
        _expect();
        emit IAssetAnchor.Locked(LOCKER, "new", _owner, 0, 1, _until);
        _anchor.lock("new", _owner, 1, _until);
        _expect();
        emit IAssetAnchor.LockIncreased(LOCKER, GROUP, _owner, 0, 9);
        vm.prank(LOCKER);
        _anchor.increase(GROUP, 0, 9);
        IAssetAnchor.Fill[] memory fills = new IAssetAnchor.Fill[](2);
        (fills[0], fills[1]) = (IAssetAnchor.Fill(7, _owner), IAssetAnchor.Fill(3, _owner));
        EVENTS.expectEmit(address(_anchor));
        emit IAssetAnchor.Locked(LOCKER, GROUP, _owner, 7, 45, _until);
        EVENTS.expectEmit(address(_anchor));
        emit IAssetAnchor.Locked(LOCKER, GROUP, _owner, 3, 45, _until);
        vm.prank(LOCKER);
        _anchor.fillMany(GROUP, fills, 45);
        _requireBooks(9600, 400, 4600);
        _requirePlace(GROUP, 7, _owner, 45);
        _expect();
        emit IAssetAnchor.LockRenewed(LOCKER, PLAIN, _until + 5);
        vm.prank(LOCKER);
        _anchor.renew(PLAIN, _until + 5);
        _requireBooks(9600, 400, 4500);
        (uint256 expiresAt, bool isGroup) = _anchor.lockOf(LOCKER, PLAIN);
        require(expiresAt == _until + 5 && !isGroup, "renewed");
    }

    function test_payments() external {
        _expect();
        emit IAssetAnchor.Paid(LOCKER, GROUP, OTHER, 0, 40);
        vm.prank(LOCKER);
        _anchor.pay(GROUP, 0, OTHER, 40);
        _requireBooks(9700, 260, 4700);
        _requirePlace(GROUP, 0, _owner, 160);
        IAssetAnchor.Payment[] memory payments = new IAssetAnchor.Payment[](3);
        payments[0] = IAssetAnchor.Payment(0, OTHER, 60);
        payments[1] = IAssetAnchor.Payment(99, OTHER, 0); // passed over
        payments[2] = IAssetAnchor.Payment(0, _owner, 100);
        _expect();
        emit IAssetAnchor.Paid(LOCKER, GROUP, OTHER, 0, 60);
        _expect();
        emit IAssetAnchor.Paid(LOCKER, GROUP, _owner, 0, 100);
        vm.prank(LOCKER);
        _anchor.payMany(GROUP, payments);
        _requireBooks(9800, 100, 4700);
        _requirePlace(GROUP, 0, address(0), 0);
        (uint256 expiresAt, bool isGroup) = _anchor.lockOf(LOCKER, GROUP);
        require(expiresAt == _until && isGroup, "the head stays");
        vm.prank(LOCKER);
        _anchor.pay(PLAIN, 0, OTHER, 100);
        (expiresAt,) = _anchor.lockOf(LOCKER, PLAIN);
        require(expiresAt == 0 && _anchor.freeBalanceOf(OTHER) == 200, "a plain lock ends with its tokens");
    }

    function test_returns() external {
        vm.warp(_until + 1);
        _expect();
        emit IAssetAnchor.LockReturned(LOCKER, GROUP, _owner, 0, 200, address(this));
        _anchor.expire(LOCKER, GROUP, 0);
        _requireBooks(9900, 100, 4700);
        _requirePlace(GROUP, 0, address(0), 0);
        bytes memory again = abi.encodeCall(_anchor.expire, (LOCKER, GROUP, 0));
        _requireError(
            address(this), again, abi.encodeWithSelector(IAssetAnchor.PlaceEmpty.selector, LOCKER, GROUP, 0)
        );
    }

    function test_what_is_not_there__is_refused() external {
        IAssetAnchor anchor = _anchor;
        bytes4 unknown = IAssetAnchor.LockUnknown.selector;
        bytes memory data = abi.encodeCall(anchor.pay, (PLAIN, 0, OTHER, 1));
        _requireError(OTHER, data, abi.encodeWithSelector(unknown, OTHER, PLAIN));
        data = abi.encodeCall(anchor.pay, (PLAIN, 0, OTHER, 101));
        bytes4 small = IAssetAnchor.PlaceTooSmall.selector;
        _requireError(LOCKER, data, abi.encodeWithSelector(small, LOCKER, PLAIN, 0, 100, 101));
        data = abi.encodeCall(anchor.pay, (GROUP, 1, OTHER, 1));
        _requireError(
            LOCKER, data, abi.encodeWithSelector(IAssetAnchor.PlaceEmpty.selector, LOCKER, GROUP, 1)
        );
        data = abi.encodeCall(anchor.renew, (GROUP, _until + 1));
        bytes4 kind = IAssetAnchor.LockKindWrong.selector;
        _requireError(LOCKER, data, abi.encodeWithSelector(kind, LOCKER, GROUP, true));
        IAssetAnchor.Fill[] memory fills = new IAssetAnchor.Fill[](1);
        fills[0] = IAssetAnchor.Fill(1, _owner);
        data = abi.encodeCall(anchor.fillMany, (PLAIN, fills, 1));
        _requireError(LOCKER, data, abi.encodeWithSelector(kind, LOCKER, PLAIN, false));
        data = abi.encodeCall(anchor.lock, ("new", _owner, 4701, _until));
        bytes4 low = IAssetAnchor.AllowanceTooLow.selector;
        _requireError(LOCKER, data, abi.encodeWithSelector(low, _owner, LOCKER, 4700, 4701));
        data = abi.encodeCall(anchor.move, (OTHER, 9701));
        bytes4 poor = IAssetAnchor.FreeBalanceTooLow.selector;
        _requireError(_owner, data, abi.encodeWithSelector(poor, _owner, 9700, 9701));
    }

    function test_amounts_and_accounts__that_cannot_be__are_refused() external {
        bytes4 selector = IAssetAnchor.AmountOutOfRange.selector;
        for (uint256 turn = 0; turn < 2; ++turn) {
            uint256 bad = turn == 0 ? 0 : 1 << 96;
            bytes memory refusal = abi.encodeWithSelector(selector, bad);
            _requireError(_owner, abi.encodeCall(_anchor.move, (OTHER, bad)), refusal);
            _requireError(_owner, abi.encodeCall(_anchor.withdraw, (OTHER, bad)), refusal);
            _requireError(_owner, abi.encodeCall(_anchor.deposit, (OTHER, bad)), refusal);
            _requireError(LOCKER, abi.encodeCall(_anchor.lock, ("new", _owner, bad, _until)), refusal);
            _requireError(LOCKER, abi.encodeCall(_anchor.increase, (GROUP, 0, bad)), refusal);
        }
        bytes memory nobody = abi.encodeWithSelector(IAssetAnchor.ZeroAccount.selector);
        bytes memory itself = abi.encodeWithSelector(IAssetAnchor.AnchorAsAccount.selector);
        for (uint256 turn = 0; turn < 2; ++turn) {
            address bad = turn == 0 ? address(0) : address(_anchor);
            bytes memory refusal = turn == 0 ? nobody : itself;
            _requireError(_owner, abi.encodeCall(_anchor.move, (bad, 1)), refusal);
            _requireError(_owner, abi.encodeCall(_anchor.withdraw, (bad, 1)), refusal);
            _requireError(_owner, abi.encodeCall(_anchor.deposit, (bad, 1)), refusal);
            _requireError(LOCKER, abi.encodeCall(_anchor.pay, (GROUP, 0, bad, 1)), refusal);
        }
    }

    function _requireBooks(uint256 free, uint256 locked, uint256 allowed) private view {
        require(_anchor.freeBalanceOf(_owner) == free, "free");
        require(_anchor.totalLocked() == locked, "locked");
        uint256 others = _anchor.freeBalanceOf(OTHER);
        require(_anchor.totalFree() == free + others, "total");
        (uint256 amount,) = _anchor.lockerAllowance(_owner, LOCKER);
        require(amount == allowed, "allowance");
    }

    function _requirePlace(bytes32 subject, uint256 place, address owner, uint256 amount) private view {
        (address had, uint256 held) = _anchor.placeOf(LOCKER, subject, place);
        require(had == owner && held == amount, "place");
    }

    function _requireError(address caller, bytes memory data, bytes memory refusal) private {
        vm.prank(caller);
        (bool done, bytes memory answer) = address(_anchor).call(data);
        require(!done && keccak256(answer) == keccak256(refusal), "not refused, or for another reason");
    }

    function _expect() private {
        EVENTS.expectEmit(address(_anchor));
    }
}
