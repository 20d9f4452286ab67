"""Row F2: every limit follows from a few, and what one lets through no other holds up.

A job of batch * n > 246,723 passed terms, contract and admission, and no node could write its
answer down: a record took 16 MiB and answers stood in it as hexadecimal. `hexadecimal_record` is
that record.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass, replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.cli.doctor.machine_findings import LEAST_DISK_BYTES
from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.errors import Overloaded, RefusedInput
from edgemark.journal import journal
from edgemark.loop import replay
from edgemark.systems.outsourcing import limits
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.contract.terms import (
    Terms,
    check_terms,
    check_volume,
    compute_device_bytes,
    compute_output_bytes,
    compute_share_bytes,
)
from edgemark.systems.outsourcing.limits import DISK_COPIES, DISK_RESERVE_BYTES
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.machine import RECORDS, PartyMachine
from edgemark.systems.outsourcing.settings import OutsourcingSettings
from edgemark.systems.outsourcing.station import contracts as deployed
from edgemark.systems.outsourcing.station.functions import FunctionStore
from edgemark.systems.outsourcing.station.server import OutsourcingServer
from edgemark.systems.outsourcing.steps.accuse import check_evidence
from edgemark.systems.outsourcing.steps.decode import WrongAnswer
from edgemark.transport.limits import DISK_RESERVE_BYTES as WAITING_RESERVE_BYTES
from edgemark.transport.limits import LEAST_BYTES_PER_S, MIB, ServerLimits

CONTRACTS = Path(__file__).parents[5] / "contracts"
CONSTANT = re.compile(r"uint256 (?:internal|private) constant (\w+) = ([\w *+]+);")
OLD_RECORD_BYTES = 16 * 2**20
ORDER = cast.small_order()
KEY = ORDER.job + b"\x01"
NAMES = ("order", "task", "own answer", "answer", "result", "evidence")


def hexadecimal_record(event: object) -> bytes:
    """Yesterday's record of an event."""

    def plain(value: Any) -> object:
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, tuple):
            return [plain(each) for each in value]
        if is_dataclass(value):
            return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
        return str(value)

    return json.dumps(plain(event)).encode()


def terms_with(**changes: Any) -> Terms:
    terms = replace(ORDER.terms, **changes)
    return replace(terms, share_bytes=compute_share_bytes(terms.batch, terms.inputs))


def largest_task() -> on.Task:
    share = b"\x7f" * limits.MAX_SHARE_BYTES
    return replace(ORDER.tasks[0], share=share, branch=(ORDER.job,) * 6)


def largest_answer() -> on.Answer:
    return replace(cast.right_answer(ORDER, 1), outputs=b"\x7f" * limits.MAX_OUTPUT_BYTES)


def largest_order() -> on.Order:
    """64 nodes; one byte string stands for all shares."""
    share = b"\x7f" * compute_share_bytes(limits.MAX_JOB_VALUES // limits.MAX_NODES, 1)
    task = replace(ORDER.tasks[0], share=share, branch=(ORDER.job,) * 6)
    nodes, judges = (cast.PAYER.address,) * limits.MAX_NODES, (cast.POOL,) * limits.MAX_JUDGES
    return replace(ORDER, nodes=nodes, judges=judges, tasks=(task,) * limits.MAX_NODES)


def largest_events() -> dict[str, object]:
    task, answer = largest_task(), largest_answer()
    return {
        "order": on.AskedSubmit(largest_order()),
        "task": on.HeardTask(task, cast.salt_of(ORDER.tasks[0], cast.NODES[0])),
        "own answer": on.FoundAnswer(answer),
        "answer": on.HeardAnswer(answer),
        "result": on.FoundResultValid(bytes(limits.MAX_OUTPUT_BYTES // 2), (), ()),
        "evidence": on.HeardEvidence(ORDER.terms, task, answer),
    }


# --- one place ---


def test_f2_contract__has_the_same_numbers() -> None:
    source = (CONTRACTS / "outsourcing" / "JobTerms.sol").read_text()
    found: dict[str, int] = {}
    for name, expression in CONSTANT.findall(source):
        if all(word in found or word.isdigit() for word in re.findall(r"\w+", expression)):
            found[name] = eval(expression, {}, dict(found))
    names = {name for name in found if hasattr(limits, name)}
    assert names >= {"MAX_NODES", "MAX_FUNCTION_BYTES", "MAX_TERMS", "MAX_INPUTS", "MAX_BATCH"}
    assert {name: found[name] for name in names} == {n: getattr(limits, n) for n in names}
    assert found["ELEMENT_BYTES"] == ELEMENT_BYTES
    enclave = (CONTRACTS / "outsourcing" / "EnclaveManager.sol").read_text()
    assert dict(CONSTANT.findall(enclave))["MAX_MEMBERS"] == str(limits.MAX_JUDGES)
    assert deployed.MAX_JUDGES == limits.MAX_JUDGES


def test_f2_check_terms__takes_exactly_the_jobs_that_the_products_allow() -> None:
    edges = (1, 16, 17, 64, 65, 131, 132, 1024)
    for batch, inputs, outputs, nodes in product((1, 64, 256, 4096), edges, edges, (6, 16, 64)):
        larger = batch * max(inputs, outputs)
        allowed = larger <= limits.MAX_VALUES and larger * nodes <= limits.MAX_JOB_VALUES
        try:
            check_volume(batch, inputs, outputs, nodes)
        except RefusedInput as refused:
            assert not allowed
            assert refused.remedy
        else:
            assert allowed
            assert compute_share_bytes(batch, inputs) <= limits.MAX_SHARE_BYTES
            assert compute_output_bytes(batch, outputs) <= limits.MAX_OUTPUT_BYTES


@pytest.mark.parametrize(
    "sizes",
    [
        {"batch": 4096, "outputs": 10, "inputs": 16, "node_count": 64},
        {"batch": 4096, "outputs": 64, "inputs": 64, "node_count": 16},
        {"batch": 100, "outputs": 10, "inputs": 2000, "node_count": 16},
        {"batch": 64, "outputs": 1024, "inputs": 1024, "node_count": 64},
    ],
    ids=str,
)
def test_f2_check_terms__takes_what_users_do(sizes: dict[str, int]) -> None:
    stake = sizes["node_count"] * ORDER.terms.fee
    check_terms(replace(terms_with(**sizes), stake=stake))


# --- records ---


@pytest.mark.parametrize("name", NAMES)
def test_f2_largest_event__fits_the_journal_as_bytes(name: str) -> None:
    record = replay.encode_record(PartyMachine(NodeTask), KEY, largest_events()[name])
    assert len(record) <= limits.MAX_RECORD_BYTES + 128 < journal.MAX_RECORD_BYTES
    assert replay.MAX_EVENT_BYTES + replay.MAX_KEY_BYTES < journal.MAX_RECORD_BYTES


def test_f2_planted_copy__does_not_fit_the_record_of_yesterday() -> None:
    too_long: dict[str, bool] = {}
    for name, event in list(largest_events().items())[1:]:  # an order of 64 nodes is 143 MB of it
        planted = len(hexadecimal_record(event))
        too_long[name] = planted > OLD_RECORD_BYTES
        heads = limits.RECORD_HEAD_BYTES * (limits.MAX_NODES + 1)
        assert len(RECORDS.encode(event)) <= planted // 2 + heads
    assert too_long == {
        "task": False,
        "own answer": True,
        "answer": True,
        "result": False,
        "evidence": True,
    }


# --- settings ---


def test_f2_default_settings__let_the_largest_task_in() -> None:
    default = OutsourcingSettings()
    assert default.max_held_mib * 2**20 >= 16 * limits.LARGEST_TASK_BYTES

    assert LEAST_DISK_BYTES >= 2 * limits.MAX_FUNCTION_BYTES


@pytest.mark.parametrize("length", [17, limits.MAX_OUTPUT_BYTES])
def test_f2_signed_answer_of_another_length__is_none_for_judges_as_for_the_device(
    length: int,
) -> None:
    """Else the liars of a small job could sign more than an evidence bundle of it holds."""
    answer = cast.sign_again(ORDER, 1, bytes(length))
    with pytest.raises(WrongAnswer, match="wrong length"):
        check_evidence(
            cast.case_of(ORDER, 1, ChargeKind.WRONG),
            ORDER.tasks[0],
            answer,
            terms=ORDER.terms,
            domain=cast.DOMAIN,
        )


def test_f2_judges__have_time_for_every_charge_of_the_job_with_most_work() -> None:
    kernel_s = 3e-9  # a product, by the native kernel; docs/benchmarks.md
    work_s = kernel_s * limits.MAX_PRODUCTS * limits.MAX_ERRORS
    assert work_s <= deployed.DEFAULT_LIMITS.judge_window / 4


def test_f2_servers__have_room_for_every_body_and_for_all_evidence_of_a_job() -> None:
    servers = ServerLimits()
    largest = max(limits.MAX_FUNCTION_BYTES, limits.MAX_EVIDENCE_BYTES)
    assert servers.loaded_bytes >= largest
    values = limits.MAX_JOB_VALUES // 4  # of the e < m / 4 nodes that are charged
    evidence = 3 * ELEMENT_BYTES * values + limits.MAX_ERRORS * 3 * limits.HEAD_BYTES
    assert servers.spool_bytes_of_known >= limits.MAX_FUNCTION_BYTES + evidence


def test_f2_what_waits_on_a_disk__leaves_room_for_what_was_admitted() -> None:
    everything_else = DISK_RESERVE_BYTES - WAITING_RESERVE_BYTES
    assert everything_else >= 16 * MIB
    assert DISK_COPIES * limits.MAX_EVIDENCE_RECORD_BYTES + everything_else <= WAITING_RESERVE_BYTES
    assert ServerLimits.longest_s * LEAST_BYTES_PER_S >= limits.MAX_FUNCTION_BYTES


def test_f2_disk_nearly_full__is_said_before_a_body_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Any = SimpleNamespace(
        http=SimpleNamespace(url="https://judge"),
        station=SimpleNamespace(functions=FunctionStore(tmp_path)),
    )
    usage = SimpleNamespace(free=DISK_COPIES * 1000 + DISK_RESERVE_BYTES)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert OutsourcingServer.on_disk(server, 1000) == 1000
    for most, beside in ((1001, 0), (1000, 1)):
        with pytest.raises(Overloaded, match="disk is nearly full"):
            OutsourcingServer.on_disk(server, most, beside)


def test_f2_device_bound__is_the_disk_of_the_largest_job() -> None:
    needed = {}
    for nodes in range(5, limits.MAX_NODES + 1):
        values = min(limits.MAX_VALUES, limits.MAX_JOB_VALUES // nodes)
        sizes = {"batch": values, "inputs": 1, "outputs": 1, "node_count": nodes}
        needed[nodes] = compute_device_bytes(terms_with(**sizes))
    assert max(needed.values()) == needed[16] == limits.MAX_DEVICE_BYTES


def test_f2_document__states_the_sizes_of_the_limits() -> None:
    stated = {
        "task, answer, evidence on the way": (
            limits.MAX_TASK_BYTES,
            limits.MAX_ANSWER_BYTES,
            limits.MAX_EVIDENCE_BYTES,
        ),
        "a record of node or judge": (limits.MAX_EVIDENCE_RECORD_BYTES,),
        "a record of the device: the order": (limits.MAX_ORDER_BYTES,),
        "room of one task at a node": (limits.LARGEST_TASK_BYTES,),
        "room of a job at the device": (limits.MAX_DEVICE_BYTES,),
        "`share-NN.json`, `secret.json`": (limits.MAX_SHARING_FILE_BYTES,),
        "exported answers": (limits.MAX_ANSWERS_FILE_BYTES,),
        "evidence bundle": (limits.MAX_BUNDLE_BYTES,),
    }
    page = (CONTRACTS.parent / "docs" / "outsourcing.md").read_text()
    rows = dict(re.findall(r"^\| ([^|]+) \| ([\d., ]+) MB[ ,|]", page, re.MULTILINE))
    for what, sizes in stated.items():
        figures = rows[what].split(", ")
        places = [len(figure.partition(".")[2]) for figure in figures]
        assert [f"{n / 1e6:.{p}f}" for n, p in zip(sizes, places, strict=True)] == figures, what


def test_f2_bundle_bound__holds_the_function_and_the_cases_of_every_job() -> None:
    head = limits.FILE_HEAD_BYTES
    for nodes in range(5, limits.MAX_NODES + 1):
        errors = (nodes - 1) // 4
        values = min(limits.MAX_VALUES, limits.MAX_JOB_VALUES // nodes)
        case = ELEMENT_BYTES * (values + 1) + limits.MAX_ANSWERS * 2 * ELEMENT_BYTES * values
        held = 2 * (limits.MAX_FUNCTION_BYTES + errors * case) + (errors + 1) * head
        assert held <= limits.MAX_BUNDLE_BYTES
