// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChannelId, IChannelEscrow} from "../interfaces/trading/IChannelEscrow.sol";

/// @title ChannelStatements: EIP-712 struct hashes of what payer and seller sign about a channel
/// @notice The domain is "Edgemark Trading", version "1", the chain, the ChannelEscrow. Every statement
/// names its channel, whose id is the hash of its terms: none counts for another.
library ChannelStatements {
    bytes32 private constant OPENING_TYPE = keccak256("Opening(bytes32 channel,uint256 validUntil)");
    bytes32 private constant VOUCHER_TYPE = keccak256(
        "Voucher(bytes32 channel,uint256 index,uint256 amount,bytes32 templateHash,"
        "address controller,uint256 epoch)"
    );
    bytes32 private constant REDUCTION_TYPE =
        keccak256("Reduction(bytes32 channel,uint256 number,uint256 amount,uint256 validUntil)");
    bytes32 private constant AMENDMENT_TYPE = keccak256(
        "Amendment(bytes32 channel,uint256 number,uint256 amount,address payerKey,"
        "address sellerKey,address controller,uint256 epoch,uint256 validUntil)"
    );
    bytes32 private constant CLOSING_TYPE =
        keccak256("Closing(bytes32 channel,uint256 amount,uint256 validUntil)");
    bytes32 private constant DELEGATION_TYPE =
        keccak256("Delegation(bytes32 channel,address tower,uint256 number)");

    /// @notice A party takes the terms.
    function opening(ChannelId channel, uint256 validUntil) internal pure returns (bytes32) {
        return keccak256(abi.encode(OPENING_TYPE, channel, validUntil));
    }

    /// @notice All that the payer ever owed.
    function voucher(ChannelId channel, IChannelEscrow.Voucher calldata said)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(VOUCHER_TYPE, channel, said));
    }

    /// @notice Unused deposit goes back.
    function reduction(ChannelId channel, IChannelEscrow.Reduction calldata said)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(REDUCTION_TYPE, channel, said.number, said.amount, said.validUntil));
    }

    /// @notice A checkpoint after which others sign.
    function amendment(ChannelId channel, IChannelEscrow.Amendment calldata said)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(
            abi.encode(AMENDMENT_TYPE, channel, said.number, said.amount, said.signers, said.validUntil)
        );
    }

    /// @notice The last amount.
    function closing(ChannelId channel, IChannelEscrow.Closing calldata said)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(CLOSING_TYPE, channel, said.amount, said.validUntil));
    }

    /// @notice Who watches a channel for a party, and is paid what whoever cheats it loses.
    function delegation(ChannelId channel, address tower, uint256 number) internal pure returns (bytes32) {
        return keccak256(abi.encode(DELEGATION_TYPE, channel, tower, number));
    }
}
