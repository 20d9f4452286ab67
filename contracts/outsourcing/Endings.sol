// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssetAnchor} from "../interfaces/IAssetAnchor.sol";
import {JobId} from "../interfaces/IJobSettlement.sol";
import {Amounts} from "./Amounts.sol";
import {JobBook} from "./JobBook.sol";
import {Phases} from "./Phases.sol";

/// @title Endings: how indices end and who is paid
/// @notice A transaction begins a round over a job, ends any of its indices in it, and closes it: the
/// phases are read and written once, and the anchor is called once for all payments.
abstract contract Endings is JobBook {
    /// @dev `toPayer` and `toPool` sum up what goes to them out of the payer's place.
    struct Round {
        JobId job;
        address payer;
        uint256 fee;
        uint256 stake;
        uint256 phases;
        uint256 toPayer;
        uint256 toPool;
        uint256 count;
        IAssetAnchor.Payment[] payments;
    }

    uint256 private constant PAYERS_PLACE = 0; // in the job's lock; index j has place j
    uint256 private constant MOST_OF_AN_INDEX = 4; // payments: node twice, payer, pool
    uint256 private constant MOST_OF_A_ROUND = 2; // payments: payer and pool out of the payer's place

    /// @dev To be called last: it interacts.
    function _closeRound(Round memory round) internal {
        _jobs[round.job].phases = round.phases;
        _add(round, PAYERS_PLACE, round.payer, round.toPayer);
        _add(round, PAYERS_PLACE, _pool, round.toPool);
        IAssetAnchor.Payment[] memory payments = round.payments;
        uint256 count = round.count;
        if (count == 0) return;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            mstore(payments, count) // never more than were allocated
        }
        _anchor.payMany(JobId.unwrap(round.job), payments);
    }

    /// @dev Right and uncharged.
    function _endPaid(Round memory round, uint256 index) internal {
        address node = _nodeOf(round.job, index);
        emit NodePaid(round.job, index, node, round.fee);
        _end(round, index, node, IndexPhase.Paid, Amounts.paid(round.fee, round.stake));
    }

    /// @dev Accepted, without commitment, uncharged.
    function _endUnearned(Round memory round, uint256 index) internal {
        address node = _nodeOf(round.job, index);
        emit FeeUnearned(round.job, index, node, round.fee);
        _end(round, index, node, IndexPhase.Unearned, Amounts.unearned(round.fee, round.stake));
    }

    /// @dev Not served in time.
    function _endVoid(Round memory round, uint256 index) internal {
        address node = _nodeOf(round.job, index);
        emit ChargeVoided(round.job, index, node);
        uint256 judgeFee = _jobs[round.job].judgeFee;
        _end(round, index, node, IndexPhase.Void, Amounts.voided(round.fee, round.stake, judgeFee));
    }

    /// @dev No verdict in time.
    function _endLapsed(Round memory round, uint256 index) internal {
        address node = _nodeOf(round.job, index);
        emit ChargeLapsed(round.job, index, node);
        uint256 judgeFee = _jobs[round.job].judgeFee;
        _end(round, index, node, IndexPhase.Lapsed, Amounts.lapsed(round.fee, round.stake, judgeFee));
    }

    /// @dev The verdict was wrong or missing.
    function _endConvicted(Round memory round, uint256 index, Finding finding, address[] memory signers)
        internal
    {
        address node = _nodeOf(round.job, index);
        Job storage job_ = _jobs[round.job];
        Amounts.Ending memory ending =
            Amounts.convicted(round.fee, round.stake, job_.judgeFee, job_.nodeCount);
        emit NodeConvicted(round.job, index, node, finding, ending.stake.toPayer, ending.stake.toPool);
        ending.stake.toPool += _payJudges(round, index, ending.stake.toJudges, signers);
        _end(round, index, node, IndexPhase.Convicted, ending);
    }

    /// @dev Charged as wrong, found right.
    function _endRefuted(Round memory round, uint256 index, address[] memory signers) internal {
        address node = _nodeOf(round.job, index);
        emit ChargeRefuted(round.job, index, node);
        Amounts.Ending memory ending = Amounts.refuted(round.fee, round.stake, _jobs[round.job].judgeFee);
        ending.deposit.toPool += _payJudges(round, PAYERS_PLACE, ending.deposit.toJudges, signers);
        _end(round, index, node, IndexPhase.Refuted, ending);
    }

    /// @dev Charged as silent, handed a right result in.
    function _endAnswered(Round memory round, uint256 index, address[] memory signers) internal {
        address node = _nodeOf(round.job, index);
        emit ChargeAnswered(round.job, index, node);
        Amounts.Ending memory ending = Amounts.answered(round.fee, round.stake, _jobs[round.job].judgeFee);
        ending.deposit.toPool += _payJudges(round, PAYERS_PLACE, ending.deposit.toJudges, signers);
        _end(round, index, node, IndexPhase.Answered, ending);
    }

    /// @param indices how many may end in the round
    /// @param judges  how many may be paid in it
    function _beginRound(JobId job, uint256 indices, uint256 judges)
        internal
        view
        returns (Round memory round)
    {
        Job storage job_ = _jobs[job];
        round.job = job;
        round.payer = job_.payer;
        (round.fee, round.stake) = (job_.fee, job_.stake);
        round.phases = job_.phases;
        round.payments = new IAssetAnchor.Payment[](MOST_OF_AN_INDEX * indices + judges + MOST_OF_A_ROUND);
    }

    /// @dev The job never started: nobody but who accepted has a stake here.
    function _endReleased(Round memory round, uint256 index) internal view {
        bool accepted = Phases.phaseOf(round.phases, index) == IndexPhase.Accepted;
        address node = accepted ? _nodeOf(round.job, index) : address(0);
        uint256 stake = accepted ? round.stake : 0;
        _end(round, index, node, IndexPhase.Released, Amounts.released(round.fee, stake));
    }

    /// @dev The same to every judge whose signature is there. Returns what is left of the fee: the pool's.
    function _payJudges(Round memory round, uint256 place, uint256 judgeFee, address[] memory signers)
        private
        view
        returns (uint256 rest)
    {
        uint256 each = Amounts.judgeShareOf(judgeFee, _enclaves.memberCount());
        for (uint256 turn = 0; turn < signers.length; ++turn) {
            _add(round, place, signers[turn], each);
        }
        return judgeFee - each * signers.length;
    }

    function _end(
        Round memory round,
        uint256 index,
        address node,
        IndexPhase phase,
        Amounts.Ending memory ending
    ) private view {
        round.phases = Phases.moved(round.phases, index, phase);
        round.toPayer += ending.deposit.toPayer;
        round.toPool += ending.deposit.toPool;
        _add(round, PAYERS_PLACE, node, ending.deposit.toNode);
        _add(round, index, node, ending.stake.toNode);
        _add(round, index, round.payer, ending.stake.toPayer);
        _add(round, index, _pool, ending.stake.toPool);
    }

    function _add(Round memory round, uint256 place, address to, uint256 amount) private pure {
        if (amount == 0) return;
        IAssetAnchor.Payment memory payment = round.payments[round.count];
        ++round.count;
        (payment.place, payment.to, payment.amount) = (place, to, amount);
    }
}
