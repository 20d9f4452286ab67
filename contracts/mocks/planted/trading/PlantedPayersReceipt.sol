// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IChannelEscrow} from "../../../interfaces/trading/IChannelEscrow.sol";

/// @title PlantedPayersReceipt: a receipt of a tower names the payer's key alone, a flaw on purpose (T26)
/// @notice For tests. Buyer and seller replace the seller's key: a checkpoint needs what both say, so what
/// an honest tower holds is refused, and its receipt counts as before.
contract PlantedPayersReceipt {
    IChannelEscrow private immutable _escrow;
    address private immutable _tower;

    constructor(IChannelEscrow escrow, address tower) {
        (_escrow, _tower) = (escrow, tower);
    }

    /// @notice The planted flaw: the seller's key is not asked for. What is due of a channel that ended.
    function dueOf(IChannelEscrow.Terms calldata terms, uint256 amount, bytes calldata signature)
        external
        view
        returns (uint256)
    {
        IChannelEscrow.Channel memory ended = _escrow.channelOf(_escrow.channelIdOf(terms));
        bytes32 digest = digestOf(terms, amount, _escrow.signersOf(terms).payerKey);
        if (ECDSA.recoverCalldata(digest, signature) != _tower || amount <= ended.paid) return 0;
        uint256 due = amount - ended.paid;
        return due < ended.locked ? due : ended.locked;
    }

    function digestOf(IChannelEscrow.Terms calldata terms, uint256 amount, address payerKey)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(_escrow.channelIdOf(terms), address(this), amount, payerKey));
    }
}
