// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDeprecation} from "../IDeprecation.sol";
import {IParticipantRegistry} from "../IParticipantRegistry.sol";
import {ChannelId, IChannelEscrow} from "./IChannelEscrow.sol";
import {TemplateVersionId} from "./ITemplateRegistry.sol";

/// @dev The seller's account (20 bytes), then the number of its offer (12 bytes, the first is 1). No
/// number comes twice.
type OfferId is bytes32;

/// @title Offers of sellers, and which of them suit a demand (the paper's matchmaking)
/// @notice A seller says what it sells (Q), at which price (P) and how many channels it serves at once (R),
/// until when. A channel that names an offer takes one of its capacity when it is opened, and the seller
/// signs every opening: nobody fills a seller's capacity unasked. An exit of the escrow calls nobody:
/// `release` gives the capacity back, whoever calls it, once the escrow says that a channel ended.
/// At most 256 offers of a category are listed. Each has a deposit, which returns after its expiry, not
/// before: a place costs tokens for the time it is held. Where all are taken, an offer with at least
/// double the deposit of another takes its place: who fills a category has to lock half of what any single
/// seller is ready to lock, 256 times.
/// @dev Relies on: AssetAnchor holds every token and credits only; a deposit is ONE plain lock in it,
/// subject = offer, owner = seller, expiry = the offer's, so that it returns without this contract, too.
/// TemplateRegistry says what a template is. Offers stand under the escrow that their seller names, and
/// only what that escrow calls and says counts for them: another contract that calls `take` finds no offer
/// of its own. Amounts are in the token's smallest unit, times in Unix seconds; a time includes its last
/// second. Lists have 1 to 32 elements; what somebody may have done before is passed over where a list has
/// several, and refused with the reason alone.
/// Errors that other systems have too: anchoring/{Bounds, Deadlines, Callers}.
interface IOfferBook is IDeprecation {
    /// @notice Evidence that an offer names: of kind qualification, about the seller, see IEvidenceRegistry.
    /// @param issuer         who signed it, which is compared to a demand
    /// @param credentialHash of the credential
    struct Qualification {
        address issuer;
        bytes32 credentialHash;
    }

    /// @notice What a seller offers.
    /// @param escrow         at which its channels are opened
    /// @param category          what is sold, and in which unit it is priced; any word
    /// @param template       TIT, with its version: registered, not deprecated
    /// @param specification  Q: what one channel is served with
    /// @param price          P: for one unit of the category, at least 1
    /// @param capacity       R: channels at once, at least 1
    /// @param expiresAt      last second at which it is listed, within the limits
    /// @param qualifications at most 4
    struct Draft {
        address escrow;
        bytes32 category;
        TemplateVersionId template;
        IParticipantRegistry.Resources specification;
        uint88 price;
        uint32 capacity;
        uint40 expiresAt;
        Qualification[] qualifications;
    }

    /// @notice Stored for an offer: one word that every opening reads, then what it says.
    /// @param taken how many channels that were opened with it have not been released
    /// @param place of 256 in its category
    struct Offer {
        uint88 price;
        uint32 capacity;
        uint32 taken;
        uint40 expiresAt;
        uint8 place;
        IParticipantRegistry.Resources specification;
        bytes32 category;
        TemplateVersionId template;
        Qualification[] qualifications;
    }

    /// @notice What a buyer needs. Zeros ask for nothing.
    /// @param escrow    at which it opens channels
    /// @param category     what it buys
    /// @param template  TIT that it wants; zero: any
    /// @param least     what a channel needs
    /// @param mostPrice the most that it pays for a unit
    /// @param channels  how many it will open
    /// @param until     until when offers have to be listed at least
    /// @param evidence  EvidenceRegistry that it trusts; of no account without issuers
    /// @param issuers   of each of them the offer names a qualification that is there; at most 4
    struct Demand {
        address escrow;
        bytes32 category;
        TemplateVersionId template;
        IParticipantRegistry.Resources least;
        uint256 mostPrice;
        uint256 channels;
        uint256 until;
        address evidence;
        address[] issuers;
    }

    /// @notice One of those that are recommended.
    struct Recommendation {
        OfferId id;
        Offer offer;
    }

    /// @notice Fixed at deployment.
    /// @param minDeposit             least deposit of an offer
    /// @param minSeconds, maxSeconds from now to the expiry of an offer
    struct Limits {
        uint96 minDeposit;
        uint40 minSeconds;
        uint40 maxSeconds;
    }

    /// @notice An offer is listed; `deposit` is locked until its expiry.
    event OfferPosted(
        OfferId indexed offer, address indexed escrow, bytes32 indexed category, uint256 deposit, Offer said
    );
    /// @notice An offer is listed until `expiresAt`, and so is its deposit locked.
    event OfferRenewed(OfferId indexed offer, uint256 expiresAt);
    /// @notice Its seller took an offer off the list; the deposit returns after the expiry.
    event OfferWithdrawn(OfferId indexed offer, uint256 expiresAt);
    /// @notice An offer made room for `by`, which brought at least the double; its deposit went back.
    event OfferDisplaced(OfferId indexed offer, OfferId indexed by);
    /// @notice An offer that had expired is off the list.
    event OfferCleared(OfferId indexed offer);
    /// @notice A channel of the offer ended and holds none of its capacity any more; `taken` others do. That
    /// one was taken, the escrow's `ChannelOpened` says, whose terms name the offer.
    event CapacityReleased(OfferId indexed offer, ChannelId indexed channel, uint256 taken);

    /// @notice Thrown when no such offer is listed for this escrow.
    error OfferUnknown(address escrow, OfferId offer);
    /// @notice Thrown when terms name an offer of another than their seller.
    error OfferNotOfSeller(OfferId offer, address seller);
    /// @notice Thrown when an offer has no capacity left.
    error CapacityTaken(OfferId offer, uint256 capacity);
    /// @notice Thrown when an offer's template is no initiation template, or deprecated.
    error TemplateUnfit(TemplateVersionId template, uint256 kind, uint256 deprecatedAt);
    /// @notice Thrown when a category is full and the offer in this place has more than half of the deposit.
    error CategoryFull(bytes32 category, uint256 place, uint256 had, uint256 needed);
    /// @notice Thrown when the capacity of a channel was released before, or it took none.
    error NothingTaken(ChannelId channel, OfferId offer);
    /// @notice Thrown when a channel has not ended.
    error ChannelNotEnded(ChannelId channel, IChannelEscrow.ChannelPhase had);

    /// @notice Lists an offer of the caller, which has allowed this contract to lock the deposit.
    /// @param deposit at least `minDeposit`
    /// @param place   whose offer makes room where the category is full: one that has expired, or one with at
    ///                most half of this deposit; of no account where there is room
    function post(Draft calldata draft, uint256 deposit, uint256 place) external returns (OfferId offer);

    /// @notice Called by its seller while an offer is listed: it is for longer. The anchor's allowance covers
    /// the deposit, as for a new one.
    function renew(address escrow, OfferId offer, uint256 expiresAt) external;

    /// @notice Called by its seller: an offer is off the list, and no channel is opened with it. The deposit
    /// stays until the expiry: else a category is filled, and others thrown out of it, for nothing.
    function withdraw(address escrow, OfferId offer) external;

    /// @notice Called by anyone after the expiry: offers are off the list, and their deposits go back.
    /// @return count of offers that were listed, or whose deposit went back
    function clear(address escrow, OfferId[] calldata offers) external returns (uint256 count);

    /// @notice Called by an escrow when it opens a channel: takes one of the capacity of an offer.
    /// @param seller of the channel's terms
    function take(OfferId offer, address seller) external;

    /// @notice Called by anyone: gives back the capacity that channels took, once they have ended.
    /// @return count of channels whose capacity was given back
    function release(address escrow, IChannelEscrow.Terms[] calldata terms) external returns (uint256 count);

    /// @notice Offers that fit a demand, the lowest price first; of one price, the lower place first. Read
    /// all pages at one block.
    /// @param from    how many are left out
    /// @param count   how many are shown at most
    /// @return page   those of this page
    /// @return fitting how many fit in all
    function recommend(Demand calldata demand, uint256 from, uint256 count)
        external
        view
        returns (Recommendation[] memory page, uint256 fitting);

    /// @notice All zero for an offer that is not listed.
    function offerOf(address escrow, OfferId offer) external view returns (Offer memory);
    /// @notice All that are listed in a category, those that have expired and were not cleared included.
    function listedIn(address escrow, bytes32 category) external view returns (OfferId[] memory);
    /// @notice Where a new offer has room, and the least deposit that gives it that.
    function roomIn(address escrow, bytes32 category) external view returns (uint256 place, uint256 needed);
    /// @notice Whether the capacity of a channel was given back.
    function isReleased(address escrow, ChannelId channel) external view returns (bool);
    function anchor() external view returns (address);
    function templates() external view returns (address);
    function limits() external view returns (Limits memory);
    function sellerOf(OfferId offer) external pure returns (address);
}
