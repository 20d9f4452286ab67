// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedEvidenceSample: the evidence contract of the sample that the paper used, whose signers are
/// whoever sent it, a flaw on purpose (A57)
/// @notice For tests. It takes a hash as it is told, verifies no signature, lists its caller, and keeps the
/// first word about a hash.
contract PlantedEvidenceSample {
    mapping(bytes32 hash => address[] signers) private _signers;

    /// @notice Thrown when a hash is there already.
    error HashTaken(bytes32 hash);

    /// @notice The planted flaw: `signature` is stored nowhere and checked by nobody.
    function save(bytes32 hash, bytes calldata signature) external {
        if (_signers[hash].length != 0) revert HashTaken(hash);
        if (signature.length != 0) _signers[hash].push(msg.sender);
    }

    function signersOf(bytes32 hash) external view returns (address[] memory) {
        return _signers[hash];
    }
}
