// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Bounds} from "../anchoring/Bounds.sol";
import {Deadlines} from "../anchoring/Deadlines.sol";
import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {ChannelId, IChannelEscrow} from "../interfaces/trading/IChannelEscrow.sol";
import {IWatchtowers} from "../interfaces/trading/IWatchtowers.sol";
import {ChannelTerms} from "./ChannelTerms.sol";
import {TradingRoles} from "./TradingRoles.sol";

/// @title Watchtowers
/// @notice Read IWatchtowers first: it says what every function does.
/// @dev Nobody else can pay out of these locks: `Bond.amount` is what one holds until it expires, and
/// `Bond.covered` the sum of its covers. Every cover ends `claimSeconds` before its lock, at least.
contract Watchtowers is IWatchtowers, EIP712 {
    using SafeCast for uint256;

    bytes32 private constant RECEIPT_TYPE =
        keccak256("Receipt(bytes32 channel,uint256 amount,address payerKey,address sellerKey,uint256 until)");

    IAssetAnchor private immutable _anchor;
    IParticipantRegistry private immutable _registry;
    IChannelEscrow private immutable _escrow;
    uint256 private immutable _claimSeconds;

    mapping(address tower => Bond entry) private _bonds;
    mapping(address tower => TowerTerms terms) private _terms;
    mapping(address tower => mapping(ChannelId channel => Cover entry)) private _covers;

    /// @param anchor_       AssetAnchor that holds the bonds
    /// @param registry_     ParticipantRegistry that knows the towers
    /// @param escrow_       ChannelEscrow, whose channels they watch
    /// @param claimSeconds_ how long after its `until` a receipt counts: 1 to half of the longest lock
    constructor(address anchor_, address registry_, address escrow_, uint256 claimSeconds_)
        EIP712("Edgemark Watchtowers", "1")
    {
        (_anchor, _registry) = (IAssetAnchor(anchor_), IParticipantRegistry(registry_));
        (_escrow, _claimSeconds) = (IChannelEscrow(escrow_), claimSeconds_);
        Bounds.requireWithin("claimSeconds", claimSeconds_, 1, _anchor.maxLockSeconds() / 2);
    }

    /// @inheritdoc IWatchtowers
    function bond(uint256 amount) external {
        uint16 role = _registry.roleOf(msg.sender);
        if (role != TradingRoles.WATCHTOWER) revert NotATower(msg.sender, role);
        Bond memory had = _bonds[msg.sender];
        bool held = _isHeld(had);
        // Covers of a former lock pay nothing; counted among those of a new one, they would take its room.
        if (!held && had.covered != 0) revert StillCovering(msg.sender, had.covered);
        uint256 before = held ? had.amount : 0;
        Bounds.requireWithin("amount", amount, held ? 0 : 1, type(uint88).max - before);
        uint256 total = before + amount;
        uint256 expiresAt = block.timestamp + _anchor.maxLockSeconds();

        _bonds[msg.sender] = Bond(total.toUint88(), had.covered, expiresAt.toUint40(), false);
        emit TowerBonded(msg.sender, amount, total, expiresAt);
        if (!held) {
            if (had.amount != 0) _expire(msg.sender);
            _anchor.lock(subjectOf(msg.sender), msg.sender, total, expiresAt);
            return;
        }
        if (expiresAt > had.expiresAt) _anchor.renew(subjectOf(msg.sender), expiresAt);
        if (amount != 0) _anchor.increase(subjectOf(msg.sender), 0, amount);
    }

    /// @inheritdoc IWatchtowers
    function publish(TowerTerms calldata terms) external {
        uint256 latest = _requireServing().expiresAt - _claimSeconds;
        Bounds.requireWithin("until", terms.until, block.timestamp, latest);
        _terms[msg.sender] = terms;
        emit TermsPublished(msg.sender, terms.leastBond, terms.retainer, terms.until);
    }

    /// @inheritdoc IWatchtowers
    function cover(Covering[] calldata coverings) external {
        ChannelTerms.requireCount(coverings.length);
        Bond memory had = _requireServing();
        for (uint256 turn = 0; turn < coverings.length; ++turn) {
            had.covered += _cover(coverings[turn], had);
        }
        _bonds[msg.sender] = had;
    }

    /// @inheritdoc IWatchtowers
    function claim(Claim calldata said) external returns (uint256 due) {
        ChannelId channel = _escrow.channelIdOf(said.terms);
        Cover memory entry = _covers[said.tower][channel];
        if (entry.amount == 0) revert NotCovered(said.tower, channel);
        uint256 until = said.until < entry.until ? said.until : entry.until;
        Deadlines.requireBy(until + _claimSeconds);
        _requireReceipt(channel, said);
        IChannelEscrow.Channel memory ended = _escrow.channelOf(channel);
        _requireAnswerable(channel, ended, until);
        due = _dueOf(ended, said.amount, entry);
        if (due == 0) revert NothingDue(channel, said.amount, uint256(ended.paid) + entry.paid);

        uint88 part = due.toUint88();
        (entry.amount, entry.paid) = (entry.amount - part, entry.paid + part);
        _covers[said.tower][channel] = entry;
        Bond storage had = _bonds[said.tower];
        (had.amount, had.covered) = (had.amount - part, had.covered - part);
        emit SellerCompensated(said.tower, channel, said.terms.seller, said.amount, ended.paid, due);
        _anchor.pay(subjectOf(said.tower), 0, said.terms.seller, due);
    }

    /// @inheritdoc IWatchtowers
    function uncover(address tower, ChannelId[] calldata channels) external returns (uint256 count) {
        ChannelTerms.requireCount(channels.length);
        uint88 freed = 0;
        for (uint256 turn = 0; turn < channels.length; ++turn) {
            (bool done, uint88 amount) = _uncover(tower, channels[turn], channels.length == 1);
            if (done) ++count;
            freed += amount;
        }
        _bonds[tower].covered -= freed;
    }

    /// @inheritdoc IWatchtowers
    function retire() external {
        Bond memory had = _requireServing();
        _bonds[msg.sender].isRetired = true;
        emit TowerRetired(msg.sender, had.covered);
    }

    /// @inheritdoc IWatchtowers
    function release(address tower) external {
        Bond memory had = _bonds[tower];
        if (had.amount == 0) revert TowerNotBonded(tower);
        bool held = _isHeld(had);
        if (held) {
            if (!had.isRetired) revert NotRetired(tower);
            if (had.covered != 0) revert StillCovering(tower, had.covered);
        }
        _bonds[tower] = Bond(0, had.covered, 0, false);
        emit TowerReleased(tower, had.amount);
        if (held) _anchor.pay(subjectOf(tower), 0, tower, had.amount);
        else _expire(tower);
    }

    /// @inheritdoc IWatchtowers
    function bondOf(address tower) external view returns (Bond memory) {
        return _bonds[tower];
    }

    /// @inheritdoc IWatchtowers
    function termsOf(address tower) external view returns (TowerTerms memory) {
        return _terms[tower];
    }

    /// @inheritdoc IWatchtowers
    function coverOf(address tower, ChannelId channel) external view returns (Cover memory) {
        return _covers[tower][channel];
    }

    /// @inheritdoc IWatchtowers
    function isWatching(address tower) external view returns (bool) {
        Bond memory had = _bonds[tower];
        if (!_isHeld(had) || had.isRetired || block.timestamp > _terms[tower].until) return false;
        (uint16 role,, bool active) = _registry.standingOf(tower);
        return active && role == TradingRoles.WATCHTOWER;
    }

    /// @inheritdoc IWatchtowers
    function anchor() external view returns (address) {
        return address(_anchor);
    }

    /// @inheritdoc IWatchtowers
    function registry() external view returns (address) {
        return address(_registry);
    }

    /// @inheritdoc IWatchtowers
    function escrow() external view returns (address) {
        return address(_escrow);
    }

    /// @inheritdoc IWatchtowers
    function claimSeconds() external view returns (uint256) {
        return _claimSeconds;
    }

    /// @inheritdoc IWatchtowers
    function receiptDigest(
        ChannelId channel,
        uint256 amount,
        address payerKey,
        address sellerKey,
        uint256 until
    ) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(RECEIPT_TYPE, channel, amount, payerKey, sellerKey, until))
        );
    }

    /// @inheritdoc IWatchtowers
    function subjectOf(address tower) public pure returns (bytes32) {
        return bytes32(uint256(uint160(tower)));
    }

    /// @dev What is set aside beyond what was.
    function _cover(Covering calldata said, Bond memory had) private returns (uint88 more) {
        Cover storage entry = _covers[msg.sender][said.channel];
        uint256 before = entry.amount;
        uint256 earliest = block.timestamp < entry.until ? entry.until : block.timestamp;
        Bounds.requireWithin("until", said.until, earliest, had.expiresAt - _claimSeconds);
        uint256 room = had.amount - had.covered;
        Bounds.requireWithin("cover", said.amount, before == 0 ? 1 : before, before + room);
        more = (said.amount - before).toUint88();
        (entry.amount, entry.until) = (said.amount.toUint88(), said.until.toUint40());
        emit ChannelCovered(msg.sender, said.channel, said.amount, said.until);
    }

    function _uncover(address tower, ChannelId channel, bool alone) private returns (bool, uint88) {
        Cover memory entry = _covers[tower][channel];
        if (entry.until == 0) {
            if (alone) revert NotCovered(tower, channel);
            return (false, 0);
        }
        uint256 last = uint256(entry.until) + _claimSeconds;
        if (block.timestamp <= last && _mayBeDue(channel, entry)) {
            if (alone) revert CoverStands(tower, channel, last);
            return (false, 0);
        }
        // What was paid stays: should the tower cover the channel again, it is not due again.
        _covers[tower][channel] = Cover(0, entry.paid, 0);
        emit ChannelUncovered(tower, channel, entry.amount);
        return (true, entry.amount);
    }

    /// @dev Anyone may have returned an expired lock before.
    function _expire(address tower) private {
        (address owner,) = _anchor.placeOf(address(this), subjectOf(tower), 0);
        if (owner != address(0)) _anchor.expire(address(this), subjectOf(tower), 0);
    }

    /// @dev The caller's bond, unless it covers nothing new.
    function _requireServing() private view returns (Bond memory had) {
        had = _bonds[msg.sender];
        if (!_isHeld(had)) revert TowerNotBonded(msg.sender);
        if (had.isRetired) revert AlreadyRetired(msg.sender);
    }

    /// @dev Reverts unless the tower signed it, for both keys that are in force.
    function _requireReceipt(ChannelId channel, Claim calldata said) private view {
        IChannelEscrow.Signers memory keys = _escrow.signersOf(said.terms);
        bytes32 digest = receiptDigest(channel, said.amount, keys.payerKey, keys.sellerKey, said.until);
        address signer = ECDSA.recoverCalldata(digest, said.signature);
        if (signer != said.tower) revert ReceiptNotSigned(channel, signer, said.tower);
    }

    /// @dev Whether any receipt may still have to be paid.
    function _mayBeDue(ChannelId channel, Cover memory entry) private view returns (bool) {
        IChannelEscrow.Channel memory had = _escrow.channelOf(channel);
        if (had.phase != IChannelEscrow.ChannelPhase.Ended) return true;
        bool answers = had.deadline != 0 && had.deadline <= entry.until;
        return answers && entry.amount != 0 && had.locked > entry.paid;
    }

    /// @dev Whether there is something to take.
    function _isHeld(Bond memory had) private view returns (bool) {
        return had.amount != 0 && block.timestamp <= had.expiresAt;
    }

    /// @dev Reverts unless a channel ended in a way for which a tower that watched until `until` answers.
    function _requireAnswerable(ChannelId channel, IChannelEscrow.Channel memory had, uint256 until)
        private
        pure
    {
        if (had.phase != IChannelEscrow.ChannelPhase.Ended) {
            revert ChannelNotEnded(channel, had.phase);
        }
        if (had.deadline == 0) revert EndedBySeller(channel);
        if (had.deadline > until) revert EndedLater(channel, had.deadline, until);
    }

    /// @dev Of a channel that ended: what is missing, went back to the payer, is not paid yet and covered.
    function _dueOf(IChannelEscrow.Channel memory ended, uint256 amount, Cover memory entry)
        private
        pure
        returns (uint256 due)
    {
        due = amount > ended.paid ? amount - ended.paid : 0;
        if (due > ended.locked) due = ended.locked;
        due = due > entry.paid ? due - entry.paid : 0;
        if (due > entry.amount) due = entry.amount;
    }
}
