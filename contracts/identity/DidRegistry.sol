// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IDidRegistry} from "../interfaces/IDidRegistry.sol";
import {DidStatements} from "./DidStatements.sol";
import {Identities} from "./Identities.sol";

/// @title DidRegistry
/// @notice Read IDidRegistry first: it says what every function does.
contract DidRegistry is Identities, EIP712 {
    constructor() EIP712("Edgemark Identities", "1") {}

    /// @inheritdoc IDidRegistry
    function changeOwner(address identity, address newOwner) external {
        _requireOwner(identity);
        _changeOwner(identity, newOwner);
    }

    /// @inheritdoc IDidRegistry
    function changeOwnerBySignature(
        address identity,
        address newOwner,
        uint256 deadline,
        bytes calldata signature
    ) external {
        _requireSigned(identity, ownerChangeDigest(identity, newOwner, deadline), deadline, signature);
        _changeOwner(identity, newOwner);
    }

    /// @inheritdoc IDidRegistry
    function deactivate(address identity) external {
        _requireOwner(identity);
        _deactivate(identity);
    }

    /// @inheritdoc IDidRegistry
    function deactivateBySignature(address identity, uint256 deadline, bytes calldata signature) external {
        _requireSigned(identity, deactivationDigest(identity, deadline), deadline, signature);
        _deactivate(identity);
    }

    /// @inheritdoc IDidRegistry
    function addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity)
        external
    {
        _requireOwner(identity);
        _addDelegate(identity, delegateType, delegate, _endOf(validity));
    }

    /// @inheritdoc IDidRegistry
    function addDelegateBySignature(
        address identity,
        bytes32 delegateType,
        address delegate,
        uint256 validTo,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 digest = delegateAdditionDigest(identity, delegateType, delegate, validTo, deadline);
        _requireSigned(identity, digest, deadline, signature);
        _requireEnd(validTo);
        _addDelegate(identity, delegateType, delegate, validTo);
    }

    /// @inheritdoc IDidRegistry
    function revokeDelegate(address identity, bytes32 delegateType, address delegate) external {
        _requireOwner(identity);
        _revokeDelegate(identity, delegateType, delegate);
    }

    /// @inheritdoc IDidRegistry
    function revokeDelegateBySignature(
        address identity,
        bytes32 delegateType,
        address delegate,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 digest = delegateRevocationDigest(identity, delegateType, delegate, deadline);
        _requireSigned(identity, digest, deadline, signature);
        _revokeDelegate(identity, delegateType, delegate);
    }

    /// @inheritdoc IDidRegistry
    function setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validity) external {
        _requireOwner(identity);
        _setAttribute(identity, name, value, _endOf(validity));
    }

    /// @inheritdoc IDidRegistry
    function setAttributeBySignature(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 validTo,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 digest = attributeSettingDigest(identity, name, value, validTo, deadline);
        _requireSigned(identity, digest, deadline, signature);
        _requireEnd(validTo);
        _setAttribute(identity, name, value, validTo);
    }

    /// @inheritdoc IDidRegistry
    function revokeAttribute(address identity, bytes32 name, bytes calldata value) external {
        _requireOwner(identity);
        _setAttribute(identity, name, value, 0);
    }

    /// @inheritdoc IDidRegistry
    function revokeAttributeBySignature(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 digest = attributeRevocationDigest(identity, name, value, deadline);
        _requireSigned(identity, digest, deadline, signature);
        _setAttribute(identity, name, value, 0);
    }

    /// @inheritdoc IDidRegistry
    function revokeSignatures(address identity) external {
        _requireOwner(identity);
        emit DIDSignaturesRevoked(identity, _useNonce(identity));
    }

    /// @inheritdoc IDidRegistry
    function ownerChangeDigest(address identity, address newOwner, uint256 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(DidStatements.ownerChange(identity, newOwner, nonces(identity), deadline));
    }

    /// @inheritdoc IDidRegistry
    function deactivationDigest(address identity, uint256 deadline) public view returns (bytes32) {
        return _hashTypedDataV4(DidStatements.deactivation(identity, nonces(identity), deadline));
    }

    /// @inheritdoc IDidRegistry
    function delegateAdditionDigest(
        address identity,
        bytes32 delegateType,
        address delegate,
        uint256 validTo,
        uint256 deadline
    ) public view returns (bytes32) {
        return _hashTypedDataV4(
            DidStatements.delegateAddition(
                identity, delegateType, delegate, validTo, nonces(identity), deadline
            )
        );
    }

    /// @inheritdoc IDidRegistry
    function delegateRevocationDigest(
        address identity,
        bytes32 delegateType,
        address delegate,
        uint256 deadline
    ) public view returns (bytes32) {
        return _hashTypedDataV4(
            DidStatements.delegateRevocation(identity, delegateType, delegate, nonces(identity), deadline)
        );
    }

    /// @inheritdoc IDidRegistry
    function attributeSettingDigest(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 validTo,
        uint256 deadline
    ) public view returns (bytes32) {
        return _hashTypedDataV4(
            DidStatements.attributeSetting(identity, name, value, validTo, nonces(identity), deadline)
        );
    }

    /// @inheritdoc IDidRegistry
    function attributeRevocationDigest(address identity, bytes32 name, bytes calldata value, uint256 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            DidStatements.attributeRevocation(identity, name, value, nonces(identity), deadline)
        );
    }

    function _requireSigned(address identity, bytes32 digest, uint256 deadline, bytes calldata signature)
        private
        view
    {
        _requireActive(identity); // first: a relayer that comes second is told that it is done
        if (block.timestamp > deadline) revert StatementExpired(deadline, block.timestamp);
        address signer = ECDSA.recoverCalldata(digest, signature);
        address owner = identityOwner(identity);
        if (signer != owner) revert StatementNotSigned(signer, owner);
    }

    function _requireOwner(address identity) private view {
        _requireActive(identity);
        address owner = identityOwner(identity);
        if (msg.sender != owner) revert NotIdentityOwner(identity, msg.sender, owner);
    }
}
