// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Stakes of providers: what an organisation has at risk for those who work for it
/// @notice A provider locks tokens of its own in the AssetAnchor, apart from what its nodes lock job by
/// job. Below `minStake` it gets no new members, and its nodes may take no new work. Unbonding takes
/// `unbondingSeconds`: longer than the last complaint about any job that a node took before it. A stake
/// that has counted and stopped (unbonded, not renewed in time, released) counts again only
/// `pauseSeconds` after it is back: else its owner could switch the standing of its nodes off and on, and
/// let every posting that names one of them fail.
/// @dev In this release nothing takes a stake but its provider's own exit. A system that slashes
/// providers will come in here, as the one that pays out of the lock; `ProviderStake.amount` is its bound.
/// The lock is this contract's plain one for the subject `stakeSubjectOf(provider)`.
/// Relies on: AssetAnchor only lets this contract pay out of the lock, and anyone return it to whoever
/// locked it once it has expired. A deadline D is over at `block.timestamp > D`.
interface IProviderStakes {
    /// @param amount     tokens locked, smallest units
    /// @param expiresAt  Unix seconds; the anchor's lock ends then: renew it with `stake`
    /// @param freeAt     Unix seconds at which unbonding ends (zero: bonded)
    /// @param countsFrom Unix seconds from which it counts for new work; zero until it was enough once
    /// @param newMembersFrom Unix seconds from which members that are new count for new work: the pause
    ///                   after the last one left; zero when none ever left
    struct ProviderStake {
        uint96 amount;
        uint40 expiresAt;
        uint40 freeAt;
        uint40 countsFrom;
        uint40 newMembersFrom;
    }

    /// @notice Whoever acts for `provider` added to its stake, or renewed it, or ended its unbonding.
    /// @param amount     smallest units that were added
    /// @param total      smallest units that are locked now
    /// @param expiresAt  Unix seconds at which the lock ends
    /// @param countsFrom Unix seconds from which it counts for new work (zero: it never was enough)
    event ProviderStaked(
        address indexed provider, uint256 amount, uint256 total, uint256 expiresAt, uint256 countsFrom
    );
    /// @notice The stake counts for nothing new any more: its provider leaves or has retired.
    /// @param amount smallest units
    /// @param freeAt Unix seconds after which anyone releases it
    event ProviderUnbonding(address indexed provider, uint256 amount, uint256 freeAt);
    /// @notice A stake went back, after unbonding or after its lock expired.
    /// @param to     whose free balance it went to; zero when the anchor had returned the expired lock before
    /// @param amount smallest units
    event ProviderStakeReleased(address indexed provider, address indexed to, uint256 amount);

    /// @notice Thrown when a provider has less at stake, bonded and for long enough, than it needs.
    error StakeTooLow(address provider, uint256 had, uint256 needed);
    /// @notice Thrown when a provider has nothing at stake.
    error NothingStaked(address provider);
    /// @notice Thrown when a provider unbonds already.
    error AlreadyUnbonding(address provider, uint256 freeAt);
    /// @notice Thrown when a stake cannot be released yet; `freeAt` is zero when it is not unbonding.
    error StillBonded(address provider, uint256 freeAt, uint256 nowAt);

    /// @notice Called by a provider: locks `amount` more of its free balance, ends its unbonding, and
    /// renews the lock of what is there (zero: only that). The anchor's allowance must cover the total.
    /// The lock is the caller's own from now on: after a succession it was still the former account's.
    function stake(uint256 amount) external;

    /// @notice Called by a provider: from now on its stake counts for nothing new, and is free after
    /// `unbondingSeconds`.
    function unstake() external;

    /// @notice Called by anyone after unbonding or after the lock expired: the stake goes to the free
    /// balance of whoever acts for the provider (expired: of whoever locked it).
    function releaseStake(address provider) external;

    function stakeOf(address provider) external view returns (ProviderStake memory);
    /// @notice What counts for new work: zero when it is too little, unbonding or pausing, or when its lock
    /// ends too soon.
    function activeStakeOf(address provider) external view returns (uint256);
    /// @notice The account that acts for a provider; zero when it is none.
    function actorOf(address provider) external view returns (address);
    function minStake() external view returns (uint256);
    function unbondingSeconds() external view returns (uint256);
    function pauseSeconds() external view returns (uint256);
    function anchor() external view returns (address);

    /// @notice What the lock of a provider is called in the anchor.
    function stakeSubjectOf(address provider) external pure returns (bytes32);
}
