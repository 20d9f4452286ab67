// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Quorum} from "../../../../contracts/crypto/Quorum.sol";
import {IEnclaveManager} from "../../../../contracts/interfaces/IEnclaveManager.sol";
import {EnclaveManager} from "../../../../contracts/outsourcing/EnclaveManager.sol";
import {vm} from "../../invariants/Vm.sol";

/// @title How many judges there may be, how many decide, and which signatures count
contract EnclavesTest {
    uint256 private constant KEY = 0x2000;

    uint256[] private _keys; // by ascending address

    function setUp() external {
        for (uint256 place = 0; place < 17; ++place) {
            uint256 key = KEY + place;
            _keys.push(key);
            for (uint256 at_ = place; at_ > 0 && vm.addr(_keys[at_ - 1]) > vm.addr(key); --at_) {
                (_keys[at_ - 1], _keys[at_]) = (_keys[at_], _keys[at_ - 1]);
            }
        }
    }

    function test_members__are_4_to_16_and_more_than_two_thirds_decide() external {
        for (uint256 count = 3; count <= 17; ++count) {
            if (count == 3 || count == 17) {
                _requireRefused(
                    _members(count),
                    abi.encodeWithSelector(IEnclaveManager.MemberCountOutOfRange.selector, count, 4, 16)
                );
                continue;
            }
            EnclaveManager enclaves = new EnclaveManager(_members(count));
            require(3 * enclaves.threshold() > 2 * count, "too few decide");
            require(3 * (enclaves.threshold() - 1) <= 2 * count, "too many decide");
            require(enclaves.memberCount() == count && enclaves.members().length == count, "count");
        }
    }

    function test_members__are_different_and_somebody() external {
        address[] memory members = _members(5);
        members[4] = members[1];
        _requireRefused(members, abi.encodeWithSelector(IEnclaveManager.MemberInvalid.selector, members[1]));
        members[4] = address(0);
        _requireRefused(members, abi.encodeWithSelector(IEnclaveManager.MemberInvalid.selector, address(0)));
    }

    function test_signatures__count_when_enough_members_signed_in_ascending_order() external {
        EnclaveManager enclaves = new EnclaveManager(_members(7)); // 5 decide
        bytes32 digest = keccak256("digest");
        for (uint256 count = 5; count <= 7; ++count) {
            address[] memory signers = enclaves.checkSignatures(digest, _signatures(digest, count));
            require(signers.length == count, "signers");
            for (uint256 place = 0; place < count; ++place) {
                require(signers[place] == vm.addr(_keys[place]), "signer");
            }
        }
        _requireUnsigned(
            enclaves, _signatures(digest, 4), abi.encodeWithSelector(Quorum.TooFewSignatures.selector, 4, 5)
        );
        bytes[] memory signatures = _signatures(digest, 5);
        signatures[4] = signatures[3];
        _requireUnsigned(enclaves, signatures, _unordered(3, 3));
        signatures = _signatures(digest, 5);
        (signatures[0], signatures[1]) = (signatures[1], signatures[0]);
        _requireUnsigned(enclaves, signatures, _unordered(1, 0));
        signatures = _signatures(digest, 8);
        bytes memory stranger = abi.encodeWithSelector(IEnclaveManager.NotAMember.selector, vm.addr(_keys[7]));
        _requireUnsigned(enclaves, signatures, stranger);
    }

    function deploy(address[] memory members) external returns (address) {
        return address(new EnclaveManager(members));
    }

    function _unordered(uint256 previous, uint256 signer) private view returns (bytes memory) {
        bytes4 selector = Quorum.SignersNotAscending.selector;
        return abi.encodeWithSelector(selector, vm.addr(_keys[previous]), vm.addr(_keys[signer]));
    }

    function _requireUnsigned(EnclaveManager enclaves, bytes[] memory signatures, bytes memory refusal)
        private
        view
    {
        try enclaves.checkSignatures(keccak256("digest"), signatures) {
            revert("counted");
        } catch (bytes memory why) {
            require(keccak256(why) == keccak256(refusal), "refused for another reason");
        }
    }

    function _requireRefused(address[] memory members, bytes memory refusal) private {
        try this.deploy(members) {
            revert("deployed");
        } catch (bytes memory why) {
            require(keccak256(why) == keccak256(refusal), "refused for another reason");
        }
    }

    function _members(uint256 count) private view returns (address[] memory members) {
        members = new address[](count);
        for (uint256 place = 0; place < count; ++place) {
            members[place] = vm.addr(_keys[place]);
        }
    }

    function _signatures(bytes32 digest, uint256 count) private view returns (bytes[] memory signatures) {
        signatures = new bytes[](count);
        for (uint256 place = 0; place < count; ++place) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[place], digest);
            signatures[place] = abi.encodePacked(r, s, v);
        }
    }
}
