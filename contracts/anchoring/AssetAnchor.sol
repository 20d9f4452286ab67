// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";
import {Allowances} from "./Allowances.sol";
import {FreeBalances} from "./FreeBalances.sol";

/// @title AssetAnchor
/// @notice Read IAssetAnchor first: it says what every function does.
/// @dev The locks; the layers below it count what is free and what lockers may take of it.
contract AssetAnchor is FreeBalances, Allowances {
    using SafeCast for uint256;

    /// @dev One slot; all zero when it holds nothing.
    struct Place {
        address owner;
        uint96 amount;
    }

    /// @dev A slot for the head, then one a place: a place is found without hashing again.
    struct Lock {
        uint40 expiresAt;
        bool isGroup;
        Place[256] places;
    }

    uint256 private constant LAST_PLACE = 255;

    mapping(address locker => mapping(bytes32 subject => Lock entry)) private _locks;

    /// @param token_ the ERC-20 held here
    constructor(address token_) FreeBalances(token_) {}

    /// @inheritdoc IAssetAnchor
    function lock(bytes32 subject, address owner, uint256 amount, uint256 expiresAt) external {
        _open(subject, owner, amount, expiresAt, false);
    }

    /// @inheritdoc IAssetAnchor
    function openGroup(bytes32 subject, address owner, uint256 amount, uint256 expiresAt) external {
        _open(subject, owner, amount, expiresAt, true);
    }

    /// @inheritdoc IAssetAnchor
    function fillMany(bytes32 subject, Fill[] calldata fills, uint256 amount) external {
        _requireAmount(amount);
        (Lock storage entry, uint256 expiresAt, bool isGroup) = _requireUsable(subject);
        if (!isGroup) revert LockKindWrong(msg.sender, subject, isGroup);
        for (uint256 turn = 0; turn < fills.length; ++turn) {
            uint256 place = fills[turn].place;
            if (place == 0) revert PlaceOutOfRange(place, 1, LAST_PLACE);
            _fill(entry, subject, place, fills[turn].owner, amount, expiresAt);
        }
        _addLocked(amount * fills.length);
    }

    /// @inheritdoc IAssetAnchor
    function increase(bytes32 subject, uint256 place, uint256 amount) external {
        _requireAmount(amount);
        (Lock storage entry,,) = _requireUsable(subject);
        Place storage held = _requireFilled(entry, msg.sender, subject, place);
        address owner = held.owner;
        uint256 total = held.amount + amount;
        _requireAmount(total);
        _takeAllowance(owner, amount);
        _takeFree(owner, amount);
        held.amount = total.toUint96();
        _addLocked(amount);
        emit LockIncreased(msg.sender, subject, owner, place, amount);
    }

    /// @inheritdoc IAssetAnchor
    function renew(bytes32 subject, uint256 expiresAt) external {
        (Lock storage entry, uint256 before, bool isGroup) = _requireUsable(subject);
        if (isGroup) revert LockKindWrong(msg.sender, subject, isGroup);
        _requireExpiry(expiresAt, before + 1);
        _takeAllowance(entry.places[0].owner, entry.places[0].amount);
        entry.expiresAt = expiresAt.toUint40();
        emit LockRenewed(msg.sender, subject, expiresAt);
    }

    /// @inheritdoc IAssetAnchor
    function pay(bytes32 subject, uint256 place, address to, uint256 amount) external {
        if (amount == 0) return;
        (Lock storage entry,, bool isGroup) = _requireUsable(subject);
        _payFrom(entry, subject, place, to, amount);
        _closeEmpty(entry, isGroup);
        _addFree(amount);
    }

    /// @inheritdoc IAssetAnchor
    function payMany(bytes32 subject, Payment[] calldata payments) external {
        (Lock storage entry,, bool isGroup) = _requireUsable(subject);
        uint256 sum = 0;
        for (uint256 turn = 0; turn < payments.length; ++turn) {
            uint256 amount = payments[turn].amount;
            if (amount == 0) continue;
            _payFrom(entry, subject, payments[turn].place, payments[turn].to, amount);
            sum += amount;
        }
        _closeEmpty(entry, isGroup);
        _addFree(sum);
    }

    /// @inheritdoc IAssetAnchor
    function expire(address locker, bytes32 subject, uint256 place) external {
        (Lock storage entry, uint256 expiresAt, bool isGroup) = _requireLock(locker, subject);
        if (block.timestamp <= expiresAt) revert LockNotExpired(locker, subject, expiresAt, block.timestamp);
        Place memory held = _requireFilled(entry, locker, subject, place);
        delete entry.places[place];
        _closeEmpty(entry, isGroup);
        _giveFree(held.owner, held.amount);
        _addFree(held.amount);
        emit LockReturned(locker, subject, held.owner, place, held.amount, msg.sender);
    }

    /// @inheritdoc IAssetAnchor
    function lockOf(address locker, bytes32 subject) external view returns (uint256 expiresAt, bool isGroup) {
        Lock storage entry = _locks[locker][subject];
        return (entry.expiresAt, entry.isGroup);
    }

    /// @inheritdoc IAssetAnchor
    function placeOf(address locker, bytes32 subject, uint256 place)
        external
        view
        returns (address owner, uint256 amount)
    {
        Place memory held = _placeIn(_locks[locker][subject], place);
        return (held.owner, held.amount);
    }

    function _open(bytes32 subject, address owner, uint256 amount, uint256 expiresAt, bool isGroup) private {
        _requireAmount(amount);
        _requireExpiry(expiresAt, block.timestamp + 1);
        Lock storage entry = _locks[msg.sender][subject];
        if (entry.expiresAt != 0) revert LockExists(msg.sender, subject);
        entry.expiresAt = expiresAt.toUint40();
        entry.isGroup = isGroup;
        _fill(entry, subject, 0, owner, amount, expiresAt);
        _addLocked(amount);
    }

    function _fill(
        Lock storage entry,
        bytes32 subject,
        uint256 place,
        address owner,
        uint256 amount,
        uint256 expiresAt
    ) private {
        Place storage held = _placeIn(entry, place);
        if (held.amount != 0) revert PlaceTaken(msg.sender, subject, place, held.owner);
        _takeAllowance(owner, amount);
        _takeFree(owner, amount);
        (held.owner, held.amount) = (owner, amount.toUint96());
        emit Locked(msg.sender, subject, owner, place, amount, expiresAt);
    }

    function _payFrom(Lock storage entry, bytes32 subject, uint256 place, address to, uint256 amount)
        private
    {
        _requireHolder(to);
        Place storage held = _requireFilled(entry, msg.sender, subject, place);
        uint256 had = held.amount;
        if (had < amount) revert PlaceTooSmall(msg.sender, subject, place, had, amount);
        if (had == amount) delete entry.places[place];
        else held.amount = (had - amount).toUint96();
        _giveFree(to, amount);
        emit Paid(msg.sender, subject, to, place, amount);
    }

    /// @dev A plain lock ends with its last token; a group's head stays, so that no subject comes twice.
    function _closeEmpty(Lock storage entry, bool isGroup) private {
        if (!isGroup && entry.places[0].amount == 0) entry.expiresAt = 0;
    }

    /// @dev Reverts unless the caller has such a lock and it has not expired.
    function _requireUsable(bytes32 subject)
        private
        view
        returns (Lock storage entry, uint256 expiresAt, bool isGroup)
    {
        (entry, expiresAt, isGroup) = _requireLock(msg.sender, subject);
        if (block.timestamp > expiresAt) revert LockExpired(msg.sender, subject, expiresAt, block.timestamp);
    }

    /// @dev Reverts unless there is such a lock.
    function _requireLock(address locker, bytes32 subject)
        private
        view
        returns (Lock storage entry, uint256 expiresAt, bool isGroup)
    {
        entry = _locks[locker][subject];
        (expiresAt, isGroup) = (entry.expiresAt, entry.isGroup);
        if (expiresAt == 0) revert LockUnknown(locker, subject);
    }

    function _requireFilled(Lock storage entry, address locker, bytes32 subject, uint256 place)
        private
        view
        returns (Place storage held)
    {
        held = _placeIn(entry, place);
        if (held.amount == 0) revert PlaceEmpty(locker, subject, place);
    }

    function _placeIn(Lock storage entry, uint256 place) private view returns (Place storage) {
        if (place > LAST_PLACE) revert PlaceOutOfRange(place, 0, LAST_PLACE);
        return entry.places[place];
    }
}
