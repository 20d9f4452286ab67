// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title PlantedTemplateNames: a template's name belongs to whoever comes first, a flaw on purpose (A30)
/// @notice For tests. Whoever sees a registration coming has its name, and sellers' credentials are
/// checked against another's text.
contract PlantedTemplateNames {
    mapping(bytes32 name => bytes32 contentHash) public contentOf;
    mapping(bytes32 name => address registrant) private _registrants;

    /// @notice Thrown when a name is gone.
    error NameTaken(address registrant);

    /// @notice The planted flaw: the id of a template is its name alone.
    function register(bytes32 name, bytes32 contentHash) external {
        if (contentOf[name] != 0) revert NameTaken(_registrants[name]);
        (contentOf[name], _registrants[name]) = (contentHash, msg.sender);
    }
}
