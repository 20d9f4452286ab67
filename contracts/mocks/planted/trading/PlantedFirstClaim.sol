// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedFirstClaim: one bond answers for every receipt of a tower, and whoever comes first is paid,
/// a flaw on purpose (T26)
/// @notice For tests. A tower that has failed a seller pays itself first, for a channel of two friends with
/// a deposit that nobody ever earned and that goes back to them.
contract PlantedFirstClaim {
    uint256 public bond;
    mapping(address seller => uint256 amount) public paid;

    constructor(uint256 bond_) {
        bond = bond_;
    }

    /// @notice The planted flaw: nothing is set aside for anybody.
    function claim(address seller, uint256 lost) external {
        uint256 due = lost < bond ? lost : bond;
        (bond, paid[seller]) = (bond - due, paid[seller] + due);
    }
}
