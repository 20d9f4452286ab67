// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bounds} from "../anchoring/Bounds.sol";
import {ChannelId, IChannelEscrow} from "../interfaces/trading/IChannelEscrow.sol";

/// @title ChannelTerms: which terms a channel may have, and what follows from them
/// @notice Every bound is checked at the opening, so that no code behind it meets a number it cannot handle.
library ChannelTerms {
    uint256 internal constant MAX_CHANNELS = 32; // bounds every loop over channels
    uint256 private constant TERMS_BYTES = 480; // 15 words
    uint256 private constant CONTROLLER_AT = 384; // the thirteenth of them
    uint256 private constant BOND_PART = 10; // a bond is at least a tenth of the deposit at the opening

    /// @notice Emits `IChannelEscrow.ChannelOpened`.
    /// @dev As `emit` does, at 1 % less of an opening's gas: its data is the encoding of the terms, which
    /// lies in the calldata. That every number fits its type, `check` has seen; but of the controller.
    function emitOpened(ChannelId channel, IChannelEscrow.Terms calldata terms) internal {
        (address payer, address seller) = (terms.payer, terms.seller);
        bytes32 kind = IChannelEscrow.ChannelOpened.selector;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            if shr(160, calldataload(add(terms, CONTROLLER_AT))) { revert(0, 0) }
            let free := mload(0x40)
            calldatacopy(free, terms, TERMS_BYTES)
            log4(free, TERMS_BYTES, kind, channel, payer, seller)
        }
    }

    /// @notice The channel that these terms open: at this escrow, on this chain.
    /// @dev keccak256(abi.encode(chainid, escrow, terms)), of the encoding of terms in the calldata.
    function idOf(IChannelEscrow.Terms calldata terms) internal view returns (ChannelId id) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let free := mload(0x40) // what is written beyond it, nobody reads
            mstore(free, chainid())
            mstore(add(free, 0x20), address())
            calldatacopy(add(free, 0x40), terms, TERMS_BYTES)
            id := keccak256(free, add(TERMS_BYTES, 0x40))
        }
    }

    /// @notice Reverts unless a channel may have these terms now. How far ahead the lock may end, the
    /// anchor says.
    function check(IChannelEscrow.Terms calldata terms, IChannelEscrow.Limits memory limits) internal view {
        _checkParties(terms);
        (uint256 deposit, uint256 window, uint256 expiresAt) = (terms.deposit, terms.window, terms.expiresAt);
        Bounds.requireWithin("deposit", deposit, 1, limits.maxDeposit);
        uint256 leastBond = (deposit + BOND_PART - 1) / BOND_PART;
        Bounds.requireWithin("bond", terms.bond, leastBond, limits.maxDeposit);
        Bounds.requireWithin("window", window, limits.minWindow, limits.maxWindow);
        Bounds.requireWithin("expiresAt", expiresAt, block.timestamp, type(uint40).max);
        // Whoever waits for the end of service has a window to bring what was signed last.
        Bounds.requireWithin("closeBy", terms.closeBy, expiresAt + window, type(uint40).max);
    }

    /// @notice Reverts unless the limits leave room for every channel they allow.
    /// @param maxLockSeconds longest lock that the anchor takes
    function checkLimits(IChannelEscrow.Limits memory limits, uint256 maxLockSeconds) internal pure {
        // What a lock holds, deposit and bond, is stored in 88 bits.
        Bounds.requireWithin("maxDeposit", limits.maxDeposit, 1, type(uint88).max / 2);
        Bounds.requireWithin("minWindow", limits.minWindow, 1, limits.maxWindow);
        Bounds.requireWithin("exitGrace", limits.exitGrace, 1, type(uint40).max);
        uint256 tail = 3 * uint256(limits.maxWindow) + limits.exitGrace; // from `expiresAt` to the lock's end
        Bounds.requireWithin("longestTail", tail, 1, maxLockSeconds);
    }

    /// @notice Last second of the lock: a window that begins in the last second is over `exitGrace` before.
    function lockExpiryOf(IChannelEscrow.Terms calldata terms, uint256 exitGrace)
        internal
        pure
        returns (uint256)
    {
        return uint256(terms.closeBy) + 2 * uint256(terms.window) + exitGrace;
    }

    /// @notice Reverts unless a list has 1 to 32 channels.
    function requireCount(uint256 count) internal pure {
        Bounds.requireWithin("channels", count, 1, MAX_CHANNELS);
    }

    /// @notice Whether these may be the signing addresses of a channel.
    function areKeys(address payerKey, address sellerKey) internal pure returns (bool) {
        return payerKey != sellerKey && payerKey != address(0) && sellerKey != address(0);
    }

    function _checkParties(IChannelEscrow.Terms calldata terms) private pure {
        (address payer, address seller) = (terms.payer, terms.seller);
        (address payerKey, address sellerKey) = (terms.payerKey, terms.sellerKey);
        if (payer == seller || !areKeys(payerKey, sellerKey)) {
            revert IChannelEscrow.PartiesInvalid(payer, seller, payerKey, sellerKey);
        }
    }
}
