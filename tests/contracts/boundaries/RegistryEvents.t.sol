// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bounds} from "../../../contracts/anchoring/Bounds.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {IProviderStakes} from "../../../contracts/interfaces/IProviderStakes.sol";
import {Stage} from "../invariants/Stage.sol";
import {vm} from "../invariants/Vm.sol";
import {EventVm} from "./EventVm.sol";

/// @title What the registry says of participants and stakes: each event, with every value, and who is refused
contract RegistryEventsTest is Stage {
    EventVm private constant EVENTS = EventVm(address(vm));
    uint256 private constant HEIR_KEY = 0x4e14;
    address private constant ORGANISATION = address(0x0f6);
    address private constant SERVER = address(0x5e4);
    bytes32 private constant TLS = "TLS key";

    constructor() Stage(1, 4) {}

    function setUp() external {
        vm.warp(1_000_000);
        anchor.deposit(ORGANISATION, 3 * MIN_STAKE);
        vm.prank(ORGANISATION);
        anchor.allowLocker(address(registry), 20 * MIN_STAKE, block.timestamp + 700 days);
        _expect();
        emit IParticipantRegistry.ParticipantRegistered(ORGANISATION, 2, ORGANISATION, 0, "");
        _expect();
        emit IParticipantRegistry.ProviderNamed(ORGANISATION, "name");
        vm.prank(ORGANISATION);
        registry.registerProvider("name");
    }

    function test_registration__of_each_kind() external {
        address device = vm.addr(HEIR_KEY);
        IParticipantRegistry.Registration memory wanted;
        wanted.role = 1;
        bytes memory signature = _sign(HEIR_KEY, registry.registrationDigest(device, wanted, block.timestamp));
        _expect();
        emit IParticipantRegistry.ParticipantRegistered(device, 1, address(0), 0, "");
        registry.registerSigned(device, wanted, block.timestamp, signature);
        require(registry.nonces(device) == 1 && registry.roleOf(device) == 1, "nonce or role");
        bytes memory again =
            abi.encodeCall(registry.registerSigned, (device, wanted, block.timestamp, signature));
        bytes4 registered = IParticipantRegistry.AlreadyRegistered.selector;
        _requireError(STRANGER, again, abi.encodeWithSelector(registered, device, 1));
        _requireError(
            device, abi.encodeCall(registry.registerDevice, ()), abi.encodeWithSelector(registered, device, 1)
        );
        _requireMember();
        IParticipantRegistry.Participant memory entry = registry.participant(SERVER);
        require(entry.role == 16 && entry.registeredAt == block.timestamp, "role or time");
        require(entry.provider == ORGANISATION && entry.tlsKeyHash == TLS, "provider or key");
        require(keccak256(bytes(entry.endpoint)) == keccak256("https://server"), "endpoint");
        require(entry.resources.cpuCores == 1 && registry.providerOf(SERVER) == ORGANISATION, "resources");
        require(keccak256(bytes(registry.nameOf(ORGANISATION))) == keccak256("name"), "name");
    }

    function test_a_server__is_admitted_by_a_provider_that_has_enough_at_stake() external {
        bytes memory data = _serving(16, ORGANISATION, TLS, "https://server");
        bytes4 admitted = IParticipantRegistry.NotAdmitted.selector;
        _requireError(SERVER, data, abi.encodeWithSelector(admitted, SERVER, ORGANISATION));
        _expect();
        emit IParticipantRegistry.MemberAdmitted(ORGANISATION, SERVER, block.timestamp);
        vm.prank(ORGANISATION);
        registry.admit(SERVER);
        require(registry.admittedFrom(ORGANISATION, SERVER) == block.timestamp, "admitted from");
        bytes4 low = IProviderStakes.StakeTooLow.selector;
        _requireError(SERVER, data, abi.encodeWithSelector(low, ORGANISATION, 0, MIN_STAKE));
        _stake(MIN_STAKE - 1);
        _requireError(SERVER, data, abi.encodeWithSelector(low, ORGANISATION, MIN_STAKE - 1, MIN_STAKE));
        _stake(1);
        bytes4 role = IParticipantRegistry.RoleNotAllowed.selector;
        _requireError(
            SERVER, _serving(15, ORGANISATION, TLS, "https://server"), abi.encodeWithSelector(role, 15)
        );
        bytes4 missing = IParticipantRegistry.TlsKeyMissing.selector;
        _requireError(SERVER, _serving(16, ORGANISATION, 0, "e"), abi.encodeWithSelector(missing, SERVER));
        _requireLength(_serving(16, ORGANISATION, TLS, ""), "endpoint", 0, 200);
        _requireLength(_serving(16, ORGANISATION, TLS, string(new bytes(201))), "endpoint", 201, 200);
        uint256 snapshot = vm.snapshotState();
        _requireDone(SERVER, _serving(65_535, ORGANISATION, TLS, string(new bytes(200))));
        vm.revertToState(snapshot);
        _requireDone(SERVER, data);
    }

    function test_names__have_1_to_64_bytes() external {
        _requireLength(abi.encodeCall(registry.registerProvider, ("")), "name", 0, 64);
        _requireLength(abi.encodeCall(registry.registerProvider, (string(new bytes(65)))), "name", 65, 64);
        uint256 snapshot = vm.snapshotState();
        _requireDone(SERVER, abi.encodeCall(registry.registerProvider, (string(new bytes(64)))));
        vm.revertToState(snapshot);
        _requireDone(SERVER, abi.encodeCall(registry.registerProvider, ("n")));
    }

    function test_dismissal_update_and_retirement() external {
        _requireMember();
        IParticipantRegistry.Resources memory offered = IParticipantRegistry.Resources(2, 3, 4, 5);
        _expect();
        emit IParticipantRegistry.ServerUpdated(SERVER, "other", "https://other");
        vm.prank(SERVER);
        registry.updateServer("other", "https://other", offered);
        require(registry.participant(SERVER).resources.cpuCores == 2, "resources");
        _expect();
        emit IParticipantRegistry.MemberDismissed(ORGANISATION, SERVER);
        vm.prank(ORGANISATION);
        registry.dismiss(SERVER);
        require(!registry.isAdmitted(ORGANISATION, SERVER), "admitted");
        require(registry.admittedFrom(ORGANISATION, SERVER) == 0, "admitted from");
        vm.prank(ORGANISATION);
        registry.dismiss(SERVER); // is no member any more: nothing happens
        _expect();
        emit IParticipantRegistry.MemberAdmitted(ORGANISATION, SERVER, block.timestamp + PAUSE);
        vm.prank(ORGANISATION);
        registry.admit(SERVER);
        _expect();
        emit IParticipantRegistry.ParticipantRetired(SERVER);
        vm.prank(SERVER);
        registry.retire();
        bytes4 retired = IParticipantRegistry.HasRetired.selector;
        bytes memory refusal = abi.encodeWithSelector(retired, SERVER, block.timestamp);
        _requireError(SERVER, abi.encodeCall(registry.retire, ()), refusal);
        _requireError(SERVER, abi.encodeCall(registry.updateServer, (TLS, "e", offered)), refusal);
        bytes4 nobody = IParticipantRegistry.NotAParticipant.selector;
        bytes memory unknown = abi.encodeWithSelector(nobody, STRANGER);
        _requireError(STRANGER, abi.encodeCall(registry.retire, ()), unknown);
        bytes4 needed = IParticipantRegistry.NotRegistered.selector;
        unknown = abi.encodeWithSelector(needed, STRANGER, 2, 0);
        _requireError(STRANGER, abi.encodeCall(registry.admit, (SERVER)), unknown);
        _requireError(STRANGER, abi.encodeCall(registry.dismiss, (SERVER)), unknown);
        _requireError(STRANGER, abi.encodeCall(registry.stake, (1)), unknown);
        _requireError(STRANGER, abi.encodeCall(registry.unstake, ()), unknown);
    }

    function test_stakes__are_locked_unbonded_and_released() external {
        uint256 until = block.timestamp + 730 days;
        _expect();
        emit IProviderStakes.ProviderStaked(ORGANISATION, MIN_STAKE, MIN_STAKE, until, block.timestamp);
        _stake(MIN_STAKE);
        vm.warp(block.timestamp + 7);
        _expect();
        emit IProviderStakes.ProviderStaked(ORGANISATION, 5, MIN_STAKE + 5, until + 7, block.timestamp - 7);
        _stake(5);
        _requireHeld(ORGANISATION, MIN_STAKE + 5, until + 7);
        _expect();
        emit IProviderStakes.ProviderUnbonding(ORGANISATION, MIN_STAKE + 5, block.timestamp + UNBONDING);
        vm.prank(ORGANISATION);
        registry.unstake();
        vm.warp(block.timestamp + UNBONDING + 1);
        _expect();
        emit IProviderStakes.ProviderStakeReleased(ORGANISATION, ORGANISATION, MIN_STAKE + 5);
        registry.releaseStake(ORGANISATION);
        require(anchor.freeBalanceOf(ORGANISATION) == 3 * MIN_STAKE, "came back");
        bytes4 nothing = IProviderStakes.NothingStaked.selector;
        bytes memory refusal = abi.encodeWithSelector(nothing, ORGANISATION);
        _requireError(STRANGER, abi.encodeCall(registry.releaseStake, (ORGANISATION)), refusal);
        _requireError(ORGANISATION, abi.encodeCall(registry.unstake, ()), refusal);
        _stake(MIN_STAKE);
        require(registry.stakeOf(ORGANISATION).countsFrom == block.timestamp + PAUSE, "pause");
    }

    function test_retirement_of_a_provider__unbonds_its_stake() external {
        _stake(MIN_STAKE);
        _expect();
        emit IProviderStakes.ProviderUnbonding(ORGANISATION, MIN_STAKE, block.timestamp + UNBONDING);
        vm.prank(ORGANISATION);
        registry.retire();
        bytes4 retired = IParticipantRegistry.HasRetired.selector;
        bytes memory refusal = abi.encodeWithSelector(retired, ORGANISATION, block.timestamp);
        _requireError(ORGANISATION, abi.encodeCall(registry.stake, (1)), refusal);
    }

    function test_succession__hands_on_the_acting_and_no_admission() external {
        _requireMember();
        address heir = vm.addr(HEIR_KEY);
        // An organisation's key signs for the heir.
        address provider = vm.addr(HEIR_KEY + 1);
        vm.prank(provider);
        registry.registerProvider("other");
        bytes memory signature =
            _sign(HEIR_KEY + 1, registry.successionDigest(provider, heir, block.timestamp));
        _expect();
        emit IParticipantRegistry.ParticipantSucceeded(provider, heir, provider);
        vm.prank(heir);
        registry.succeed(provider, block.timestamp, signature);
        require(registry.actorOf(provider) == heir && registry.roleOf(heir) == 2, "acting");
        require(registry.participant(provider).retiredAt == 0, "the organisation stays");
        bytes4 acting = IParticipantRegistry.NotRegistered.selector;
        bytes memory refusal = abi.encodeWithSelector(acting, provider, 2, 0);
        _requireError(provider, abi.encodeCall(registry.admit, (SERVER)), refusal);
        _requireDone(heir, abi.encodeCall(registry.admit, (SERVER)));
        require(registry.isAdmitted(provider, SERVER), "admitted for the organisation");
        // A server's successor takes its place, but is not admitted.
        address next = address(0x4e77);
        signature = _sign(NODE_KEY, registry.successionDigest(_nodes[0], next, block.timestamp));
        vm.prank(next);
        registry.succeed(_nodes[0], block.timestamp, signature);
        (uint16 role, address worksFor, bool active) = registry.standingOf(next);
        require(role == 16 && worksFor == address(0xa000) && !active, "standing");
        require(registry.participant(_nodes[0]).retiredAt == block.timestamp, "the former one retires");
        require(registry.participant(next).tlsKeyHash == keccak256("key"), "key");
    }

    /// @dev The stake goes to who acts now: its next `stake` locks it anew, as its own.
    function test_stake_after_a_succession__becomes_the_successors() external {
        address provider = vm.addr(HEIR_KEY + 1);
        address heir = vm.addr(HEIR_KEY);
        address[2] memory both = [provider, heir];
        for (uint256 turn = 0; turn < 2; ++turn) {
            anchor.deposit(both[turn], MIN_STAKE);
            vm.prank(both[turn]);
            anchor.allowLocker(address(registry), 3 * MIN_STAKE, block.timestamp + 1000);
        }
        _requireDone(provider, abi.encodeCall(registry.registerProvider, ("other")));
        _requireDone(provider, abi.encodeCall(registry.stake, (MIN_STAKE)));
        bytes memory signature =
            _sign(HEIR_KEY + 1, registry.successionDigest(provider, heir, block.timestamp));
        _requireDone(heir, abi.encodeCall(registry.succeed, (provider, block.timestamp, signature)));
        vm.warp(block.timestamp + 9);
        _requireDone(heir, abi.encodeCall(registry.stake, (7)));
        (address owner, uint256 held) =
            anchor.placeOf(address(registry), registry.stakeSubjectOf(provider), 0);
        require(owner == heir && held == MIN_STAKE + 7, "not the successor's");
        require(anchor.freeBalanceOf(heir) == MIN_STAKE - 7 && anchor.freeBalanceOf(provider) == 0, "free");
        _requireDone(heir, abi.encodeCall(registry.stake, (0)));
        (, held) = anchor.placeOf(address(registry), registry.stakeSubjectOf(provider), 0);
        require(held == MIN_STAKE + 7 && registry.activeStakeOf(provider) == held, "held");
    }

    function test_signatures__are_revoked_by_their_signer() external {
        _expect();
        emit IParticipantRegistry.SignaturesRevoked(STRANGER, 0);
        vm.prank(STRANGER);
        registry.revokeSignatures();
        require(registry.nonces(STRANGER) == 1, "nonce");
    }

    /// @dev The organisation stakes, admits and has its server registered.
    function _requireMember() private {
        _stake(MIN_STAKE);
        vm.prank(ORGANISATION);
        registry.admit(SERVER);
        _expect();
        emit IParticipantRegistry.ParticipantRegistered(SERVER, 16, ORGANISATION, TLS, "https://server");
        _requireDone(SERVER, _serving(16, ORGANISATION, TLS, "https://server"));
    }

    function _requireHeld(address provider, uint256 amount, uint256 until) private view {
        bytes32 subject = registry.stakeSubjectOf(provider);
        (uint256 expiresAt,) = anchor.lockOf(address(registry), subject);
        (address owner, uint256 held) = anchor.placeOf(address(registry), subject, 0);
        require(expiresAt == until && owner == provider && held == amount, "lock");
        require(registry.activeStakeOf(provider) == amount, "active");
    }

    function _requireLength(bytes memory data, bytes32 field, uint256 had, uint256 most) private {
        _requireError(SERVER, data, abi.encodeWithSelector(Bounds.OutOfBounds.selector, field, had, 1, most));
    }

    function _serving(uint16 role, address provider, bytes32 key, string memory endpoint)
        private
        view
        returns (bytes memory)
    {
        IParticipantRegistry.Resources memory offered = IParticipantRegistry.Resources(1, 1, 1, 1);
        return abi.encodeCall(registry.registerServer, (role, provider, key, endpoint, offered));
    }

    function _stake(uint256 amount) private {
        vm.prank(ORGANISATION);
        registry.stake(amount);
    }

    function _requireDone(address caller, bytes memory data) private {
        vm.prank(caller);
        (bool done,) = address(registry).call(data);
        require(done, "refused");
    }

    function _requireError(address caller, bytes memory data, bytes memory refusal) private {
        vm.prank(caller);
        (bool done, bytes memory answer) = address(registry).call(data);
        require(!done && keccak256(answer) == keccak256(refusal), "not refused, or for another reason");
    }

    function _expect() private {
        EVENTS.expectEmit(address(registry));
    }
}
