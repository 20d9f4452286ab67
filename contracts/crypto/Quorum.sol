// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Quorum: enough accounts signed the same thing, and each counts once
/// @notice Who may sign, the caller knows: it looks up every signer that it is told.
library Quorum {
    /// @notice Thrown when fewer signatures than the threshold are given.
    error TooFewSignatures(uint256 had, uint256 needed);
    /// @notice Thrown when signers are not in strictly ascending order (which also bars the same one twice).
    error SignersNotAscending(address previous, address signer);

    /// @notice The signers of `digest`; reverts unless there are `threshold`, each after the one before.
    /// @param signatures 65-byte ECDSA signatures (r, s, v), ordered by ascending signer address
    function signersOf(bytes32 digest, bytes[] calldata signatures, uint256 threshold)
        internal
        pure
        returns (address[] memory signers)
    {
        if (signatures.length < threshold) revert TooFewSignatures(signatures.length, threshold);
        signers = new address[](signatures.length);
        address previous = address(0);
        for (uint256 turn = 0; turn < signatures.length; ++turn) {
            address signer = ECDSA.recoverCalldata(digest, signatures[turn]);
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            signers[turn] = signer;
            previous = signer;
        }
    }
}
