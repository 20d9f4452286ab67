// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../contracts/anchoring/AssetAnchor.sol";
import {ParticipantRegistry} from "../../../contracts/identity/ParticipantRegistry.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {IJobSettlement} from "../../../contracts/interfaces/IJobSettlement.sol";
import {HookToken} from "../../../contracts/mocks/tokens/HookToken.sol";
import {EnclaveManager} from "../../../contracts/outsourcing/EnclaveManager.sol";
import {JobSettlement} from "../../../contracts/outsourcing/JobSettlement.sol";
import {OutsourcingRoles} from "../../../contracts/outsourcing/OutsourcingRoles.sol";
import {vm} from "./Vm.sol";

/// @title Stage: deployed contracts, nodes and judges with known keys
/// @dev The token runs the code of its recipients; see `ITokenReceiver`.
abstract contract Stage {
    uint256 internal constant NODE_KEY = 0x1000;
    uint256 internal constant JUDGE_KEY = 0x2000;
    address internal constant POOL = address(0xb001);
    address internal constant PAYER = address(0xda7e);
    address internal constant STRANGER = address(0x57a9);
    uint256 internal constant WEALTH = 1e30;
    uint256 internal constant MIN_STAKE = 1e21;
    uint256 internal constant UNBONDING = 10_000; // longer than any job under `_limits`
    uint256 internal constant PAUSE = 1000;

    HookToken public token;
    AssetAnchor public anchor;
    ParticipantRegistry public registry;
    EnclaveManager public enclaves;
    JobSettlement public settlement;
    uint256[] internal _judgeKeys; // by ascending address, as the contract wants signatures
    address[] internal _nodes;
    uint256 internal _staked; // by all providers

    constructor(uint256 nodes, uint256 judges) {
        token = new HookToken(address(this));
        anchor = new AssetAnchor(address(token));
        registry = new ParticipantRegistry(address(anchor), MIN_STAKE, UNBONDING, PAUSE);
        address[] memory members = _makeJudges(judges);
        enclaves = new EnclaveManager(members);
        settlement = new JobSettlement(
            address(anchor), address(registry), address(enclaves), POOL, address(this), _limits()
        );
        token.approve(address(anchor), type(uint256).max);
        for (uint256 place = 0; place < nodes; ++place) {
            address node = vm.addr(NODE_KEY + place);
            _nodes.push(node);
            _registerServer(OutsourcingRoles.COMPUTE_NODE, node, address(uint160(0xa000 + place)));
        }
        for (uint256 place = 0; place < judges; ++place) {
            _registerServer(
                OutsourcingRoles.ENCLAVE, members[place], address(uint160(0xc000 + place))
            );
        }
    }

    function _limits() internal pure returns (IJobSettlement.Limits memory) {
        return IJobSettlement.Limits(6, 1e24, 1, 1, 10, 1000, 100, 500);
    }

    function _fund(address account, uint256 amount) internal {
        anchor.deposit(account, amount);
        uint256 until = block.timestamp + anchor.maxLockSeconds();
        vm.prank(account);
        anchor.allowLocker(address(settlement), amount, until);
    }

    function _signatures(bytes32 digest) internal view returns (bytes[] memory) {
        return _signaturesOf(digest, enclaves.threshold());
    }

    function _signaturesOf(bytes32 digest, uint256 count) internal view returns (bytes[] memory signatures) {
        signatures = new bytes[](count);
        for (uint256 place = 0; place < signatures.length; ++place) {
            signatures[place] = _sign(_judgeKeys[place], digest);
        }
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _makeJudges(uint256 count) private returns (address[] memory members) {
        members = new address[](count);
        for (uint256 place = 0; place < count; ++place) {
            uint256 key = JUDGE_KEY + place;
            _judgeKeys.push(key);
            for (uint256 at_ = place; at_ > 0 && vm.addr(_judgeKeys[at_ - 1]) > vm.addr(key); --at_) {
                (_judgeKeys[at_ - 1], _judgeKeys[at_]) = (_judgeKeys[at_], _judgeKeys[at_ - 1]);
            }
        }
        for (uint256 place = 0; place < count; ++place) {
            members[place] = vm.addr(_judgeKeys[place]);
        }
    }

    function _registerServer(uint16 role, address server, address provider) private {
        vm.prank(provider);
        registry.registerProvider("provider");
        anchor.deposit(provider, MIN_STAKE);
        vm.prank(provider);
        anchor.allowLocker(address(registry), MIN_STAKE, block.timestamp);
        vm.prank(provider);
        registry.stake(MIN_STAKE);
        _staked += MIN_STAKE;
        vm.prank(provider);
        registry.admit(server);
        vm.prank(server);
        registry.registerServer(
            role, provider, keccak256("key"), "https://node", IParticipantRegistry.Resources(1, 1, 1, 1)
        );
    }
}
