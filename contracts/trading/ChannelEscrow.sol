// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Bounds} from "../anchoring/Bounds.sol";
import {Callers} from "../anchoring/Callers.sol";
import {Deadlines} from "../anchoring/Deadlines.sol";
import {Deprecation} from "../anchoring/Deprecation.sol";
import {ChannelId, IChannelEscrow} from "../interfaces/trading/IChannelEscrow.sol";
import {IOfferBook, OfferId} from "../interfaces/trading/IOfferBook.sol";
import {ChannelBook} from "./ChannelBook.sol";
import {ChannelStatements} from "./ChannelStatements.sol";
import {ChannelTerms} from "./ChannelTerms.sol";
import {Closings} from "./Closings.sol";

/// @title ChannelEscrow
/// @notice Read IChannelEscrow first: it says what every function does.
/// @dev From the opening to the last payment out of an open channel.
contract ChannelEscrow is Closings, Deprecation {
    using SafeCast for uint256;

    IOfferBook private immutable _offers;

    /// @param anchor_   AssetAnchor that holds the tokens
    /// @param offers_   OfferBook whose offers channels name
    /// @param guardian_ may call `deprecate` and nothing else; zero: nobody may
    /// @param limits_   bounds of all channels
    constructor(address anchor_, address offers_, address guardian_, Limits memory limits_)
        ChannelBook(anchor_, limits_)
        Deprecation(guardian_)
    {
        _offers = IOfferBook(offers_);
    }

    /// @inheritdoc IChannelEscrow
    function open(Opening[] calldata openings) external {
        _requireNotDeprecated();
        ChannelTerms.requireCount(openings.length);
        Limits memory bounds = limits();
        for (uint256 turn = 0; turn < openings.length; ++turn) {
            _open(openings[turn], bounds);
        }
    }

    /// @inheritdoc IChannelEscrow
    function topUp(TopUp[] calldata topUps) external {
        _requireNotDeprecated();
        ChannelTerms.requireCount(topUps.length);
        for (uint256 turn = 0; turn < topUps.length; ++turn) {
            _topUp(topUps[turn]);
        }
    }

    /// @inheritdoc IChannelEscrow
    function reduce(Reduction[] calldata reductions) external {
        ChannelTerms.requireCount(reductions.length);
        for (uint256 turn = 0; turn < reductions.length; ++turn) {
            _reduce(reductions[turn]);
        }
    }

    /// @inheritdoc IChannelEscrow
    function checkpoint(Claim[] calldata claims) external returns (uint256 count) {
        ChannelTerms.requireCount(claims.length);
        for (uint256 turn = 0; turn < claims.length; ++turn) {
            if (_checkpoint(claims[turn], claims.length == 1)) ++count;
        }
    }

    /// @inheritdoc IChannelEscrow
    function amend(Amendment[] calldata amendments) external returns (uint256 count) {
        ChannelTerms.requireCount(amendments.length);
        for (uint256 turn = 0; turn < amendments.length; ++turn) {
            if (_amend(amendments[turn], amendments.length == 1)) ++count;
        }
    }

    /// @inheritdoc IChannelEscrow
    function offers() external view returns (address) {
        return address(_offers);
    }

    function _open(Opening calldata opening, Limits memory bounds) private {
        Terms calldata terms = opening.terms;
        ChannelId channel = ChannelTerms.idOf(terms);
        Channel storage entry = _channels[channel];
        if (entry.phase != ChannelPhase.None) revert ChannelExists(channel);
        ChannelTerms.check(terms, bounds);
        (address payer, address seller) = (terms.payer, terms.seller);
        uint256 validUntil = opening.validUntil;
        Deadlines.requireBy(validUntil);
        bytes32 digest = _hashTypedDataV4(ChannelStatements.opening(channel, validUntil));
        // The accounts themselves: whoever holds a signing key only opens nothing in their name.
        if (msg.sender != payer) _requireSigned(channel, payer, digest, opening.payerSignature);
        _requireSigned(channel, seller, digest, opening.sellerSignature);

        uint256 total = uint256(terms.deposit) + terms.bond;
        (entry.phase, entry.locked) = (ChannelPhase.Open, total.toUint88());
        ChannelTerms.emitOpened(channel, terms);
        // The seller signed the terms, and with them which of its offers serves one channel less.
        bytes32 offer = terms.offer;
        if (offer != 0) _offers.take(OfferId.wrap(offer), seller);
        _anchor.lock(ChannelId.unwrap(channel), payer, total, lockExpiryOf(terms));
    }

    function _topUp(TopUp calldata added) private {
        Callers.requireCaller(added.terms.payer);
        ChannelId channel = ChannelTerms.idOf(added.terms);
        Channel memory entry = _channels[channel];
        _isOpen(channel, entry, added.terms.expiresAt, true);
        uint256 room = _maxDeposit - _depositOf(entry, added.terms);
        Bounds.requireWithin("amount", added.amount, 1, room);

        entry.locked += added.amount.toUint88();
        _channels[channel] = entry;
        emit DepositAdded(channel, added.amount);
        _anchor.increase(ChannelId.unwrap(channel), 0, added.amount);
    }

    function _reduce(Reduction calldata said) private {
        ChannelId channel = ChannelTerms.idOf(said.terms);
        Channel memory entry = _channels[channel];
        _isOpen(channel, entry, said.terms.closeBy, true);
        Deadlines.requireBy(said.validUntil);
        Bounds.requireWithin("amount", said.amount, 1, entry.locked - said.terms.bond);
        bytes32 digest = ChannelStatements.reduction(channel, said);
        _requireBoth(channel, said.terms, entry.amended, digest, said.payerSignature, said.sellerSignature);

        _agree(channel, said.number);
        entry.locked -= said.amount.toUint88();
        _channels[channel] = entry;
        emit DepositReduced(channel, said.number, said.amount);
        _anchor.pay(ChannelId.unwrap(channel), 0, said.terms.payer, said.amount);
    }

    function _checkpoint(Claim calldata claim, bool alone) private returns (bool) {
        Terms calldata terms = claim.terms;
        ChannelId channel = ChannelTerms.idOf(terms);
        Channel memory entry = _channels[channel];
        if (!_isOpen(channel, entry, lockExpiryOf(terms), alone)) return false;
        uint256 amount = _worthOf(entry, terms, claim.voucher.amount);
        if (!_isAbove(channel, amount, entry.paid, alone)) return false;
        bytes32 digest = ChannelStatements.voucher(channel, claim.voucher);
        _requireBoth(channel, terms, entry.amended, digest, claim.payerSignature, claim.sellerSignature);
        _payUpTo(channel, terms, entry, claim.voucher.index, amount);
        return true;
    }

    function _amend(Amendment calldata said, bool alone) private returns (bool) {
        Terms calldata terms = said.terms;
        ChannelId channel = ChannelTerms.idOf(terms);
        Channel memory entry = _channels[channel];
        if (!_isOpen(channel, entry, terms.expiresAt, alone)) return false;
        Deadlines.requireBy(said.validUntil);
        bytes32 digest = ChannelStatements.amendment(channel, said);
        _requireBoth(channel, terms, entry.amended, digest, said.payerSignature, said.sellerSignature);
        _requireNextSigners(channel, entry, said);
        uint256 most = _depositOf(entry, terms);
        if (said.amount < entry.paid || said.amount > most) {
            revert AmountOutside(channel, said.amount, entry.paid, most);
        }

        _agree(channel, said.number);
        _setSigners(channel, said.signers);
        entry.amended = true;
        emit ChannelAmended(channel, said.number, said.signers);
        _payUpTo(channel, terms, entry, 0, said.amount);
        return true;
    }

    /// @dev The seller has `amount` in all; the channel stays open.
    function _payUpTo(
        ChannelId channel,
        Terms calldata terms,
        Channel memory entry,
        uint256 index,
        uint256 amount
    ) private {
        uint256 due = amount - entry.paid;
        entry.locked -= due.toUint88();
        entry.paid = amount.toUint88();
        _channels[channel] = entry;
        if (due == 0) return;
        emit AmountPaid(channel, index, amount);
        _anchor.pay(ChannelId.unwrap(channel), 0, terms.seller, due);
    }

    function _requireNextSigners(ChannelId channel, Channel memory entry, Amendment calldata said)
        private
        view
    {
        Terms calldata terms = said.terms;
        Signers calldata next = said.signers;
        if (!ChannelTerms.areKeys(next.payerKey, next.sellerKey)) {
            revert PartiesInvalid(terms.payer, terms.seller, next.payerKey, next.sellerKey);
        }
        Signers memory now_ = _signersOf(channel, terms, entry.amended);
        uint256 needed = next.controller == now_.controller ? now_.epoch : now_.epoch + 1;
        if (next.epoch != needed) revert EpochWrong(channel, next.epoch, needed);
    }
}
