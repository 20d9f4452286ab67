// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {ProviderStakes} from "./ProviderStakes.sol";

/// @title Admissions: the layer of the registry in which providers say who works for them
/// @notice Read IParticipantRegistry first: it says what every function does.
abstract contract Admissions is IParticipantRegistry, ProviderStakes {
    using SafeCast for uint256;

    uint40 private constant DISMISSED = type(uint40).max; // no time reaches it

    mapping(address provider => mapping(address account => uint40 countsFrom)) private _admitted;

    /// @inheritdoc IParticipantRegistry
    function admit(address account) external {
        address provider = _requireActing(msg.sender);
        if (isAdmitted(provider, account)) return;
        uint256 countsFrom = _countsFrom(_admitted[provider][account] == DISMISSED);
        uint256 least = _newMembersFrom(provider);
        _admit(provider, account, countsFrom < least ? least : countsFrom);
    }

    /// @inheritdoc IParticipantRegistry
    function dismiss(address account) external {
        address provider = _requireActing(msg.sender);
        if (!isAdmitted(provider, account)) return;
        _admitted[provider][account] = DISMISSED;
        _pauseNewMembers(provider);
        emit MemberDismissed(provider, account);
    }

    /// @inheritdoc IParticipantRegistry
    function admittedFrom(address provider, address account) external view returns (uint256) {
        return isAdmitted(provider, account) ? _admitted[provider][account] : 0;
    }

    /// @inheritdoc IParticipantRegistry
    function isAdmitted(address provider, address account) public view returns (bool) {
        uint40 from = _admitted[provider][account];
        return from != 0 && from != DISMISSED;
    }

    /// @dev `account` is about to take new work no more: who comes in its place has to wait. One that was
    /// dismissed before changes nothing: it could take none.
    function _noteLeft(address provider, address account) internal {
        if (isAdmitted(provider, account)) _pauseNewMembers(provider);
    }

    /// @dev Of one that begins to serve: an admission kept in stock shortens no pause.
    function _postpone(address provider, address account) internal {
        uint256 least = _newMembersFrom(provider);
        if (isAdmitted(provider, account) && _admitted[provider][account] < least) {
            _admit(provider, account, least);
        }
    }

    function _admissionCounts(address provider, address account) internal view returns (bool) {
        uint40 from = _admitted[provider][account];
        return from != 0 && block.timestamp >= from;
    }

    function _admit(address provider, address account, uint256 countsFrom) private {
        _admitted[provider][account] = countsFrom.toUint40();
        emit MemberAdmitted(provider, account, countsFrom);
    }
}
