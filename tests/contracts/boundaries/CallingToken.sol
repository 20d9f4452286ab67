// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ITokenSender: is told before its tokens go
interface ITokenSender {
    function tokensToSend(uint256 amount) external;
}

/// @title CallingToken: everybody has enough of it and allows it, and a sender that is a contract may act
/// before its tokens go, as with ERC-777
/// @dev The worst that a deposit can meet: what arrived is counted before and after the call.
contract CallingToken {
    mapping(address account => uint256 amount) private _received;
    mapping(address account => uint256 amount) private _forbidden;

    /// @notice From now on the caller allows so much less than everything.
    function forbid(uint256 amount) external {
        _forbidden[msg.sender] = amount;
    }

    /// @notice Takes every permit but one whose time is 1: that one has been used.
    function permit(address, address, uint256, uint256 deadline, uint8, bytes32, bytes32) external pure {
        require(deadline != 1, "used");
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        if (from.code.length != 0) {
            try ITokenSender(from).tokensToSend(amount) {} catch {}
        }
        _received[to] += amount;
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _received[msg.sender] -= amount;
        _received[to] += amount;
        return true;
    }

    function balanceOf(address account) external view returns (uint256) {
        return _received[account];
    }

    function allowance(address owner, address) external view returns (uint256) {
        return type(uint256).max - _forbidden[owner];
    }
}
