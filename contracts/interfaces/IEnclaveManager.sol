// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title EnclaveManager: the judges and how many of them decide (the paper's MSC)
/// @notice Members and threshold are fixed at deployment: k = floor(2n/3) + 1, so that n - k + 1
/// bad judges can leave a charge unserved (it is void: the payer loses its bond) or without a verdict (it
/// lapses), and do nothing else.
interface IEnclaveManager {
    /// @notice Thrown when the number of members is out of range.
    error MemberCountOutOfRange(uint256 had, uint256 least, uint256 most);
    /// @notice Thrown at deployment for a zero address or an address given twice.
    error MemberInvalid(address member);
    /// @notice Thrown when a recovered signer is not a member.
    error NotAMember(address signer);

    /// @notice All members, in the order of deployment.
    function members() external view returns (address[] memory);
    function memberCount() external view returns (uint256);
    function threshold() external view returns (uint256);
    function isMember(address account) external view returns (bool);

    /// @notice Reverts unless at least `threshold` members signed `digest`; errors: crypto/Quorum.
    /// @param signatures 65-byte ECDSA signatures (r, s, v), ordered by ascending signer address
    /// @return signers   who signed, in the same order
    function checkSignatures(bytes32 digest, bytes[] calldata signatures)
        external
        view
        returns (address[] memory signers);
}
