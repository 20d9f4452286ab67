// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Bounds} from "../anchoring/Bounds.sol";
import {IDidRegistry} from "../interfaces/IDidRegistry.sol";

/// @title Identities: the layer of DidRegistry that holds what is known of an identity, and changes it
/// @notice Read IDidRegistry first. Who may change something is the business of the layer above.
abstract contract Identities is IDidRegistry {
    using SafeCast for uint256;

    /// @dev One slot.
    struct Identity {
        address owner; // zero: the identity itself
        uint40 changed;
        uint48 nonce;
        bool isDeactivated;
    }

    uint256 private constant MAX_VALIDITY_SECONDS = 36_500 days; // a hundred years: longer than any key
    uint256 private constant MAX_VALUE_BYTES = 2048; // above any RSA key and any address of a service

    mapping(address identity => Identity entry) private _identities;
    mapping(
        address identity => mapping(bytes32 delegateType => mapping(address delegate => uint256 validTo))
    ) private _delegates;

    /// @inheritdoc IDidRegistry
    function validDelegate(address identity, bytes32 delegateType, address delegate)
        external
        view
        returns (bool)
    {
        return !_identities[identity].isDeactivated
            && _delegates[identity][delegateType][delegate] >= block.timestamp;
    }

    /// @inheritdoc IDidRegistry
    function changed(address identity) external view returns (uint256) {
        return _identities[identity].changed;
    }

    /// @inheritdoc IDidRegistry
    function maxValiditySeconds() external pure returns (uint256) {
        return MAX_VALIDITY_SECONDS;
    }

    /// @inheritdoc IDidRegistry
    function identityOwner(address identity) public view returns (address) {
        Identity memory entry = _identities[identity];
        if (entry.isDeactivated) return address(0);
        return entry.owner == address(0) ? identity : entry.owner;
    }

    /// @inheritdoc IDidRegistry
    function nonces(address identity) public view returns (uint256) {
        return _identities[identity].nonce;
    }

    function _changeOwner(address identity, address newOwner) internal {
        if (newOwner == address(0)) revert OwnerZero(identity);
        if (newOwner == identityOwner(identity)) revert OwnerUnchanged(identity, newOwner);
        _identities[identity].owner = newOwner;
        emit DIDOwnerChanged(identity, newOwner, _noteChange(identity));
    }

    function _deactivate(address identity) internal {
        _identities[identity].isDeactivated = true;
        emit DIDOwnerChanged(identity, address(0), _noteChange(identity));
    }

    function _addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validTo)
        internal
    {
        if (delegateType == bytes32(0)) revert NameMissing(identity);
        if (delegate == address(0)) revert DelegateZero(identity);
        _delegates[identity][delegateType][delegate] = validTo;
        emit DIDDelegateChanged(identity, delegateType, delegate, validTo, _noteChange(identity));
    }

    function _revokeDelegate(address identity, bytes32 delegateType, address delegate) internal {
        uint256 had = _delegates[identity][delegateType][delegate];
        if (had < block.timestamp) revert DelegateNotValid(identity, delegateType, delegate, had);
        delete _delegates[identity][delegateType][delegate];
        emit DIDDelegateChanged(identity, delegateType, delegate, 0, _noteChange(identity));
    }

    function _setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validTo) internal {
        if (name == bytes32(0)) revert NameMissing(identity);
        Bounds.requireWithin("value", value.length, 1, MAX_VALUE_BYTES);
        emit DIDAttributeChanged(identity, name, value, validTo, _noteChange(identity));
    }

    /// @dev Answers the nonce that is used up.
    function _useNonce(address identity) internal returns (uint256 nonce) {
        nonce = _identities[identity].nonce;
        ++_identities[identity].nonce;
    }

    function _requireActive(address identity) internal view {
        if (_identities[identity].isDeactivated) revert IdentityDeactivated(identity);
    }

    function _requireEnd(uint256 validTo) internal view {
        Bounds.requireWithin("validTo", validTo, block.timestamp + 1, block.timestamp + MAX_VALIDITY_SECONDS);
    }

    function _endOf(uint256 validity) internal view returns (uint256) {
        Bounds.requireWithin("validity", validity, 1, MAX_VALIDITY_SECONDS);
        return block.timestamp + validity;
    }

    /// @dev Uses the nonce up, too: what was signed was about an identity that nothing had changed yet.
    function _noteChange(address identity) private returns (uint256 previous) {
        Identity storage entry = _identities[identity];
        previous = entry.changed;
        entry.changed = block.number.toUint40();
        ++entry.nonce;
    }
}
