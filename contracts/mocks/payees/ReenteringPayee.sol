// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITokenReceiver} from "./ITokenReceiver.sol";

/// @title ReenteringPayee: calls back while it is being paid
/// @notice For tests. Every prepared call is tried once in the hook; whether it worked is recorded.
contract ReenteringPayee is ITokenReceiver {
    struct Call {
        address target;
        bytes data;
    }

    Call[] private _calls;
    bool[] private _outcomes;
    bytes[] private _answers;

    /// @notice Makes the hook call `target` with `data`.
    function prepare(address target, bytes calldata data) external {
        _calls.push(Call(target, data));
    }

    /// @notice Calls `target` with `data` now, as this account.
    function execute(address target, bytes calldata data) external returns (bytes memory answer) {
        bool done;
        // solhint-disable-next-line avoid-low-level-calls
        (done, answer) = target.call(data);
        if (!done) {
            // solhint-disable-next-line no-inline-assembly
            assembly {
                revert(add(answer, 32), mload(answer))
            }
        }
    }

    /// @inheritdoc ITokenReceiver
    function tokensReceived(address, uint256) external {
        uint256 count = _calls.length;
        if (_outcomes.length >= count) return; // nested payments: each call once
        for (uint256 place = _outcomes.length; place < count; ++place) {
            Call memory made = _calls[place];
            _outcomes.push(false);
            _answers.push("");
            // solhint-disable-next-line avoid-low-level-calls
            (bool done, bytes memory answer) = made.target.call(made.data);
            _outcomes[place] = done;
            _answers[place] = answer;
        }
    }

    /// @notice Which of the prepared calls worked, and what they answered.
    function outcomes() external view returns (bool[] memory worked, bytes[] memory answers) {
        return (_outcomes, _answers);
    }
}
