// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title PlantedAccountability: the paper's Algorithm 1 and automatic payment, flaws and all (A21-A23)
/// @notice For tests. F is v * v over the field; a node's signature covers (c, b) and nothing else; the
/// task comes from the accuser; an accusation costs nothing; silence pays everyone.
contract PlantedAccountability {
    struct Task {
        uint256 v;
        uint256 w;
    }

    uint256 public constant Q = 2 ** 128 + 51;

    uint256 public immutable fee;
    uint256 public immutable allocateAfter;
    address public immutable payer;
    address[] public nodes;
    mapping(address account => uint256 amount) public credit;
    mapping(address node => bool known) public convicted;
    bool public ended;

    error ResultNotSigned(address recovered, address needed);
    error TooEarly(uint256 nowAt, uint256 allowedAfter);
    error AlreadyEnded();

    constructor(address[] memory nodes_, uint256 fee_, uint256 allocateAfter_) {
        payer = msg.sender;
        nodes = nodes_;
        fee = fee_;
        allocateAfter = allocateAfter_;
    }

    /// @notice Algorithm 1 for one node: re-executes the task that the accuser brought.
    function accuse(uint256 place, Task calldata task, uint256 c, uint256 b, bytes calldata signature)
        external
    {
        address signer = ECDSA.recoverCalldata(resultDigest(c, b), signature);
        if (signer != nodes[place]) revert ResultNotSigned(signer, nodes[place]);
        uint256 right = mulmod(task.v, task.v, Q);
        if (c == right && b == mulmod(c, task.w, Q)) return;
        convicted[signer] = true;
        credit[payer] += fee;
    }

    /// @notice "If no further actions are taken, the contract automatically allocates its deposit."
    function allocate() external {
        if (block.timestamp <= allocateAfter) revert TooEarly(block.timestamp, allocateAfter);
        if (ended) revert AlreadyEnded();
        ended = true;
        for (uint256 place = 0; place < nodes.length; ++place) {
            if (!convicted[nodes[place]]) credit[nodes[place]] += fee;
        }
    }

    /// @notice What a node signs in the paper: Sign(sk, c_j, b_j).
    function resultDigest(uint256 c, uint256 b) public pure returns (bytes32) {
        return keccak256(abi.encode(c, b));
    }
}
