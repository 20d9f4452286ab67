// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Deprecation: the one thing that a guardian may do
/// @notice A contract with a guardian takes no new work once that says so; every exit stays open.
interface IDeprecation {
    /// @notice `guardian` stopped new work for good.
    event WorkStopped(address indexed guardian);

    /// @notice Thrown when new work is brought, or stopped again, after `deprecate`.
    error Deprecated();

    /// @notice The guardian stops new work for good; every exit stays open.
    function deprecate() external;

    /// @notice Who may call `deprecate`; zero: nobody.
    function guardian() external view returns (address);
    function isDeprecated() external view returns (bool);
}
