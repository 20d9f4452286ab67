// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedTwoTariffs: who closes with an old voucher loses its bond, who closes without does not, a
/// flaw on purpose (A53)
/// @notice For tests. One channel, whose amounts its caller tells: a cheat always closes without a voucher,
/// and tries for nothing.
contract PlantedTwoTariffs {
    uint256 private immutable _deposit;
    uint256 private immutable _bond;
    bool public withVoucher;
    uint256 public said;
    uint256 public shown;

    constructor(uint256 deposit, uint256 bond) {
        (_deposit, _bond) = (deposit, bond);
    }

    /// @notice The payer closes with a voucher over `amount`, or without one.
    function close(bool withVoucher_, uint256 amount) external {
        (withVoucher, said) = (withVoucher_, withVoucher_ ? amount : 0);
        shown = said;
    }

    /// @notice Somebody shows a larger amount.
    function respond(uint256 amount) external {
        if (amount > shown) shown = amount;
    }

    /// @notice The planted flaw: "it had no voucher, so it did not lie".
    function outcome() external view returns (uint256 toSeller, uint256 toPayer) {
        uint256 penalty = withVoucher && shown > said ? _bond : 0;
        return (shown + penalty, _deposit - shown + _bond - penalty);
    }
}
