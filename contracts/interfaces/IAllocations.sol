// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Allocations: the whole supply of MetaCoin under four vesting schedules (the paper's eq. 15)
/// @notice Every unit exists from the first block and belongs to one of four purposes. An allocation
/// vests linearly; what has vested, anyone releases to its beneficiary. A beneficiary hands its
/// allocation over in two steps. What nobody released until `lapsesAt`, anyone sends to the heir: no
/// unit is lost with a key.
/// @dev Made by the constructor of MetaCoin, which is the token. Relies on: a transfer of that token
/// runs no foreign code. Nobody can change a schedule, add to it or stop it. A deadline D lets the
/// beneficiary's side act at `block.timestamp <= D` and the exit at `block.timestamp > D`.
interface IAllocations {
    /// @notice Operation and development; early contributors and investors; community; incentives for
    /// outsourced computation.
    enum Purpose {
        Operation,
        Early,
        Community,
        Incentives
    }

    /// @notice What is decided at deployment.
    /// @param beneficiary whom the vested part is released to
    /// @param amount      smallest units; the four sum to the supply
    /// @param delay       seconds from deployment until vesting begins
    /// @param duration    seconds from its beginning until all has vested; 0: all at once
    /// @param grace       seconds from its end until the rest lapses to the heir
    struct Plan {
        address beneficiary;
        uint96 amount;
        uint40 delay;
        uint40 duration;
        uint40 grace;
    }

    /// @param beneficiary whom the vested part is released to
    /// @param amount      all of it, smallest units
    /// @param offeredTo   account that may take it over (zero: none)
    /// @param released    what went out, smallest units
    /// @param startsAt    Unix seconds at which vesting begins
    /// @param endsAt      Unix seconds at which all has vested
    /// @param lapsesAt    Unix seconds; from the second after it the rest is the heir's
    struct Allocation {
        address beneficiary;
        uint96 amount;
        address offeredTo;
        uint96 released;
        uint40 startsAt;
        uint40 endsAt;
        uint40 lapsesAt;
    }

    event AllocationReleased(Purpose indexed purpose, address indexed beneficiary, uint256 amount);
    event AllocationOffered(Purpose indexed purpose, address indexed beneficiary, address indexed offeredTo);
    event AllocationHandedOver(Purpose indexed purpose, address indexed former, address indexed beneficiary);
    event AllocationLapsed(Purpose indexed purpose, address indexed heir, uint256 amount);

    /// @notice Thrown when the four amounts do not sum to the supply.
    error PlansDoNotSum(uint256 had, uint256 needed);
    /// @notice Thrown when a plan names nobody, the token or this contract.
    error BeneficiaryInvalid(address beneficiary);
    /// @notice Thrown when a span of a plan is longer than `maxSpan`, or the grace is zero.
    error SpanOutOfRange(Purpose purpose, uint256 had, uint256 least, uint256 most);
    /// @notice Thrown when nothing can be released now.
    error NothingVested(Purpose purpose, uint256 nowAt, uint256 endsAt);
    /// @notice Thrown when it is too late to release to the beneficiary or to hand over.
    error HasLapsed(Purpose purpose, uint256 nowAt, uint256 lapsesAt);
    /// @notice Thrown when the rest is not the heir's yet.
    error NotLapsed(Purpose purpose, uint256 nowAt, uint256 lapsesAt);
    /// @notice Thrown when nothing is left.
    error NothingLeft(Purpose purpose);
    /// @notice Thrown when the caller is not the one who may do this.
    error WrongCaller(Purpose purpose, address caller, address needed);

    /// @notice Called by anyone until `lapsesAt`: sends what has vested to the beneficiary.
    function release(Purpose purpose) external returns (uint256 amount);

    /// @notice Called by the beneficiary: lets `account` take the allocation over; zero withdraws that.
    function offer(Purpose purpose, address account) external;

    /// @notice Called by the account it was offered to: from now on it is the beneficiary.
    function takeOver(Purpose purpose) external;

    /// @notice Called by anyone after `lapsesAt`: sends all that is left to the heir.
    function lapse(Purpose purpose) external returns (uint256 amount);

    function allocationOf(Purpose purpose) external view returns (Allocation memory);
    /// @notice What `release` would send now; zero after `lapsesAt`.
    function releasable(Purpose purpose) external view returns (uint256);
    function heir() external view returns (address);
    function token() external view returns (address);
    /// @notice Longest delay, duration or grace of a plan, seconds.
    function maxSpan() external pure returns (uint256);
}
