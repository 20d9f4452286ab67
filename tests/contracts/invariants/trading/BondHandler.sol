// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../../contracts/anchoring/AssetAnchor.sol";
import {ParticipantRegistry} from "../../../../contracts/identity/ParticipantRegistry.sol";
import {IParticipantRegistry} from "../../../../contracts/interfaces/IParticipantRegistry.sol";
import {ChannelId} from "../../../../contracts/interfaces/trading/IChannelEscrow.sol";
import {IControllers} from "../../../../contracts/interfaces/trading/IControllers.sol";
import {HookToken} from "../../../../contracts/mocks/tokens/HookToken.sol";
import {Controllers} from "../../../../contracts/trading/Controllers.sol";
import {Draws} from "../Draws.sol";
import {vm} from "../Vm.sol";

/// @title BondHandler: what controllers and whoever reports them do, in any order, at any time
/// @notice An action that the rules do not allow now does nothing; one that they allow must not revert.
contract BondHandler {
    uint256 public constant COUNT = 3;
    uint256 public constant WEALTH = 1e24;
    uint256 public constant UNBONDING = 5000;
    uint256 private constant MIN_BOND = 1000;
    uint256 private constant FIRST_KEY = 0x5001;
    address public constant POOL = address(0x9001);
    address private constant STRANGER = address(0x57a9);

    AssetAnchor public anchor;
    Controllers public controllers;
    uint256 public taken; // of all convicted
    mapping(uint256 place => uint256 amount) public lost;

    constructor() {
        HookToken token = new HookToken(address(this));
        anchor = new AssetAnchor(address(token));
        ParticipantRegistry registry = new ParticipantRegistry(address(anchor), 1, 1, 1);
        controllers = new Controllers(address(anchor), address(registry), POOL, MIN_BOND, UNBONDING);
        token.approve(address(anchor), type(uint256).max);
        anchor.deposit(address(this), 1);
        anchor.allowLocker(address(registry), 1, block.timestamp + 1);
        registry.registerProvider("a provider");
        registry.stake(1);
        for (uint256 place = 0; place < COUNT; ++place) {
            registry.admit(controllerAt(place));
            anchor.deposit(controllerAt(place), WEALTH);
            vm.prank(controllerAt(place));
            registry.registerServer(
                48,
                address(this),
                keccak256("TLS key"),
                "https://127.0.0.1",
                IParticipantRegistry.Resources(1, 1, 1, 1)
            );
        }
    }

    function bond(uint256 seed, uint256 amount) external {
        (uint256 place, address controller, IControllers.Bond memory had) = _pick(seed);
        if (had.convictedAt != 0) return;
        uint256 before = block.timestamp <= had.expiresAt ? had.amount : 0;
        amount = Draws.within(amount, before < MIN_BOND ? MIN_BOND : 0, 1e20);
        if (before + amount > WEALTH / 2) return;
        // To hold it longer needs as much of an allowance as to lock it.
        vm.prank(controller);
        anchor.allowLocker(address(controllers), WEALTH, block.timestamp);
        vm.prank(controller);
        controllers.bond(amount);
        require(controllers.bondOf(controller).amount == before + amount, "another bond");
        require(lost[place] == 0, "came back with its key");
    }

    function unbond(uint256 seed) external {
        (, address controller, IControllers.Bond memory had) = _pick(seed);
        if (had.amount == 0 || block.timestamp > had.expiresAt || had.freeAt != 0) return;
        vm.prank(controller);
        controllers.unbond();
        require(!controllers.isInStanding(controller), "stands while it leaves");
    }

    function release(uint256 seed) public {
        (, address controller, IControllers.Bond memory had) = _pick(seed);
        if (had.amount == 0) return;
        bool expired = block.timestamp > had.expiresAt;
        if (!expired && (had.freeAt == 0 || block.timestamp <= had.freeAt)) return;
        vm.prank(STRANGER);
        controllers.release(controller);
    }

    function expire(uint256 seed) external {
        (, address controller,) = _pick(seed);
        bytes32 subject = controllers.subjectOf(controller);
        (uint256 expiresAt,) = anchor.lockOf(address(controllers), subject);
        if (expiresAt == 0 || block.timestamp <= expiresAt) return;
        anchor.expire(address(controllers), subject, 0);
    }

    function convict(uint256 seed, uint256 index) external {
        (uint256 place, address controller, IControllers.Bond memory had) = _pick(seed);
        if (had.amount == 0 || block.timestamp > had.expiresAt || seed % 4 != 0) return;
        lost[place] = had.amount;
        taken += had.amount;
        IControllers.Version memory first = _version(place, index, "one");
        IControllers.Version memory second = _version(place, index, "another");
        vm.prank(STRANGER);
        address found = controllers.convict(ChannelId.wrap(0), index, 1, first, second);
        require(found == controller, "another was convicted");
    }

    function pass(uint256 seconds_) external {
        uint256 most = seconds_ % 16 == 0 ? 800 days : 2 * UNBONDING;
        vm.warp(block.timestamp + Draws.within(seconds_ / 16, 1, most));
    }

    function controllerAt(uint256 place) public pure returns (address) {
        return vm.addr(FIRST_KEY + place);
    }

    function _pick(uint256 seed) private view returns (uint256, address, IControllers.Bond memory) {
        address controller = controllerAt(seed % COUNT);
        return (seed % COUNT, controller, controllers.bondOf(controller));
    }

    function _version(uint256 place, uint256 index, bytes32 credential)
        private
        view
        returns (IControllers.Version memory)
    {
        bytes32 digest = controllers.issuanceDigest(
            IControllers.Issuance(ChannelId.wrap(0), index, 1, keccak256("voucher"), credential)
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(FIRST_KEY + place, digest);
        return IControllers.Version(keccak256("voucher"), credential, abi.encodePacked(r, s, v));
    }
}
