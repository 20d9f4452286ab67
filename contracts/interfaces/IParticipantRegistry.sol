// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderStakes} from "./IProviderStakes.sol";

/// @title ParticipantRegistry: who takes part, where to reach it, which key its TLS endpoint shows
/// @notice The paper's RSC. An account registers once, in one role, by its own transaction or by its
/// signature in somebody else's. Whoever works for an organisation names its provider, which must have
/// admitted it and have a stake: nobody can claim, or hide behind, a provider that does not know it.
/// A role is a number: 1 a device, 2 a provider's organisation, from 16 on a server (see Roles).
/// Who stopped counting because its provider wanted so (dismissed, or its stake) counts again only after
/// `pauseSeconds`: nobody can switch the standing of a node off and on. Nor does a fresh account take the
/// place of one that left at once: for `pauseSeconds` after a member was dismissed, retired or was
/// succeeded, whoever is admitted, registers or succeeds counts only when they are over.
/// @dev Nothing here is unique but the account itself: names, endpoints and TLS keys may repeat, so
/// nobody can take them away by registering first. What ends (retired, succeeded) stays readable,
/// because its open jobs go on. Signed statements are EIP-712 in the domain "Edgemark Participants",
/// version "1", this chain, this contract; each carries the account's nonce and a deadline.
interface IParticipantRegistry is IProviderStakes {
    /// @param cpuCores     whole cores
    /// @param ramMiB       MiB of memory
    /// @param storageMiB   MiB of storage
    /// @param networkMbps  Mbit/s
    struct Resources {
        uint32 cpuCores;
        uint32 ramMiB;
        uint32 storageMiB;
        uint32 networkMbps;
    }

    /// @param role          what the account does
    /// @param registeredAt  Unix seconds
    /// @param retiredAt     Unix seconds since when it takes no new work, for good (zero: it does)
    /// @param provider      organisation it works for (zero for a device; for a provider: the
    ///                      organisation, which is the account that registered it)
    /// @param tlsKeyHash    SHA-256 of the SubjectPublicKeyInfo of its P-256 TLS key (zero for a device and
    ///                      a provider)
    /// @param endpoint      https URL without path (empty for a device and a provider)
    struct Participant {
        uint16 role;
        uint40 registeredAt;
        uint40 retiredAt;
        address provider;
        bytes32 tlsKeyHash;
        string endpoint;
        Resources resources;
    }

    /// @notice What an account may sign instead of sending; what its role has no use for is ignored.
    /// @param name of a provider, 1 to 64 bytes
    struct Registration {
        uint16 role;
        address provider;
        bytes32 tlsKeyHash;
        string endpoint;
        string name;
        Resources resources;
    }

    /// @notice `account` takes part from now on, in `role` and for `provider` (see Participant).
    event ParticipantRegistered(
        address indexed account,
        uint16 indexed role,
        address indexed provider,
        bytes32 tlsKeyHash,
        string endpoint
    );
    /// @notice An organisation registered under `name`.
    event ProviderNamed(address indexed provider, string name);
    /// @notice `provider` lets `account` work for it.
    /// @param countsFrom Unix seconds from which it may take new work: at once, or after the pause; once
    /// more, later, when another member left between its admission and its registration
    event MemberAdmitted(address indexed provider, address indexed account, uint256 countsFrom);
    /// @notice `account` takes no new work for `provider` until it is admitted again.
    event MemberDismissed(address indexed provider, address indexed account);
    /// @notice A server gave another TLS key, endpoint and resources.
    event ServerUpdated(address indexed account, bytes32 tlsKeyHash, string endpoint);
    /// @notice `account` takes no new work any more, for good.
    event ParticipantRetired(address indexed account);
    /// @notice `successor` took the place of `account`.
    event ParticipantSucceeded(address indexed account, address indexed successor, address indexed provider);
    /// @notice Everything that `account` had signed and nobody had used is void.
    /// @param nonce the one that is used up, the first is 0
    event SignaturesRevoked(address indexed account, uint256 nonce);

    /// @notice Thrown when the account is registered already.
    error AlreadyRegistered(address account, uint16 role);
    /// @notice Thrown when the account is not registered in the role that is needed.
    error NotRegistered(address account, uint16 needed, uint16 had);
    /// @notice Thrown when the account is not registered in any role.
    error NotAParticipant(address account);
    /// @notice Thrown when the account has retired.
    error HasRetired(address account, uint256 retiredAt);
    /// @notice Thrown when `provider` did not admit `account` (or is no provider).
    error NotAdmitted(address account, address provider);
    /// @notice Thrown when a server role comes without a TLS key hash.
    error TlsKeyMissing(address account);
    /// @notice Thrown for roles that cannot do what was called.
    error RoleNotAllowed(uint16 role);
    /// @notice Thrown when a signed statement comes after its deadline.
    error StatementExpired(uint256 deadline, uint256 nowAt);
    /// @notice Thrown when a statement was signed by another account, nonce, chain or contract.
    error StatementNotSigned(address signer, address needed);

    /// @notice Registers the caller as a device: it only asks, nobody connects to it.
    function registerDevice() external;

    /// @notice Registers the caller as an organisation under `name` (1 to 64 bytes).
    function registerProvider(string calldata name) external;

    /// @notice Registers the caller as a server of `provider`.
    /// @param role     16 or more
    /// @param endpoint 1 to 200 bytes
    function registerServer(
        uint16 role,
        address provider,
        bytes32 tlsKeyHash,
        string calldata endpoint,
        Resources calldata resources
    ) external;

    /// @notice Called by anyone: registers `account`, which signed `registrationDigest`.
    function registerSigned(
        address account,
        Registration calldata registration,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Called by a provider: lets `account` register as its member. A second time changes nothing;
    /// after `dismiss`, of this or of another member, it counts for new work only once the pause is over.
    function admit(address account) external;

    /// @notice Called by a provider: `account` takes no new work for it until it is admitted again; for
    /// the work that it has, it answers as before. A second time changes nothing.
    function dismiss(address account) external;

    /// @notice Called by a server that has not retired: another TLS key, endpoint and resources.
    function updateServer(bytes32 tlsKeyHash, string calldata endpoint, Resources calldata offered) external;

    /// @notice Called by any participant: no new work from now on, for good. A provider's stake unbonds.
    function retire() external;

    /// @notice Called by the new account of `account`, which signed `successionDigest`: takes its place.
    /// `account` retires; its open jobs remain its own. A server takes new work once its provider has
    /// admitted the new account, before or after, and the pause is over. A provider's organisation,
    /// members and stake stay what they are: only who acts for it changes.
    function succeed(address account, uint256 deadline, bytes calldata signature) external;

    /// @notice Makes everything void that the caller has signed and nobody has used.
    function revokeSignatures() external;

    function participant(address account) external view returns (Participant memory);
    function roleOf(address account) external view returns (uint16);
    function providerOf(address account) external view returns (address);
    function nameOf(address provider) external view returns (string memory);
    function isAdmitted(address provider, address account) external view returns (bool);
    /// @notice Unix seconds from which the admission counts for new work; zero when there is none.
    function admittedFrom(address provider, address account) external view returns (uint256);
    /// @notice Role, provider, and whether it may take new work: a server that has not retired, of a
    /// provider that admits it, has not retired, and has its stake; and no pause of either lasts.
    function standingOf(address account) external view returns (uint16 role, address provider, bool active);

    /// @notice What `account` signs to be registered by anyone, with its present nonce.
    function registrationDigest(address account, Registration calldata registration, uint256 deadline)
        external
        view
        returns (bytes32);
    /// @notice What `account` signs so that `successor` may take its place, with its present nonce.
    function successionDigest(address account, address successor, uint256 deadline)
        external
        view
        returns (bytes32);
}
