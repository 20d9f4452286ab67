// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Roles: the numbers that the registry itself knows
/// @notice A role is a number. From 16 on it is a server's: it has an endpoint and a TLS key and works for
/// a provider. What kind of server it is, the system says that uses it: each takes sixteen numbers, and a
/// library of its own names them (outsourcing 16 to 31, election 32 to 47, trading 48 to 63).
library Roles {
    uint16 internal constant NONE = 0;
    uint16 internal constant DEVICE = 1; // only asks, nobody connects to it
    uint16 internal constant PROVIDER = 2; // an organisation, for which servers work
    uint16 internal constant FIRST_SERVER = 16;
}
