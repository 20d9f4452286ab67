// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PlantedAmounts} from "../../../../contracts/mocks/planted/outsourcing/PlantedAmounts.sol";
import {Amounts} from "../../../../contracts/outsourcing/Amounts.sol";

/// @title Of every pot, the parts sum to the pot, for all f, S, g, m that a job may have
contract AmountsTest {
    uint256 private constant LEAST_FEE = 6; // as in JobTerms.sol

    function test_a06_ends_without_charge__parts_sum_to_what_came_in(
        uint96 f,
        uint96 extra,
        uint96 g,
        uint8 m
    ) external pure {
        (uint256 fee, uint256 stake,,) = _terms(f, extra, g, m, 1);
        _conserves(Amounts.paid(fee, stake), fee, stake);
        _conserves(Amounts.unearned(fee, stake), fee, stake);
        _conserves(Amounts.released(fee, stake), fee, stake);
        _conserves(Amounts.released(fee, 0), fee, 0);
    }

    function test_a06_ends_of_charges__parts_sum_to_what_came_in(
        uint96 f,
        uint96 extra,
        uint96 g,
        uint8 m,
        uint8 e
    ) external pure {
        (uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodes) = _terms(f, extra, g, m, e);
        uint256 locked = fee + Amounts.bondOf(fee, judgeFee);
        _conserves(Amounts.convicted(fee, stake, judgeFee, nodes), locked, stake);
        _conserves(Amounts.refuted(fee, stake, judgeFee), locked, stake);
        _conserves(Amounts.answered(fee, stake, judgeFee), locked, stake);
        _conserves(Amounts.voided(fee, stake, judgeFee), locked, stake);
        _conserves(Amounts.lapsed(fee, stake, judgeFee), locked, stake);
    }

    /// @notice Out of one pot, whole; and nothing where no judge gave a verdict.
    function test_a07_judges__get_g_for_a_verdict_alone_whoever_loses(
        uint96 f,
        uint96 extra,
        uint96 g,
        uint8 m,
        uint8 e
    ) external pure {
        (uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodes) = _terms(f, extra, g, m, e);
        require(Amounts.convicted(fee, stake, judgeFee, nodes).stake.toJudges == judgeFee, "convicted");
        require(Amounts.refuted(fee, stake, judgeFee).deposit.toJudges == judgeFee, "refuted");
        require(Amounts.answered(fee, stake, judgeFee).deposit.toJudges == judgeFee, "answered");
        require(_judges(Amounts.convicted(fee, stake, judgeFee, nodes)) == judgeFee, "convicted, twice");
        require(_judges(Amounts.refuted(fee, stake, judgeFee)) == judgeFee, "refuted, twice");
        require(_judges(Amounts.answered(fee, stake, judgeFee)) == judgeFee, "answered, twice");
        _checkUnserved(Amounts.voided(fee, stake, judgeFee));
        _checkUnserved(Amounts.lapsed(fee, stake, judgeFee));
    }

    /// @notice With the stake at its bound a lie in e indices costs at least what the whole job pays, and
    /// the judges' fee is always there.
    function test_a07_min_stake__deters_and_covers(uint96 f, uint96 g, uint8 m, uint8 e) external pure {
        (uint256 fee,, uint256 judgeFee, uint256 nodes) = _terms(f, 0, g, m, e);
        uint256 errors = _errors(nodes, e);
        uint256 least = Amounts.minStakeOf(fee, nodes, errors);
        require(least >= 2 * judgeFee + fee, "does not cover judges and fee");
        require(least * errors >= nodes * fee, "does not deter");
        require((least - 1) * errors < nodes * fee, "is not the least");
    }

    /// @notice For every fee from the least one on there is a judges' fee, and it pays for the work.
    function test_judges_fee__fits_between_a_quarter_and_a_third_of_f(uint96 f, uint96 work) external pure {
        uint256 fee = LEAST_FEE + (f % 8 == 0 ? 0 : uint256(f) % 1e27);
        uint256 most = Amounts.maxJudgeFeeOf(fee);
        uint256 least = Amounts.minJudgeFeeOf(fee, 0, 0, 1);
        require(least <= most && 4 * least >= fee && 4 * (least - 1) < fee, "no quarter");
        require(3 * most <= fee && 3 * (most + 1) > fee, "no third");
        uint256 paid = uint256(work) + 15;
        require(Amounts.minJudgeFeeOf(fee, work, 3, 5) == (paid > least ? paid : least), "work");
    }

    function test_a07_node__never_gets_less_for_a_right_result_than_its_fee_and_stake_but_half_g(
        uint96 f,
        uint96 extra,
        uint96 g,
        uint8 m
    ) external pure {
        (uint256 fee, uint256 stake, uint256 judgeFee,) = _terms(f, extra, g, m, 1);
        require(_node(Amounts.paid(fee, stake)) == fee + stake, "paid");
        require(_node(Amounts.refuted(fee, stake, judgeFee)) == 2 * fee + stake, "refuted");
        require(_node(Amounts.voided(fee, stake, judgeFee)) == 2 * fee + stake, "void");
        require(_node(Amounts.answered(fee, stake, judgeFee)) + judgeFee / 2 == fee + stake, "answered");
    }

    /// @notice f of a job that started comes back to the payer by a conviction only, and a node that is
    /// not convicted has its stake back, whole.
    function test_payer__has_no_fee_back_but_by_a_conviction(uint96 f, uint96 extra, uint96 g, uint8 m)
        external
        pure
    {
        (uint256 fee, uint256 stake, uint256 judgeFee,) = _terms(f, extra, g, m, 1);
        uint256 bond = Amounts.bondOf(fee, judgeFee);
        _checkFeeSpent(Amounts.paid(fee, stake), 0, stake);
        _checkFeeSpent(Amounts.unearned(fee, stake), 0, stake);
        _checkFeeSpent(Amounts.refuted(fee, stake, judgeFee), bond, stake);
        _checkFeeSpent(Amounts.answered(fee, stake, judgeFee), bond, stake);
        _checkFeeSpent(Amounts.voided(fee, stake, judgeFee), bond, stake);
        _checkFeeSpent(Amounts.lapsed(fee, stake, judgeFee), bond, stake);
    }

    /// @notice The smallest amounts, every one: where a remainder is a large part of the whole.
    function test_a06_all_small_amounts__parts_sum_to_what_came_in() external pure {
        for (uint256 fee = LEAST_FEE; fee <= 40; ++fee) {
            uint256 most = Amounts.maxJudgeFeeOf(fee);
            for (uint256 judgeFee = Amounts.minJudgeFeeOf(fee, 0, 0, 1); judgeFee <= most; ++judgeFee) {
                for (uint256 nodes = 5; nodes <= 9; ++nodes) {
                    uint256 stake = Amounts.minStakeOf(fee, nodes, nodes / 4);
                    _conservesAll(fee, stake, judgeFee, nodes);
                    _conservesAll(fee, stake + 1, judgeFee, nodes);
                }
            }
        }
    }

    /// @notice A fine is min(stake - g, (m - 1) f) and never more than the stake, at the boundary too.
    function test_a07_fine__is_what_the_stake_covers(uint96 f, uint96 extra, uint96 g, uint8 m, uint8 e)
        external
        pure
    {
        (uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodes) = _terms(f, extra, g, m, e);
        _checkFine(fee, stake, judgeFee, nodes);
        uint256 exact = judgeFee + (nodes - 1) * fee; // nothing is left for the pool
        _checkFine(fee, exact, judgeFee, nodes);
        _checkFine(fee, exact + 1, judgeFee, nodes);
        _checkFine(fee, exact - 1, judgeFee, nodes);
    }

    /// @notice The check of A6 finds the copy that rounds both halves down, at every odd g.
    function test_a06_planted_halves__lose_a_unit_and_are_found(uint96 f, uint96 extra, uint96 g, uint8 m)
        external
        view
    {
        (uint256 fee, uint256 stake, uint256 judgeFee,) = _terms(f, extra, g, m, 1);
        uint256 odd = judgeFee | 1;
        Amounts.Ending memory planted = PlantedAmounts.answered(fee, stake, odd);
        try this.checkConserved(planted, fee + Amounts.bondOf(fee, odd), stake) {
            revert("the planted rounding was not found");
        } catch Error(string memory why) {
            require(keccak256(bytes(why)) == keccak256("deposit"), why);
        }
    }

    /// @notice The check of A7 finds the copy whose fine does not ask what the stake covers.
    function test_a07_planted_fine__takes_more_than_the_stake_and_is_found(uint96 f, uint96 g, uint8 m)
        external
        view
    {
        uint8 nodes = 9 + m % 56;
        (uint256 fee, uint256 stake, uint256 judgeFee,) = _terms(f, 0, g, nodes - 5, 255);
        Amounts.Parts memory planted = PlantedAmounts.convicted(fee, stake, judgeFee, nodes).stake;
        require(_sum(planted) > stake, "the planted fine is covered");
        try this.checkFine(planted, fee, stake, judgeFee, nodes) {
            revert("the planted fine was not found");
        } catch Error(string memory why) {
            require(keccak256(bytes(why)) == keccak256("fine"), why);
        }
    }

    /// @notice The check finds the copy in which judges that never served have g.
    function test_planted_void__pays_judges_for_nothing_and_is_found(
        uint96 f,
        uint96 extra,
        uint96 g,
        uint8 m
    ) external view {
        (uint256 fee, uint256 stake, uint256 judgeFee,) = _terms(f, extra, g, m, 1);
        try this.checkUnserved(PlantedAmounts.voided(fee, stake, judgeFee)) {
            revert("the planted payment was not found");
        } catch Error(string memory why) {
            require(keccak256(bytes(why)) == keccak256("judges are paid for nothing"), why);
        }
    }

    /// @notice The check finds the copy in which a payer has its fee back from nodes that it never served.
    function test_planted_equal_harm__gives_the_fee_back_and_is_found(
        uint96 f,
        uint96 extra,
        uint96 g,
        uint8 m
    ) external view {
        (uint256 fee, uint256 stake,,) = _terms(f, extra, g, m, 1);
        try this.checkFeeSpent(PlantedAmounts.unearned(fee, stake), 0, stake) {
            revert("the planted equal harm was not found");
        } catch Error(string memory why) {
            require(keccak256(bytes(why)) == keccak256("the payer has its fee back"), why);
        }
    }

    /// @notice Reverts when judges have anything of an index on which there is no verdict.
    function checkUnserved(Amounts.Ending memory ending) external pure {
        _checkUnserved(ending);
    }

    /// @notice Reverts when the payer has more than its bond back, or the node not its stake, whole.
    function checkFeeSpent(Amounts.Ending memory ending, uint256 bond, uint256 stake) external pure {
        _checkFeeSpent(ending, bond, stake);
    }

    /// @notice Reverts unless the parts of each pot sum to the pot.
    function checkConserved(Amounts.Ending memory ending, uint256 locked, uint256 stake) external pure {
        _conserves(ending, locked, stake);
    }

    /// @notice Reverts unless the fine is what it should be and what the stake covers.
    function checkFine(
        Amounts.Parts memory parts,
        uint256 fee,
        uint256 stake,
        uint256 judgeFee,
        uint256 nodes
    ) external pure {
        _checkParts(parts, fee, stake, judgeFee, nodes);
    }

    function _checkFine(uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodes) private pure {
        _checkParts(Amounts.convicted(fee, stake, judgeFee, nodes).stake, fee, stake, judgeFee, nodes);
    }

    function _checkParts(
        Amounts.Parts memory parts,
        uint256 fee,
        uint256 stake,
        uint256 judgeFee,
        uint256 nodes
    ) private pure {
        uint256 rest = stake - judgeFee;
        uint256 most = (nodes - 1) * fee;
        require(parts.toPayer == (rest < most ? rest : most), "fine");
        require(parts.toNode == 0, "the convicted keeps something");
        require(_sum(parts) == stake, "more than the stake");
    }

    function _conservesAll(uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodes) private pure {
        uint256 locked = fee + Amounts.bondOf(fee, judgeFee);
        _conserves(Amounts.paid(fee, stake), fee, stake);
        _conserves(Amounts.unearned(fee, stake), fee, stake);
        _conserves(Amounts.released(fee, stake), fee, stake);
        _conserves(Amounts.convicted(fee, stake, judgeFee, nodes), locked, stake);
        _conserves(Amounts.refuted(fee, stake, judgeFee), locked, stake);
        _conserves(Amounts.answered(fee, stake, judgeFee), locked, stake);
        _conserves(Amounts.voided(fee, stake, judgeFee), locked, stake);
        _conserves(Amounts.lapsed(fee, stake, judgeFee), locked, stake);
    }

    function _checkUnserved(Amounts.Ending memory ending) private pure {
        require(_judges(ending) == 0, "judges are paid for nothing");
    }

    function _checkFeeSpent(Amounts.Ending memory ending, uint256 bond, uint256 stake) private pure {
        require(ending.deposit.toPayer + ending.stake.toPayer <= bond, "the payer has its fee back");
        require(ending.stake.toNode == stake, "the node loses of its stake");
    }

    /// @dev What a job may have, m from 5 to 64, e from 1 to what m allows; of eight, one has the least fee.
    function _terms(uint96 f, uint96 extra, uint96 g, uint8 m, uint8 e)
        private
        pure
        returns (uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodes)
    {
        fee = f % 8 == 0 ? LEAST_FEE : LEAST_FEE + uint256(f) % (type(uint96).max / 128 - LEAST_FEE);
        uint256 least = Amounts.minJudgeFeeOf(fee, 0, 0, 1);
        judgeFee = least + uint256(g) % (Amounts.maxJudgeFeeOf(fee) - least + 1);
        nodes = 5 + uint256(m) % 60;
        stake = Amounts.minStakeOf(fee, nodes, _errors(nodes, e)) + uint256(extra);
    }

    /// @dev m >= 2t + 1 + 2e with e <= t.
    function _errors(uint256 nodes, uint8 e) private pure returns (uint256) {
        uint256 most = (nodes - 1) / 4;
        return e > most ? most : e == 0 ? 1 : e;
    }

    function _conserves(Amounts.Ending memory ending, uint256 locked, uint256 stake) private pure {
        require(_sum(ending.deposit) == locked, "deposit");
        require(_sum(ending.stake) == stake, "stake");
    }

    function _sum(Amounts.Parts memory parts) private pure returns (uint256) {
        return parts.toPayer + parts.toNode + parts.toJudges + parts.toPool;
    }

    function _judges(Amounts.Ending memory ending) private pure returns (uint256) {
        return ending.deposit.toJudges + ending.stake.toJudges;
    }

    function _node(Amounts.Ending memory ending) private pure returns (uint256) {
        return ending.deposit.toNode + ending.stake.toNode;
    }
}
