// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Bounds} from "../anchoring/Bounds.sol";
import {Deadlines} from "../anchoring/Deadlines.sol";
import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {ChannelId} from "../interfaces/trading/IChannelEscrow.sol";
import {IControllers} from "../interfaces/trading/IControllers.sol";
import {TradingRoles} from "./TradingRoles.sol";

/// @title Controllers
/// @notice Read IControllers first: it says what every function does.
/// @dev Nobody else can pay out of these locks: `Bond.amount` is what one holds until it expires.
contract Controllers is IControllers, EIP712 {
    using SafeCast for uint256;

    bytes32 private constant ISSUANCE_TYPE = keccak256(
        "Issuance(bytes32 channel,uint256 index,uint256 epoch,bytes32 voucherDigest,bytes32 credentialHash)"
    );

    IAssetAnchor private immutable _anchor;
    IParticipantRegistry private immutable _registry;
    address private immutable _pool;
    uint256 private immutable _minBond;
    uint256 private immutable _unbondingSeconds;

    mapping(address controller => Bond entry) private _bonds;

    /// @param anchor_           AssetAnchor that holds the bonds
    /// @param registry_         ParticipantRegistry that knows the controllers
    /// @param pool_             account that receives the bonds of convicted controllers
    /// @param minBond_          least bond, smallest units
    /// @param unbondingSeconds_ from leaving to having it back: 1 to half of the longest lock
    constructor(
        address anchor_,
        address registry_,
        address pool_,
        uint256 minBond_,
        uint256 unbondingSeconds_
    ) EIP712("Edgemark Controllers", "1") {
        if (pool_ == address(0)) revert IAssetAnchor.ZeroAccount();
        if (pool_ == anchor_) revert IAssetAnchor.AnchorAsAccount();
        (_anchor, _registry, _pool) = (IAssetAnchor(anchor_), IParticipantRegistry(registry_), pool_);
        (_minBond, _unbondingSeconds) = (minBond_, unbondingSeconds_);
        Bounds.requireWithin("minBond", minBond_, 1, type(uint96).max);
        uint256 half = _anchor.maxLockSeconds() / 2;
        Bounds.requireWithin("unbondingSeconds", unbondingSeconds_, 1, half);
    }

    /// @inheritdoc IControllers
    function bond(uint256 amount) external {
        uint16 role = _registry.roleOf(msg.sender);
        if (role != TradingRoles.CONTROLLER) revert NotAController(msg.sender, role);
        Bond memory had = _bonds[msg.sender];
        if (had.convictedAt != 0) revert AlreadyConvicted(msg.sender, had.convictedAt);
        bool held = _isHeld(had);
        uint256 before = held ? had.amount : 0;
        // First: no sum below goes round.
        Bounds.requireWithin("amount", amount, 0, type(uint96).max - before);
        uint256 total = before + amount;
        Bounds.requireWithin("bond", total, _minBond, type(uint96).max);
        uint256 expiresAt = block.timestamp + _anchor.maxLockSeconds();

        _bonds[msg.sender] = Bond(total.toUint96(), expiresAt.toUint40(), 0, 0);
        emit ControllerBonded(msg.sender, amount, total, expiresAt);
        if (!held) {
            if (had.amount != 0) _expire(msg.sender);
            _anchor.lock(subjectOf(msg.sender), msg.sender, total, expiresAt);
            return;
        }
        if (expiresAt > had.expiresAt) _anchor.renew(subjectOf(msg.sender), expiresAt);
        if (amount != 0) _anchor.increase(subjectOf(msg.sender), 0, amount);
    }

    /// @inheritdoc IControllers
    function unbond() external {
        Bond storage had = _bonds[msg.sender];
        if (!_isHeld(had)) revert NothingBonded(msg.sender);
        if (had.freeAt != 0) revert AlreadyLeaving(msg.sender, had.freeAt);
        uint256 freeAt = block.timestamp + _unbondingSeconds;
        had.freeAt = freeAt.toUint40();
        emit ControllerUnbonding(msg.sender, had.amount, freeAt);
    }

    /// @inheritdoc IControllers
    function release(address controller) external {
        Bond memory had = _bonds[controller];
        if (had.amount == 0) revert NothingBonded(controller);
        bool held = _isHeld(had);
        if (held) {
            if (had.freeAt == 0) revert NotLeaving(controller);
            Deadlines.requireAfter(had.freeAt);
        }
        delete _bonds[controller];
        emit BondReleased(controller, had.amount);
        if (held) _anchor.pay(subjectOf(controller), 0, controller, had.amount);
        else _expire(controller);
    }

    /// @inheritdoc IControllers
    function convict(
        ChannelId channel,
        uint256 index,
        uint256 epoch,
        Version calldata first,
        Version calldata second
    ) external returns (address controller) {
        bytes32 firstDigest = _digestOf(channel, index, epoch, first.voucherDigest, first.credentialHash);
        bytes32 secondDigest = _digestOf(channel, index, epoch, second.voucherDigest, second.credentialHash);
        if (firstDigest == secondDigest) revert VersionsEqual(firstDigest);
        controller = ECDSA.recoverCalldata(firstDigest, first.signature);
        address other = ECDSA.recoverCalldata(secondDigest, second.signature);
        if (controller != other) revert SignersDiffer(controller, other);
        Bond memory had = _bonds[controller];
        if (!_isHeld(had)) revert NothingBonded(controller);

        _bonds[controller] = Bond(0, 0, 0, block.timestamp.toUint40());
        emit ControllerConvicted(controller, channel, index, epoch, had.amount, firstDigest, secondDigest);
        _anchor.pay(subjectOf(controller), 0, _pool, had.amount);
    }

    /// @inheritdoc IControllers
    function bondOf(address account) external view returns (Bond memory) {
        return _bonds[account];
    }

    /// @inheritdoc IControllers
    function isInStanding(address account) external view returns (bool) {
        Bond memory had = _bonds[account];
        // A bond never holds less than the least.
        bool lasts = had.freeAt == 0 && block.timestamp + _unbondingSeconds <= had.expiresAt;
        if (!lasts) return false;
        (uint16 role,, bool active) = _registry.standingOf(account);
        return active && role == TradingRoles.CONTROLLER;
    }

    /// @inheritdoc IControllers
    function issuanceDigest(Issuance calldata issuance) external view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ISSUANCE_TYPE, issuance)));
    }

    /// @inheritdoc IControllers
    function anchor() external view returns (address) {
        return address(_anchor);
    }

    /// @inheritdoc IControllers
    function registry() external view returns (address) {
        return address(_registry);
    }

    /// @inheritdoc IControllers
    function pool() external view returns (address) {
        return _pool;
    }

    /// @inheritdoc IControllers
    function minBond() external view returns (uint256) {
        return _minBond;
    }

    /// @inheritdoc IControllers
    function unbondingSeconds() external view returns (uint256) {
        return _unbondingSeconds;
    }

    /// @inheritdoc IControllers
    function subjectOf(address controller) public pure returns (bytes32) {
        return bytes32(uint256(uint160(controller)));
    }

    /// @dev Anyone may have returned an expired lock before.
    function _expire(address controller) private {
        bytes32 subject = subjectOf(controller);
        (address owner,) = _anchor.placeOf(address(this), subject, 0);
        if (owner != address(0)) _anchor.expire(address(this), subject, 0);
    }

    function _digestOf(
        ChannelId channel,
        uint256 index,
        uint256 epoch,
        bytes32 voucherDigest,
        bytes32 credentialHash
    ) private view returns (bytes32) {
        Issuance memory said = Issuance(channel, index, epoch, voucherDigest, credentialHash);
        return _hashTypedDataV4(keccak256(abi.encode(ISSUANCE_TYPE, said)));
    }

    /// @dev Whether there is something to take.
    function _isHeld(Bond memory had) private view returns (bool) {
        return had.amount != 0 && block.timestamp <= had.expiresAt;
    }
}
