// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedSharedBond: one bond answers for every receipt of a tower, and all who claim share it by
/// what they lost, a flaw on purpose (T26)
/// @notice For tests. Fair among the honest; a tower that has failed one adds a claim of two friends, whose
/// deposit nobody ever earned, and has most of its bond back through them.
contract PlantedSharedBond {
    uint256 private immutable _bond;
    uint256 private _total;
    mapping(address seller => uint256 amount) private _lost;

    constructor(uint256 bond) {
        _bond = bond;
    }

    function claim(address seller, uint256 lost) external {
        (_total, _lost[seller]) = (_total + lost, _lost[seller] + lost);
    }

    /// @notice The planted flaw: a claim takes from the others'.
    function partOf(address seller) external view returns (uint256) {
        uint256 shared = _bond < _total ? _bond : _total;
        return _total == 0 ? 0 : shared * _lost[seller] / _total;
    }
}
