// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChannelId} from "./IChannelEscrow.sol";

/// @title Bonds of controllers, who issue the credentials of channels (the paper's TCC)
/// @notice A controller signs one issuance for each index of a channel. Who shows two of one key, for one
/// channel, index and epoch, takes its whole bond to the pool. Nobody else gets any of it: a controller
/// that is about to be caught would report itself through friends.
/// @dev Relies on: AssetAnchor holds every token; a bond is ONE plain lock in it, subject = the controller's
/// account, owner = the same. ParticipantRegistry says who is a server in the role of a controller, and in
/// good standing; its account is its key. Amounts are in the token's smallest unit, times in Unix seconds;
/// a time includes its last second. Whoever holds a bond answers for all that it ever signed, for as long
/// as it holds it: `unbondingSeconds` after leaving, at least.
/// Errors that other systems have too: anchoring/{Bounds, Deadlines}.
interface IControllers {
    /// @notice What a controller signs when it issues the credential around a voucher:
    /// `Issuance(channel, index, epoch, voucherDigest, credentialHash)`, EIP-712, domain "Edgemark
    /// Controllers", version "1", this chain, this contract.
    /// @param epoch          of the controller in its channel
    /// @param voucherDigest  what both parties signed, see IChannelEscrow
    /// @param credentialHash of the whole credential, with its signatures
    struct Issuance {
        ChannelId channel;
        uint256 index;
        uint256 epoch;
        bytes32 voucherDigest;
        bytes32 credentialHash;
    }

    /// @notice One of two things said of the same channel, index and epoch.
    /// @param signature of the controller, under the issuance
    struct Version {
        bytes32 voucherDigest;
        bytes32 credentialHash;
        bytes signature;
    }

    /// @notice Stored for a controller: one word.
    /// @param amount      smallest units; counts until `expiresAt`
    /// @param expiresAt   last second of its lock
    /// @param freeAt      last second of unbonding; zero while it does not unbond
    /// @param convictedAt when its bond was taken; zero: never
    struct Bond {
        uint96 amount;
        uint40 expiresAt;
        uint40 freeAt;
        uint40 convictedAt;
    }

    /// @notice A controller locked `amount` more, or made its bond last longer; it does not unbond now.
    event ControllerBonded(address indexed controller, uint256 amount, uint256 total, uint256 expiresAt);
    /// @notice A controller leaves; until `freeAt` its bond still answers.
    event ControllerUnbonding(address indexed controller, uint256 amount, uint256 freeAt);
    /// @notice A bond went back to its controller.
    event BondReleased(address indexed controller, uint256 amount);
    /// @notice A controller had signed two issuances of one index; its bond went to the pool.
    event ControllerConvicted(
        address indexed controller,
        ChannelId indexed channel,
        uint256 index,
        uint256 epoch,
        uint256 amount,
        bytes32 firstDigest,
        bytes32 secondDigest
    );

    /// @notice Thrown when an account has another role in the registry, or none.
    error NotAController(address account, uint16 role);
    /// @notice Thrown when a controller whose bond was taken comes back with its key.
    error AlreadyConvicted(address controller, uint256 convictedAt);
    /// @notice Thrown when a controller has no bond, or one whose lock expired.
    error NothingBonded(address controller);
    /// @notice Thrown when a controller leaves twice.
    error AlreadyLeaving(address controller, uint256 freeAt);
    /// @notice Thrown when a bond is asked back from a controller that has not left.
    error NotLeaving(address controller);
    /// @notice Thrown when both versions are one issuance.
    error VersionsEqual(bytes32 digest);
    /// @notice Thrown when two keys signed the two versions.
    error SignersDiffer(address first, address second);

    /// @notice Called by a controller: locks `amount` more of its free tokens, for which it has allowed this
    /// contract; lets the whole last `maxLockSeconds` of the anchor from now; ends unbonding. The whole is
    /// `minBond` at least. An amount of zero renews.
    function bond(uint256 amount) external;

    /// @notice Called by a controller: from now on it is in no good standing, and after `unbondingSeconds`
    /// its bond is free.
    function unbond() external;

    /// @notice Called by anyone after unbonding, or after the lock expired: the bond goes back.
    function release(address controller) external;

    /// @notice Called by anyone with two issuances of one key: its whole bond goes to the pool.
    /// @return controller whose key signed both
    function convict(
        ChannelId channel,
        uint256 index,
        uint256 epoch,
        Version calldata first,
        Version calldata second
    ) external returns (address controller);

    /// @notice All zero for an account that never bonded.
    function bondOf(address account) external view returns (Bond memory);
    /// @notice Whether it is a controller in good standing, with at least `minBond` that stays locked for
    /// `unbondingSeconds` from now.
    function isInStanding(address account) external view returns (bool);
    /// @notice What a controller signs.
    function issuanceDigest(Issuance calldata issuance) external view returns (bytes32);
    function anchor() external view returns (address);
    function registry() external view returns (address);
    function pool() external view returns (address);
    function minBond() external view returns (uint256);
    function unbondingSeconds() external view returns (uint256);
    /// @notice Subject of a controller's lock in the anchor.
    function subjectOf(address controller) external pure returns (bytes32);
}
