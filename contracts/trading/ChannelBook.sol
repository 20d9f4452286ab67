// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Deadlines} from "../anchoring/Deadlines.sol";
import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";
import {ChannelId, IChannelEscrow} from "../interfaces/trading/IChannelEscrow.sol";
import {ChannelTerms} from "./ChannelTerms.sol";

/// @title ChannelBook: the state of all channels, how it is read, and who signed what
/// @dev The anchor is fixed at deployment, calls no foreign code on the paths used, and only credits
/// accounts: no payee runs code when a channel pays.
abstract contract ChannelBook is IChannelEscrow, EIP712 {
    using SafeCast for uint256;

    /// @dev Of a channel that was amended; no other channel reads it. Keys that are zero stand in the terms.
    struct Amended {
        address payerKey;
        uint32 epoch;
        uint32 agreements;
        address sellerKey;
        address controller;
    }

    IAssetAnchor internal immutable _anchor;
    uint40 private immutable _minWindow;
    uint40 private immutable _maxWindow;
    uint40 private immutable _exitGrace;
    uint88 internal immutable _maxDeposit;

    mapping(ChannelId channel => Channel entry) internal _channels;
    mapping(ChannelId channel => Window entry) internal _windows;
    mapping(ChannelId channel => Amended entry) private _amended;

    constructor(address anchor_, Limits memory limits_) EIP712("Edgemark Trading", "1") {
        ChannelTerms.checkLimits(limits_, IAssetAnchor(anchor_).maxLockSeconds());
        _anchor = IAssetAnchor(anchor_);
        (_minWindow, _maxWindow) = (limits_.minWindow, limits_.maxWindow);
        (_exitGrace, _maxDeposit) = (limits_.exitGrace, limits_.maxDeposit);
    }

    /// @inheritdoc IChannelEscrow
    function channelIdOf(Terms calldata terms) external view returns (ChannelId) {
        return ChannelTerms.idOf(terms);
    }

    /// @inheritdoc IChannelEscrow
    function channelOf(ChannelId channel) external view returns (Channel memory) {
        return _channels[channel];
    }

    /// @inheritdoc IChannelEscrow
    function windowOf(ChannelId channel) external view returns (Window memory) {
        return _windows[channel];
    }

    /// @inheritdoc IChannelEscrow
    function signersOf(Terms calldata terms) external view returns (Signers memory) {
        ChannelId channel = ChannelTerms.idOf(terms);
        return _signersOf(channel, terms, _channels[channel].amended);
    }

    /// @inheritdoc IChannelEscrow
    function agreementsOf(ChannelId channel) external view returns (uint256) {
        return _amended[channel].agreements;
    }

    /// @inheritdoc IChannelEscrow
    function anchor() external view returns (address) {
        return address(_anchor);
    }

    /// @inheritdoc IChannelEscrow
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IChannelEscrow
    function limits() public view returns (Limits memory) {
        return Limits(_minWindow, _maxWindow, _exitGrace, _maxDeposit);
    }

    /// @inheritdoc IChannelEscrow
    function lockExpiryOf(Terms calldata terms) public view returns (uint256) {
        return ChannelTerms.lockExpiryOf(terms, _exitGrace);
    }

    /// @dev Counts an agreement: every one has its number, so none counts twice.
    function _agree(ChannelId channel, uint256 number) internal {
        uint256 needed = _amended[channel].agreements;
        if (number != needed) revert AgreementNumberWrong(channel, number, needed);
        _amended[channel].agreements = (needed + 1).toUint32();
    }

    function _setSigners(ChannelId channel, Signers calldata signers) internal {
        Amended storage entry = _amended[channel];
        (entry.payerKey, entry.sellerKey) = (signers.payerKey, signers.sellerKey);
        (entry.controller, entry.epoch) = (signers.controller, signers.epoch.toUint32());
    }

    function _signersOf(ChannelId channel, Terms calldata terms, bool isAmended)
        internal
        view
        returns (Signers memory)
    {
        if (!isAmended) return Signers(terms.payerKey, terms.sellerKey, terms.controller, 0);
        Amended storage entry = _amended[channel];
        return Signers(entry.payerKey, entry.sellerKey, entry.controller, entry.epoch);
    }

    function _payerKeyOf(ChannelId channel, Terms calldata terms, bool isAmended)
        internal
        view
        returns (address)
    {
        return isAmended ? _amended[channel].payerKey : terms.payerKey;
    }

    function _sellerKeyOf(ChannelId channel, Terms calldata terms, bool isAmended)
        internal
        view
        returns (address)
    {
        return isAmended ? _amended[channel].sellerKey : terms.sellerKey;
    }

    /// @dev Whether a channel is open and may be acted on until `deadline`. One alone is refused with the
    /// reason; among several it is passed over: whoever ended it before has spoilt nothing.
    function _isOpen(ChannelId channel, Channel memory entry, uint256 deadline, bool alone)
        internal
        view
        returns (bool)
    {
        if (alone) {
            if (entry.phase != ChannelPhase.Open) revert ChannelNotOpen(channel, entry.phase);
            Deadlines.requireBy(deadline);
        }
        return entry.phase == ChannelPhase.Open && block.timestamp <= deadline;
    }

    /// @dev Reverts unless both said so of an agreement, which counts until its last second.
    function _requireBoth(
        ChannelId channel,
        Terms calldata terms,
        bool isAmended,
        bytes32 said,
        bytes calldata payerSignature,
        bytes calldata sellerSignature
    ) internal view {
        bytes32 digest = _hashTypedDataV4(said);
        _requireSaid(channel, terms.payer, _payerKeyOf(channel, terms, isAmended), digest, payerSignature);
        _requireSaid(channel, terms.seller, _sellerKeyOf(channel, terms, isAmended), digest, sellerSignature);
    }

    /// @dev Reverts unless a party sends it, or its key signed it.
    function _requireSaid(
        ChannelId channel,
        address party,
        address key,
        bytes32 digest,
        bytes calldata signature
    ) internal view {
        if (msg.sender != party) _requireSigned(channel, key, digest, signature);
    }

    /// @dev The same of a channel of which a window runs, or is over.
    function _isClosing(ChannelId channel, Channel memory entry, bool alone) internal pure returns (bool) {
        bool closing = entry.phase > ChannelPhase.Open && entry.phase < ChannelPhase.Ended;
        if (alone && !closing) revert ChannelNotClosing(channel, entry.phase);
        return closing;
    }

    /// @dev Whether `had` is above; the same of what was shown before.
    function _isAbove(ChannelId channel, uint256 had, uint256 above, bool alone)
        internal
        pure
        returns (bool)
    {
        if (alone && had <= above) revert AmountNotAbove(channel, had, above);
        return had > above;
    }

    function _requireSigned(ChannelId channel, address key, bytes32 digest, bytes calldata signature)
        internal
        pure
    {
        address signer = signature.length == 0 ? address(0) : ECDSA.recoverCalldata(digest, signature);
        if (signer != key) revert NotSigned(channel, signer, key);
    }

    /// @dev All that was ever deposited and did not go back; what a seller is paid in all at most.
    function _depositOf(Channel memory entry, Terms calldata terms) internal pure returns (uint256) {
        return uint256(entry.locked) + entry.paid - terms.bond;
    }

    /// @dev What a voucher is worth: never more than the deposit.
    function _worthOf(Channel memory entry, Terms calldata terms, uint256 amount)
        internal
        pure
        returns (uint256)
    {
        uint256 most = _depositOf(entry, terms);
        return amount < most ? amount : most;
    }
}
