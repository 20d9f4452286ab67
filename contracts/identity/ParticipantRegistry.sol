// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title ParticipantRegistry
/// @notice Read IParticipantRegistry first: it says what every function does.
contract ParticipantRegistry is IParticipantRegistry {
    using SafeCast for uint256;

    uint256 private constant MAX_NAME_BYTES = 64;
    uint256 private constant MAX_ENDPOINT_BYTES = 200;

    mapping(address account => Participant entry) private _participants;
    mapping(address provider => string name) private _names;
    mapping(address provider => mapping(address account => bool known)) private _admitted;

    /// @inheritdoc IParticipantRegistry
    function registerDevice() external {
        _requireNew(msg.sender);
        _record(Role.Device, address(0), bytes32(0), "");
    }

    /// @inheritdoc IParticipantRegistry
    function registerProvider(string calldata name) external {
        _requireNew(msg.sender);
        _requireLength(bytes(name).length, MAX_NAME_BYTES);
        _names[msg.sender] = name;
        _record(Role.Provider, msg.sender, bytes32(0), "");
        emit ProviderNamed(msg.sender, name);
    }

    /// @inheritdoc IParticipantRegistry
    function admit(address account) external {
        Role had = _participants[msg.sender].role;
        if (had != Role.Provider) revert NotRegistered(msg.sender, Role.Provider, had);
        if (_admitted[msg.sender][account]) return;
        _admitted[msg.sender][account] = true;
        emit MemberAdmitted(msg.sender, account);
    }

    /// @inheritdoc IParticipantRegistry
    function registerServer(
        Role role,
        address provider,
        bytes32 tlsKeyHash,
        string calldata endpoint,
        Resources calldata resources
    ) external {
        if (role != Role.ComputeNode && role != Role.Enclave && role != Role.ConsensusNode) {
            revert RoleNotAllowed(role);
        }
        _requireNew(msg.sender);
        // Only a provider can have admitted anybody, so this also checks what `provider` is.
        if (!_admitted[provider][msg.sender]) revert NotAdmitted(msg.sender, provider);
        if (tlsKeyHash == bytes32(0)) revert TlsKeyMissing(msg.sender);
        _requireLength(bytes(endpoint).length, MAX_ENDPOINT_BYTES);
        _participants[msg.sender].resources = resources;
        _record(role, provider, tlsKeyHash, endpoint);
    }

    /// @inheritdoc IParticipantRegistry
    function participant(address account) external view returns (Participant memory) {
        return _participants[account];
    }

    /// @inheritdoc IParticipantRegistry
    function roleOf(address account) external view returns (Role) {
        return _participants[account].role;
    }

    /// @inheritdoc IParticipantRegistry
    function providerOf(address account) external view returns (address) {
        return _participants[account].provider;
    }

    /// @inheritdoc IParticipantRegistry
    function nameOf(address provider) external view returns (string memory) {
        return _names[provider];
    }

    /// @inheritdoc IParticipantRegistry
    function isAdmitted(address provider, address account) external view returns (bool) {
        return _admitted[provider][account];
    }

    function _record(Role role, address provider, bytes32 tlsKeyHash, string memory endpoint) private {
        Participant storage entry = _participants[msg.sender];
        entry.role = role;
        entry.registeredAt = block.timestamp.toUint40();
        entry.provider = provider;
        entry.tlsKeyHash = tlsKeyHash;
        entry.endpoint = endpoint;
        emit ParticipantRegistered(msg.sender, role, provider, tlsKeyHash, endpoint);
    }

    function _requireNew(address account) private view {
        Role had = _participants[account].role;
        if (had != Role.None) revert AlreadyRegistered(account, had);
    }

    function _requireLength(uint256 had, uint256 most) private pure {
        if (had == 0 || had > most) revert LengthOutOfRange(had, 1, most);
    }
}
