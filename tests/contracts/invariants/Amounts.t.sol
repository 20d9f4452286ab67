// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PlantedAmounts} from "../../../contracts/mocks/PlantedAmounts.sol";
import {Amounts} from "../../../contracts/outsourcing/Amounts.sol";

/// @title Of every pot, the parts sum to the pot, for all f, S, g, m that a job may have
contract AmountsTest {
    function test_a06_ends_without_charge__parts_sum_to_what_came_in(
        uint96 f,
        uint96 extra,
        uint96 g,
        uint8 m
    ) external pure {
        (uint256 fee, uint256 stake,,) = _terms(f, extra, g, m, 1);
        _conserves(Amounts.paid(fee, stake), fee, stake, 0);
        _conserves(Amounts.equalHarm(fee, stake), fee, stake, 0);
        _conserves(Amounts.released(fee, stake), fee, stake, 0);
        _conserves(Amounts.released(fee, 0), fee, 0, 0);
    }

    function test_a06_ends_of_charges__parts_sum_to_what_came_in(
        uint96 f,
        uint96 extra,
        uint96 g,
        uint8 m,
        uint8 e
    ) external pure {
        (uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodes) = _terms(f, extra, g, m, e);
        uint256 bond = Amounts.bondOf(fee, judgeFee);
        _conserves(Amounts.convicted(fee, stake, judgeFee, nodes), fee, stake, bond);
        _conserves(Amounts.failedCharge(fee, stake, judgeFee), fee, stake, bond);
        _conserves(Amounts.answered(fee, stake, judgeFee), fee, stake, bond);
        _conserves(Amounts.lapsed(fee, stake, judgeFee), fee, stake, bond);
    }

    function test_a07_judges__get_g_whoever_loses(uint96 f, uint96 extra, uint96 g, uint8 m, uint8 e)
        external
        pure
    {
        (uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodes) = _terms(f, extra, g, m, e);
        require(_judges(Amounts.convicted(fee, stake, judgeFee, nodes)) == judgeFee, "convicted");
        require(_judges(Amounts.failedCharge(fee, stake, judgeFee)) == judgeFee, "failed");
        require(_judges(Amounts.answered(fee, stake, judgeFee)) == judgeFee, "answered");
        require(_judges(Amounts.lapsed(fee, stake, judgeFee)) == 0, "lapsed");
    }

    /// @notice With the stake at its bound a lie in e indices costs at least what the whole job pays.
    function test_a07_min_stake__deters_and_covers(uint96 f, uint96 g, uint8 m, uint8 e) external pure {
        (uint256 fee,, uint256 judgeFee, uint256 nodes) = _terms(f, 0, g, m, e);
        uint256 least = Amounts.minStakeOf(fee, judgeFee, nodes, e);
        require(least >= 2 * judgeFee + fee, "does not cover judges and fee");
        require(e == 0 || least * e >= nodes * fee, "does not deter");
        require(e == 0 || least == 2 * judgeFee + fee || (least - 1) * e < nodes * fee, "is not the least");
    }

    function test_a07_node__never_gets_less_for_a_right_result_than_its_fee_and_stake_but_half_g(
        uint96 f,
        uint96 extra,
        uint96 g,
        uint8 m
    ) external pure {
        (uint256 fee, uint256 stake, uint256 judgeFee,) = _terms(f, extra, g, m, 1);
        require(_node(Amounts.paid(fee, stake)) == fee + stake, "paid");
        require(_node(Amounts.failedCharge(fee, stake, judgeFee)) == 2 * fee + stake, "failed charge");
        require(_node(Amounts.answered(fee, stake, judgeFee)) + judgeFee / 2 == fee + stake, "answered");
    }

    /// @notice The smallest amounts, every one: where a remainder is a large part of the whole.
    function test_a06_all_small_amounts__parts_sum_to_what_came_in() external pure {
        for (uint256 fee = 10; fee <= 31; ++fee) {
            for (uint256 judgeFee = 1; judgeFee <= fee; ++judgeFee) {
                for (uint256 nodes = 1; nodes <= 4; ++nodes) {
                    uint256 stake = Amounts.minStakeOf(fee, judgeFee, nodes, nodes / 2);
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
        if (nodes > 1) _checkFine(fee, exact - 1, judgeFee, nodes);
    }

    /// @notice The check of A6 finds the copy that rounds both halves down, at every odd g.
    function test_a06_planted_halves__lose_a_unit_and_are_found(uint96 f, uint96 extra, uint96 g, uint8 m)
        external
        view
    {
        (uint256 fee, uint256 stake, uint256 judgeFee,) = _terms(f, extra, g, m, 1);
        uint256 odd = judgeFee | 1;
        Amounts.Ending memory planted = PlantedAmounts.answered(fee, stake, odd);
        try this.checkConserved(planted, fee, stake, Amounts.bondOf(fee, odd)) {
            revert("the planted rounding was not found");
        } catch Error(string memory why) {
            require(keccak256(bytes(why)) == keccak256("bond"), why);
        }
    }

    /// @notice The check of A7 finds the copy whose fine does not ask what the stake covers.
    function test_a07_planted_fine__takes_more_than_the_stake_and_is_found(uint96 f, uint96 g, uint8 m)
        external
        view
    {
        (uint256 fee,, uint256 judgeFee,) = _terms(f, 0, g, m, 1);
        uint256 nodes = 4 + uint256(m) % 61;
        uint256 stake = Amounts.minStakeOf(fee, judgeFee, nodes, nodes); // e = m: the least there is
        Amounts.Parts memory planted = PlantedAmounts.convicted(fee, stake, judgeFee, nodes).stake;
        require(_sum(planted) > stake, "the planted fine is covered");
        try this.checkFine(planted, fee, stake, judgeFee, nodes) {
            revert("the planted fine was not found");
        } catch Error(string memory why) {
            require(keccak256(bytes(why)) == keccak256("fine"), why);
        }
    }

    /// @notice Reverts unless the parts of each pot sum to the pot.
    function checkConserved(Amounts.Ending memory ending, uint256 fee, uint256 stake, uint256 bond)
        external
        pure
    {
        _conserves(ending, fee, stake, bond);
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
        uint256 bond = Amounts.bondOf(fee, judgeFee);
        _conserves(Amounts.paid(fee, stake), fee, stake, 0);
        _conserves(Amounts.equalHarm(fee, stake), fee, stake, 0);
        _conserves(Amounts.released(fee, stake), fee, stake, 0);
        _conserves(Amounts.convicted(fee, stake, judgeFee, nodes), fee, stake, bond);
        _conserves(Amounts.failedCharge(fee, stake, judgeFee), fee, stake, bond);
        _conserves(Amounts.answered(fee, stake, judgeFee), fee, stake, bond);
        _conserves(Amounts.lapsed(fee, stake, judgeFee), fee, stake, bond);
    }

    function _terms(uint96 f, uint96 extra, uint96 g, uint8 m, uint8 e)
        private
        pure
        returns (uint256 fee, uint256 stake, uint256 judgeFee, uint256 nodes)
    {
        fee = 10 + uint256(f) % (type(uint96).max / 128 - 10);
        judgeFee = 1 + uint256(g) % fee;
        nodes = 1 + uint256(m) % 64;
        uint256 least = Amounts.minStakeOf(fee, judgeFee, nodes, e);
        stake = least + uint256(extra);
    }

    function _conserves(Amounts.Ending memory ending, uint256 fee, uint256 stake, uint256 bond) private pure {
        require(_sum(ending.deposit) == fee, "deposit");
        require(_sum(ending.stake) == stake, "stake");
        require(_sum(ending.bond) == bond, "bond");
    }

    function _sum(Amounts.Parts memory parts) private pure returns (uint256) {
        return parts.toPayer + parts.toNode + parts.toJudges + parts.toPool;
    }

    function _judges(Amounts.Ending memory ending) private pure returns (uint256) {
        return ending.deposit.toJudges + ending.stake.toJudges + ending.bond.toJudges;
    }

    function _node(Amounts.Ending memory ending) private pure returns (uint256) {
        return ending.deposit.toNode + ending.stake.toNode + ending.bond.toNode;
    }
}
