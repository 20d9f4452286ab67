// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title TradingRoles: the servers of trading (48 to 63, see identity/Roles)
library TradingRoles {
    uint16 internal constant CONTROLLER = 48; // issues credentials of channels
    uint16 internal constant WATCHTOWER = 49; // watches channels for a party
}
