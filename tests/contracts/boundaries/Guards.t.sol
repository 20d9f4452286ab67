// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetAnchor} from "../../../contracts/anchoring/AssetAnchor.sol";
import {CallingToken, ITokenSender} from "./CallingToken.sol";

/// @title A1: every function of the anchor that calls the token is shut while another one runs
contract GuardsTest is ITokenSender {
    uint256 private constant AMOUNT = 1000;

    CallingToken private _token;
    AssetAnchor private _anchor;
    uint256 private _way; // how the sender calls back
    uint256 private _entered;

    function setUp() external {
        _token = new CallingToken();
        _anchor = new AssetAnchor(address(_token));
        _anchor.deposit(address(this), 10 * AMOUNT); // calls back while `_way` is none
    }

    function test_a01_deposits__while_a_deposit_runs__are_refused() external {
        for (uint256 outer = 0; outer < 2; ++outer) {
            for (_way = 1; _way <= 3; ++_way) {
                uint256 before = _entered;
                _deposit(outer == 0);
                require(_entered == before, "entered again");
                require(_anchor.totalFree() == _token.balanceOf(address(_anchor)), "credited twice");
            }
        }
    }

    /// @notice Its tokens are about to go: it tries to be credited for them twice.
    function tokensToSend(uint256) external {
        if (_way == 0) return;
        uint256 way = _way;
        _way = 0; // else it would never end where the guard is missing
        bytes memory data = way == 1
            ? abi.encodeCall(_anchor.deposit, (address(this), AMOUNT))
            : way == 2 ? _withPermit() : abi.encodeCall(_anchor.withdraw, (address(this), AMOUNT));
        (bool done,) = address(_anchor).call(data);
        if (done) ++_entered;
        _way = way;
    }

    function _deposit(bool plain) private {
        if (plain) _anchor.deposit(address(this), AMOUNT);
        else _anchor.depositWithPermit(address(this), AMOUNT, 0, 27, 0, 0);
    }

    function _withPermit() private view returns (bytes memory) {
        return abi.encodeCall(_anchor.depositWithPermit, (address(this), AMOUNT, 0, 27, 0, 0));
    }
}
