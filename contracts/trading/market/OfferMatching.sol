// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IParticipantRegistry} from "../../interfaces/IParticipantRegistry.sol";
import {EvidenceId, IEvidenceRegistry} from "../../interfaces/trading/IEvidenceRegistry.sol";
import {IOfferBook} from "../../interfaces/trading/IOfferBook.sol";
import {TemplateVersionId} from "../../interfaces/trading/ITemplateRegistry.sol";

/// @title OfferMatching: whether an offer suits a demand
library OfferMatching {
    /// @notice Whether it is listed long enough and has what is needed, at no more than what is paid.
    function suits(IOfferBook.Offer memory offer, IOfferBook.Demand calldata demand)
        internal
        view
        returns (bool)
    {
        uint256 until = demand.until < block.timestamp ? block.timestamp : demand.until;
        if (offer.expiresAt < until || offer.price > demand.mostPrice) return false;
        uint256 free = offer.capacity - offer.taken;
        if (free < demand.channels || free == 0) return false;
        TemplateVersionId wanted = demand.template;
        bool isAny = TemplateVersionId.unwrap(wanted) == 0;
        if (!isAny && TemplateVersionId.unwrap(wanted) != TemplateVersionId.unwrap(offer.template)) {
            return false;
        }
        return _isEnough(offer.specification, demand.least);
    }

    /// @notice Whether an offer names, of each issuer, a qualification of its seller that was recorded.
    /// Whether it still stands, the buyer asks its issuer: status lists are not on the chain.
    function isQualified(
        address seller,
        IOfferBook.Qualification[] memory named,
        IOfferBook.Demand calldata demand
    ) internal view returns (bool) {
        for (uint256 turn = 0; turn < demand.issuers.length; ++turn) {
            if (!_isQualifiedBy(seller, named, demand.issuers[turn], demand.evidence)) return false;
        }
        return true;
    }

    function _isQualifiedBy(
        address seller,
        IOfferBook.Qualification[] memory named,
        address issuer,
        address evidence
    ) private view returns (bool) {
        for (uint256 turn = 0; turn < named.length; ++turn) {
            if (named[turn].issuer != issuer) continue;
            if (_isRecorded(IEvidenceRegistry(evidence), seller, named[turn])) return true;
        }
        return false;
    }

    /// @dev Evidence is known by its digest and its recovered signers: under this id there is one of this
    /// issuer's, or none.
    function _isRecorded(IEvidenceRegistry evidence, address seller, IOfferBook.Qualification memory named)
        private
        view
        returns (bool)
    {
        address[] memory signers = new address[](1);
        signers[0] = named.issuer;
        bytes32 digest = evidence.qualificationDigest(seller, named.credentialHash);
        EvidenceId id = evidence.evidenceIdOf(digest, signers);
        return evidence.evidenceOf(id).kind == IEvidenceRegistry.EvidenceKind.Qualification;
    }

    function _isEnough(
        IParticipantRegistry.Resources memory had,
        IParticipantRegistry.Resources calldata least
    ) private pure returns (bool) {
        return had.cpuCores >= least.cpuCores && had.ramMiB >= least.ramMiB
            && had.storageMiB >= least.storageMiB && had.networkMbps >= least.networkMbps;
    }
}
