// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title OutsourcingRoles: the servers of outsourced computation (16 to 31, see identity/Roles)
library OutsourcingRoles {
    uint16 internal constant COMPUTE_NODE = 16;
    uint16 internal constant ENCLAVE = 17;
}
