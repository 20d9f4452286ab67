// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Bounds} from "../anchoring/Bounds.sol";
import {MerkleBranches} from "../crypto/MerkleBranches.sol";
import {ChannelId, IChannelEscrow} from "../interfaces/trading/IChannelEscrow.sol";
import {IControllers} from "../interfaces/trading/IControllers.sol";
import {EvidenceId, IEvidenceRegistry} from "../interfaces/trading/IEvidenceRegistry.sol";
import {ChannelStatements} from "./ChannelStatements.sol";

/// @title EvidenceRegistry
/// @notice Read IEvidenceRegistry first: it says what every function does.
contract EvidenceRegistry is IEvidenceRegistry, EIP712 {
    using SafeCast for uint256;

    uint256 private constant MAX_PIECES = 100; // bounds every loop
    uint256 private constant MAX_CID_BYTES = 128;
    bytes32 private constant INITIATION_TYPE =
        keccak256("Initiation(bytes32 channel,bytes32 credentialHash)");
    bytes32 private constant QUALIFICATION_TYPE =
        keccak256("Qualification(address holder,bytes32 credentialHash)");

    IChannelEscrow private immutable _escrow;
    IControllers private immutable _controllers;

    mapping(EvidenceId evidence => Evidence entry) private _evidence;
    mapping(address controller => mapping(bytes32 root => Root entry)) private _roots;

    /// @param escrow_      ChannelEscrow, whose vouchers stand in settlements
    /// @param controllers_ Controllers, whose issuances do
    constructor(address escrow_, address controllers_) EIP712("Edgemark Evidence", "1") {
        (_escrow, _controllers) = (IChannelEscrow(escrow_), IControllers(controllers_));
    }

    /// @inheritdoc IEvidenceRegistry
    function recordInitiations(Initiation[] calldata initiations) external returns (uint256 count) {
        _requireCount(initiations.length);
        for (uint256 turn = 0; turn < initiations.length; ++turn) {
            if (_recordInitiation(initiations[turn], initiations.length == 1)) ++count;
        }
    }

    /// @inheritdoc IEvidenceRegistry
    function recordSettlements(Settlement[] calldata settlements) external returns (uint256 count) {
        _requireCount(settlements.length);
        bytes32 escrowDomain = _escrow.domainSeparator();
        for (uint256 turn = 0; turn < settlements.length; ++turn) {
            if (_recordSettlement(settlements[turn], escrowDomain, settlements.length == 1)) ++count;
        }
    }

    /// @inheritdoc IEvidenceRegistry
    function recordQualifications(Qualification[] calldata qualifications) external returns (uint256 count) {
        _requireCount(qualifications.length);
        for (uint256 turn = 0; turn < qualifications.length; ++turn) {
            if (_recordQualification(qualifications[turn], qualifications.length == 1)) ++count;
        }
    }

    /// @inheritdoc IEvidenceRegistry
    function anchorRoot(bytes32 root, uint256 leaves, string calldata cid) external {
        if (!_controllers.isInStanding(msg.sender)) revert NotInStanding(msg.sender);
        Bounds.requireWithin("leaves", leaves, 1, MerkleBranches.MAX_LEAVES);
        Bounds.requireWithin("cid", bytes(cid).length, 1, MAX_CID_BYTES);
        if (_roots[msg.sender][root].leaves != 0) revert RootExists(msg.sender, root);

        _roots[msg.sender][root] = Root(leaves.toUint32(), block.timestamp.toUint40());
        emit RootAnchored(msg.sender, root, leaves, cid);
    }

    /// @inheritdoc IEvidenceRegistry
    function evidenceOf(EvidenceId evidence) external view returns (Evidence memory) {
        return _evidence[evidence];
    }

    /// @inheritdoc IEvidenceRegistry
    function rootOf(address controller, bytes32 root) external view returns (Root memory) {
        return _roots[controller][root];
    }

    /// @inheritdoc IEvidenceRegistry
    function verify(Proof calldata proof, Claim calldata claim, Signatures calldata signatures)
        external
        view
        returns (address[] memory signers)
    {
        uint256 leaves = _roots[proof.controller][proof.root].leaves;
        if (leaves == 0) revert RootUnknown(proof.controller, proof.root);
        Bounds.requireWithin("position", proof.position, 0, leaves - 1);
        bytes32 issuance;
        (signers, issuance) = _signersOf(claim, signatures, _escrow.domainSeparator());
        bytes32 leaf = _leafOf(claim, issuance, signatures);
        bytes32 reached = MerkleBranches.rootOf(leaf, proof.position, leaves, proof.branch);
        if (reached != proof.root) revert LeafNotUnderRoot(leaf, reached, proof.root);
    }

    /// @inheritdoc IEvidenceRegistry
    function settlementDigests(Claim calldata claim)
        external
        view
        returns (bytes32 voucherDigest, bytes32 issuanceDigest)
    {
        voucherDigest = _voucherDigest(claim, _escrow.domainSeparator());
        issuanceDigest = _issuanceDigest(claim, voucherDigest);
    }

    /// @inheritdoc IEvidenceRegistry
    function leafOf(Claim calldata claim, Signatures calldata signatures) external view returns (bytes32) {
        bytes32 voucherDigest = _voucherDigest(claim, _escrow.domainSeparator());
        return _leafOf(claim, _issuanceDigest(claim, voucherDigest), signatures);
    }

    /// @inheritdoc IEvidenceRegistry
    function escrow() external view returns (address) {
        return address(_escrow);
    }

    /// @inheritdoc IEvidenceRegistry
    function controllers() external view returns (address) {
        return address(_controllers);
    }

    /// @inheritdoc IEvidenceRegistry
    function initiationDigest(ChannelId channel, bytes32 credentialHash) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(INITIATION_TYPE, channel, credentialHash)));
    }

    /// @inheritdoc IEvidenceRegistry
    function qualificationDigest(address holder, bytes32 credentialHash) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(QUALIFICATION_TYPE, holder, credentialHash)));
    }

    /// @inheritdoc IEvidenceRegistry
    function evidenceIdOf(bytes32 digest, address[] memory signers) public pure returns (EvidenceId) {
        return EvidenceId.wrap(keccak256(abi.encode(digest, signers)));
    }

    function _recordInitiation(Initiation calldata said, bool alone) private returns (bool) {
        bytes32 digest = initiationDigest(said.channel, said.credentialHash);
        address[] memory signers = new address[](2);
        signers[0] = ECDSA.recoverCalldata(digest, said.payerSignature);
        signers[1] = ECDSA.recoverCalldata(digest, said.sellerSignature);
        if (signers[0] == signers[1]) revert SignersAlike(digest, signers[0]);
        bytes32 subject = ChannelId.unwrap(said.channel);
        return _record(EvidenceKind.Initiation, subject, 0, said.credentialHash, digest, signers, alone);
    }

    function _recordSettlement(Settlement calldata said, bytes32 escrowDomain, bool alone)
        private
        returns (bool)
    {
        Claim calldata claim = said.claim;
        (address[] memory signers, bytes32 digest) = _signersOf(claim, said.signatures, escrowDomain);
        return _record(
            EvidenceKind.Settlement,
            ChannelId.unwrap(claim.channel),
            claim.voucher.index,
            claim.credentialHash,
            digest,
            signers,
            alone
        );
    }

    function _recordQualification(Qualification calldata said, bool alone) private returns (bool) {
        bytes32 digest = qualificationDigest(said.holder, said.credentialHash);
        address[] memory signers = new address[](1);
        signers[0] = ECDSA.recoverCalldata(digest, said.issuerSignature);
        bytes32 subject = bytes32(uint256(uint160(said.holder)));
        return _record(EvidenceKind.Qualification, subject, 0, said.credentialHash, digest, signers, alone);
    }

    function _record(
        EvidenceKind kind,
        bytes32 subject,
        uint256 index,
        bytes32 credentialHash,
        bytes32 digest,
        address[] memory signers,
        bool alone
    ) private returns (bool) {
        EvidenceId evidence = evidenceIdOf(digest, signers);
        if (_evidence[evidence].kind != EvidenceKind.None) {
            if (alone) revert EvidenceExists(evidence);
            return false;
        }
        _evidence[evidence] = Evidence(kind, block.timestamp.toUint40());
        emit EvidenceRecorded(evidence, kind, subject, index, credentialHash, digest, signers);
        return true;
    }

    /// @dev Payer, seller and controller; reverts unless they are who a settlement needs.
    function _signersOf(Claim calldata claim, Signatures calldata signatures, bytes32 escrowDomain)
        private
        view
        returns (address[] memory signers, bytes32 issuance)
    {
        bytes32 voucher = _voucherDigest(claim, escrowDomain);
        issuance = _issuanceDigest(claim, voucher);
        signers = new address[](3);
        signers[0] = ECDSA.recoverCalldata(voucher, signatures.payer);
        signers[1] = ECDSA.recoverCalldata(voucher, signatures.seller);
        signers[2] = ECDSA.recoverCalldata(issuance, signatures.controller);
        if (signers[0] == signers[1]) revert SignersAlike(voucher, signers[0]);
        address needed = claim.voucher.controller;
        if (signers[2] != needed) revert NotByController(issuance, signers[2], needed);
    }

    function _issuanceDigest(Claim calldata claim, bytes32 voucher) private view returns (bytes32) {
        (uint256 index, uint256 epoch) = (claim.voucher.index, claim.voucher.epoch);
        return _controllers.issuanceDigest(
            IControllers.Issuance(claim.channel, index, epoch, voucher, claim.credentialHash)
        );
    }

    function _voucherDigest(Claim calldata claim, bytes32 escrowDomain) private pure returns (bytes32) {
        bytes32 said = ChannelStatements.voucher(claim.channel, claim.voucher);
        return MessageHashUtils.toTypedDataHash(escrowDomain, said);
    }

    function _leafOf(Claim calldata claim, bytes32 issuance, Signatures calldata signatures)
        private
        pure
        returns (bytes32)
    {
        bytes32 inner = keccak256(
            abi.encode(
                claim.channel,
                claim.voucher.index,
                issuance,
                signatures.payer,
                signatures.seller,
                signatures.controller
            )
        );
        return keccak256(abi.encode(inner));
    }

    function _requireCount(uint256 count) private pure {
        Bounds.requireWithin("pieces", count, 1, MAX_PIECES);
    }
}
