"""P5: the cost of accountability against the number of servers m (the paper's figure 5).

k = 400, d = 2, e = t, m = 5 t + 1, e liars. Ours: the device verifies m answers and names the liars
by decoding, and a judge checks the evidence of each of them and re-executes it. The peer is
redundant voting as in FVP-EOC, in its favour: three servers for each of the m tasks, whose signed
results are verified and compared as they are (FVP-EOC compares ElGamal ciphertexts); what the two
additional servers compute is counted, what the first computes is the work itself and is not. The
paper's algorithm 1, which re-executes all m tasks, is shown too.
"""

from __future__ import annotations

import sys
from collections import Counter

from benchmarks.command import Scale, main
from benchmarks.crossing import find_exponent, points_of
from benchmarks.device_work import DOMAIN, DeviceWork, draw_quadratic
from benchmarks.findings import Findings
from benchmarks.measuring import measure_in_turn
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding
from edgemark.systems.outsourcing.protocol.events import SawCase
from edgemark.systems.outsourcing.steps.accuse import check_evidence, find
from edgemark.systems.outsourcing.steps.compute import compute_outputs
from edgemark.systems.outsourcing.steps.decode import check_signed_answer

INPUTS = 400
THRESHOLDS = (1, 2, 4, 6, 8, 10, 12)
SERVERS = 3  # a task, for a vote that one liar does not decide
OURS = "decode, judge the named"
PAPER = "re-execute all m (algorithm 1)"
VOTING = "redundant voting, 3 m servers"


class Case:
    """One job with e liars, and the three ways to find them."""

    def __init__(self, inputs: int, threshold: int) -> None:
        self.work = DeviceWork.prepare(
            draw_quadratic(inputs), threshold=threshold, errors=threshold, liars=threshold
        )
        self.liars = list(range(1, threshold + 1))

    def name_and_judge(self) -> list[int]:
        """Ours."""
        named = self.work.check().liars
        return [j for j in named if self.judge(j) is Finding.WRONG]

    def judge_all(self) -> list[int]:
        """The paper's: every task and every answer goes to the judge."""
        everybody = range(1, len(self.work.nodes) + 1)
        return [j for j in everybody if self.judge(j) is Finding.WRONG]

    def vote(self) -> list[int]:
        """Three answers a task; who is alone with its answer lied."""
        order, found = self.work.order, []
        for place, task in enumerate(order.tasks):
            given, node = self.work.answers[place], self.work.nodes[place].address
            votes = [given.outputs]
            for _ in range(SERVERS - 1):
                votes.append(compute_outputs(self.work.function, task, order.terms))
            for _ in range(SERVERS):  # each of the three signed its own
                check_signed_answer(given, task, node, DOMAIN)
            if Counter(votes)[given.outputs] == 1:
                found.append(place + 1)
        return found

    def judge(self, index: int) -> Finding:
        """What a judge does with the evidence against one index."""
        work, place = self.work, index - 1
        task, answer = work.order.tasks[place], work.answers[place]
        function, terms = work.function, work.order.terms
        case = SawCase(
            job=work.order.job,
            index=task.index,
            root=work.order.root,
            kind=ChargeKind.WRONG,
            node=work.nodes[place].address,
            commitment=work.commitments[place],
            served_by=terms.collect_by,
            judges=work.judges,
            threshold=3,
        )
        check_evidence(case, task, answer, terms=terms, domain=DOMAIN)
        return find(task, answer, function=function, terms=terms)


def measure(findings: Findings, scale: Scale) -> None:
    """One m after the other."""
    for threshold in THRESHOLDS[:2] if scale.quick else THRESHOLDS:
        case = Case(20 if scale.quick else INPUTS, threshold)
        servers = len(case.work.nodes)
        scale.tell(f"m = {servers}")
        subjects = {OURS: case.name_and_judge, PAPER: case.judge_all, VOTING: case.vote}
        if any(sorted(find_liars()) != case.liars for find_liars in subjects.values()):
            raise ArithmeticError("not exactly the liars were found")
        findings.add(servers, measure_in_turn(subjects, rounds=scale.rounds))
        what = f"m = {servers}, {threshold} liars"
        findings.compare(what, servers, OURS, VOTING, "> 1")
        findings.compare(what, servers, OURS, PAPER)
    for series in (OURS, PAPER, VOTING):
        power = find_exponent(points_of(findings, series))
        findings.notes.append(f"cost of '{series}' grows as m^{power:.2f}")


if __name__ == "__main__":
    title = "accountability by number of servers"
    sys.exit(main("p05_accountability", title, "m", measure, logarithmic=False))
