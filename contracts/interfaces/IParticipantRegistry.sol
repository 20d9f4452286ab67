// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ParticipantRegistry: who takes part, where to reach it, which key its TLS endpoint shows
/// @notice The paper's RSC. An account registers once, by its own transaction, in one role. Whoever
/// works for an organisation names its provider, and the provider must have admitted it: nobody can
/// claim, or hide behind, a provider that does not know it.
interface IParticipantRegistry {
    enum Role {
        None,
        Device,
        ComputeNode,
        Enclave,
        ConsensusNode,
        Provider
    }

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
    /// @param provider      organisation it works for (zero for Device; itself for Provider)
    /// @param tlsKeyHash    SHA-256 of the SubjectPublicKeyInfo of its P-256 TLS key (zero for Device and
    ///                      Provider)
    /// @param endpoint      https URL without path (empty for Device and Provider)
    struct Participant {
        Role role;
        uint40 registeredAt;
        address provider;
        bytes32 tlsKeyHash;
        string endpoint;
        Resources resources;
    }

    event ParticipantRegistered(
        address indexed account,
        Role indexed role,
        address indexed provider,
        bytes32 tlsKeyHash,
        string endpoint
    );
    event ProviderNamed(address indexed provider, string name);
    event MemberAdmitted(address indexed provider, address indexed account);

    /// @notice Thrown when the account is registered already.
    error AlreadyRegistered(address account, Role role);
    /// @notice Thrown when the account is not registered in the role that is needed.
    error NotRegistered(address account, Role needed, Role had);
    /// @notice Thrown when `provider` did not admit `account` (or is no provider).
    error NotAdmitted(address account, address provider);
    /// @notice Thrown when a string is empty or longer than allowed (bytes).
    error LengthOutOfRange(uint256 had, uint256 least, uint256 most);
    /// @notice Thrown when a server role comes without a TLS key hash.
    error TlsKeyMissing(address account);
    /// @notice Thrown for roles that cannot register through the function that was called.
    error RoleNotAllowed(Role role);

    /// @notice Registers the caller as a device: it only asks, nobody connects to it.
    function registerDevice() external;

    /// @notice Registers the caller as an organisation under `name` (1 to 64 bytes).
    function registerProvider(string calldata name) external;

    /// @notice Called by a provider: lets `account` register as its member. A second time changes nothing.
    function admit(address account) external;

    /// @notice Registers the caller as ComputeNode, Enclave or ConsensusNode of `provider`.
    /// @param endpoint 1 to 200 bytes
    function registerServer(
        Role role,
        address provider,
        bytes32 tlsKeyHash,
        string calldata endpoint,
        Resources calldata resources
    ) external;

    function participant(address account) external view returns (Participant memory);
    function roleOf(address account) external view returns (Role);
    function providerOf(address account) external view returns (address);
    function nameOf(address provider) external view returns (string memory);
    function isAdmitted(address provider, address account) external view returns (bool);
}
