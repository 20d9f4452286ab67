// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDeprecation} from "./IDeprecation.sol";

/// @dev keccak256(abi.encode(chainid, JobSettlement, payer, nonce)); also the subject of the job's lock.
type JobId is bytes32;

/// @title Settlement of outsourced jobs (the paper's SSC, with the acceptances and charges around it)
/// @notice A device posts a job for m named nodes; when all have accepted, it runs; every index ends
/// in exactly one of the ways of `IndexPhase`. Nothing in clear is ever stored: roots, hashes, amounts.
/// @dev Relies on: AssetAnchor holds every token and credits only; EnclaveManager tells who judges;
/// ParticipantRegistry tells who works for whom. Indices run from 1 to m; 0 is the secret and never valid.
/// A job is ONE group lock in the anchor, subject = job: place 0 holds what the payer locked (f an index,
/// b = g + f for each charge), place j the stake S of the node of index j. Amounts are in the token's
/// smallest unit, times in Unix seconds.
/// A deadline D lets the timely act at `block.timestamp <= D` and the exit at `block.timestamp > D`.
/// Errors that other systems have too: anchoring/{Bounds, Callers, Deadlines}, crypto/Quorum.
interface IJobSettlement is IDeprecation {
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
    /// Unearned   accepted, never committed, never charged: f to the pool, stake back
    /// Convicted  stake pays judges, payer, pool; own fee back to the payer; bond back
    /// Refuted    charged as wrong, was right: bond pays g to the judges and f to the node, which also gets
    ///            its own f
    /// Answered   charged as silent, handed a right result in: gets f; device and node bear g half each
    /// Void       charge not served: bond pays g to the pool and f to the node, which also gets its own f
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
        Unearned,
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

    /// @notice The public terms of a job. The stored hash is keccak256(abi.encode(terms)).
    /// @param functionHash   H(F), SHA-256 of the canonical bytes of F
    /// @param functionBytes  length of the canonical bytes of F, 1 to 64 MiB
    /// @param termCount      multiplications that F costs for one input, 1 to 2^24: its coefficients over
    ///                       all outputs; of a sparse F also its factors, and min(factors, k) * (d - 1)
    ///                       for their powers
    /// @param inputs         k, variables of F, 1 to 2000
    /// @param outputs        n, outputs of F, 1 to 1024
    /// @param degree         d, total degree of F, 1 to 20
    /// @param threshold      t >= 1, colluding nodes that learn nothing
    /// @param errors         e, liars or silent nodes that are survived, 1 <= e <= t
    /// @param nodeCount      m, from (d+1)t + 1 + 2e to 64
    /// @param batch          inputs under one sharing, 1 to 4096; products of sizes: outsourcing/JobTerms.sol
    /// @param shareBytes     length of the canonical bytes of one share: 17 * (batch * k + 1)
    /// @param jobKey         compressed secp256k1 key (33 bytes): who may read results and, later, decrypt
    ///                       them
    /// @param fee            f, to each node for a right result, within the limits
    /// @param stake          S, locked from each node at acceptance: >= ceil(m*f/e)
    /// @param judgeFee       g, to the judges for each verdict, whoever loses:
    ///                       max(ceil(f/4), judgeFloor + termCount * batch * judgePrice) <= g <= floor(f/3)
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
    /// @param judgeFloor, judgePrice    g is at least judgeFloor and judgePrice for each of termCount times
    ///                                  inputs of the batch: a charge never costs less than the work it makes
    /// @param minWindow, maxWindow      bounds of each of the three windows of a job, seconds
    /// @param judgeWindow               W, seconds that the judges have to serve, and the least for the rest
    /// @param exitGrace                 seconds after the last possible step until locks expire
    struct Limits {
        uint96 minFee;
        uint96 maxFee;
        uint96 judgeFloor;
        uint96 judgePrice;
        uint40 minWindow;
        uint40 maxWindow;
        uint40 judgeWindow;
        uint40 exitGrace;
    }

    /// @notice A node's signed acceptance of `index`.
    /// @param validUntil  the signature counts up to then
    /// @param signature   65-byte ECDSA signature of `acceptanceDigest`
    struct Acceptance {
        uint256 index;
        uint256 validUntil;
        bytes signature;
    }

    /// @notice What is stored of a job; the terms in full are in `JobPosted`.
    /// @param accepted     acceptances so far
    /// @param charged      indices charged so far, at most e
    /// @param postedBlock  number of the block of `JobPosted`: no event of the job is older
    /// @param startedAt    time of the m-th acceptance, zero before
    /// @param root         Merkle root over the m leaves keccak256(taskId_j)
    /// @param nodesHash    keccak256(abi.encodePacked(nodes)), a word for each
    /// @param phases       `IndexPhase` of index j in bits 4(j-1) to 4(j-1)+3
    struct Job {
        address payer;
        JobPhase phase;
        uint8 nodeCount;
        uint8 errors;
        uint8 accepted;
        uint8 charged;
        uint40 computeBy;
        uint96 fee;
        uint96 stake;
        uint40 postedBlock;
        uint96 judgeFee;
        uint40 acceptBy;
        uint40 collectBy;
        uint40 startedAt;
        bytes32 root;
        bytes32 termsHash;
        bytes32 nodesHash;
        uint256 phases;
    }

    /// @param node       zero before its acceptance and after the end of the index: see the events
    /// @param kind       zero until charged
    /// @param committed  whether there is a commitment (it stands in `ResultCommitted`)
    /// @param servedBy   the judges must have signed `served` by then
    /// @param answerBy   a node charged as silent may hand its result in until then (wrong: time of `served`)
    /// @param verdictBy  the verdict must be in by then
    struct Index {
        address node;
        IndexPhase phase;
        ChargeKind kind;
        bool committed;
        uint40 servedBy;
        uint40 answerBy;
        uint40 verdictBy;
    }

    /// @notice At posting. The payer locked m * f. `nodes[j - 1]` is the node of index j.
    event JobPosted(
        JobId indexed job,
        address indexed payer,
        bytes32 root,
        bytes32 termsHash,
        Terms terms,
        address[] nodes
    );
    /// @notice An acceptance counted; the node's stake S is locked.
    event NodeAccepted(JobId indexed job, uint256 indexed index, address indexed node);
    /// @notice With the m-th acceptance. `startedAt` in Unix seconds.
    event JobStarted(JobId indexed job, uint256 startedAt);
    /// @notice Not started by `acceptBy`; `caller` ended it: everybody has everything back.
    event JobCancelled(JobId indexed job, address indexed caller);
    /// @notice The node committed; only here does the commitment stand:
    /// keccak256(abi.encode(chainid, JobSettlement, job, taskId, node, outputsHash, salt)).
    event ResultCommitted(JobId indexed job, uint256 indexed index, address indexed node, bytes32 commitment);
    /// @notice Approved, or collected uncharged with a commitment: `fee` (smallest units) to the node.
    event NodePaid(JobId indexed job, uint256 indexed index, address indexed node, uint256 fee);
    /// @notice Collected uncharged without a commitment: `fee` (smallest units) to the pool, the stake back.
    event FeeUnearned(JobId indexed job, uint256 indexed index, address indexed node, uint256 fee);
    /// @notice The payer charged an index and locked b for it. `servedBy` in Unix seconds.
    event NodeCharged(
        JobId indexed job, uint256 indexed index, address indexed node, ChargeKind kind, uint256 servedBy
    );
    /// @notice k judges hold the task. Both times in Unix seconds.
    event ChargeServed(JobId indexed job, uint256 indexed index, uint256 answerBy, uint256 verdictBy);
    /// @notice The verdict was wrong or missing. Out of the stake went `toPayer` and `toPool` (smallest
    /// units), the latter without what of g did not go to judges.
    event NodeConvicted(
        JobId indexed job,
        uint256 indexed index,
        address indexed node,
        Finding finding,
        uint256 toPayer,
        uint256 toPool
    );
    /// @notice The verdict on a charge as wrong was right: 2f to the node.
    event ChargeRefuted(JobId indexed job, uint256 indexed index, address indexed node);
    /// @notice The verdict on a charge as silent was right: f less floor(g/2) to the node.
    event ChargeAnswered(JobId indexed job, uint256 indexed index, address indexed node);
    /// @notice Not served by `servedBy`: 2f to the node, g to the pool.
    event ChargeVoided(JobId indexed job, uint256 indexed index, address indexed node);
    /// @notice No verdict by `verdictBy`: f to the pool, bond and stake back.
    event ChargeLapsed(JobId indexed job, uint256 indexed index, address indexed node);

    /// @notice Thrown when the job is not in the phase that the call needs.
    error JobPhaseWrong(JobId job, JobPhase had, JobPhase needed);
    /// @notice Thrown when the index is not in a phase that the call allows.
    error IndexPhaseWrong(JobId job, uint256 index, IndexPhase had);
    /// @notice Thrown when an index is 0 or above m.
    error IndexOutOfRange(uint256 index, uint256 most);
    /// @notice Thrown when an index stands twice, or not in ascending order, in a list.
    error IndicesNotAscending(uint256 previous, uint256 index);
    /// @notice Thrown when this payer used this nonce before.
    error JobExists(JobId job);
    /// @notice Thrown when there are fewer nodes than (d+1)t + 1 + 2e.
    error TooFewNodes(uint256 had, uint256 needed);
    /// @notice Thrown at posting when the list of nodes has another length than the terms say.
    error NodeListLength(uint256 had, uint256 needed);
    /// @notice Thrown at acceptance when the list of nodes is not the one of the posting.
    error NodeListWrong(bytes32 had, bytes32 needed);
    /// @notice Thrown when two indices of a job belong to one provider (or one node is named twice).
    error SameProvider(address nodeA, address nodeB, address provider);
    /// @notice Thrown when the nodes do not stand in ascending order of their providers' addresses.
    error NodesNotAscending(address node, address previousProvider, address provider);
    /// @notice Thrown when a node works for the provider of a judge.
    error JudgesProvider(address node, address judge, address provider);
    /// @notice Thrown when a judge is not registered as an enclave.
    error JudgeNotRegistered(address judge);
    /// @notice Thrown when an account named as a node is no registered compute node.
    error NotAComputeNode(address account);
    /// @notice Thrown when a node may take no new work: it or its provider retired, its admission was
    /// withdrawn, or its provider's stake is too low. The registry's `standingOf` says so.
    error NodeNotActive(address node, address provider);
    /// @notice Thrown when an acceptance was not signed by the node named at that index.
    error AcceptanceNotSigned(address recovered, address needed);
    /// @notice Thrown when a commitment is zero.
    error CommitmentEmpty(JobId job, uint256 index);
    /// @notice Thrown when none is charged, or when with those charged before (`had` counts all) it were
    /// more than the job survives errors.
    error ChargeCountOutOfRange(uint256 had, uint256 most);
    /// @notice Thrown when a finding does not fit the kind of the charge.
    error FindingNotAllowed(ChargeKind kind, Finding finding);
    /// @notice Thrown when a claim looks at more indices than the largest job has.
    error ClaimTooLarge(uint256 had, uint256 most);
    /// @notice Thrown at deployment when the pool could never withdraw: the zero address or the anchor.
    error PoolInvalid(address pool);

    /// @notice The payer posts a job and locks m * f from its free balance in the anchor.
    /// @param nonce  any number that the payer did not use before
    /// @param root   Merkle root over the m leaves keccak256(taskId_j), leaf j at position j - 1
    /// @param nodes  node of index j at position j - 1, strictly ascending by their providers' addresses
    function post(uint256 nonce, bytes32 root, Terms calldata terms, address[] calldata nodes)
        external
        returns (JobId job);

    /// @notice Records signed acceptances and locks the stakes; anyone may bring any of them, by `acceptBy`.
    /// The m-th acceptance starts the job. An index that is accepted already is passed over. All or none:
    /// the reason names the account that has too little or may take no new work; leave it out, try again.
    /// @param nodes  the list of the posting
    function accept(JobId job, address[] calldata nodes, Acceptance[] calldata acceptances) external;

    /// @notice Anyone, after `acceptBy`, while an acceptance is missing: everything goes back.
    function cancelUnstarted(JobId job) external;

    /// @notice The node of `index` commits to its result, once, by `computeBy`.
    function commit(JobId job, uint256 index, bytes32 commitment) external;

    /// @notice The payer pays the nodes of these committed, uncharged indices (ascending); what has ended is
    /// passed over.
    function approve(JobId job, uint256[] calldata indices) external;

    /// @notice The payer charges indices, by `collectBy`: at most e over all its calls, each once. Locks
    /// g + f for each.
    /// @param wrong   committed indices whose signed result it holds (ascending)
    /// @param silent  indices without commitment or answer (ascending; only after `computeBy`)
    function charge(JobId job, uint256[] calldata wrong, uint256[] calldata silent) external;

    /// @notice k judges hold the task of a charged index and found it well formed. Anyone brings their
    /// signatures, ascending by signer.
    function recordServed(JobId job, uint256 index, bytes[] calldata signatures) external;

    /// @notice k judges found. `Missing` only for silent charges and only after `answerBy`; `Right` and
    /// `Wrong` at any time from `served` to `verdictBy`. Anyone brings it, with every signature there is
    /// (k to n, ascending by signer): each of n judges is paid floor(g/n) if its own is among them.
    function recordVerdict(JobId job, uint256 index, Finding finding, bytes[] calldata signatures) external;

    /// @notice Anyone, when a charge was not served in time.
    function voidCharge(JobId job, uint256 index) external;

    /// @notice Anyone, when no verdict came in time.
    function lapseCharge(JobId job, uint256 index) external;

    /// @notice Anyone, after `collectBy`: ends these uncharged indices (ascending); what has ended is passed
    /// over.
    function collect(JobId job, uint256[] calldata indices) external;

    /// @notice Anyone ends whatever is due in these jobs, as `cancelUnstarted`, `collect`, `voidCharge` and
    /// `lapseCharge` would: what is not due stays and stops nothing. Unknown and ended jobs are passed over,
    /// and so are jobs whose locks expired (`AssetAnchor.expire` returns those).
    /// @param jobs   with 64 indices together at most
    /// @return ended indices that ended here
    function claim(JobId[] calldata jobs) external returns (uint256 ended);

    function jobIdOf(address payer, uint256 nonce) external view returns (JobId);
    function jobOf(JobId job) external view returns (Job memory);
    function indexOf(JobId job, uint256 index) external view returns (Index memory);
    function limits() external view returns (Limits memory);
    /// @notice What the node of `index` signs to accept.
    function acceptanceDigest(JobId job, uint256 index, uint256 validUntil) external view returns (bytes32);
    /// @notice What judges sign of a charged index: over its root, node and kind as they stand now.
    function servedDigest(JobId job, uint256 index) external view returns (bytes32);
    function verdictDigest(JobId job, uint256 index, Finding finding) external view returns (bytes32);
    function anchor() external view returns (address);
    function registry() external view returns (address);
    function enclaves() external view returns (address);
    function pool() external view returns (address);
    function hashTerms(Terms calldata terms) external pure returns (bytes32);
}
