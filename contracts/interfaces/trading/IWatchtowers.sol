// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChannelId, IChannelEscrow} from "./IChannelEscrow.sol";

/// @title Bonds of towers, who watch channels for their sellers
/// @notice A tower publishes on which terms it watches. It sets a part of its bond aside for a channel (a
/// cover), and signs a receipt for every state of the channel that it holds. Of a channel that ended below
/// an amount with a receipt, although the tower could have brought it, the cover pays the seller the
/// difference.
/// What is set aside for a channel pays for no other: nobody's claim, true or contrived, takes anything from
/// another's. A seller counts on its cover, not on the bond; a receipt without a cover is worth nothing.
/// @dev Relies on: AssetAnchor holds every token; a bond is ONE plain lock in it, subject = the tower's
/// account, owner = the same. ParticipantRegistry says who is a server in the role of a tower; its account
/// is its key. ChannelEscrow says how a channel ended and whose keys were in force. Amounts are in the
/// token's smallest unit, times in Unix seconds; a time includes its last second. Lists have 1 to 32
/// channels.
/// Errors that other systems have too: anchoring/{Bounds, Deadlines}; ECDSA for what is no signature.
interface IWatchtowers {
    /// @notice On which terms a tower takes channels: it holds to them, no contract does.
    /// @param leastBond of a channel, which pays the tower when it catches a payer
    /// @param retainer  moved to the tower's free tokens before its first receipt of a channel: as long as
    ///                  nobody cheats, it is all that a tower earns
    /// @param until     last second until which it watches for anybody new or old
    struct TowerTerms {
        uint88 leastBond;
        uint88 retainer;
        uint40 until;
    }

    /// @notice Stored for a tower: one word.
    /// @param amount    smallest units; counts until `expiresAt`
    /// @param covered   what of it is set aside for channels
    /// @param expiresAt last second of its lock
    /// @param isRetired whether it covers nothing new
    struct Bond {
        uint88 amount;
        uint88 covered;
        uint40 expiresAt;
        bool isRetired;
    }

    /// @notice Stored for a channel of a tower: one word.
    /// @param amount what is set aside
    /// @param paid   what its seller was paid of it
    /// @param until  last second of what it answers for
    struct Cover {
        uint88 amount;
        uint88 paid;
        uint40 until;
    }

    /// @notice What a tower sets aside, instead of what it had for this channel: never less, never shorter.
    struct Covering {
        ChannelId channel;
        uint256 amount;
        uint256 until;
    }

    /// @notice `Receipt(channel, amount, payerKey, sellerKey, until)`: "until this second I bring whatever
    /// of this channel counts, and hold `amount`, signed by both keys". Both parties may agree on others,
    /// with which what the tower holds counts no more: a receipt pays nothing while another key is in force,
    /// and counts again when both are put back, which `IChannelEscrow.amend` allows until `expiresAt`: so a
    /// tower keeps what it holds under each pair of keys.
    /// @param signature of the tower
    struct Claim {
        address tower;
        IChannelEscrow.Terms terms;
        uint256 amount;
        uint256 until;
        bytes signature;
    }

    /// @notice A tower locked `amount` more, or made its bond last longer; it is not retired now.
    event TowerBonded(address indexed tower, uint256 amount, uint256 total, uint256 expiresAt);
    /// @notice A tower watches on these terms from now on.
    event TermsPublished(address indexed tower, uint256 leastBond, uint256 retainer, uint256 until);
    /// @notice `amount` of a tower's bond is set aside for a channel.
    event ChannelCovered(address indexed tower, ChannelId indexed channel, uint256 amount, uint256 until);
    /// @notice `amount` of a tower's bond is set aside no more.
    event ChannelUncovered(address indexed tower, ChannelId indexed channel, uint256 amount);
    /// @notice A tower had not brought what it had signed a receipt for.
    /// @param amount of the receipt
    /// @param had    what the seller has of the channel
    /// @param due    what it was paid now
    event SellerCompensated(
        address indexed tower,
        ChannelId indexed channel,
        address indexed seller,
        uint256 amount,
        uint256 had,
        uint256 due
    );
    /// @notice A tower covers nothing new.
    event TowerRetired(address indexed tower, uint256 covered);
    /// @notice A bond went back to its tower.
    event TowerReleased(address indexed tower, uint256 amount);

    /// @notice Thrown when an account has another role in the registry, or none.
    error NotATower(address account, uint16 role);
    /// @notice Thrown when a tower has no bond, or one whose lock expired.
    error TowerNotBonded(address tower);
    /// @notice Thrown when a tower that covers nothing new would, or retires twice.
    error AlreadyRetired(address tower);
    /// @notice Thrown when a bond is asked back from a tower that has not retired.
    error NotRetired(address tower);
    /// @notice Thrown when a bond is asked back, or a new one begun, while covers are not given up.
    error StillCovering(address tower, uint256 covered);
    /// @notice Thrown when a tower has set nothing aside for a channel.
    error NotCovered(address tower, ChannelId channel);
    /// @notice Thrown when a cover is given up that may still have to pay.
    error CoverStands(address tower, ChannelId channel, uint256 allowedAfter);
    /// @notice Thrown when a receipt was signed by another, or for other keys than are in force.
    error ReceiptNotSigned(ChannelId channel, address signer, address needed);
    /// @notice Thrown when a channel has not ended.
    error ChannelNotEnded(ChannelId channel, IChannelEscrow.ChannelPhase had);
    /// @notice Thrown when a channel ended by its seller's own word.
    error EndedBySeller(ChannelId channel);
    /// @notice Thrown when more could have been brought after a tower had ceased to watch.
    error EndedLater(ChannelId channel, uint256 lastSecond, uint256 until);
    /// @notice Thrown when a seller has what a receipt says, or whatever of it the channel lost and the
    /// cover holds.
    error NothingDue(ChannelId channel, uint256 amount, uint256 had);

    /// @notice Called by a tower: locks `amount` more of its free tokens, for which it has allowed this
    /// contract; lets the whole last `maxLockSeconds` of the anchor from now; ends retirement. An amount of
    /// zero renews.
    function bond(uint256 amount) external;

    /// @notice Called by a tower: says on which terms it watches. What it covers already stays as it is.
    function publish(TowerTerms calldata terms) external;

    /// @notice Called by a tower: sets parts of its bond aside, each until `until` and `claimSeconds` more,
    /// within its lock.
    function cover(Covering[] calldata coverings) external;

    /// @notice Called by anyone with a receipt, of a channel that ended by a payer's or a stranger's
    /// window, or by nobody's closing: the seller is paid what it has less than the amount of the receipt, at
    /// most what went back to the payer and what the cover holds, whatever was paid of it before
    /// included. Counts when more could have been brought until the receipt's and the cover's `until`,
    /// whichever is first; until `claimSeconds` after it.
    /// @return due what the seller is paid now
    function claim(Claim calldata said) external returns (uint256 due);

    /// @notice Called by anyone: gives up covers that can pay nothing any more: time is over, or the channel
    /// ended without a loss for which they answer. Those that stand are passed over where a list has several.
    /// @return count of those that were given up
    function uncover(address tower, ChannelId[] calldata channels) external returns (uint256 count);

    /// @notice Called by a tower: it covers nothing new. What it covers stays covered.
    function retire() external;

    /// @notice Called by anyone: the bond of a tower that retired and covers nothing, or whose lock
    /// expired, goes back.
    function release(address tower) external;

    /// @notice All zero for an account that never bonded.
    function bondOf(address tower) external view returns (Bond memory);
    /// @notice All zero for a tower that never said any.
    function termsOf(address tower) external view returns (TowerTerms memory);
    /// @notice All zero for a channel that was never covered.
    function coverOf(address tower, ChannelId channel) external view returns (Cover memory);
    /// @notice Whether a tower takes channels now: in good standing, bonded, not retired, within its terms.
    function isWatching(address tower) external view returns (bool);
    /// @notice What a tower signs: EIP-712, domain "Edgemark Watchtowers", version "1", this chain, this
    /// contract.
    function receiptDigest(
        ChannelId channel,
        uint256 amount,
        address payerKey,
        address sellerKey,
        uint256 until
    ) external view returns (bytes32);
    function anchor() external view returns (address);
    function registry() external view returns (address);
    function escrow() external view returns (address);
    /// @notice How long after its `until` a receipt counts.
    function claimSeconds() external view returns (uint256);
    /// @notice Subject of a tower's lock in the anchor.
    function subjectOf(address tower) external pure returns (bytes32);
}
