// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChannelId, IChannelEscrow} from "./IChannelEscrow.sol";

/// @dev keccak256(abi.encode(digest, signers)): what was signed, and by whom.
type EvidenceId is bytes32;

/// @title Evidence of credentials: which existed at a time, and who had signed them
/// @notice Every signature is recovered on chain, over a digest that the chain computes itself, and the
/// signers are listed: never who sent it, and never a hash as it is told, for which anybody finds a
/// signature of anybody's. The registry does not judge whether these are the parties of a channel or an
/// issuer of any standing: whoever reads it compares.
/// Roots of many credentials are ANCHORED, NOT VERIFIED: that one was anchored says nothing of its leaves
/// until `verify` has recovered the signers of one.
/// @dev Relies on: ChannelEscrow and Controllers only for the domains of vouchers and issuances, and on
/// Controllers for who may anchor. Lists have 1 to 100 pieces. One that is there already is passed over
/// where a list has several, so that nobody spoils a list by recording a part of it before; a list of one
/// is refused with the reason. Evidence is known by digest AND signers: else anybody would record a
/// stranger's digest first, with signatures of its own, and bar the true ones.
/// Errors that other systems have too: anchoring/Bounds, crypto/MerkleBranches; ECDSA for what is no
/// signature.
interface IEvidenceRegistry {
    /// @notice Initiation     a channel's initiation credential (TIC), by both parties
    /// Settlement     a settlement credential (TSC), by both parties and their controller
    /// Qualification  a credential of somebody, by its issuer
    enum EvidenceKind {
        None,
        Initiation,
        Settlement,
        Qualification
    }

    /// @notice `Initiation(channel, credentialHash)`, signed by buyer and seller: two different keys.
    struct Initiation {
        ChannelId channel;
        bytes32 credentialHash;
        bytes payerSignature;
        bytes sellerSignature;
    }

    /// @notice What a settlement credential says: the parties' voucher, in the escrow's domain, and around
    /// it the `Issuance` of the controller that the voucher names, in the domain of Controllers.
    struct Claim {
        ChannelId channel;
        IChannelEscrow.Voucher voucher;
        bytes32 credentialHash;
    }

    /// @notice Under a settlement: payer and seller the voucher, the controller the issuance.
    struct Signatures {
        bytes payer;
        bytes seller;
        bytes controller;
    }

    /// @notice A settlement credential.
    struct Settlement {
        Claim claim;
        Signatures signatures;
    }

    /// @notice `Qualification(holder, credentialHash)`, signed by its issuer.
    struct Qualification {
        address holder;
        bytes32 credentialHash;
        bytes issuerSignature;
    }

    /// @notice Where a settlement stands under an anchored root.
    /// @param controller that anchored it
    /// @param position   of its leaf, from 0
    /// @param branch     see crypto/MerkleBranches
    struct Proof {
        address controller;
        bytes32 root;
        uint256 position;
        bytes32[] branch;
    }

    /// @notice Stored for a piece of evidence: one word.
    struct Evidence {
        EvidenceKind kind;
        uint40 recordedAt;
    }

    /// @notice Stored for an anchored root: one word, whatever the number of leaves.
    struct Root {
        uint32 leaves;
        uint40 anchoredAt;
    }

    /// @notice Evidence was recorded, and these had signed it.
    /// @param subject channel; of a qualification, its holder
    /// @param index   of the voucher; zero for other kinds
    /// @param digest  what is told apart: of a settlement, the issuance's
    /// @param signers payer, seller, controller; of an initiation the first two; of a qualification its
    /// issuer
    event EvidenceRecorded(
        EvidenceId indexed evidence,
        EvidenceKind indexed kind,
        bytes32 indexed subject,
        uint256 index,
        bytes32 credentialHash,
        bytes32 digest,
        address[] signers
    );
    /// @notice A controller anchored the root of `leaves` settlements; nobody has verified them.
    /// @param cid of the list of all leaves, with what they are made of
    event RootAnchored(address indexed controller, bytes32 indexed root, uint256 leaves, string cid);

    /// @notice Thrown when this was recorded with these signers before.
    error EvidenceExists(EvidenceId evidence);
    /// @notice Thrown when one key signed for both parties.
    error SignersAlike(bytes32 digest, address signer);
    /// @notice Thrown when an issuance was signed by another than the controller of its voucher.
    error NotByController(bytes32 digest, address signer, address needed);
    /// @notice Thrown when an account may not anchor: no controller in good standing, see IControllers.
    error NotInStanding(address account);
    /// @notice Thrown when a controller anchored this root before.
    error RootExists(address controller, bytes32 root);
    /// @notice Thrown when a controller never anchored this root.
    error RootUnknown(address controller, bytes32 root);
    /// @notice Thrown when a branch leads elsewhere.
    error LeafNotUnderRoot(bytes32 leaf, bytes32 reached, bytes32 root);

    /// @notice Records initiation credentials.
    /// @return count of those that were not there
    function recordInitiations(Initiation[] calldata initiations) external returns (uint256 count);

    /// @notice Records settlement credentials.
    /// @return count of those that were not there
    function recordSettlements(Settlement[] calldata settlements) external returns (uint256 count);

    /// @notice Records qualification credentials.
    /// @return count of those that were not there
    function recordQualifications(Qualification[] calldata qualifications) external returns (uint256 count);

    /// @notice Called by a controller in good standing: anchors the root of many settlements, once. Nothing
    /// of it is verified.
    /// @param leaves 1 to 65536
    /// @param cid    1 to 128 bytes
    function anchorRoot(bytes32 root, uint256 leaves, string calldata cid) external;

    /// @notice All zero for what was never recorded.
    function evidenceOf(EvidenceId evidence) external view returns (Evidence memory);
    /// @notice All zero for a root that the controller never anchored.
    function rootOf(address controller, bytes32 root) external view returns (Root memory);
    /// @notice Shows that a settlement stands under an anchored root; reverts otherwise.
    /// @return signers payer, seller and controller, recovered
    function verify(Proof calldata proof, Claim calldata claim, Signatures calldata signatures)
        external
        view
        returns (address[] memory signers);
    /// @notice What buyer and seller sign: EIP-712, domain "Edgemark Evidence", version "1", this chain,
    /// this contract.
    function initiationDigest(ChannelId channel, bytes32 credentialHash) external view returns (bytes32);
    /// @notice What an issuer signs, in the same domain.
    function qualificationDigest(address holder, bytes32 credentialHash) external view returns (bytes32);
    /// @notice What the parties signed of a settlement, and what its controller did.
    function settlementDigests(Claim calldata claim)
        external
        view
        returns (bytes32 voucherDigest, bytes32 issuanceDigest);
    /// @notice keccak256(keccak256(abi.encode(channel, index, issuance's digest, three signatures))).
    function leafOf(Claim calldata claim, Signatures calldata signatures) external view returns (bytes32);
    function escrow() external view returns (address);
    function controllers() external view returns (address);
    /// @notice Under which evidence is known.
    function evidenceIdOf(bytes32 digest, address[] calldata signers) external pure returns (EvidenceId);
}
