// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title PlantedBareStatements: judges' statements over a job's number and an index alone, a flaw on purpose
/// @notice For tests, as this system had it. The number says nothing of the root and the nodes: after a
/// reorganisation in which the payer posts again with the same nonce, what was said of one node holds for
/// another.
contract PlantedBareStatements is EIP712 {
    bytes32 private constant SERVED_TYPE = keccak256("Served(bytes32 job,uint256 index)");
    bytes32 private constant VERDICT_TYPE = keccak256("Verdict(bytes32 job,uint256 index,uint8 finding)");

    constructor() EIP712("Edgemark Outsourcing", "1") {}

    /// @notice What the judges sign when they hold the task.
    function servedDigest(bytes32 job, uint256 index) external view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(SERVED_TYPE, job, index)));
    }

    /// @notice What the judges sign when they have found.
    function verdictDigest(bytes32 job, uint256 index, uint8 finding) external view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VERDICT_TYPE, job, index, finding)));
    }
}
