// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Bounds} from "../anchoring/Bounds.sol";
import {Deadlines} from "../anchoring/Deadlines.sol";
import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";
import {ChannelId, IChannelEscrow} from "../interfaces/trading/IChannelEscrow.sol";
import {ChannelBook} from "./ChannelBook.sol";
import {ChannelStatements} from "./ChannelStatements.sol";
import {ChannelTerms} from "./ChannelTerms.sol";

/// @title Closings: from the first word about an end to the last token
/// @notice Read IChannelEscrow first: it says what every function does.
abstract contract Closings is ChannelBook {
    using SafeCast for uint256;

    /// @inheritdoc IChannelEscrow
    function closeTogether(Closing[] calldata closings) external returns (uint256 count) {
        ChannelTerms.requireCount(closings.length);
        for (uint256 turn = 0; turn < closings.length; ++turn) {
            if (_closeTogether(closings[turn], closings.length == 1)) ++count;
        }
    }

    /// @inheritdoc IChannelEscrow
    function close(Claim[] calldata claims) external returns (uint256 count) {
        ChannelTerms.requireCount(claims.length);
        for (uint256 turn = 0; turn < claims.length; ++turn) {
            if (_close(claims[turn], claims.length == 1)) ++count;
        }
    }

    /// @inheritdoc IChannelEscrow
    function closeBare(Terms[] calldata terms) external returns (uint256 count) {
        ChannelTerms.requireCount(terms.length);
        for (uint256 turn = 0; turn < terms.length; ++turn) {
            if (_closeBare(terms[turn], terms.length == 1)) ++count;
        }
    }

    /// @inheritdoc IChannelEscrow
    function respond(Response[] calldata responses) external returns (uint256 count) {
        ChannelTerms.requireCount(responses.length);
        for (uint256 turn = 0; turn < responses.length; ++turn) {
            if (_respond(responses[turn], responses.length == 1)) ++count;
        }
    }

    /// @inheritdoc IChannelEscrow
    function settle(Terms[] calldata terms) external returns (uint256 count) {
        ChannelTerms.requireCount(terms.length);
        for (uint256 turn = 0; turn < terms.length; ++turn) {
            if (_settle(terms[turn], terms.length == 1)) ++count;
        }
    }

    /// @inheritdoc IChannelEscrow
    function endUnclosed(Terms[] calldata terms) external returns (uint256 count) {
        ChannelTerms.requireCount(terms.length);
        for (uint256 turn = 0; turn < terms.length; ++turn) {
            if (_endUnclosed(terms[turn], terms.length == 1)) ++count;
        }
    }

    function _closeTogether(Closing calldata said, bool alone) private returns (bool) {
        ChannelId channel = ChannelTerms.idOf(said.terms);
        Channel memory entry = _channels[channel];
        if (!_isOpen(channel, entry, said.terms.closeBy, alone)) return false;
        Deadlines.requireBy(said.validUntil);
        bytes32 digest = ChannelStatements.closing(channel, said);
        _requireBoth(channel, said.terms, entry.amended, digest, said.payerSignature, said.sellerSignature);
        uint256 most = _depositOf(entry, said.terms);
        if (said.amount < entry.paid || said.amount > most) {
            revert AmountOutside(channel, said.amount, entry.paid, most);
        }
        _end(channel, said.terms, entry, said.amount, ChannelEnding.Together);
        return true;
    }

    function _close(Claim calldata claim, bool alone) private returns (bool) {
        Terms calldata terms = claim.terms;
        ChannelId channel = ChannelTerms.idOf(terms);
        Channel memory entry = _channels[channel];
        if (!_isOpen(channel, entry, terms.closeBy, alone)) return false;
        uint256 amount = _worthOf(entry, terms, claim.voucher.amount);
        if (amount < entry.paid) amount = entry.paid;
        if (msg.sender == terms.payer) {
            _beginWindow(channel, entry, ChannelPhase.ClosingByPayer, amount, terms.window);
        } else if (msg.sender == terms.seller) {
            bytes32 digest = _hashTypedDataV4(ChannelStatements.voucher(channel, claim.voucher));
            _requireSigned(channel, _payerKeyOf(channel, terms, entry.amended), digest, claim.payerSignature);
            _end(channel, terms, entry, amount, ChannelEnding.Claimed);
        } else {
            revert NotAParty(channel, msg.sender);
        }
        return true;
    }

    function _closeBare(Terms calldata terms, bool alone) private returns (bool) {
        ChannelId channel = ChannelTerms.idOf(terms);
        Channel memory entry = _channels[channel];
        if (!_isOpen(channel, entry, terms.closeBy, alone)) return false;
        ChannelPhase phase = ChannelPhase.ClosingByOther;
        if (msg.sender == terms.payer) phase = ChannelPhase.ClosingByPayer;
        else if (msg.sender == terms.seller) phase = ChannelPhase.ClosingBySeller;
        else Deadlines.requireAfter(terms.expiresAt);
        _beginWindow(channel, entry, phase, entry.paid, 2 * uint256(terms.window));
        return true;
    }

    /// @dev Whatever is still said in the window, it ends then.
    function _beginWindow(
        ChannelId channel,
        Channel memory entry,
        ChannelPhase phase,
        uint256 amount,
        uint256 window
    ) private {
        uint256 deadline = block.timestamp + window;
        (entry.phase, entry.deadline) = (phase, deadline.toUint40());
        _channels[channel] = entry;
        if (amount > entry.paid) _windows[channel].amount = amount.toUint88();
        emit ChannelClosed(channel, msg.sender, phase, amount, deadline);
    }

    function _respond(Response calldata response, bool alone) private returns (bool) {
        Terms calldata terms = response.terms;
        ChannelId channel = ChannelTerms.idOf(terms);
        Channel memory entry = _channels[channel];
        if (!_isClosing(channel, entry, alone)) return false;
        if (alone) Deadlines.requireBy(entry.deadline);
        else if (block.timestamp > entry.deadline) return false;
        Window memory window = _windows[channel];
        uint256 shown = window.amount > entry.paid ? window.amount : entry.paid;
        uint256 amount = _worthOf(entry, terms, response.voucher.amount);
        if (!_isNews(channel, entry, response, amount, shown, alone)) return false;
        bytes32 digest = _hashTypedDataV4(ChannelStatements.voucher(channel, response.voucher));
        _requireSigned(channel, _payerKeyOf(channel, terms, entry.amended), digest, response.payerSignature);
        if (amount > shown) (window.amount, window.answered) = (amount.toUint88(), true);
        if (_isNewer(entry, response)) _takeDelegation(channel, entry, window, response);
        _windows[channel] = window;
        emit ResponseShown(channel, msg.sender, amount, window.tower, entry.number);
        return true;
    }

    /// @dev The victim's own word for who watches, whoever brings it.
    function _takeDelegation(
        ChannelId channel,
        Channel memory entry,
        Window memory window,
        Response calldata response
    ) private {
        (address tower, uint256 number) = (response.tower, response.number);
        if (tower == address(_anchor)) revert TowerInvalid(channel, tower);
        Bounds.requireWithin("number", number, 1, type(uint24).max);
        address victim = entry.phase == ChannelPhase.ClosingBySeller
            ? _payerKeyOf(channel, response.terms, entry.amended)
            : _sellerKeyOf(channel, response.terms, entry.amended);
        bytes32 digest = _hashTypedDataV4(ChannelStatements.delegation(channel, tower, number));
        _requireSigned(channel, victim, digest, response.delegationSignature);
        (window.tower, entry.number) = (tower, number.toUint24());
        _channels[channel] = entry;
    }

    function _settle(Terms calldata terms, bool alone) private returns (bool) {
        ChannelId channel = ChannelTerms.idOf(terms);
        Channel memory entry = _channels[channel];
        if (!_isClosing(channel, entry, alone)) return false;
        uint256 expiry = lockExpiryOf(terms);
        if (alone) {
            Deadlines.requireAfter(entry.deadline);
            Deadlines.requireBy(expiry);
        } else if (block.timestamp <= entry.deadline || block.timestamp > expiry) {
            return false;
        }
        uint256 shown = _windows[channel].amount;
        if (shown < entry.paid) shown = entry.paid;
        _end(channel, terms, entry, shown, ChannelEnding.Settled);
        return true;
    }

    function _endUnclosed(Terms calldata terms, bool alone) private returns (bool) {
        ChannelId channel = ChannelTerms.idOf(terms);
        Channel memory entry = _channels[channel];
        bool isLapsed = block.timestamp > lockExpiryOf(terms);
        if (isLapsed && entry.phase != ChannelPhase.None && entry.phase != ChannelPhase.Ended) {
            delete _windows[channel];
            emit ChannelEnded(channel, ChannelEnding.Lapsed, entry.paid, 0, 0, 0, address(0));
            _markEnded(channel, terms, entry, entry.paid, lockExpiryOf(terms));
            return true;
        }
        if (!_isOpen(channel, entry, type(uint256).max, alone)) return false;
        if (alone) Deadlines.requireAfter(terms.closeBy);
        else if (block.timestamp <= terms.closeBy) return false;
        _end(channel, terms, entry, entry.paid, ChannelEnding.Unclosed);
        return true;
    }

    /// @dev Divides what the lock holds, to the last unit.
    /// @param amount that the seller is owed in all, from what is paid to the deposit
    function _end(
        ChannelId channel,
        Terms calldata terms,
        Channel memory entry,
        uint256 amount,
        ChannelEnding ending
    ) private {
        uint256 toSeller = amount - entry.paid;
        uint256 toPayer = entry.locked - toSeller;
        uint256 penalty = 0;
        address penaltyTo = address(0);
        Window memory window = _windows[channel];
        if (window.amount != 0 || window.tower != address(0)) delete _windows[channel];
        if (window.answered && entry.phase == ChannelPhase.ClosingByPayer) {
            penaltyTo = window.tower == address(0) ? terms.seller : window.tower;
            penalty = terms.bond;
            toPayer -= penalty;
        } else if (window.answered && entry.phase == ChannelPhase.ClosingBySeller) {
            penaltyTo = window.tower == address(0) ? terms.payer : window.tower;
            penalty = terms.bond < toSeller ? terms.bond : toSeller;
            toSeller -= penalty;
        }
        uint256 lastSecond = ending == ChannelEnding.Unclosed ? terms.closeBy : entry.deadline;
        _markEnded(channel, terms, entry, amount, lastSecond);
        emit ChannelEnded(channel, ending, amount, toSeller, toPayer, penalty, penaltyTo);
        IAssetAnchor.Payment[] memory payments = new IAssetAnchor.Payment[](3);
        payments[0] = IAssetAnchor.Payment(0, terms.seller, toSeller);
        payments[1] = IAssetAnchor.Payment(0, terms.payer, toPayer);
        payments[2] = IAssetAnchor.Payment(0, penaltyTo, penalty);
        _anchor.payMany(ChannelId.unwrap(channel), payments);
    }

    /// @dev The word stays: the same terms open no second channel.
    /// @param lastSecond at which anybody could have brought more
    function _markEnded(
        ChannelId channel,
        Terms calldata terms,
        Channel memory entry,
        uint256 amount,
        uint256 lastSecond
    ) private {
        entry.locked = (_depositOf(entry, terms) - amount).toUint88();
        entry.paid = amount.toUint88();
        entry.deadline = entry.phase == ChannelPhase.ClosingBySeller ? 0 : lastSecond.toUint40();
        (entry.phase, entry.number) = (ChannelPhase.Ended, 0);
        _channels[channel] = entry;
    }

    /// @dev Whether a response shows a larger amount, or for the same one a newer delegation.
    function _isNews(
        ChannelId channel,
        Channel memory entry,
        Response calldata response,
        uint256 amount,
        uint256 shown,
        bool alone
    ) private pure returns (bool) {
        if (amount != shown || response.tower == address(0)) {
            return _isAbove(channel, amount, shown, alone);
        }
        bool isNewer = _isNewer(entry, response);
        if (alone && !isNewer) revert DelegationOld(channel, response.number, entry.number);
        return isNewer;
    }

    function _isNewer(Channel memory entry, Response calldata response) private pure returns (bool) {
        return response.tower != address(0) && response.number > entry.number;
    }
}
