// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllocations} from "../../../contracts/interfaces/IAllocations.sol";
import {Allocations} from "../../../contracts/token/Allocations.sol";
import {MetaCoin} from "../../../contracts/token/MetaCoin.sol";
import {Draws} from "./Draws.sol";
import {vm} from "./Vm.sol";

/// @title VestingHandler: what beneficiaries and strangers may do with the supply, at any time
/// @notice An action that the rules do not allow now does nothing; one that they allow must not revert.
contract VestingHandler {
    uint256 public constant PURPOSES = 4;
    uint256 public constant OWNERS = 6;
    address public constant HEIR = address(0xb001);

    MetaCoin public coin;
    Allocations public held;
    mapping(uint256 purpose => uint256 amount) public amounts;
    mapping(uint256 purpose => uint256 amount) public paid;

    constructor() {
        IAllocations.Plan[PURPOSES] memory plans;
        amounts[0] = 2e26;
        amounts[1] = 2e26 + 1;
        amounts[2] = 0;
        amounts[3] = 6e26 - 1;
        for (uint256 place = 0; place < PURPOSES; ++place) {
            plans[place] = IAllocations.Plan({
                beneficiary: owner(place),
                amount: uint96(amounts[place]),
                delay: uint40(place * 50 days),
                duration: uint40(place * 333 days + place),
                grace: uint40(1 + place * 100 days)
            });
        }
        coin = new MetaCoin(plans, HEIR);
        held = Allocations(coin.allocations());
    }

    function release(uint256 seed) external {
        IAllocations.Purpose purpose = IAllocations.Purpose(seed % PURPOSES);
        uint256 due = held.releasable(purpose);
        if (due == 0) return;
        address beneficiary = held.allocationOf(purpose).beneficiary;
        uint256 before = coin.balanceOf(beneficiary);
        require(held.release(purpose) == due, "released another amount than is due");
        require(coin.balanceOf(beneficiary) == before + due, "did not arrive");
        paid[seed % PURPOSES] += due;
    }

    function offer(uint256 seed, uint256 toSeed) external {
        IAllocations.Purpose purpose = IAllocations.Purpose(seed % PURPOSES);
        if (_hasLapsed(purpose)) return;
        vm.prank(held.allocationOf(purpose).beneficiary);
        held.offer(purpose, toSeed % 4 == 0 ? address(0) : owner(toSeed));
    }

    function takeOver(uint256 seed) external {
        IAllocations.Purpose purpose = IAllocations.Purpose(seed % PURPOSES);
        address offered = held.allocationOf(purpose).offeredTo;
        if (_hasLapsed(purpose) || offered == address(0)) return;
        vm.prank(offered);
        held.takeOver(purpose);
    }

    function lapse(uint256 seed) public {
        IAllocations.Purpose purpose = IAllocations.Purpose(seed % PURPOSES);
        uint256 rest = amounts[seed % PURPOSES] - paid[seed % PURPOSES];
        if (!_hasLapsed(purpose) || rest == 0) return;
        uint256 before = coin.balanceOf(HEIR);
        require(held.lapse(purpose) == rest, "lapsed another amount than is left");
        require(coin.balanceOf(HEIR) == before + rest, "did not arrive");
        paid[seed % PURPOSES] += rest;
    }

    function pass(uint256 secondsToPass) external {
        vm.warp(block.timestamp + Draws.within(secondsToPass, 1, 30 days));
    }

    /// @notice To a boundary of one of the parts, or the second after it.
    function passToBoundary(uint256 seed, uint256 which, bool later) external {
        IAllocations.Allocation memory entry = held.allocationOf(IAllocations.Purpose(seed % PURPOSES));
        uint40[3] memory boundaries = [entry.startsAt, entry.endsAt, entry.lapsesAt];
        uint256 boundary = boundaries[which % 3] + (later ? 1 : 0);
        if (boundary > block.timestamp) vm.warp(boundary);
    }

    /// @notice One of those who own, or may own, a part.
    function owner(uint256 seed) public pure returns (address) {
        return address(uint160(0xd000 + (seed % OWNERS)));
    }

    function _hasLapsed(IAllocations.Purpose purpose) private view returns (bool) {
        return block.timestamp > held.allocationOf(purpose).lapsesAt;
    }
}
