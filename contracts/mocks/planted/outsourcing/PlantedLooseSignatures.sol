// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedLooseSignatures: bare ecrecover and a replay list of signature bytes, flaws on purpose (A29)
/// @notice For tests. One signature has several forms here, and each of them is paid.
contract PlantedLooseSignatures {
    mapping(bytes32 signatureHash => bool used) private _used;
    mapping(address signer => uint256 times) public paid;

    error SignatureUsed();

    /// @notice Pays the signer of `digest` once for each signature that was not seen before.
    function claim(bytes32 digest, bytes calldata signature) external {
        if (_used[keccak256(signature)]) revert SignatureUsed();
        _used[keccak256(signature)] = true;
        ++paid[_recover(digest, signature)];
    }

    function _recover(bytes32 digest, bytes calldata signature) private pure returns (address) {
        bytes32 r = bytes32(signature[:32]);
        bytes32 s = bytes32(signature[32:64]);
        if (signature.length == 64) {
            uint8 parity = uint8(uint256(s) >> 255);
            return ecrecover(digest, 27 + parity, r, bytes32((uint256(s) << 1) >> 1));
        }
        uint8 v = uint8(signature[64]);
        return ecrecover(digest, v < 27 ? v + 27 : v, r, s);
    }
}
