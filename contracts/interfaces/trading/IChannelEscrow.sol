// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDeprecation} from "../IDeprecation.sol";

/// @dev keccak256(abi.encode(chainid, ChannelEscrow, terms)); also the subject of the channel's lock.
type ChannelId is bytes32;

/// @title Escrow of payment channels: a buyer pays a seller step by step, and the chain settles it
/// @notice The payer signs vouchers; the amount of a voucher is all that was ever owed in its channel. Of
/// two vouchers the larger amount that the payer signed counts, whatever their indices. No controller, no
/// registry and no identity is asked: both signing keys stand in the terms, and change by both signatures.
/// @dev Relies on: AssetAnchor holds every token and credits only; OfferBook, asked by `open` alone, can
/// refuse an opening and nothing else. A channel is ONE plain lock in the
/// anchor, subject = channel, owner = payer: what is left of the deposit, and the bond. Amounts are in the
/// token's smallest unit, times in Unix seconds. A deadline D lets the timely act at `block.timestamp <= D`
/// and the exit at `block.timestamp > D`. Calls carry the terms; a channel takes one word of storage, and
/// a second while a window runs. Keys and deposits grow old: after `expiresAt` nobody adds to a deposit or
/// changes a key any more, so what a voucher is worth then stays so, but for a deposit that both reduce.
/// Lists have 1 to 32 channels. What somebody else may have done before (a channel that is no longer in
/// the phase, an amount that was shown already) is passed over where a list has several, so that nobody
/// spoils a list by making a part of it before; a list of one is refused with the reason. `open`, `topUp`
/// and `reduce` pass over nothing.
/// Errors that other systems have too: anchoring/{Bounds, Callers, Deadlines}.
interface IChannelEscrow is IDeprecation {
    /// @notice None until `open`; Open; one of three windows, by who closed; Ended for good: the terms of a
    /// channel that ended open no other.
    enum ChannelPhase {
        None,
        Open,
        ClosingByPayer,
        ClosingBySeller,
        ClosingByOther,
        Ended
    }

    /// @notice Why a channel ended.
    /// Together  both signed the last amount
    /// Claimed   the seller closed with a voucher
    /// Settled   a window was over; the penalty says whether a larger amount was shown
    /// Unclosed  nobody had closed by `closeBy`
    /// Lapsed    the lock expired before anybody ended the channel: the anchor returns what was left
    enum ChannelEnding {
        Together,
        Claimed,
        Settled,
        Unclosed,
        Lapsed
    }

    /// @notice What both sign at the opening; the channel's id is its hash with chain and escrow.
    /// @param payer, seller      accounts: who pays and who is paid
    /// @param payerKey, sellerKey signing addresses of both, two different ones
    /// @param deposit            at the opening, 1 to `maxDeposit`
    /// @param bond               what the payer loses by closing below what it signed: ceil(deposit / 10)
    ///                           to `maxDeposit`
    /// @param window             W, seconds, within the limits
    /// @param expiresAt          service ends before it; after it anyone may close, and no deposit grows and
    ///                           no key changes
    /// @param closeBy            last second at which anybody closes: at least W after `expiresAt`
    /// @param initiationTemplate TIT, its id with its version
    /// @param settlementTemplate TST, its id with its version
    /// @param initiation         hash of the initiation credential (TIC)
    /// @param controller         the first TCC; the chain needs none to settle
    /// @param offer              of the seller, in the OfferBook: one of its capacity is taken; zero: none
    /// @param nonce              of the payer's choice: the same terms open one channel only
    struct Terms {
        address payer;
        address seller;
        address payerKey;
        address sellerKey;
        uint88 deposit;
        uint88 bond;
        uint40 window;
        uint40 expiresAt;
        uint40 closeBy;
        bytes32 initiationTemplate;
        bytes32 settlementTemplate;
        bytes32 initiation;
        address controller;
        bytes32 offer;
        uint256 nonce;
    }

    /// @notice What the payer owes. Only `amount` decides anything; above the deposit it counts as that.
    /// @param index        orders credentials; never restarts
    /// @param amount       all that was ever owed in this channel
    /// @param templateHash TST
    /// @param controller   that issues the credential around it
    /// @param epoch        of that controller
    struct Voucher {
        uint256 index;
        uint256 amount;
        bytes32 templateHash;
        address controller;
        uint256 epoch;
    }

    /// @notice A channel to be opened: `Opening(channel, validUntil)`, signed by the seller, and by the payer
    /// unless the payer sends it.
    struct Opening {
        Terms terms;
        uint256 validUntil;
        bytes sellerSignature;
        bytes payerSignature;
    }

    /// @notice More deposit, from the payer's free tokens.
    struct TopUp {
        Terms terms;
        uint256 amount;
    }

    /// @notice `Reduction(channel, number, amount, validUntil)`: unused deposit goes back.
    /// @param number of this agreement, see `agreementsOf`
    /// @param amount that goes back to the payer
    struct Reduction {
        Terms terms;
        uint256 number;
        uint256 amount;
        uint256 validUntil;
        bytes payerSignature;
        bytes sellerSignature;
    }

    /// @notice A voucher with what each party says to it: its signature, or its sending the transaction.
    struct Claim {
        Terms terms;
        Voucher voucher;
        bytes payerSignature;
        bytes sellerSignature;
    }

    /// @notice Who signs, and who issues, in a channel.
    /// @param epoch 0 at the opening, one more with each controller
    struct Signers {
        address payerKey;
        address sellerKey;
        address controller;
        uint256 epoch;
    }

    /// @notice `Amendment(channel, number, amount, payerKey, sellerKey, controller, epoch, validUntil)`: a
    /// checkpoint after which others sign.
    /// @param number of this agreement
    /// @param amount all that was ever owed until here: former keys sign nothing that counts hereafter
    struct Amendment {
        Terms terms;
        uint256 number;
        uint256 amount;
        Signers signers;
        uint256 validUntil;
        bytes payerSignature;
        bytes sellerSignature;
    }

    /// @notice `Closing(channel, amount, validUntil)`: the last amount, by both.
    struct Closing {
        Terms terms;
        uint256 amount;
        uint256 validUntil;
        bytes payerSignature;
        bytes sellerSignature;
    }

    /// @notice A larger amount that the payer signed, shown in a window, and who showed it for the victim.
    /// @param tower               whom the victim's `Delegation(channel, tower, number)` names; zero: none
    /// @param number              of that delegation: the highest one shown counts
    /// @param delegationSignature of the victim: the seller where the payer closed, and the other way round
    struct Response {
        Terms terms;
        Voucher voucher;
        bytes payerSignature;
        address tower;
        uint256 number;
        bytes delegationSignature;
    }

    /// @notice Stored for a channel: one word. What it lost stays to be read when it has ended.
    /// @param amended  whether `signersOf` and `agreementsOf` differ from the terms
    /// @param number   of the newest delegation shown in the window
    /// @param deadline last second of the window; zero while none runs. Ended: the last second at which
    ///                 anybody could have brought more to the seller, or what was shown to its end; zero
    ///                 where the seller's own word ended it, or its own window
    /// @param locked   what the lock holds: what is left of the deposit, and the bond. Ended: what of the
    ///                 deposit went back to the payer
    /// @param paid     what the seller got so far. Ended: all that it was owed at the end
    struct Channel {
        ChannelPhase phase;
        bool amended;
        uint24 number;
        uint40 deadline;
        uint88 locked;
        uint88 paid;
    }

    /// @notice Stored while a window runs, once an amount above what is paid was shown: one word.
    /// @param amount   the largest shown; zero: what is paid
    /// @param answered whether it was shown by a response
    /// @param tower    of the newest delegation shown; zero: none
    struct Window {
        uint88 amount;
        bool answered;
        address tower;
    }

    /// @notice Fixed at deployment.
    /// @param minWindow, maxWindow bounds of W, seconds
    /// @param exitGrace            seconds from the last possible window to the expiry of the lock
    /// @param maxDeposit           most that a channel may ever hold, and the most of a bond
    struct Limits {
        uint40 minWindow;
        uint40 maxWindow;
        uint40 exitGrace;
        uint88 maxDeposit;
    }

    /// @notice A channel was opened; deposit and bond are locked until `lockExpiry` of the terms.
    event ChannelOpened(
        ChannelId indexed channel, address indexed payer, address indexed seller, Terms terms
    );
    /// @notice The payer locked `amount` more.
    event DepositAdded(ChannelId indexed channel, uint256 amount);
    /// @notice `amount` of the deposit went back to the payer, by agreement `number`.
    event DepositReduced(ChannelId indexed channel, uint256 number, uint256 amount);
    /// @notice The seller has now been paid `paid` in all, of voucher `index` (zero: by an amendment).
    event AmountPaid(ChannelId indexed channel, uint256 index, uint256 paid);
    /// @notice By agreement `number` these sign from here on.
    event ChannelAmended(ChannelId indexed channel, uint256 number, Signers signers);
    /// @notice A window began in which `amount` counts until more is shown; `deadline` is its last second.
    event ChannelClosed(
        ChannelId indexed channel,
        address indexed closer,
        ChannelPhase phase,
        uint256 amount,
        uint256 deadline
    );
    /// @notice A response counted: `amount` is the largest now, `tower` and `number` the newest delegation.
    event ResponseShown(
        ChannelId indexed channel, address indexed sender, uint256 amount, address tower, uint256 number
    );
    /// @notice The channel ended.
    /// @param amount   all that the seller was owed, what was paid before included
    /// @param toSeller what the seller got of it now
    /// @param toPayer  what the payer got back
    /// @param penalty  what whoever closed lost
    /// @param penaltyTo the victim's tower, or the victim; zero where there is no penalty
    event ChannelEnded(
        ChannelId indexed channel,
        ChannelEnding ending,
        uint256 amount,
        uint256 toSeller,
        uint256 toPayer,
        uint256 penalty,
        address penaltyTo
    );

    /// @notice Thrown when these terms were opened before, whatever became of that channel.
    error ChannelExists(ChannelId channel);
    /// @notice Thrown when a channel is not open; None: there is none of these terms.
    error ChannelNotOpen(ChannelId channel, ChannelPhase had);
    /// @notice Thrown when no window of a channel runs.
    error ChannelNotClosing(ChannelId channel, ChannelPhase had);
    /// @notice Thrown when the parties, or their signing addresses, are one, or nobody.
    error PartiesInvalid(address payer, address seller, address payerKey, address sellerKey);
    /// @notice Thrown when a statement was signed by another, or (zero) by nobody.
    error NotSigned(ChannelId channel, address signer, address needed);
    /// @notice Thrown when somebody else than a party closes with a voucher.
    error NotAParty(ChannelId channel, address caller);
    /// @notice Thrown when an amount is not above what is paid, or was shown, already.
    error AmountNotAbove(ChannelId channel, uint256 had, uint256 above);
    /// @notice Thrown when both signed less than what is paid, or more than the deposit.
    error AmountOutside(ChannelId channel, uint256 had, uint256 least, uint256 most);
    /// @notice Thrown when no larger amount and no newer delegation is shown.
    error DelegationOld(ChannelId channel, uint256 had, uint256 newest);
    /// @notice Thrown when a delegation names the anchor, which can be paid nothing.
    error TowerInvalid(ChannelId channel, address tower);
    /// @notice Thrown when an agreement is not the next one of its channel.
    error AgreementNumberWrong(ChannelId channel, uint256 had, uint256 needed);
    /// @notice Thrown when the epoch is not one more with another controller, or not the same without.
    error EpochWrong(ChannelId channel, uint256 had, uint256 needed);

    /// @notice Opens channels: locks deposit and bond of each payer, who has allowed the escrow to, and takes
    /// one of the capacity of the offer that the terms name. No end of a channel calls the book: see
    /// `IOfferBook.release`.
    function open(Opening[] calldata openings) external;

    /// @notice Called by the payer, until `expiresAt`: adds to the deposits of open channels.
    function topUp(TopUp[] calldata topUps) external;

    /// @notice Returns unused deposit of open channels to the payer, as both signed; until `closeBy`.
    function reduce(Reduction[] calldata reductions) external;

    /// @notice Pays sellers what vouchers say, less what is paid already; the channels stay open. A seller
    /// is never paid more than the deposit. Needs what both parties say to each voucher. After `closeBy`,
    /// too, until somebody ends the channel: a signed amount is payable until then.
    /// @return count of channels in which something was paid
    function checkpoint(Claim[] calldata claims) external returns (uint256 count);

    /// @notice A checkpoint that both signed as such, after which other keys sign, or the next controller
    /// issues; until `expiresAt`.
    /// @return count of channels that were amended
    function amend(Amendment[] calldata amendments) external returns (uint256 count);

    /// @notice Ends open channels, until `closeBy`, at the amount that both signed last.
    /// @return count of channels that ended
    function closeTogether(Closing[] calldata closings) external returns (uint256 count);

    /// @notice Closes open channels with a voucher, until `closeBy`. The seller, with one that the payer
    /// signed: the channel ends. The payer, with what it says itself: a window of W begins.
    /// @return count of channels that were closed
    function close(Claim[] calldata claims) external returns (uint256 count);

    /// @notice Closes open channels without a voucher, until `closeBy`: what is paid counts, and a window of
    /// 2 W begins. By payer or seller; after `expiresAt` by anyone.
    /// @return count of channels that were closed
    function closeBare(Terms[] calldata terms) external returns (uint256 count);

    /// @notice Called by anyone in a window: shows a larger amount that the payer signed; or the same amount
    /// and a newer delegation, which alone changes then. No window begins anew.
    /// @return count of responses that counted
    function respond(Response[] calldata responses) external returns (uint256 count);

    /// @notice Called by anyone after the window: pays the seller the largest amount shown, the rest to the
    /// payer. Whoever closed below a larger amount that was shown pays for it to the victim's tower, or the
    /// victim: the payer its bond, the seller as much of what it receives.
    /// @return count of channels that ended
    function settle(Terms[] calldata terms) external returns (uint256 count);

    /// @notice Called by anyone after `closeBy`: ends channels that nobody closed at what is paid; and, after
    /// their lock has expired, all others that did not end.
    /// @return count of channels that ended
    function endUnclosed(Terms[] calldata terms) external returns (uint256 count);

    function channelIdOf(Terms calldata terms) external view returns (ChannelId);
    /// @notice All zero for a channel that was never opened.
    function channelOf(ChannelId channel) external view returns (Channel memory);
    /// @notice All zero where no window runs, or nothing above what is paid was shown.
    function windowOf(ChannelId channel) external view returns (Window memory);
    function signersOf(Terms calldata terms) external view returns (Signers memory);
    /// @notice How many agreements (reductions, amendments) counted: the number of the next one.
    function agreementsOf(ChannelId channel) external view returns (uint256);
    /// @notice Last second at which the escrow can pay: `closeBy` + 2 W + `exitGrace`. No window outlives it.
    function lockExpiryOf(Terms calldata terms) external view returns (uint256);
    function anchor() external view returns (address);
    /// @notice OfferBook whose offers terms name.
    function offers() external view returns (address);
    function limits() external view returns (Limits memory);
    /// @notice EIP-712 domain "Edgemark Trading", version "1", this chain, this contract: its separator. What
    /// is signed: trading/ChannelStatements.
    function domainSeparator() external view returns (bytes32);
}
