// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";

/// @title Allowances: the layer of the anchor in which accounts say what lockers may lock
/// @notice Read IAssetAnchor first: it says what every function does.
/// @dev Nothing is unlimited: every allowance is an amount of tokens and ends by itself.
abstract contract Allowances is IAssetAnchor, EIP712, Nonces {
    using SafeCast for uint256;

    /// @dev One slot.
    struct Allowance {
        uint96 amount;
        uint40 expiresAt;
    }

    uint256 private constant MAX_LOCK_SECONDS = 730 days; // no job or stake of any system is longer
    bytes32 private constant ALLOWANCE_TYPE =
        keccak256("Allowance(address account,address locker,uint256 amount,uint256 expiresAt,uint256 nonce)");

    mapping(address account => mapping(address locker => Allowance entry)) private _allowances;

    constructor() EIP712("Edgemark Anchor", "1") {}

    /// @inheritdoc IAssetAnchor
    function allowLocker(address locker, uint256 amount, uint256 expiresAt) external {
        if (amount != 0) _requireExpiry(expiresAt, block.timestamp);
        // Who takes an allowance back means also the one that it has signed and nobody has brought yet.
        else emit SignaturesRevoked(msg.sender, _useNonce(msg.sender));
        _allow(msg.sender, locker, amount, expiresAt);
    }

    /// @inheritdoc IAssetAnchor
    function allowLockerSigned(
        address account,
        address locker,
        uint256 amount,
        uint256 expiresAt,
        bytes calldata signature
    ) external {
        _requireExpiry(expiresAt, block.timestamp);
        bytes32 digest = allowanceDigest(account, locker, amount, expiresAt);
        address signer = ECDSA.recoverCalldata(digest, signature);
        if (signer != account) revert AllowanceNotSigned(signer, account);
        _useNonce(account);
        _allow(account, locker, amount, expiresAt);
    }

    /// @inheritdoc IAssetAnchor
    function revokeSignatures() external {
        emit SignaturesRevoked(msg.sender, _useNonce(msg.sender));
    }

    /// @inheritdoc IAssetAnchor
    function lockerAllowance(address account, address locker)
        external
        view
        returns (uint256 amount, uint256 expiresAt)
    {
        Allowance memory had = _allowances[account][locker];
        return (had.amount, had.expiresAt);
    }

    /// @inheritdoc IAssetAnchor
    function maxLockSeconds() external pure returns (uint256) {
        return MAX_LOCK_SECONDS;
    }

    /// @inheritdoc IAssetAnchor
    function allowanceDigest(address account, address locker, uint256 amount, uint256 expiresAt)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(abi.encode(ALLOWANCE_TYPE, account, locker, amount, expiresAt, nonces(account)))
        );
    }

    /// @dev Reverts unless `account` lets the caller lock `amount` now; uses it up.
    function _takeAllowance(address account, uint256 amount) internal {
        Allowance memory had = _allowances[account][msg.sender];
        if (had.amount < amount) revert AllowanceTooLow(account, msg.sender, had.amount, amount);
        if (block.timestamp > had.expiresAt) {
            revert AllowanceExpired(account, msg.sender, had.expiresAt, block.timestamp);
        }
        _allowances[account][msg.sender] = Allowance((had.amount - amount).toUint96(), had.expiresAt);
    }

    function _requireExpiry(uint256 expiresAt, uint256 earliest) internal view {
        uint256 latest = block.timestamp + MAX_LOCK_SECONDS;
        if (expiresAt < earliest || expiresAt > latest) {
            revert ExpiryOutOfRange(expiresAt, earliest, latest);
        }
    }

    function _allow(address account, address locker, uint256 amount, uint256 expiresAt) private {
        if (locker == address(0)) revert ZeroAccount();
        if (amount > type(uint96).max) revert AmountOutOfRange(amount);
        uint256 until = amount == 0 ? 0 : expiresAt;
        _allowances[account][locker] = Allowance(amount.toUint96(), until.toUint40());
        emit LockerAllowed(account, locker, amount, until);
    }
}
