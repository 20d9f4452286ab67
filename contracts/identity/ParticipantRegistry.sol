// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Bounds} from "../anchoring/Bounds.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {IProviderStakes} from "../interfaces/IProviderStakes.sol";
import {Admissions} from "./Admissions.sol";
import {ProviderStakes} from "./ProviderStakes.sol";
import {Registrations} from "./Registrations.sol";
import {Roles} from "./Roles.sol";

/// @title ParticipantRegistry
/// @notice Read IParticipantRegistry first: it says what every function does.
contract ParticipantRegistry is Admissions, EIP712, Nonces {
    using SafeCast for uint256;

    uint256 private constant MAX_NAME_BYTES = 64;
    uint256 private constant MAX_ENDPOINT_BYTES = 200;

    mapping(address account => Participant entry) private _participants;
    mapping(address provider => string name) private _names;
    mapping(address provider => address account) private _actors;

    /// @param anchor_           AssetAnchor that holds the providers' stakes
    /// @param minStake_         least stake of a provider in good standing, smallest units
    /// @param unbondingSeconds_ from leaving to having it back
    /// @param pauseSeconds_     from coming back to counting again
    constructor(address anchor_, uint256 minStake_, uint256 unbondingSeconds_, uint256 pauseSeconds_)
        ProviderStakes(anchor_, minStake_, unbondingSeconds_, pauseSeconds_)
        EIP712("Edgemark Participants", "1")
    {}

    /// @inheritdoc IParticipantRegistry
    function registerDevice() external {
        _addDevice(msg.sender);
    }

    /// @inheritdoc IParticipantRegistry
    function registerProvider(string calldata name) external {
        _addProvider(msg.sender, name);
    }

    /// @inheritdoc IParticipantRegistry
    function registerServer(
        uint16 role,
        address provider,
        bytes32 tlsKeyHash,
        string calldata endpoint,
        Resources calldata resources
    ) external {
        _addServer(msg.sender, role, provider, tlsKeyHash, endpoint, resources);
    }

    /// @inheritdoc IParticipantRegistry
    function registerSigned(
        address account,
        Registration calldata wanted,
        uint256 deadline,
        bytes calldata signature
    ) external {
        _requireNew(account); // first: a relayer that comes second is told that it is done
        _requireSigned(account, registrationDigest(account, wanted, deadline), deadline, signature);
        if (wanted.role == Roles.DEVICE) return _addDevice(account);
        if (wanted.role == Roles.PROVIDER) return _addProvider(account, wanted.name);
        _addServer(
            account, wanted.role, wanted.provider, wanted.tlsKeyHash, wanted.endpoint, wanted.resources
        );
    }

    /// @inheritdoc IParticipantRegistry
    function updateServer(bytes32 tlsKeyHash, string calldata endpoint, Resources calldata offered) external {
        Participant storage entry = _requireActive(msg.sender);
        _requireServer(entry.role);
        _setServer(msg.sender, tlsKeyHash, endpoint, offered);
        emit ServerUpdated(msg.sender, tlsKeyHash, endpoint);
    }

    /// @inheritdoc IParticipantRegistry
    function retire() external {
        Participant storage entry = _requireActive(msg.sender);
        entry.retiredAt = block.timestamp.toUint40();
        emit ParticipantRetired(msg.sender);
        if (entry.role != Roles.PROVIDER) return _noteLeft(entry.provider, msg.sender);
        // Whoever acts for it now, it is the organisation that retires.
        _participants[entry.provider].retiredAt = entry.retiredAt;
        _startUnbonding(entry.provider);
    }

    /// @inheritdoc IParticipantRegistry
    function succeed(address account, uint256 deadline, bytes calldata signature) external {
        _requireNew(msg.sender);
        Participant storage former = _requireActive(account);
        _requireSigned(account, successionDigest(account, msg.sender, deadline), deadline, signature);

        address provider = former.provider;
        Participant storage entry = _participants[msg.sender];
        entry.role = former.role;
        entry.registeredAt = block.timestamp.toUint40();
        entry.provider = provider;
        entry.tlsKeyHash = former.tlsKeyHash;
        entry.endpoint = former.endpoint;
        entry.resources = former.resources;
        // No admission goes with it: who is about to be dismissed would hand it on and stay.
        if (former.role == Roles.PROVIDER) _actors[provider] = msg.sender;
        else _noteLeft(provider, account);
        _postpone(provider, msg.sender);
        // The account that an organisation registered with is its name: it does not retire with its key.
        if (account != provider) former.retiredAt = entry.registeredAt;
        emit ParticipantSucceeded(account, msg.sender, provider);
    }

    /// @inheritdoc IParticipantRegistry
    function revokeSignatures() external {
        emit SignaturesRevoked(msg.sender, _useNonce(msg.sender));
    }

    /// @inheritdoc IParticipantRegistry
    function participant(address account) external view returns (Participant memory) {
        return _participants[account];
    }

    /// @inheritdoc IParticipantRegistry
    function roleOf(address account) external view returns (uint16) {
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
    /// @dev Three slots. A provider that has retired has no stake that counts.
    function standingOf(address account) external view returns (uint16 role, address provider, bool active) {
        Participant storage entry = _participants[account];
        (role, provider) = (entry.role, entry.provider);
        active = entry.retiredAt == 0 && _admissionCounts(provider, account) && _isStaked(provider);
    }

    /// @inheritdoc IParticipantRegistry
    function registrationDigest(address account, Registration calldata wanted, uint256 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(Registrations.registration(account, wanted, nonces(account), deadline));
    }

    /// @inheritdoc IParticipantRegistry
    function successionDigest(address account, address successor, uint256 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(Registrations.succession(account, successor, nonces(account), deadline));
    }

    /// @inheritdoc ProviderStakes
    function actorOf(address provider)
        public
        view
        override(IProviderStakes, ProviderStakes)
        returns (address)
    {
        return _actors[provider];
    }

    function _requireActing(address account) internal view override returns (address provider) {
        Participant storage entry = _participants[account];
        if (entry.role != Roles.PROVIDER) revert NotRegistered(account, Roles.PROVIDER, entry.role);
        provider = entry.provider;
        _requireNotRetired(account);
        // An organisation's own account, after another has succeeded to it.
        if (_actors[provider] != account) revert NotRegistered(account, Roles.PROVIDER, Roles.NONE);
    }

    function _addDevice(address account) private {
        _record(account, Roles.DEVICE, address(0));
        emit ParticipantRegistered(account, Roles.DEVICE, address(0), bytes32(0), "");
    }

    function _addProvider(address account, string calldata name) private {
        Bounds.requireWithin("name", bytes(name).length, 1, MAX_NAME_BYTES);
        _record(account, Roles.PROVIDER, account);
        _names[account] = name;
        _actors[account] = account;
        emit ParticipantRegistered(account, Roles.PROVIDER, account, bytes32(0), "");
        emit ProviderNamed(account, name);
    }

    function _addServer(
        address account,
        uint16 role,
        address provider,
        bytes32 tlsKeyHash,
        string calldata endpoint,
        Resources calldata resources
    ) private {
        _requireServer(role);
        _record(account, role, provider);
        // Only a provider can have admitted anybody, so this also checks what `provider` is.
        if (!isAdmitted(provider, account)) revert NotAdmitted(account, provider);
        _requireNotRetired(provider);
        _requireStake(provider);
        _postpone(provider, account);
        _setServer(account, tlsKeyHash, endpoint, resources);
        emit ParticipantRegistered(account, role, provider, tlsKeyHash, endpoint);
    }

    function _record(address account, uint16 role, address provider) private {
        _requireNew(account);
        Participant storage entry = _participants[account];
        entry.role = role;
        entry.registeredAt = block.timestamp.toUint40();
        entry.provider = provider;
    }

    function _setServer(
        address account,
        bytes32 tlsKeyHash,
        string calldata endpoint,
        Resources calldata resources
    ) private {
        if (tlsKeyHash == bytes32(0)) revert TlsKeyMissing(account);
        Bounds.requireWithin("endpoint", bytes(endpoint).length, 1, MAX_ENDPOINT_BYTES);
        Participant storage entry = _participants[account];
        entry.tlsKeyHash = tlsKeyHash;
        entry.endpoint = endpoint;
        entry.resources = resources;
    }

    /// @dev Uses the nonce up: a statement counts once.
    function _requireSigned(address account, bytes32 digest, uint256 deadline, bytes calldata signature)
        private
    {
        if (block.timestamp > deadline) revert StatementExpired(deadline, block.timestamp);
        address signer = ECDSA.recoverCalldata(digest, signature);
        if (signer != account) revert StatementNotSigned(signer, account);
        _useNonce(account);
    }

    /// @dev Reverts unless the account takes part and has neither retired nor been succeeded.
    function _requireActive(address account) private view returns (Participant storage entry) {
        entry = _participants[account];
        if (entry.role == Roles.NONE) revert NotAParticipant(account);
        if (entry.role == Roles.PROVIDER) _requireActing(account);
        else _requireNotRetired(account);
    }

    function _requireNotRetired(address account) private view {
        uint256 retiredAt = _participants[account].retiredAt;
        if (retiredAt != 0) revert HasRetired(account, retiredAt);
    }

    function _requireNew(address account) private view {
        uint16 had = _participants[account].role;
        if (had != Roles.NONE) revert AlreadyRegistered(account, had);
    }

    function _requireServer(uint16 role) private pure {
        if (role < Roles.FIRST_SERVER) revert RoleNotAllowed(role);
    }
}
