// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedFreeOffers: offers without deposit or end, and capacity that anybody takes, flaws on
/// purpose (T19)
/// @notice For tests. A spammer fills the class once, for the gas, for good; and a rival takes what a seller
/// has, without asking it.
contract PlantedFreeOffers {
    struct Offer {
        address seller;
        uint256 capacity;
    }

    uint256 private constant MOST = 256;

    Offer[] private _offers;

    /// @notice Thrown when there is no place, or no capacity.
    error NothingLeft();

    /// @notice The planted flaw: a place costs nothing and is never given back.
    function post(uint256 capacity) external {
        if (_offers.length == MOST) revert NothingLeft();
        _offers.push(Offer(msg.sender, capacity));
    }

    /// @notice The planted flaw: whoever calls takes.
    function take(uint256 place) external {
        if (_offers[place].capacity == 0) revert NothingLeft();
        --_offers[place].capacity;
    }

    function capacityOf(uint256 place) external view returns (uint256) {
        return _offers[place].capacity;
    }
}
