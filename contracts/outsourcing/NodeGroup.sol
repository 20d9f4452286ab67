// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";

/// @title NodeGroup: which nodes may work on one job together
/// @notice No provider ever holds two shares of one sharing, and no judge judges its own provider's node.
/// Nodes have to be in good standing. Judges do not: one that retires must not stop everybody.
library NodeGroup {
    /// @notice Reverts unless all nodes are compute nodes of different providers, none of them a judge's.
    function check(IParticipantRegistry registry, address[] memory judges, address[] calldata nodes)
        internal
        view
    {
        address[] memory judgeProviders = _providersOfJudges(registry, judges);
        address[] memory providers = new address[](nodes.length);
        for (uint256 place = 0; place < nodes.length; ++place) {
            address node = nodes[place];
            address provider = requireActive(registry, node);
            for (uint256 judge = 0; judge < judges.length; ++judge) {
                if (provider == judgeProviders[judge]) {
                    revert ISettlement.JudgesProvider(node, judges[judge], provider);
                }
            }
            for (uint256 other = 0; other < place; ++other) {
                if (provider == providers[other]) {
                    revert ISettlement.SameProvider(nodes[other], node, provider);
                }
            }
            providers[place] = provider;
        }
    }

    /// @notice The provider of a node; reverts unless that is a compute node which may take new work.
    function requireActive(IParticipantRegistry registry, address node) internal view returns (address) {
        (IParticipantRegistry.Role role, address provider, bool active) = registry.standingOf(node);
        if (role != IParticipantRegistry.Role.ComputeNode) revert ISettlement.NotAComputeNode(node);
        if (!active) revert ISettlement.NodeNotActive(node, provider);
        return provider;
    }

    function _providersOfJudges(IParticipantRegistry registry, address[] memory judges)
        private
        view
        returns (address[] memory providers)
    {
        providers = new address[](judges.length);
        for (uint256 place = 0; place < judges.length; ++place) {
            if (registry.roleOf(judges[place]) != IParticipantRegistry.Role.Enclave) {
                revert ISettlement.JudgeNotRegistered(judges[place]);
            }
            providers[place] = registry.providerOf(judges[place]);
        }
    }
}
