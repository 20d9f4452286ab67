// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobSettlement} from "../interfaces/IJobSettlement.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {OutsourcingRoles} from "./OutsourcingRoles.sol";

/// @title NodeGroup: which nodes may work on one job together
/// @notice No provider ever holds two shares of one sharing, and no judge judges its own provider's node.
/// Nodes have to be in good standing. Judges do not: one that retires must not stop everybody.
library NodeGroup {
    /// @notice Reverts unless all nodes are compute nodes of different providers, in the order of these
    /// providers' addresses, none of them a judge's.
    function check(IParticipantRegistry registry, address[] memory judges, address[] calldata nodes)
        internal
        view
    {
        (address[] memory judgeProviders, uint256 lastBytes) = _providersOfJudges(registry, judges);
        address previous = address(0);
        for (uint256 turn = 0; turn < nodes.length; ++turn) {
            address node = nodes[turn];
            address provider = requireActive(registry, node);
            if (provider <= previous) _refuseOrder(nodes, turn, previous, provider);
            previous = provider;
            if ((lastBytes >> uint8(uint160(provider))) & 1 == 0) continue;
            for (uint256 judge = 0; judge < judges.length; ++judge) {
                if (provider == judgeProviders[judge]) {
                    revert IJobSettlement.JudgesProvider(node, judges[judge], provider);
                }
            }
        }
    }

    /// @notice The provider of a node; reverts unless that is a compute node which may take new work.
    function requireActive(IParticipantRegistry registry, address node) internal view returns (address) {
        (uint16 role, address provider, bool active) = registry.standingOf(node);
        if (role != OutsourcingRoles.COMPUTE_NODE) revert IJobSettlement.NotAComputeNode(node);
        if (!active) revert IJobSettlement.NodeNotActive(node, provider);
        return provider;
    }

    /// @dev `lastBytes` has a bit for the last byte of each: most nodes need no look at any judge.
    function _providersOfJudges(IParticipantRegistry registry, address[] memory judges)
        private
        view
        returns (address[] memory providers, uint256 lastBytes)
    {
        providers = new address[](judges.length);
        for (uint256 judge = 0; judge < judges.length; ++judge) {
            if (registry.roleOf(judges[judge]) != OutsourcingRoles.ENCLAVE) {
                revert IJobSettlement.JudgeNotRegistered(judges[judge]);
            }
            address provider = registry.providerOf(judges[judge]);
            providers[judge] = provider;
            lastBytes |= 1 << uint8(uint160(provider));
        }
    }

    function _refuseOrder(address[] calldata nodes, uint256 turn, address previous, address provider)
        private
        pure
    {
        if (provider == previous) {
            revert IJobSettlement.SameProvider(nodes[turn - 1], nodes[turn], provider);
        }
        revert IJobSettlement.NodesNotAscending(nodes[turn], previous, provider);
    }
}
