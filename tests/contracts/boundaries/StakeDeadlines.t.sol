// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bounds} from "../../../contracts/anchoring/Bounds.sol";
import {ParticipantRegistry} from "../../../contracts/identity/ParticipantRegistry.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {IProviderStakes} from "../../../contracts/interfaces/IProviderStakes.sol";
import {PlantedFreshMembers} from "../../../contracts/mocks/planted/identity/PlantedFreshMembers.sol";
import {Stage} from "../invariants/Stage.sol";
import {vm} from "../invariants/Vm.sol";
import {Boundary} from "./Boundary.sol";

/// @title The boundary seconds of stakes, standing and statements of participants
/// @notice Under `Stage`'s numbers: unbonding 10,000 s, pause 1,000 s.
contract StakeDeadlinesTest is Stage, Boundary {
    address private constant PROVIDER = address(0xa000); // of the first node
    uint256 private constant NEWCOMER_KEY = 0xeee;

    uint256 private _expiresAt; // of the provider's lock

    constructor() Stage(1, 4) {}

    function setUp() external {
        vm.warp(1_000_000);
        anchor.deposit(PROVIDER, 10 * MIN_STAKE);
        vm.prank(PROVIDER);
        anchor.allowLocker(address(registry), 10 * MIN_STAKE, block.timestamp + 700 days);
        vm.prank(PROVIDER);
        registry.stake(0);
        _expiresAt = registry.stakeOf(PROVIDER).expiresAt;
        require(_expiresAt == block.timestamp + anchor.maxLockSeconds(), "renewed");
    }

    function test_unbonding__ends_after_its_last_second() external {
        vm.prank(PROVIDER);
        registry.unstake();
        uint256 freeAt = registry.stakeOf(PROVIDER).freeAt;
        require(freeAt == block.timestamp + UNBONDING, "freeAt");
        _requireReleased(freeAt, freeAt);
    }

    function test_stake__without_unbonding__is_free_after_the_last_second_of_its_lock() external {
        _requireReleased(_expiresAt, 0);
    }

    function test_retire__while_unbonding__does_not_begin_it_again() external {
        vm.prank(PROVIDER);
        registry.unstake();
        uint256 freeAt = registry.stakeOf(PROVIDER).freeAt;
        vm.warp(block.timestamp + UNBONDING / 2);
        vm.prank(PROVIDER);
        registry.retire();
        require(registry.stakeOf(PROVIDER).freeAt == freeAt, "begun again");
        _requireReleased(freeAt, freeAt);
    }

    function test_unstake__while_unbonding__is_refused() external {
        Act memory act = _act(PROVIDER, abi.encodeCall(registry.unstake, ()));
        _requireAllowed(act, block.timestamp);
        vm.prank(PROVIDER);
        registry.unstake();
        bytes4 selector = IProviderStakes.AlreadyUnbonding.selector;
        bytes memory refusal = abi.encodeWithSelector(selector, PROVIDER, block.timestamp + UNBONDING);
        _requireRefused(act, block.timestamp + 1, refusal);
    }

    function test_standing__lasts_as_long_as_the_lock_outlasts_unbonding() external {
        _requireStanding(_expiresAt - UNBONDING - 1, true);
        _requireStanding(_expiresAt - UNBONDING, true);
        _requireStanding(_expiresAt - UNBONDING + 1, false);
    }

    function test_standing__after_unstaking_and_staking__begins_at_the_last_second_of_the_pause() external {
        _requireStanding(block.timestamp, true);
        vm.prank(PROVIDER);
        registry.unstake();
        _requireStanding(block.timestamp, false);
        vm.prank(PROVIDER);
        registry.stake(0);
        _requirePaused();
    }

    function test_standing__after_dismissal_and_admission__begins_at_the_last_second_of_the_pause() external {
        vm.prank(PROVIDER);
        registry.dismiss(_nodes[0]);
        _requireStanding(block.timestamp, false);
        vm.prank(PROVIDER);
        registry.admit(_nodes[0]);
        _requirePaused();
    }

    function test_f9_a_fresh_account__after_a_dismissal__begins_at_the_last_second_of_the_pause() external {
        _admit(vm.addr(NEWCOMER_KEY));
        vm.prank(PROVIDER);
        registry.dismiss(_nodes[0]);
        uint256 from = block.timestamp + PAUSE;
        vm.warp(block.timestamp + 5);
        _admit(STRANGER);
        require(registry.admittedFrom(PROVIDER, STRANGER) == from, "admitted after");
        _serve(vm.addr(NEWCOMER_KEY)); // admitted in stock
        _serve(STRANGER);
        _requireStandingOf(vm.addr(NEWCOMER_KEY), from - 1, false);
        _requireStandingOf(vm.addr(NEWCOMER_KEY), from, true);
        _requireStandingOf(STRANGER, from - 1, false);
        _requireStandingOf(STRANGER, from, true);
        vm.prank(PROVIDER);
        registry.stake(0);
        require(registry.stakeOf(PROVIDER).newMembersFrom == from, "staking forgets it");
    }

    function test_f9_a_fresh_account__after_a_retirement_or_a_succession__waits_too() external {
        uint256 snapshot = vm.snapshotState();
        vm.prank(_nodes[0]);
        registry.retire();
        _admit(STRANGER);
        _serve(STRANGER);
        _requireStandingOf(STRANGER, block.timestamp + PAUSE - 1, false);
        _requireStandingOf(STRANGER, block.timestamp + PAUSE, true);
        vm.revertToState(snapshot);
        _admit(STRANGER);
        bytes32 digest = registry.successionDigest(_nodes[0], STRANGER, block.timestamp);
        vm.prank(STRANGER);
        registry.succeed(_nodes[0], block.timestamp, _sign(NODE_KEY, digest));
        _requireStandingOf(STRANGER, block.timestamp + PAUSE - 1, false);
        _requireStandingOf(STRANGER, block.timestamp + PAUSE, true);
    }

    function test_f9_a_fresh_account__where_nobody_left__counts_at_once() external {
        vm.prank(PROVIDER);
        registry.dismiss(STRANGER); // is no member: nothing happens
        _admit(STRANGER);
        _serve(STRANGER);
        _requireStandingOf(STRANGER, block.timestamp, true);
        require(registry.stakeOf(PROVIDER).newMembersFrom == 0, "nobody left");
    }

    function test_f9_a_fresh_account__of_the_planted_registry__counts_at_once() external {
        PlantedFreshMembers planted = new PlantedFreshMembers(PAUSE);
        planted.admit(_nodes[0]);
        for (uint160 round = 1; round <= 5; ++round) {
            planted.dismiss(_nodes[0]);
            planted.admit(address(round));
            require(planted.isActive(address(round)), "it waits");
        }
        planted.admit(_nodes[0]);
        require(!planted.isActive(_nodes[0]), "the same account waits");
    }

    function test_stake__below_the_least__does_not_count() external {
        address poor = address(0xbeef);
        anchor.deposit(poor, MIN_STAKE);
        vm.prank(poor);
        registry.registerProvider("poor");
        vm.prank(poor);
        anchor.allowLocker(address(registry), MIN_STAKE, block.timestamp);
        vm.prank(poor);
        registry.stake(1);
        vm.prank(poor);
        registry.stake(MIN_STAKE - 2);
        require(registry.stakeOf(poor).amount == MIN_STAKE - 1, "a unit and the rest");
        require(registry.activeStakeOf(poor) == 0, "one unit less counts");
    }

    function test_stake_of_nothing__while_a_stake_counts__does_not_pause_it() external {
        vm.warp(block.timestamp + 5);
        vm.prank(PROVIDER);
        registry.stake(0);
        _requireStanding(block.timestamp, true);
        require(registry.stakeOf(PROVIDER).countsFrom < block.timestamp, "paused");
    }

    function test_statements__count_until_their_last_second() external {
        uint256 deadline = block.timestamp + 100;
        address newcomer = vm.addr(NEWCOMER_KEY);
        IParticipantRegistry.Registration memory wanted;
        wanted.role = 1;
        bytes memory signature = _sign(NEWCOMER_KEY, registry.registrationDigest(newcomer, wanted, deadline));
        bytes memory data = abi.encodeCall(registry.registerSigned, (newcomer, wanted, deadline, signature));
        bytes memory refusal =
            abi.encodeWithSelector(IParticipantRegistry.StatementExpired.selector, deadline, deadline + 1);
        _requireUntil(_act(STRANGER, data), deadline, refusal);
        signature = _sign(NODE_KEY, registry.successionDigest(_nodes[0], newcomer, deadline));
        data = abi.encodeCall(registry.succeed, (_nodes[0], deadline, signature));
        _requireUntil(_act(newcomer, data), deadline, refusal);
    }

    function test_deployment__each_number_has_its_bounds() external {
        uint256 half = anchor.maxLockSeconds() / 2;
        _requireBounds("minStake", 1, type(uint96).max);
        _requireBounds("unbondingSeconds", 1, half);
        _requireBounds("pauseSeconds", 1, half);
    }

    function deploy(bytes32 field, uint256 number) external returns (ParticipantRegistry made) {
        uint256 minStake = field == "minStake" ? number : MIN_STAKE;
        uint256 unbonding = field == "unbondingSeconds" ? number : UNBONDING;
        uint256 pause = field == "pauseSeconds" ? number : PAUSE;
        made = new ParticipantRegistry(address(anchor), minStake, unbonding, pause);
        require(made.minStake() == minStake && made.anchor() == address(anchor), "stake or anchor");
        require(made.unbondingSeconds() == unbonding && made.pauseSeconds() == pause, "times");
    }

    function _requireBounds(bytes32 field, uint256 least, uint256 most) private {
        Act memory act = Act(address(this), address(this), abi.encodeCall(this.deploy, (field, least)));
        _requireAllowed(act, block.timestamp);
        act.data = abi.encodeCall(this.deploy, (field, most));
        _requireAllowed(act, block.timestamp);
        bytes4 selector = Bounds.OutOfBounds.selector;
        act.data = abi.encodeCall(this.deploy, (field, least - 1));
        _requireRefused(act, block.timestamp, abi.encodeWithSelector(selector, field, least - 1, least, most));
        act.data = abi.encodeCall(this.deploy, (field, most + 1));
        _requireRefused(act, block.timestamp, abi.encodeWithSelector(selector, field, most + 1, least, most));
    }

    /// @dev Not before `last` is over, and then to the provider.
    function _requireReleased(uint256 last, uint256 freeAt) private {
        Act memory act = _act(STRANGER, abi.encodeCall(registry.releaseStake, (PROVIDER)));
        bytes4 selector = IProviderStakes.StillBonded.selector;
        _requireRefused(act, last - 1, abi.encodeWithSelector(selector, PROVIDER, freeAt, last - 1));
        _requireRefused(act, last, abi.encodeWithSelector(selector, PROVIDER, freeAt, last));
        _requireAllowed(act, last + 1);
        vm.warp(last + 1);
        uint256 before = anchor.freeBalanceOf(PROVIDER);
        registry.releaseStake(PROVIDER);
        require(anchor.freeBalanceOf(PROVIDER) == before + MIN_STAKE, "returned");
        require(registry.stakeOf(PROVIDER).amount == 0, "stays");
    }

    function _requirePaused() private {
        uint256 from = block.timestamp + PAUSE;
        _requireStanding(from - 1, false);
        _requireStanding(from, true);
        _requireStanding(from + 1, true);
    }

    function _admit(address account) private {
        vm.prank(PROVIDER);
        registry.admit(account);
    }

    function _serve(address account) private {
        vm.prank(account);
        registry.registerServer(
            16, PROVIDER, "key", "https://node", IParticipantRegistry.Resources(1, 1, 1, 1)
        );
    }

    function _requireStanding(uint256 time, bool good) private {
        _requireStandingOf(_nodes[0], time, good);
    }

    function _requireStandingOf(address account, uint256 time, bool good) private {
        Act memory act = _act(STRANGER, abi.encodeCall(registry.standingOf, (account)));
        (,, bool active) = abi.decode(_requireAllowed(act, time), (uint16, address, bool));
        require(active == good, good ? "not in good standing" : "still in good standing");
    }

    function _act(address caller, bytes memory data) private view returns (Act memory) {
        return Act(caller, address(registry), data);
    }
}
