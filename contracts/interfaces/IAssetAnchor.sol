// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title AssetAnchor: every stake and deposit of every system (the paper's ASC)
/// @notice An account pays tokens in, lets named contracts ("lockers") lock a part of them up to an
/// allowance that it sets itself and that ends by itself, and takes out what is free. A locker moves
/// locked tokens between accounts; it can never take a token that was not locked with it.
/// @dev A lock is known by (locker, subject): the locker says what it is for (a job, a channel, a stake).
/// It has places; each holds tokens of one owner, to whom they return at the end. A plain lock has place
/// 0 alone; a group has place 0 and any of 1 to 255, all with one expiry.
/// Relies on: the token reverts or returns false when a transfer fails. Payments are credits
/// (pull), so no payee can block one. Books are counters of what arrived: a token that takes balances
/// away (negative rebase, seizure) leaves the anchor owing more than it holds, and whoever withdraws
/// first is paid; MetaCoin cannot. All amounts are in the token's smallest unit, all times are Unix
/// seconds, and a time includes its last second: a lock or an allowance with `expiresAt` D still serves
/// at `block.timestamp == D`.
interface IAssetAnchor {
    /// @notice A place of a group to be filled.
    /// @param place 1 to 255
    /// @param owner whose tokens fill it
    struct Fill {
        uint256 place;
        address owner;
    }

    /// @notice A payment out of a place.
    /// @param to whose free balance it is added to
    struct Payment {
        uint256 place;
        address to;
        uint256 amount;
    }

    /// @notice Tokens of `payer` arrived and became free balance of `account`.
    /// @param received smallest units, what really arrived
    event Deposited(address indexed account, address indexed payer, uint256 received);
    /// @notice `account` sent free tokens of its own out, to `to`.
    /// @param amount smallest units
    event Withdrawn(address indexed account, address indexed to, uint256 amount);
    /// @notice `from` gave free tokens of its own to the free balance of `to`.
    /// @param amount smallest units
    event Moved(address indexed from, address indexed to, uint256 amount);
    /// @notice `account` set, itself or by its signature, what `locker` may still lock.
    /// @param amount    smallest units, instead of what was left before
    /// @param expiresAt last second at which it counts; zero for an amount of zero
    event LockerAllowed(address indexed account, address indexed locker, uint256 amount, uint256 expiresAt);
    /// @notice Everything that `account` had signed and nobody had used is void.
    /// @param nonce the one that is used up, the first is 0
    event SignaturesRevoked(address indexed account, uint256 nonce);
    /// @notice `locker` locked free tokens of `owner` in a place that held nothing.
    /// @param amount    smallest units
    /// @param expiresAt last second at which the locker may pay them out
    event Locked(
        address indexed locker,
        bytes32 indexed subject,
        address indexed owner,
        uint256 place,
        uint256 amount,
        uint256 expiresAt
    );
    /// @notice `locker` added free tokens of `owner` to a place that holds tokens of `owner`.
    /// @param amount smallest units that were added
    event LockIncreased(
        address indexed locker, bytes32 indexed subject, address indexed owner, uint256 place, uint256 amount
    );
    /// @notice `locker` made a plain lock last longer.
    /// @param expiresAt the new last second
    event LockRenewed(address indexed locker, bytes32 indexed subject, uint256 expiresAt);
    /// @notice `locker` paid out of a place into the free balance of `to`.
    /// @param amount smallest units
    event Paid(
        address indexed locker, bytes32 indexed subject, address indexed to, uint256 place, uint256 amount
    );
    /// @notice After the expiry, `caller` had the rest of a place returned to the free balance of `owner`.
    /// @param amount smallest units
    event LockReturned(
        address indexed locker,
        bytes32 indexed subject,
        address indexed owner,
        uint256 place,
        uint256 amount,
        address caller
    );

    /// @notice Thrown when `account` has fewer free tokens than an operation needs.
    error FreeBalanceTooLow(address account, uint256 had, uint256 needed);
    /// @notice Thrown when `account` allowed `locker` to lock less than it now asks for.
    error AllowanceTooLow(address account, address locker, uint256 had, uint256 needed);
    /// @notice Thrown when what `account` allowed `locker` would be enough, but counted until `expiresAt`.
    error AllowanceExpired(address account, address locker, uint256 expiresAt, uint256 nowAt);
    /// @notice Thrown when an allowance was signed by another account, nonce, chain or contract.
    error AllowanceNotSigned(address signer, address needed);
    /// @notice Thrown when the locker has, or for a group ever had, a lock for this subject.
    error LockExists(address locker, bytes32 subject);
    /// @notice Thrown when the locker has no lock for this subject.
    error LockUnknown(address locker, bytes32 subject);
    /// @notice Thrown when a group is renewed, or a plain lock filled as if it were one.
    error LockKindWrong(address locker, bytes32 subject, bool isGroup);
    /// @notice Thrown when a locker uses a lock whose expiry has passed.
    error LockExpired(address locker, bytes32 subject, uint256 expiresAt, uint256 nowAt);
    /// @notice Thrown when a lock is expired before its time.
    error LockNotExpired(address locker, bytes32 subject, uint256 expiresAt, uint256 nowAt);
    /// @notice Thrown for a number that no place has.
    error PlaceOutOfRange(uint256 place, uint256 least, uint256 most);
    /// @notice Thrown when a place is filled that holds tokens of `owner`.
    error PlaceTaken(address locker, bytes32 subject, uint256 place, address owner);
    /// @notice Thrown when a place holds nothing.
    error PlaceEmpty(address locker, bytes32 subject, uint256 place);
    /// @notice Thrown when a place has fewer tokens left than a payment needs.
    error PlaceTooSmall(address locker, bytes32 subject, uint256 place, uint256 had, uint256 needed);
    /// @notice Thrown when an expiry is too early, or more than `maxLockSeconds` ahead.
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

    /// @notice Gives `amount` of the caller's free tokens to the free balance of `to`.
    function move(address to, uint256 amount) external;

    /// @notice Sets how many tokens `locker` may still lock from the caller's free balance, until
    /// `expiresAt`: now at the earliest, `maxLockSeconds` ahead at the latest. Replaces what was set
    /// before. An amount of zero takes the allowance back, whatever `expiresAt` is, and with it everything
    /// that the caller has signed and nobody has used: no older statement brings an allowance back.
    function allowLocker(address locker, uint256 amount, uint256 expiresAt) external;

    /// @notice Called by anyone: `allowLocker` of `account`, which signed `allowanceDigest`. The statement
    /// itself is void after `expiresAt`, also one for an amount of zero.
    function allowLockerSigned(
        address account,
        address locker,
        uint256 amount,
        uint256 expiresAt,
        bytes calldata signature
    ) external;

    /// @notice Makes everything void that the caller has signed and nobody has used.
    function revokeSignatures() external;

    /// @notice Called by a locker: moves free tokens of `owner` into a new plain lock. Its subject is
    /// free again once everything has been paid out or returned.
    function lock(bytes32 subject, address owner, uint256 amount, uint256 expiresAt) external;

    /// @notice Called by a locker: opens a group, its place 0 filled with free tokens of `owner`. Its
    /// subject is never free again.
    function openGroup(bytes32 subject, address owner, uint256 amount, uint256 expiresAt) external;

    /// @notice Called by the locker of a group that has not expired: fills places that hold nothing, each
    /// with `amount` free tokens of its owner.
    function fillMany(bytes32 subject, Fill[] calldata fills, uint256 amount) external;

    /// @notice Called by the locker of a lock that has not expired: adds free tokens of the owner of a
    /// place that holds something.
    function increase(bytes32 subject, uint256 place, uint256 amount) external;

    /// @notice Called by the locker of a plain lock that has not expired: it lasts longer. Takes from the
    /// owner's allowance what the lock holds: to hold it longer needs as much consent as to lock it.
    function renew(bytes32 subject, uint256 expiresAt) external;

    /// @notice Called by the locker of a lock that has not expired: credits `amount` of a place to the
    /// free balance of `to`. An amount of zero is a no-op.
    function pay(bytes32 subject, uint256 place, address to, uint256 amount) external;

    /// @notice `pay` for each of `payments`, in their order. Amounts of zero are passed over.
    function payMany(bytes32 subject, Payment[] calldata payments) external;

    /// @notice Called by anyone after expiry: the rest of a place goes back to its owner's free balance.
    /// The last way out, should the locker or everybody who could have called it be gone.
    function expire(address locker, bytes32 subject, uint256 place) external;

    function freeBalanceOf(address account) external view returns (uint256);
    /// @notice What `locker` may still lock of `account`, and until when; past `expiresAt` it is nothing.
    function lockerAllowance(address account, address locker)
        external
        view
        returns (uint256 amount, uint256 expiresAt);
    /// @notice Zero and false where there is no lock. Of a group that holds nothing any more they stay.
    function lockOf(address locker, bytes32 subject) external view returns (uint256 expiresAt, bool isGroup);
    /// @notice Zero and zero for a place that holds nothing.
    function placeOf(address locker, bytes32 subject, uint256 place)
        external
        view
        returns (address owner, uint256 amount);
    /// @notice Sum of all free balances and of all that is locked: never more than the anchor holds.
    function totalFree() external view returns (uint256);
    function totalLocked() external view returns (uint256);
    function token() external view returns (address);

    /// @notice What `account` signs so that anyone may set its allowance, with its present nonce: EIP-712,
    /// domain "Edgemark Anchor", version "1", this chain, this contract.
    function allowanceDigest(address account, address locker, uint256 amount, uint256 expiresAt)
        external
        view
        returns (bytes32);

    /// @notice Longest time from now to the expiry of a lock or of an allowance, seconds.
    function maxLockSeconds() external pure returns (uint256);
}
