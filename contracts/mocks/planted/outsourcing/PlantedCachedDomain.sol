// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedCachedDomain: keeps the domain separator of its first day, a flaw on purpose (A28)
/// @notice For tests. After a fork that changes the chain id, signatures of the other chain are good here.
contract PlantedCachedDomain {
    bytes32 private immutable _domain;

    constructor() {
        _domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Edgemark Outsourcing"),
                keccak256("2"),
                block.chainid,
                address(this)
            )
        );
    }

    /// @notice What the judges sign when they hold the task.
    function servedDigest(bytes32 job, uint256 index) external view returns (bytes32) {
        bytes32 body = keccak256(abi.encode(keccak256("Served(bytes32 job,uint256 index)"), job, index));
        return keccak256(abi.encodePacked("\x19\x01", _domain, body));
    }
}
