// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../interfaces/ISettlement.sol";

/// @title Statements: EIP-712 struct hashes of what nodes and judges sign for the chain
/// @notice The domain is "Edgemark Outsourcing", version "1", the chain, the settlement contract.
library Statements {
    bytes32 private constant ACCEPTANCE_TYPE = keccak256(
        "Acceptance(bytes32 job,uint256 index,bytes32 root,bytes32 termsHash,"
        "uint256 stake,uint256 validUntil)"
    );
    bytes32 private constant SERVED_TYPE = keccak256("Served(bytes32 job,uint256 index)");
    bytes32 private constant VERDICT_TYPE = keccak256("Verdict(bytes32 job,uint256 index,uint8 finding)");

    /// @notice A node takes index `index` of the job under its root, terms and stake.
    function acceptance(bytes32 job, uint256 index, ISettlement.Job storage entry, uint256 validUntil)
        internal
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(
                ACCEPTANCE_TYPE, job, index, entry.root, entry.termsHash, uint256(entry.stake), validUntil
            )
        );
    }

    /// @notice The judges hold the task of a charged index and found it well formed.
    function served(bytes32 job, uint256 index) internal pure returns (bytes32) {
        return keccak256(abi.encode(SERVED_TYPE, job, index));
    }

    /// @notice The judges found.
    function verdict(bytes32 job, uint256 index, ISettlement.Finding finding)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(VERDICT_TYPE, job, index, uint8(finding)));
    }
}
