// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DidRegistry} from "../../../contracts/identity/DidRegistry.sol";
import {Draws} from "./Draws.sol";
import {vm} from "./Vm.sol";

/// @title DidHandler: what owners, former owners and strangers may do with identities, and a model of it
/// @notice What the rules allow must not revert; what they do not allow is tried too, and must.
contract DidHandler {
    /// @dev What the rules say of an identity.
    struct Known {
        uint256 owner; // which of the accounts
        bool isDeactivated;
        uint256 changedIn;
        uint256 uses; // of its nonce
        uint256 delegateUntil;
    }

    uint256 public constant ACCOUNTS = 4;
    uint256 private constant FIRST_KEY = 0xd1d;
    uint256 private constant LATER = 100_000; // seconds: time alone voids no statement here
    bytes32 private constant KIND = "veriKey";
    address private constant DELEGATE = address(0xde1e);
    address private constant STRANGER = address(0x57a);

    DidRegistry public immutable registry = new DidRegistry();

    address[ACCOUNTS] public accountOf;
    Known[ACCOUNTS] private _known;
    bytes private _stale; // a call with a statement that was used, or that something overtook

    constructor() {
        for (uint256 place = 0; place < ACCOUNTS; ++place) {
            _known[place].owner = place;
            accountOf[place] = vm.addr(FIRST_KEY + place);
        }
    }

    function changeOwner(uint256 seed, uint256 next, bool isSigned) external {
        uint256 place = seed % ACCOUNTS;
        next = next % ACCOUNTS;
        address to = accountOf[next];
        bytes memory sent = abi.encodeCall(registry.changeOwner, (accountOf[place], to));
        uint256 by = block.timestamp + LATER;
        bytes memory signed = abi.encodeCall(
            registry.changeOwnerBySignature,
            (accountOf[place], to, by, _sign(place, registry.ownerChangeDigest(accountOf[place], to, by)))
        );
        bool isAllowed = next != _known[place].owner;
        if (_act(place, isSigned, sent, signed, isAllowed)) _known[place].owner = next;
    }

    function deactivate(uint256 seed, bool isSigned) external {
        if (seed % 16 >= ACCOUNTS) return; // rare: most of a run is with identities that live
        uint256 place = seed % ACCOUNTS;
        address identity = accountOf[place];
        uint256 by = block.timestamp + LATER;
        bytes memory signed = abi.encodeCall(
            registry.deactivateBySignature,
            (identity, by, _sign(place, registry.deactivationDigest(identity, by)))
        );
        bytes memory sent = abi.encodeCall(registry.deactivate, (identity));
        if (_act(place, isSigned, sent, signed, true)) _known[place].isDeactivated = true;
    }

    function addDelegate(uint256 seed, uint256 validity, bool isSigned) external {
        uint256 place = seed % ACCOUNTS;
        address identity = accountOf[place];
        validity = Draws.within(validity, 1, 1000);
        (uint256 by, uint256 until) = (block.timestamp + LATER, block.timestamp + validity);
        bytes memory signature =
            _sign(place, registry.delegateAdditionDigest(identity, KIND, DELEGATE, until, by));
        bytes memory signed =
            abi.encodeCall(registry.addDelegateBySignature, (identity, KIND, DELEGATE, until, by, signature));
        bytes memory sent = abi.encodeCall(registry.addDelegate, (identity, KIND, DELEGATE, validity));
        if (_act(place, isSigned, sent, signed, true)) _known[place].delegateUntil = until;
    }

    function revokeDelegate(uint256 seed, bool isSigned) external {
        uint256 place = seed % ACCOUNTS;
        address identity = accountOf[place];
        uint256 by = block.timestamp + LATER;
        bytes32 digest = registry.delegateRevocationDigest(identity, KIND, DELEGATE, by);
        bytes memory signature = _sign(place, digest);
        bytes memory signed =
            abi.encodeCall(registry.revokeDelegateBySignature, (identity, KIND, DELEGATE, by, signature));
        bytes memory sent = abi.encodeCall(registry.revokeDelegate, (identity, KIND, DELEGATE));
        bool isAllowed = _known[place].delegateUntil >= block.timestamp;
        if (_act(place, isSigned, sent, signed, isAllowed)) _known[place].delegateUntil = 0;
    }

    function sayAndUnsay(uint256 seed, bytes32 name, bool isSaid, bool isSigned) external {
        uint256 place = seed % ACCOUNTS;
        address identity = accountOf[place];
        (uint256 by, bytes memory value) = (block.timestamp + LATER, abi.encode(seed));
        bytes memory sent;
        bytes memory signed;
        if (isSaid) {
            sent = abi.encodeCall(registry.setAttribute, (identity, name, value, 7));
            bytes32 digest = registry.attributeSettingDigest(identity, name, value, by, by);
            bytes memory signature = _sign(place, digest);
            signed =
                abi.encodeCall(registry.setAttributeBySignature, (identity, name, value, by, by, signature));
        } else {
            sent = abi.encodeCall(registry.revokeAttribute, (identity, name, value));
            bytes memory signature =
                _sign(place, registry.attributeRevocationDigest(identity, name, value, by));
            signed =
                abi.encodeCall(registry.revokeAttributeBySignature, (identity, name, value, by, signature));
        }
        _act(place, isSigned, sent, signed, name != 0);
    }

    function revokeSignatures(uint256 seed) external {
        uint256 place = seed % ACCOUNTS;
        if (_known[place].isDeactivated) return;
        (address owner, address identity) = (accountOf[_known[place].owner], accountOf[place]);
        vm.prank(owner);
        registry.revokeSignatures(identity);
        ++_known[place].uses;
    }

    /// @notice Whatever was signed and used, or overtaken, counts no more.
    function bringAgain() external {
        if (_stale.length != 0) require(!_call(STRANGER, _stale), "a statement counted twice");
    }

    function wait(uint256 blocks, uint256 time) external {
        vm.roll(block.number + Draws.within(blocks, 1, 5));
        vm.warp(block.timestamp + Draws.within(time, 1, 700));
    }

    /// @notice Whether the registry says of an identity what the rules say.
    function check(uint256 place) external view {
        Known memory known = _known[place];
        address identity = accountOf[place];
        address owner = known.isDeactivated ? address(0) : accountOf[known.owner];
        require(registry.identityOwner(identity) == owner, "another owner");
        require(registry.changed(identity) == known.changedIn, "changed in another block");
        require(registry.nonces(identity) == known.uses, "another nonce");
        bool isValid = !known.isDeactivated && known.delegateUntil >= block.timestamp;
        require(registry.validDelegate(identity, KIND, DELEGATE) == isValid, "another delegate");
    }

    function isDeactivated(uint256 place) external view returns (bool) {
        return _known[place].isDeactivated;
    }

    /// @dev Whoever does not own it fails; its owner succeeds where the rules allow it.
    function _act(uint256 place, bool isSigned, bytes memory sent, bytes memory signed, bool isAllowed)
        private
        returns (bool)
    {
        Known storage known = _known[place];
        for (uint256 other = 0; other <= ACCOUNTS; ++other) {
            if (other == known.owner) continue;
            address sender = other == ACCOUNTS ? STRANGER : accountOf[other];
            require(!_call(sender, sent), "not its owner");
        }
        bool isDone = isSigned ? _call(STRANGER, signed) : _call(accountOf[known.owner], sent);
        require(isDone == (isAllowed && !known.isDeactivated), "not what the rules say");
        if (!isDone) return false;
        _stale = signed;
        known.changedIn = block.number;
        ++known.uses;
        return true;
    }

    function _call(address sender, bytes memory data) private returns (bool isDone) {
        vm.prank(sender);
        (isDone,) = address(registry).call(data);
    }

    function _sign(uint256 place, bytes32 digest) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(FIRST_KEY + _known[place].owner, digest);
        return abi.encodePacked(r, s, v);
    }
}
