// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title Registrations: EIP-712 struct hashes of what participants sign for the registry
library Registrations {
    bytes32 private constant REGISTRATION_TYPE = keccak256(
        "Registration(address account,uint16 role,address provider,bytes32 tlsKeyHash,string endpoint,"
        "string name,uint256 cpuCores,uint256 ramMiB,uint256 storageMiB,uint256 networkMbps,"
        "uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant SUCCESSION_TYPE =
        keccak256("Succession(address account,address successor,uint256 nonce,uint256 deadline)");

    /// @notice An account asks to be registered.
    function registration(
        address account,
        IParticipantRegistry.Registration calldata wanted,
        uint256 nonce,
        uint256 deadline
    ) internal pure returns (bytes32) {
        bytes memory who = abi.encode(
            REGISTRATION_TYPE,
            account,
            wanted.role,
            wanted.provider,
            wanted.tlsKeyHash,
            keccak256(bytes(wanted.endpoint)),
            keccak256(bytes(wanted.name))
        );
        // The four members of a static struct are encoded one after the other, a word each.
        return keccak256(bytes.concat(who, abi.encode(wanted.resources, nonce, deadline)));
    }

    /// @notice An account gives its place to another.
    function succession(address account, address successor, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(SUCCESSION_TYPE, account, successor, nonce, deadline));
    }
}
