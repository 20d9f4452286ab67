// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title PlantedPlainReceipt: a tower pays whatever is missing to the amount of its receipt, a flaw on
/// purpose (T26)
/// @notice For tests. Asks neither whether what the tower holds still counted nor what the channel had left:
/// buyer and seller agree on another key, or on a smaller deposit, and share what an honest tower pays.
contract PlantedPlainReceipt {
    address private immutable _tower;

    constructor(address tower) {
        _tower = tower;
    }

    /// @notice The planted flaw.
    /// @param had what the seller has of the channel
    function dueOf(bytes32 channel, uint256 amount, uint256 until, bytes calldata signature, uint256 had)
        external
        view
        returns (uint256)
    {
        address signer = ECDSA.recoverCalldata(digestOf(channel, amount, until), signature);
        return signer == _tower && amount > had ? amount - had : 0;
    }

    function digestOf(bytes32 channel, uint256 amount, uint256 until) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), channel, amount, until));
    }
}
