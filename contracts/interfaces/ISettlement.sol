// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Settlement of outsourced jobs (the paper's SSC, with the acceptances and charges around it)
/// @notice A device posts a job for m named nodes; when all have accepted, it runs; every index ends
/// in exactly one of the ways of `IndexPhase`. Nothing in clear is ever stored: roots, hashes, amounts.
/// @dev Relies on: AssetAnchor holds every token and credits only; EnclaveManager tells who judges;
/// ParticipantRegistry tells who works for whom. Indices run from 1 to m; 0 is the secret and never valid.
/// A deadline D lets the timely act at `block.timestamp <= D` and the exit at `block.timestamp > D`.
interface ISettlement {
    /// @notice Posted until all m acceptances are there (Started) or time ran out (Cancelled). A started job
    /// stays Started; its indices end one by one.
    enum JobPhase {
        None,
        Posted,
        Started,
        Cancelled
    }

    /// @notice None, then Named at posting, Accepted, Committed, perhaps Charged and Served; the rest are
    /// ends. Amounts of each end: outsourcing/Amounts.sol.
    /// Paid       right (approved, or collected uncharged): f to the node, stake back
    /// EqualHarm  accepted, never committed, never charged: f - z to the payer, the node loses z, 2z to the
    ///            pool
    /// Convicted  stake pays judges, payer, pool; own fee back to the payer; bond back
    /// Refuted    charged as wrong, was right: bond pays g to the judges and f to the node, which also gets
    ///            its own f
    /// Answered   charged as silent, handed a right result in: gets f; device and node bear g half each
    /// Void       charge not served: bond pays the judges g, the rest and f go to the node
    /// Lapsed     no verdict: bond and stake return, f goes to the pool
    /// Released   the job never started: everything back
    enum IndexPhase {
        None,
        Named,
        Accepted,
        Committed,
        Charged,
        Served,
        Paid,
        EqualHarm,
        Convicted,
        Refuted,
        Answered,
        Void,
        Lapsed,
        Released
    }

    /// @notice What the payer says: the result is wrong (it holds it, signed) or none that verifies is there.
    enum ChargeKind {
        None,
        Wrong,
        Silent
    }

    /// @notice What the judges found: the result is right, is wrong, or is missing after the answer time.
    enum Finding {
        None,
        Right,
        Wrong,
        Missing
    }

    /// @notice Public terms of a job. Amounts in the token's smallest unit, times in Unix seconds.
    /// @param functionHash   H(F), keccak256 of the canonical bytes of F
    /// @param functionBytes  length of the canonical bytes of F, 1 to 64 MiB
    /// @param termCount      monomials of F over all outputs, 1 to 2^24
    /// @param inputs         k, variables of F, 1 to 2000
    /// @param outputs        n, outputs of F, 1 to 1024
    /// @param degree         d, total degree of F, 1 to 20
    /// @param threshold      t >= 1, colluding nodes that learn nothing
    /// @param errors         e, liars or silent nodes that are survived, 0 <= e <= t
    /// @param nodeCount      m, from (d+1)t + 1 + 2e to 64
    /// @param batch          inputs under one sharing, 1 to 4096
    /// @param shareBytes     length of the canonical bytes of one share: 17 * (batch * k + 1)
    /// @param jobKey         compressed secp256k1 key (33 bytes): who may read results and, later, decrypt
    ///                       them
    /// @param fee            f, to each node for a right result, within the limits
    /// @param stake          S, locked from each node at acceptance: >= max(ceil(m*f/e), 2g+f), and 2g+f
    ///                       when e = 0
    /// @param judgeFee       g, 1 to f, to the judges for each charge, whoever loses
    /// @param acceptBy       all m acceptances by then, or anyone ends the job
    /// @param computeBy      commitments by then
    /// @param collectBy      charges by then; afterwards anyone pays out
    struct Terms {
        bytes32 functionHash;
        uint32 functionBytes;
        uint32 termCount;
        uint32 inputs;
        uint32 outputs;
        uint8 degree;
        uint8 threshold;
        uint8 errors;
        uint8 nodeCount;
        uint32 batch;
        uint32 shareBytes;
        bytes jobKey;
        uint96 fee;
        uint96 stake;
        uint96 judgeFee;
        uint40 acceptBy;
        uint40 computeBy;
        uint40 collectBy;
    }

    /// @notice Fixed at deployment.
    /// @param minFee, maxFee            bounds of f
    /// @param minWindow, maxWindow      bounds of each of the three windows of a job, seconds
    /// @param judgeWindow               W, seconds the judges have for each step
    /// @param exitGrace                 seconds after the last possible step until locks expire
    struct Limits {
        uint96 minFee;
        uint96 maxFee;
        uint40 minWindow;
        uint40 maxWindow;
        uint40 judgeWindow;
        uint40 exitGrace;
    }

    /// @notice What is stored of a job; the terms in full are in `JobPosted`.
    /// @param accepted     acceptances so far
    /// @param charged      indices charged so far
    /// @param startedAt    Unix seconds of the m-th acceptance, zero before
    /// @param root         Merkle root over the m leaves keccak256(taskId_j)
    /// @param depositLock  lock in the anchor that holds m * f
    /// @param bondLock     lock that holds g + f for each charged index, zero until charged
    struct Job {
        address payer;
        JobPhase phase;
        uint8 nodeCount;
        uint8 errors;
        uint8 accepted;
        uint8 charged;
        uint40 startedAt;
        uint40 acceptBy;
        uint40 computeBy;
        uint40 collectBy;
        uint96 fee;
        uint96 stake;
        uint96 judgeFee;
        bytes32 root;
        bytes32 termsHash;
        uint64 depositLock;
        uint64 bondLock;
    }

    /// @param commitment keccak256(abi.encode(chainid, settlement, job, taskId, node, outputsHash, salt)),
    ///                   zero until committed
    /// @param stakeLock  lock in the anchor that holds S, zero until accepted
    /// @param kind       zero until charged
    /// @param servedBy   the judges must have signed `served` by then
    /// @param answerBy   a node charged as silent may hand its result in until then (wrong: time of `served`)
    /// @param verdictBy  the verdict must be in by then
    struct Index {
        address node;
        IndexPhase phase;
        ChargeKind kind;
        uint40 servedBy;
        uint40 answerBy;
        uint40 verdictBy;
        uint64 stakeLock;
        bytes32 commitment;
    }

    event JobPosted(
        bytes32 indexed job,
        address indexed payer,
        bytes32 root,
        bytes32 termsHash,
        Terms terms,
        address[] nodes
    );
    event NodeAccepted(bytes32 indexed job, uint256 indexed index, address indexed node);
    event JobStarted(bytes32 indexed job, uint256 startedAt);
    event JobCancelled(bytes32 indexed job, address indexed caller);
    event ResultCommitted(
        bytes32 indexed job, uint256 indexed index, address indexed node, bytes32 commitment
    );
    /// @notice The index ended without a charge: f to the node.
    event NodePaid(bytes32 indexed job, uint256 indexed index, address indexed node, uint256 fee);
    event HarmShared(bytes32 indexed job, uint256 indexed index, address indexed node, uint256 lostByEach);
    event NodeCharged(
        bytes32 indexed job, uint256 indexed index, address indexed node, ChargeKind kind, uint256 servedBy
    );
    event ChargeServed(bytes32 indexed job, uint256 indexed index, uint256 answerBy, uint256 verdictBy);
    event NodeConvicted(
        bytes32 indexed job,
        uint256 indexed index,
        address indexed node,
        Finding finding,
        uint256 toPayer,
        uint256 toPool
    );
    event ChargeRefuted(bytes32 indexed job, uint256 indexed index, address indexed node);
    event ChargeAnswered(bytes32 indexed job, uint256 indexed index, address indexed node);
    event ChargeVoided(bytes32 indexed job, uint256 indexed index, address indexed node);
    event ChargeLapsed(bytes32 indexed job, uint256 indexed index, address indexed node);
    event SettlementDeprecated(address indexed guardian);

    /// @notice Thrown when the job is not in the phase that the call needs.
    error JobPhaseWrong(bytes32 job, JobPhase had, JobPhase needed);
    /// @notice Thrown when the index is not in a phase that the call allows.
    error IndexPhaseWrong(bytes32 job, uint256 index, IndexPhase had);
    /// @notice Thrown when an index is 0 or above m.
    error IndexOutOfRange(uint256 index, uint256 most);
    /// @notice Thrown when an index stands twice, or not in ascending order, in a list.
    error IndicesNotAscending(uint256 previous, uint256 index);
    /// @notice Thrown when this payer used this nonce before.
    error JobExists(bytes32 job);
    /// @notice Thrown when a number of the terms is outside its bounds; `field` is the ASCII name.
    error TermOutOfRange(bytes32 field, uint256 had, uint256 least, uint256 most);
    /// @notice Thrown when there are fewer nodes than (d+1)t + 1 + 2e.
    error TooFewNodes(uint256 had, uint256 needed);
    /// @notice Thrown when the list of nodes has another length than the terms say.
    error NodeListLength(uint256 had, uint256 needed);
    /// @notice Thrown when two indices of a job belong to one provider (or one node is named twice).
    error SameProvider(address nodeA, address nodeB, address provider);
    /// @notice Thrown when a node works for the provider of a judge.
    error JudgesProvider(address node, address judge, address provider);
    /// @notice Thrown when a judge is not registered as an enclave.
    error JudgeNotRegistered(address judge);
    /// @notice Thrown when an account named as a node is no registered compute node.
    error NotAComputeNode(address account);
    /// @notice Thrown when a node may take no new work: it or its provider retired, its admission was
    /// withdrawn, or its provider's stake is too low. The registry's `standingOf` says so.
    error NodeNotActive(address node, address provider);
    /// @notice Thrown when a timely act comes after its deadline.
    error TooLate(uint256 nowAt, uint256 deadline);
    /// @notice Thrown when an act or an exit comes before its time.
    error TooEarly(uint256 nowAt, uint256 allowedAfter);
    /// @notice Thrown when the caller is not who may call.
    error CallerWrong(address had, address needed);
    /// @notice Thrown when an acceptance was not signed by the node named at that index.
    error AcceptanceNotSigned(address recovered, address needed);
    /// @notice Thrown when a commitment is zero.
    error CommitmentEmpty(bytes32 job, uint256 index);
    /// @notice Thrown when more indices are charged than the job survives errors, or none.
    error ChargeCountOutOfRange(uint256 had, uint256 most);
    /// @notice Thrown when charges were filed before: all charges of a job come together.
    error AlreadyCharged(bytes32 job);
    /// @notice Thrown when a finding does not fit the kind of the charge.
    error FindingNotAllowed(ChargeKind kind, Finding finding);
    /// @notice Thrown when a claim looks at more indices than the largest job has.
    error ClaimTooLarge(uint256 had, uint256 most);
    /// @notice Thrown at posting after `deprecate`.
    error Deprecated();
    /// @notice Thrown at deployment when a limit is outside its bounds; `field` is the ASCII name.
    error LimitsInvalid(bytes32 field, uint256 had, uint256 least, uint256 most);
    /// @notice Thrown at deployment when the pool could never withdraw: the zero address or the anchor.
    error PoolInvalid(address pool);

    /// @notice The payer posts a job and locks m * f from its free balance in the anchor.
    /// @param nonce  any number that the payer did not use before
    /// @param root   Merkle root over the m leaves keccak256(taskId_j), leaf j at position j - 1
    /// @param nodes  node of index j at position j - 1
    function post(uint256 nonce, bytes32 root, Terms calldata terms, address[] calldata nodes)
        external
        returns (bytes32 job);

    /// @notice Records a node's signed acceptance and locks its stake; anyone may bring it.
    /// The m-th acceptance starts the job.
    function accept(bytes32 job, uint256 index, uint256 validUntil, bytes calldata signature) external;

    /// @notice Anyone, after `acceptBy`, while an acceptance is missing: everything goes back.
    function cancelUnstarted(bytes32 job) external;

    /// @notice The node of `index` commits to its result, once, by `computeBy`.
    function commit(bytes32 job, uint256 index, bytes32 commitment) external;

    /// @notice The payer pays the nodes of these committed, uncharged indices (ascending).
    function approve(bytes32 job, uint256[] calldata indices) external;

    /// @notice The payer charges at most e indices, once in the life of the job, by `collectBy`; locks g + f
    /// for each.
    /// @param wrong   committed indices whose signed result it holds (ascending)
    /// @param silent  indices without commitment or answer (ascending; only after `computeBy`)
    function charge(bytes32 job, uint256[] calldata wrong, uint256[] calldata silent) external;

    /// @notice k judges hold the task of a charged index and found it well formed. Anyone brings their
    /// signatures.
    function recordServed(bytes32 job, uint256 index, bytes[] calldata signatures) external;

    /// @notice k judges found. `Missing` only for silent charges and only after `answerBy`; `Right` and
    /// `Wrong` at any time from `served` to `verdictBy`. Anyone brings it.
    function recordVerdict(bytes32 job, uint256 index, Finding finding, bytes[] calldata signatures) external;

    /// @notice Anyone, when a charge was not served in time.
    function voidCharge(bytes32 job, uint256 index) external;

    /// @notice Anyone, when no verdict came in time.
    function lapseCharge(bytes32 job, uint256 index) external;

    /// @notice Anyone, after `collectBy`: ends these uncharged indices (ascending).
    function collect(bytes32 job, uint256[] calldata indices) external;

    /// @notice Anyone ends whatever is due in these jobs, as `cancelUnstarted`, `collect`, `voidCharge` and
    /// `lapseCharge` would: what is not due stays and stops nothing. Unknown and ended jobs are passed over,
    /// and so are jobs whose locks expired (`AssetAnchor.expire` returns those).
    /// @param jobs   with 64 indices together at most
    /// @return ended indices that ended here
    function claim(bytes32[] calldata jobs) external returns (uint256 ended);

    /// @notice The guardian stops new jobs for good; every exit stays open.
    function deprecate() external;

    function jobIdOf(address payer, uint256 nonce) external view returns (bytes32);
    function jobOf(bytes32 job) external view returns (Job memory);
    function indexOf(bytes32 job, uint256 index) external view returns (Index memory);
    function limits() external view returns (Limits memory);
    function acceptanceDigest(bytes32 job, uint256 index, uint256 validUntil) external view returns (bytes32);
    function servedDigest(bytes32 job, uint256 index) external view returns (bytes32);
    function verdictDigest(bytes32 job, uint256 index, Finding finding) external view returns (bytes32);
    function anchor() external view returns (address);
    function registry() external view returns (address);
    function enclaves() external view returns (address);
    function pool() external view returns (address);
    function guardian() external view returns (address);
    function isDeprecated() external view returns (bool);
    function hashTerms(Terms calldata terms) external pure returns (bytes32);
}
