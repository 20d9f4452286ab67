// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Quorum} from "../crypto/Quorum.sol";
import {IEnclaveManager} from "../interfaces/IEnclaveManager.sol";

/// @title EnclaveManager
/// @notice Read IEnclaveManager first: it says what every function does.
contract EnclaveManager is IEnclaveManager {
    uint256 private constant MIN_MEMBERS = 4; // fewer cannot lose one judge and still decide
    uint256 private constant MAX_MEMBERS = 16; // bounds the loops of every payment to judges

    uint256 private immutable _threshold;

    address[] private _members;
    mapping(address account => bool known) private _isMember;

    /// @param members_ 4 to 16 different accounts
    constructor(address[] memory members_) {
        uint256 count = members_.length;
        if (count < MIN_MEMBERS || count > MAX_MEMBERS) {
            revert MemberCountOutOfRange(count, MIN_MEMBERS, MAX_MEMBERS);
        }
        for (uint256 place = 0; place < count; ++place) {
            address member = members_[place];
            if (member == address(0) || _isMember[member]) revert MemberInvalid(member);
            _isMember[member] = true;
        }
        _members = members_;
        _threshold = (2 * count) / 3 + 1;
    }

    /// @inheritdoc IEnclaveManager
    function members() external view returns (address[] memory) {
        return _members;
    }

    /// @inheritdoc IEnclaveManager
    function memberCount() external view returns (uint256) {
        return _members.length;
    }

    /// @inheritdoc IEnclaveManager
    function threshold() external view returns (uint256) {
        return _threshold;
    }

    /// @inheritdoc IEnclaveManager
    function isMember(address account) external view returns (bool) {
        return _isMember[account];
    }

    /// @inheritdoc IEnclaveManager
    function checkSignatures(bytes32 digest, bytes[] calldata signatures)
        external
        view
        returns (address[] memory signers)
    {
        // Ascending members: there are at most as many turns as members, or it reverts.
        signers = Quorum.signersOf(digest, signatures, _threshold);
        for (uint256 turn = 0; turn < signers.length; ++turn) {
            if (!_isMember[signers[turn]]) revert NotAMember(signers[turn]);
        }
    }
}
