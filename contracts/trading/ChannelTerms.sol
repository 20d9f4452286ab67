// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bounds} from "../anchoring/Bounds.sol";
import {ChannelId, IChannelEscrow} from "../interfaces/trading/IChannelEscrow.sol";

/// @title ChannelTerms: which terms a channel may have, and what follows from them
/// @notice Every bound is checked at the opening, so that no code behind it meets a number it cannot handle.
library ChannelTerms {
    uint256 internal constant MAX_CHANNELS = 32; // bounds every loop over channels
    uint256 private constant BOND_PART = 10; // a bond is at least a tenth of the deposit at the opening

    /// @notice The channel that these terms open: at this escrow, on this chain.
    function idOf(IChannelEscrow.Terms calldata terms) internal view returns (ChannelId) {
        return ChannelId.wrap(keccak256(abi.encode(block.chainid, address(this), terms)));
    }

    /// @notice Reverts unless a channel may have these terms now. How far ahead the lock may end, the
    /// anchor says.
    function check(IChannelEscrow.Terms calldata terms, IChannelEscrow.Limits memory limits) internal view {
        _checkParties(terms);
        Bounds.requireWithin("deposit", terms.deposit, 1, limits.maxDeposit);
        uint256 leastBond = (uint256(terms.deposit) + BOND_PART - 1) / BOND_PART;
        Bounds.requireWithin("bond", terms.bond, leastBond, limits.maxDeposit);
        Bounds.requireWithin("window", terms.window, limits.minWindow, limits.maxWindow);
        Bounds.requireWithin("expiresAt", terms.expiresAt, block.timestamp, type(uint40).max);
        // Whoever waits for the end of service has a window to bring what was signed last.
        uint256 earliest = uint256(terms.expiresAt) + terms.window;
        Bounds.requireWithin("closeBy", terms.closeBy, earliest, type(uint40).max);
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
        (address payerKey, address sellerKey) = (terms.payerKey, terms.sellerKey);
        if (terms.payer == terms.seller || !areKeys(payerKey, sellerKey)) {
            revert IChannelEscrow.PartiesInvalid(terms.payer, terms.seller, payerKey, sellerKey);
        }
    }
}
