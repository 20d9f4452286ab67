// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title PlantedIndexOrder: of two vouchers the later index counts, a flaw on purpose (A53)
/// @notice For tests. One channel; the payer signs keccak256(channel, index, amount), and closes last with
/// the highest index and nothing.
contract PlantedIndexOrder {
    bytes32 private constant CHANNEL = keccak256("the channel");

    address private immutable _payerKey;
    uint256 private immutable _deposit;
    uint256 public index;
    uint256 public amount;

    /// @notice Thrown when another signed.
    error NotSigned();

    constructor(address payerKey, uint256 deposit) {
        (_payerKey, _deposit) = (payerKey, deposit);
    }

    /// @notice The planted flaw: the index decides, so that whoever signs the highest one decides.
    function show(uint256 index_, uint256 amount_, bytes calldata signature) external {
        if (ECDSA.recoverCalldata(digestOf(index_, amount_), signature) != _payerKey) revert NotSigned();
        if (index_ > index) (index, amount) = (index_, amount_);
    }

    /// @notice What seller and payer get.
    function outcome() external view returns (uint256 toSeller, uint256 toPayer) {
        return (amount, _deposit - amount);
    }

    function digestOf(uint256 index_, uint256 amount_) public pure returns (bytes32) {
        return keccak256(abi.encode(CHANNEL, index_, amount_));
    }
}
