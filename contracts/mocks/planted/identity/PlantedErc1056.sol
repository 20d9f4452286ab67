// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedErc1056: ERC-1056's own deactivation and signatures, flaws on purpose (A28, A30)
/// @notice For tests. What is reproduced is the rule, in the words of the EthereumDIDRegistry: an owner of
/// zero means the identity itself again, and a signature names contract and nonce, neither chain nor end.
contract PlantedErc1056 {
    mapping(address identity => address owner) private _owners;
    mapping(address identity => uint256 blockNumber) public changed;
    mapping(address signer => uint256 count) public nonce;

    event DIDOwnerChanged(address indexed identity, address owner, uint256 previousChange);

    error BadActor(address actor);
    error BadSignature(address signer);

    /// @notice The planted flaw: after `changeOwner(identity, 0)` the old key is the owner again.
    function changeOwner(address identity, address newOwner) external {
        if (msg.sender != identityOwner(identity)) revert BadActor(msg.sender);
        _changeOwner(identity, newOwner);
    }

    /// @notice The planted flaw: what is signed names no chain and no last second, and the nonce is the
    /// signer's own, which nothing but its signatures uses up.
    function changeOwnerSigned(address identity, uint8 v, bytes32 r, bytes32 s, address newOwner) external {
        bytes32 digest = ownerChangeDigest(identity, newOwner);
        address signer = ecrecover(digest, v, r, s);
        if (signer == address(0) || signer != identityOwner(identity)) revert BadSignature(signer);
        ++nonce[signer];
        _changeOwner(identity, newOwner);
    }

    /// @notice Who may change the identity.
    function identityOwner(address identity) public view returns (address) {
        address owner = _owners[identity];
        return owner == address(0) ? identity : owner;
    }

    /// @notice What an owner signs: EIP-191 version 0 with the contract as validator.
    function ownerChangeDigest(address identity, address newOwner) public view returns (bytes32) {
        bytes memory head = abi.encodePacked(bytes1(0x19), bytes1(0), this, nonce[identityOwner(identity)]);
        return keccak256(bytes.concat(head, abi.encodePacked(identity, "changeOwner", newOwner)));
    }

    function _changeOwner(address identity, address newOwner) private {
        emit DIDOwnerChanged(identity, newOwner, changed[identity]);
        _owners[identity] = newOwner;
        changed[identity] = block.number;
    }
}
