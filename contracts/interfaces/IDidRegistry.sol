// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IDidRegistry: identities of accounts, their owners, delegates and attributes (did:ethr)
/// @notice Every account is an identity, without registration, and owns itself until it names another
/// owner. Events and reads are those of ERC-1056, so that resolvers of did:ethr read them unchanged; what
/// an owner signs for others to send is EIP-712 and has names of its own.
/// @dev Differs from ERC-1056 in this: deactivation is for good; a statement counts on one chain, at one
/// contract, until a deadline, and only as long as nothing else has changed; a revocation counts from its
/// own second on (its event has `validTo` 0); a time includes its last second, as resolvers have it; a
/// validity, a name and a value have bounds. All times are Unix seconds, `previousChange` is a block number.
interface IDidRegistry {
    /// @notice `identity` belongs to `owner` from now on; to nobody, for good, when that is zero.
    /// @param previousChange block of the change before this one, which may be the same; 0 for none
    event DIDOwnerChanged(address indexed identity, address owner, uint256 previousChange);
    /// @notice `delegate` may act for `identity` as `delegateType` says.
    /// @param delegateType   ASCII name, filled with zeros: `veriKey`, `sigAuth`
    /// @param validTo        last second at which it may; 0 when it may no longer
    /// @param previousChange block of the change before this one, which may be the same; 0 for none
    event DIDDelegateChanged(
        address indexed identity,
        bytes32 delegateType,
        address delegate,
        uint256 validTo,
        uint256 previousChange
    );
    /// @notice `identity` says `value` of itself under `name`.
    /// @param name           ASCII name, filled with zeros: `did/pub/...`, `did/svc/...`
    /// @param validTo        last second at which it does; 0 when it no longer does
    /// @param previousChange block of the change before this one, which may be the same; 0 for none
    event DIDAttributeChanged(
        address indexed identity, bytes32 name, bytes value, uint256 validTo, uint256 previousChange
    );
    /// @notice Everything that was signed for `identity` and nobody had used is void. No change: neither
    /// `changed` nor a resolver knows of it.
    /// @param nonce the one that is used up, the first is 0
    event DIDSignaturesRevoked(address indexed identity, uint256 nonce);

    /// @notice Thrown when `had` is not the owner of the identity.
    error NotIdentityOwner(address identity, address had, address needed);
    /// @notice Thrown when an identity that was deactivated is to be changed.
    error IdentityDeactivated(address identity);
    /// @notice Thrown when the new owner would be nobody: `deactivate` says that it is for good.
    error OwnerZero(address identity);
    /// @notice Thrown when the new owner is the present one.
    error OwnerUnchanged(address identity, address owner);
    /// @notice Thrown when the delegate would be nobody.
    error DelegateZero(address identity);
    /// @notice Thrown when a delegate is revoked that is none at this second.
    error DelegateNotValid(address identity, bytes32 delegateType, address delegate, uint256 validTo);
    /// @notice Thrown when a type of delegates or the name of an attribute is empty.
    error NameMissing(address identity);
    /// @notice Thrown when a statement comes after its deadline.
    error StatementExpired(uint256 deadline, uint256 nowAt);
    /// @notice Thrown when a statement was signed by another account than the owner, or for another
    /// nonce, chain or contract.
    error StatementNotSigned(address signer, address needed);

    /// @notice Gives the caller's identity to `newOwner`, which need not agree.
    function changeOwner(address identity, address newOwner) external;

    /// @notice The same, signed by the owner and sent by anyone.
    /// @param deadline  last second at which the statement counts
    /// @param signature of `ownerChangeDigest`: 65 bytes r, s, v
    function changeOwnerBySignature(
        address identity,
        address newOwner,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Ends the caller's identity for good: nobody owns it, none of its delegates counts.
    function deactivate(address identity) external;

    /// @notice The same, signed by the owner (`deactivationDigest`) and sent by anyone.
    function deactivateBySignature(address identity, uint256 deadline, bytes calldata signature) external;

    /// @notice Lets `delegate` act for the caller's identity.
    /// @param validity seconds from now, 1 to `maxValiditySeconds`; replaces what was left before
    function addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity) external;

    /// @notice The same, signed by the owner (`delegateAdditionDigest`) and sent by anyone.
    /// @param validTo last second at which the delegate may act, whenever the statement is brought
    function addDelegateBySignature(
        address identity,
        bytes32 delegateType,
        address delegate,
        uint256 validTo,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice From this second on `delegate` acts no longer for the caller's identity.
    function revokeDelegate(address identity, bytes32 delegateType, address delegate) external;

    /// @notice The same, signed by the owner (`delegateRevocationDigest`) and sent by anyone.
    function revokeDelegateBySignature(
        address identity,
        bytes32 delegateType,
        address delegate,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Says `value`, 1 to 2,048 bytes, of the caller's identity. The chain keeps the event alone.
    /// @param validity seconds from now, 1 to `maxValiditySeconds`
    function setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validity) external;

    /// @notice The same, signed by the owner (`attributeSettingDigest`) and sent by anyone.
    /// @param validTo last second at which it counts, whenever the statement is brought
    function setAttributeBySignature(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 validTo,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice From this second on `value` is no longer said of the caller's identity. Whether it was ever
    /// said the chain does not know.
    function revokeAttribute(address identity, bytes32 name, bytes calldata value) external;

    /// @notice The same, signed by the owner (`attributeRevocationDigest`) and sent by anyone.
    function revokeAttributeBySignature(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Voids everything that was signed for the caller's identity and nobody has used. Every other
    /// change of the identity does so as well.
    function revokeSignatures(address identity) external;

    /// @notice Who may change the identity: itself at first, zero once it was deactivated.
    function identityOwner(address identity) external view returns (address);

    /// @notice Whether `delegate` may act for the identity at this second.
    function validDelegate(address identity, bytes32 delegateType, address delegate)
        external
        view
        returns (bool);

    /// @notice Block of the last change of the identity, from where its events lead back; 0 for none.
    function changed(address identity) external view returns (uint256);

    /// @notice Number that the next statement for the identity has to be signed with.
    function nonces(address identity) external view returns (uint256);

    /// @notice What the owner signs for `changeOwnerBySignature`, with the present nonce.
    function ownerChangeDigest(address identity, address newOwner, uint256 deadline)
        external
        view
        returns (bytes32);

    /// @notice What the owner signs for `deactivateBySignature`, with the present nonce.
    function deactivationDigest(address identity, uint256 deadline) external view returns (bytes32);

    /// @notice What the owner signs for `addDelegateBySignature`, with the present nonce.
    function delegateAdditionDigest(
        address identity,
        bytes32 delegateType,
        address delegate,
        uint256 validTo,
        uint256 deadline
    ) external view returns (bytes32);

    /// @notice What the owner signs for `revokeDelegateBySignature`, with the present nonce.
    function delegateRevocationDigest(
        address identity,
        bytes32 delegateType,
        address delegate,
        uint256 deadline
    ) external view returns (bytes32);

    /// @notice What the owner signs for `setAttributeBySignature`, with the present nonce.
    function attributeSettingDigest(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 validTo,
        uint256 deadline
    ) external view returns (bytes32);

    /// @notice What the owner signs for `revokeAttributeBySignature`, with the present nonce.
    function attributeRevocationDigest(address identity, bytes32 name, bytes calldata value, uint256 deadline)
        external
        view
        returns (bytes32);

    /// @notice Seconds for which a delegate or an attribute may be valid at most.
    function maxValiditySeconds() external pure returns (uint256);
}
