// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title AssetAnchor: every stake and deposit of every system (the paper's ASC)
/// @notice An account pays tokens in, lets named contracts ("lockers") lock a part of them up to an
/// allowance that it sets itself, and takes out what is free. A locker moves locked tokens between
/// accounts; it can never take a token that was not locked with it.
/// @dev Relies on: the token reverts or returns false when a transfer fails. Payments are credits
/// (pull), so no payee can block one. Books are counters of what arrived: a token that takes balances
/// away (negative rebase, seizure) leaves the anchor owing more than it holds, and whoever withdraws
/// first is paid; MetaCoin cannot. All amounts are in the token's smallest unit.
interface IAssetAnchor {
    /// @param owner      account the tokens came from and return to
    /// @param expiresAt  Unix seconds; from the second after it anyone returns the rest to `owner`
    /// @param locker     the only contract that may pay out of this lock
    /// @param remaining  tokens still locked
    struct Lock {
        address owner;
        uint40 expiresAt;
        address locker;
        uint96 remaining;
    }

    event Deposited(address indexed account, address indexed payer, uint256 received);
    event Withdrawn(address indexed account, address indexed to, uint256 amount);
    event LockerAllowed(address indexed account, address indexed locker, uint256 allowance);
    event Locked(
        uint256 indexed lockId,
        address indexed owner,
        address indexed locker,
        uint256 amount,
        uint256 expiresAt
    );
    event Paid(uint256 indexed lockId, address indexed to, address indexed locker, uint256 amount);
    event LockReturned(uint256 indexed lockId, address indexed owner, address indexed caller, uint256 amount);

    /// @notice Thrown when `account` has fewer free tokens than an operation needs.
    error FreeBalanceTooLow(address account, uint256 had, uint256 needed);
    /// @notice Thrown when `account` allowed `locker` to lock less than it now asks for.
    error AllowanceTooLow(address account, address locker, uint256 had, uint256 needed);
    /// @notice Thrown when a lock has fewer tokens left than a payment needs.
    error LockTooSmall(uint256 lockId, uint256 had, uint256 needed);
    /// @notice Thrown when somebody other than its locker pays out of a lock.
    error NotTheLocker(uint256 lockId, address locker, address caller);
    /// @notice Thrown when the lock does not exist or is already empty.
    error LockUnknown(uint256 lockId);
    /// @notice Thrown when a locker pays out of a lock whose expiry has passed.
    error LockExpired(uint256 lockId, uint256 expiresAt, uint256 nowAt);
    /// @notice Thrown when a lock is expired before its time.
    error LockNotExpired(uint256 lockId, uint256 expiresAt, uint256 nowAt);
    /// @notice Thrown when an expiry is not in the future or more than `maxLockSeconds` ahead.
    error ExpiryOutOfRange(uint256 expiresAt, uint256 earliest, uint256 latest);
    /// @notice Thrown for an amount of zero or one that does not fit 96 bits.
    error AmountOutOfRange(uint256 amount);
    /// @notice Thrown when a deposit brought in less than nothing or nothing.
    error NothingReceived(address account, uint256 asked);
    /// @notice Thrown when the token took no permit and the anchor may not take the amount either; `why`
    /// is what the token answered.
    error PermitRefused(address owner, bytes why);
    /// @notice Thrown for the zero address where an account is needed.
    error ZeroAccount();
    /// @notice Thrown for the anchor itself as an account: what it held for itself would be lost.
    error AnchorAsAccount();

    /// @notice Pays `amount` of the caller's tokens into `account`; credits what really arrived.
    function deposit(address account, uint256 amount) external returns (uint256 received);

    /// @notice `deposit` with the caller's ERC-2612 permit for exactly `amount`, in one transaction.
    /// Anyone may use the permit up before: what counts is that the anchor is allowed to take it.
    function depositWithPermit(
        address account,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 received);

    /// @notice Sends `amount` of the caller's free tokens to `to`.
    function withdraw(address to, uint256 amount) external;

    /// @notice Sets how many tokens `locker` may still lock from the caller's free balance.
    function allowLocker(address locker, uint256 amount) external;

    /// @notice Called by a locker: moves free tokens of `account` into a new lock.
    function lock(address account, uint256 amount, uint256 expiresAt) external returns (uint256 lockId);

    /// @notice Called by the locker of `lockId`: credits `amount` of it to the free balance of `to`.
    /// An amount of zero is a no-op.
    function pay(uint256 lockId, address to, uint256 amount) external;

    /// @notice Called by anyone after expiry: the rest goes back to the owner's free balance. The
    /// last way out, should the locker or everybody who could have called it be gone.
    function expire(uint256 lockId) external;

    function freeBalanceOf(address account) external view returns (uint256);
    function lockerAllowance(address account, address locker) external view returns (uint256);
    function lockOf(uint256 lockId) external view returns (Lock memory);
    /// @notice Sum of all free balances and of all that is locked: never more than the anchor holds.
    function totalFree() external view returns (uint256);
    function totalLocked() external view returns (uint256);
    function token() external view returns (address);

    /// @notice Longest time from a lock to its expiry, seconds.
    function maxLockSeconds() external pure returns (uint256);
}
