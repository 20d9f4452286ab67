// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement, JobId} from "../../../../contracts/interfaces/IJobSettlement.sol";
import {Scene} from "../../invariants/Scene.sol";
import {vm} from "../../invariants/Vm.sol";

/// @title What is signed, written out once more from the types alone (EIP-712)
contract DigestsTest is Scene {
    uint8 private constant NODES = 6;

    constructor() Scene(NODES, 4) {}

    function test_acceptance_served_and_verdict() external {
        IJobSettlement.Terms memory terms = _terms(NODES, 1, 1, 2);
        JobId job = _start(terms);
        _commit(job, 1, NODES);
        _charge(job, _range(3, 3), _none());
        bytes32 root = keccak256("root");
        bytes32 hash = keccak256(
            abi.encode(
                keccak256(
                    "Acceptance(bytes32 job,uint256 index,bytes32 root,bytes32 termsHash,uint256 stake,uint256 validUntil)"
                ),
                job,
                3,
                root,
                keccak256(abi.encode(terms)),
                terms.stake,
                12_345
            )
        );
        require(settlement.acceptanceDigest(job, 3, 12_345) == _jobDigest(hash), "acceptance");
        hash = keccak256(
            abi.encode(
                keccak256("Served(bytes32 job,uint256 index,bytes32 root,address node,uint8 kind)"),
                job,
                3,
                root,
                _nodes[2],
                1
            )
        );
        require(settlement.servedDigest(job, 3) == _jobDigest(hash), "served");
        hash = keccak256(
            abi.encode(
                keccak256(
                    "Verdict(bytes32 job,uint256 index,bytes32 root,address node,uint8 kind,uint8 finding)"
                ),
                job,
                3,
                root,
                _nodes[2],
                1,
                2
            )
        );
        bytes32 digest = settlement.verdictDigest(job, 3, IJobSettlement.Finding.Wrong);
        require(digest == _jobDigest(hash), "verdict");
    }

    function test_allowance_and_succession() external {
        address account = address(0xacc);
        vm.prank(account);
        anchor.revokeSignatures();
        bytes32 hash = keccak256(
            abi.encode(
                keccak256(
                    "Allowance(address account,address locker,uint256 amount,uint256 expiresAt,uint256 nonce)"
                ),
                account,
                STRANGER,
                11,
                22,
                1
            )
        );
        bytes32 digest = anchor.allowanceDigest(account, STRANGER, 11, 22);
        require(digest == _digest("Edgemark Anchor", "1", address(anchor), hash), "allowance");
        vm.prank(account);
        registry.revokeSignatures();
        hash = keccak256(
            abi.encode(
                keccak256("Succession(address account,address successor,uint256 nonce,uint256 deadline)"),
                account,
                STRANGER,
                1,
                22
            )
        );
        digest = registry.successionDigest(account, STRANGER, 22);
        require(digest == _digest("Edgemark Participants", "1", address(registry), hash), "succession");
    }

    function _jobDigest(bytes32 hash) private view returns (bytes32) {
        return _digest("Edgemark Outsourcing", "2", address(settlement), hash);
    }

    function _digest(bytes memory name, bytes memory version, address place, bytes32 hash)
        private
        view
        returns (bytes32)
    {
        bytes32 domainType = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        );
        bytes32 domain =
            keccak256(abi.encode(domainType, keccak256(name), keccak256(version), block.chainid, place));
        return keccak256(abi.encodePacked(hex"1901", domain, hash));
    }
}
