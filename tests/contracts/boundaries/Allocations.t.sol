// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllocations} from "../../../contracts/interfaces/IAllocations.sol";
import {Allocations} from "../../../contracts/token/Allocations.sol";
import {vm} from "../invariants/Vm.sol";
import {Boundary} from "./Boundary.sol";
import {EventVm} from "./EventVm.sol";

interface CreateVm {
    function getCode(string calldata artifact) external view returns (bytes memory code);
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function getNonce(address account) external view returns (uint64);
}

/// @title The boundary seconds of the supply, and who may have a part of it
/// @notice This contract is the token: it deploys the allocations and counts what they send.
contract AllocationsBoundariesTest is Boundary {
    address private constant HEIR = address(0xb001);
    address private constant OWNER = address(0xd000);
    address private constant OTHER = address(0xd001);
    address private constant STRANGER = address(0x57a9);
    uint256 private constant LONGEST = 20 * 365 days;
    uint96 private constant AMOUNT = 1001;
    uint256 private constant SUM = 4 * uint256(AMOUNT);
    IAllocations.Purpose private constant VESTING = IAllocations.Purpose.Early;
    IAllocations.Purpose private constant AT_ONCE = IAllocations.Purpose.Community;

    Allocations private _held;
    uint256 private _start;
    mapping(address to => uint256 amount) private _sent;

    function setUp() external {
        vm.warp(1_000_000);
        _held = Allocations(_deploy(_plans(), HEIR, SUM));
        _start = block.timestamp + 100;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _sent[to] += amount;
        return true;
    }

    function test_vesting__at_its_first_and_last_second__is_nothing_and_everything() external {
        uint256[6] memory times = [_start - 1, _start, _start + 1, _start + 999, _start + 1000, _start + 1001];
        uint256[6] memory vested = [uint256(0), 0, 1, 999, 1001, 1001];
        for (uint256 turn = 0; turn < times.length; ++turn) {
            _requireReleasable(VESTING, times[turn], vested[turn]);
        }
        _requireReleasable(AT_ONCE, 1_000_000, AMOUNT);
    }

    function test_release__until_the_last_second_of_the_grace() external {
        uint256 last = _start + 1000 + 50;
        Act memory act = _act(STRANGER, abi.encodeCall(_held.release, (VESTING)));
        _requireUntil(act, last, _lapsed(last));
        _requireReleasable(VESTING, last, AMOUNT);
        _requireReleasable(VESTING, last + 1, 0);
        IAllocations.Allocation memory entry = _held.allocationOf(VESTING);
        require(entry.startsAt == _start && entry.endsAt == _start + 1000 && entry.lapsesAt == last, "times");
    }

    function test_offer_and_takeover__until_the_last_second_of_the_grace() external {
        uint256 last = _start + 1000 + 50;
        _requireUntil(_act(OWNER, abi.encodeCall(_held.offer, (VESTING, OTHER))), last, _lapsed(last));
        vm.prank(OWNER);
        _held.offer(VESTING, OTHER);
        _requireUntil(_act(OTHER, abi.encodeCall(_held.takeOver, (VESTING))), last, _lapsed(last));
    }

    function test_lapse__after_the_last_second_of_the_grace() external {
        uint256 last = _start + 1000 + 50;
        Act memory act = _act(STRANGER, abi.encodeCall(_held.lapse, (VESTING)));
        bytes4 early = IAllocations.NotLapsed.selector;
        _requireRefused(act, last - 1, abi.encodeWithSelector(early, VESTING, last - 1, last));
        _requireRefused(act, last, abi.encodeWithSelector(early, VESTING, last, last));
        require(abi.decode(_requireAllowed(act, last + 1), (uint256)) == AMOUNT, "all of it");
    }

    function test_beneficiaries_and_heir__may_be_neither_the_token_nor_the_contract_nor_nobody() external {
        CreateVm create = CreateVm(address(vm));
        for (uint256 turn = 0; turn < 6; ++turn) {
            address next = create.computeCreateAddress(address(this), create.getNonce(address(this)));
            address bad = [address(0), address(this), next][turn % 3];
            IAllocations.Plan[4] memory plans = _plans();
            if (turn < 3) plans[turn].beneficiary = bad;
            bytes memory refusal = abi.encodeWithSelector(IAllocations.BeneficiaryInvalid.selector, bad);
            _requireNotDeployed(plans, turn < 3 ? HEIR : bad, SUM, refusal);
        }
    }

    function test_spans__have_a_most_and_the_grace_a_least() external {
        for (uint256 turn = 0; turn < 3; ++turn) {
            IAllocations.Plan[4] memory plans = _plans();
            _setSpan(plans, turn, LONGEST);
            _deploy(plans, HEIR, SUM);
            _setSpan(plans, turn, LONGEST + 1);
            _requireSpanRefused(plans, LONGEST + 1, turn == 2 ? 1 : 0);
        }
        IAllocations.Plan[4] memory shortest = _plans();
        shortest[2].grace = 1;
        _deploy(shortest, HEIR, SUM);
        shortest[2].grace = 0;
        _requireSpanRefused(shortest, 0, 1);
    }

    function test_each_step__says_what_it_did_and_pays_once() external {
        vm.warp(_start + 500);
        _expect();
        emit IAllocations.AllocationReleased(VESTING, OWNER, 500);
        _held.release(VESTING);
        require(_sent[OWNER] == 500 && _held.allocationOf(VESTING).released == 500, "released");
        _expect();
        emit IAllocations.AllocationOffered(VESTING, OWNER, OTHER);
        vm.prank(OWNER);
        _held.offer(VESTING, OTHER);
        _expect();
        emit IAllocations.AllocationHandedOver(VESTING, OWNER, OTHER);
        vm.prank(OTHER);
        _held.takeOver(VESTING);
        IAllocations.Allocation memory entry = _held.allocationOf(VESTING);
        require(entry.beneficiary == OTHER && entry.offeredTo == address(0), "handed over");
        bytes4 wrong = IAllocations.WrongCaller.selector;
        Act memory act = _act(OWNER, abi.encodeCall(_held.offer, (VESTING, OWNER)));
        _requireRefused(act, block.timestamp, abi.encodeWithSelector(wrong, VESTING, OWNER, OTHER));
        act = _act(OWNER, abi.encodeCall(_held.takeOver, (VESTING)));
        _requireRefused(act, block.timestamp, abi.encodeWithSelector(wrong, VESTING, OWNER, address(0)));
        vm.warp(_start + 501);
        _held.release(VESTING);
        require(_sent[OTHER] == 1, "the new beneficiary has the rest");
        vm.warp(entry.lapsesAt + 1);
        _expect();
        emit IAllocations.AllocationLapsed(VESTING, HEIR, AMOUNT - 501);
        _held.lapse(VESTING);
        require(_sent[HEIR] == AMOUNT - 501, "lapsed");
        act = _act(STRANGER, abi.encodeCall(_held.lapse, (VESTING)));
        bytes memory nothing = abi.encodeWithSelector(IAllocations.NothingLeft.selector, VESTING);
        _requireRefused(act, block.timestamp, nothing);
        require(_held.heir() == HEIR && _held.token() == address(this), "heir or token");
        require(_held.maxSpan() == LONGEST, "longest");
    }

    function test_plans__sum_to_the_supply() external {
        bytes4 selector = IAllocations.PlansDoNotSum.selector;
        _requireNotDeployed(_plans(), HEIR, SUM + 1, abi.encodeWithSelector(selector, SUM, SUM + 1));
        _requireNotDeployed(_plans(), HEIR, SUM - 1, abi.encodeWithSelector(selector, SUM, SUM - 1));
    }

    /// @notice Anybody's, for the tests of what is refused; its sender is this contract, the token.
    function deploy(IAllocations.Plan[4] memory plans, address heir, uint256 supply)
        external
        returns (address)
    {
        require(msg.sender == address(this), "not itself");
        return _deploy(plans, heir, supply);
    }

    /// @dev By its code: with `new`, forge could not deploy another code than it compiled.
    function _deploy(IAllocations.Plan[4] memory plans, address heir, uint256 supply)
        private
        returns (address made)
    {
        bytes memory code = abi.encodePacked(
            CreateVm(address(vm)).getCode("Allocations.sol:Allocations"), abi.encode(plans, heir, supply)
        );
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
            if iszero(made) {
                let free := mload(0x40)
                returndatacopy(free, 0, returndatasize())
                revert(free, returndatasize())
            }
        }
    }

    function _setSpan(IAllocations.Plan[4] memory plans, uint256 which, uint256 span) private pure {
        if (which == 0) plans[2].delay = uint40(span);
        else if (which == 1) plans[2].duration = uint40(span);
        else plans[2].grace = uint40(span);
    }

    function _requireSpanRefused(IAllocations.Plan[4] memory plans, uint256 had, uint256 least) private {
        bytes4 selector = IAllocations.SpanOutOfRange.selector;
        bytes memory refusal = abi.encodeWithSelector(selector, AT_ONCE, had, least, LONGEST);
        _requireNotDeployed(plans, HEIR, SUM, refusal);
    }

    function _requireNotDeployed(
        IAllocations.Plan[4] memory plans,
        address heir,
        uint256 supply,
        bytes memory refusal
    ) private {
        bytes memory data = abi.encodeCall(this.deploy, (plans, heir, supply));
        _requireRefused(Act(address(this), address(this), data), block.timestamp, refusal);
    }

    function _requireReleasable(IAllocations.Purpose purpose, uint256 time, uint256 amount) private {
        bytes memory answer = _requireAllowed(_act(OWNER, abi.encodeCall(_held.releasable, (purpose))), time);
        require(abi.decode(answer, (uint256)) == amount, "releasable");
        Act memory act = _act(OWNER, abi.encodeCall(_held.release, (purpose)));
        IAllocations.Allocation memory entry = _held.allocationOf(purpose);
        if (amount != 0) {
            require(abi.decode(_requireAllowed(act, time), (uint256)) == amount, "released");
        } else if (time <= entry.lapsesAt) {
            bytes4 selector = IAllocations.NothingVested.selector;
            _requireRefused(act, time, abi.encodeWithSelector(selector, purpose, time, entry.endsAt));
        }
    }

    function _expect() private {
        EventVm(address(vm)).expectEmit(address(_held));
    }

    function _lapsed(uint256 last) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAllocations.HasLapsed.selector, VESTING, last + 1, last);
    }

    function _act(address caller, bytes memory data) private view returns (Act memory) {
        return Act(caller, address(_held), data);
    }

    function _plans() private pure returns (IAllocations.Plan[4] memory plans) {
        plans[0] = IAllocations.Plan(OWNER, AMOUNT, 0, 1000, 50);
        plans[1] = IAllocations.Plan(OWNER, AMOUNT, 100, 1000, 50);
        plans[2] = IAllocations.Plan(OWNER, AMOUNT, 0, 0, 50);
        plans[3] = IAllocations.Plan(HEIR, AMOUNT, 5, 5, 5);
    }
}
