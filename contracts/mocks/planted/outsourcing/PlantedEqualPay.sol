// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedEqualPay: every judge is paid the same, whoever signed, a flaw on purpose
/// @notice For tests, as this system had it. To do nothing is the best that a judge can do.
contract PlantedEqualPay {
    mapping(address judge => uint256 amount) public credit;

    /// @notice Divides a judges' fee under a verdict. `signers` is asked for nothing.
    function pay(uint256 judgeFee, address[] calldata judges, address[] calldata signers) external {
        signers;
        for (uint256 turn = 0; turn < judges.length; ++turn) {
            credit[judges[turn]] += judgeFee / judges.length;
        }
    }
}
