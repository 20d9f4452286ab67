// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title DidStatements: EIP-712 struct hashes of what owners of identities sign for others to send
library DidStatements {
    bytes32 private constant OWNER_CHANGE_TYPE =
        keccak256("OwnerChange(address identity,address newOwner,uint256 nonce,uint256 deadline)");
    bytes32 private constant DEACTIVATION_TYPE =
        keccak256("Deactivation(address identity,uint256 nonce,uint256 deadline)");
    bytes32 private constant DELEGATE_ADDITION_TYPE = keccak256(
        "DelegateAddition(address identity,bytes32 delegateType,address delegate,uint256 validTo,"
        "uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant DELEGATE_REVOCATION_TYPE = keccak256(
        "DelegateRevocation(address identity,bytes32 delegateType,address delegate,"
        "uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant ATTRIBUTE_SETTING_TYPE = keccak256(
        "AttributeSetting(address identity,bytes32 name,bytes32 valueHash,uint256 validTo,"
        "uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant ATTRIBUTE_REVOCATION_TYPE = keccak256(
        "AttributeRevocation(address identity,bytes32 name,bytes32 valueHash,uint256 nonce,uint256 deadline)"
    );

    /// @notice An owner gives its identity to another.
    function ownerChange(address identity, address newOwner, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(OWNER_CHANGE_TYPE, identity, newOwner, nonce, deadline));
    }

    /// @notice An owner ends its identity for good.
    function deactivation(address identity, uint256 nonce, uint256 deadline) internal pure returns (bytes32) {
        return keccak256(abi.encode(DEACTIVATION_TYPE, identity, nonce, deadline));
    }

    /// @notice An owner lets a delegate act until a second.
    function delegateAddition(
        address identity,
        bytes32 delegateType,
        address delegate,
        uint256 validTo,
        uint256 nonce,
        uint256 deadline
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(DELEGATE_ADDITION_TYPE, identity, delegateType, delegate, validTo, nonce, deadline)
        );
    }

    /// @notice An owner lets a delegate act no longer.
    function delegateRevocation(
        address identity,
        bytes32 delegateType,
        address delegate,
        uint256 nonce,
        uint256 deadline
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(DELEGATE_REVOCATION_TYPE, identity, delegateType, delegate, nonce, deadline)
        );
    }

    /// @notice An owner says something of its identity until a second.
    function attributeSetting(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 validTo,
        uint256 nonce,
        uint256 deadline
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(ATTRIBUTE_SETTING_TYPE, identity, name, keccak256(value), validTo, nonce, deadline)
        );
    }

    /// @notice An owner says something of its identity no longer.
    function attributeRevocation(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 nonce,
        uint256 deadline
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(ATTRIBUTE_REVOCATION_TYPE, identity, name, keccak256(value), nonce, deadline)
        );
    }
}
