// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement, JobId} from "../interfaces/IJobSettlement.sol";

/// @title Statements: EIP-712 struct hashes of what nodes and judges sign for the chain
/// @notice The domain is "Edgemark Outsourcing", version "2", the chain, the JobSettlement.
/// Judges speak of a root, a node and a kind of charge, never of a job's number alone: after a
/// reorganisation somebody else may stand at that index, with another task.
library Statements {
    bytes32 private constant ACCEPTANCE_TYPE = keccak256(
        "Acceptance(bytes32 job,uint256 index,bytes32 root,bytes32 termsHash,"
        "uint256 stake,uint256 validUntil)"
    );
    bytes32 private constant SERVED_TYPE =
        keccak256("Served(bytes32 job,uint256 index,bytes32 root,address node,uint8 kind)");
    bytes32 private constant VERDICT_TYPE =
        keccak256("Verdict(bytes32 job,uint256 index,bytes32 root,address node,uint8 kind,uint8 finding)");

    /// @notice A node takes index `index` of the job under its root, terms and stake.
    function acceptance(JobId job, uint256 index, IJobSettlement.Job storage entry, uint256 validUntil)
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
    function served(JobId job, uint256 index, bytes32 root, address node, IJobSettlement.ChargeKind kind)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(SERVED_TYPE, job, index, root, node, uint8(kind)));
    }

    /// @notice The judges found.
    function verdict(
        JobId job,
        uint256 index,
        bytes32 root,
        address node,
        IJobSettlement.ChargeKind kind,
        IJobSettlement.Finding finding
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(VERDICT_TYPE, job, index, root, node, uint8(kind), uint8(finding)));
    }
}
