"""Every command in a document runs, or says why it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT, find_files, relative
from tests.docs.pages import Page, PageRefused, read_page
from tests.docs.session import SessionFailed, hold_free_ports, run_page
from tests.docs.setups import type_page

PAGES = [
    path
    for path in find_files(".md")
    if not {"tests", "benchmarks"} & set(path.relative_to(ROOT).parts[:-1])
]
LONGEST = "docs/running.md"  # has a file of its own, `test_running_page.py`: two run side by side
WITH_COMMANDS = [relative(path) for path in PAGES if read_page(path).to_run]

# What a document shows and no test runs from there, by its first line; the reason stands with it.
NOT_RUN = {
    ("CONTRIBUTING.md", "make setup"),
    ("CONTRIBUTING.md", "python -m tools.new_system NAME"),
    (
        "CONTRIBUTING.md",
        "git checkout -- offchain/edgemark/cli contracts/gas.json docs/gas.md"
        " && git clean -fd -- ':(icase)*NAME*'",
    ),
    ("CONTRIBUTING.md", "python -m tools.run_tests unit"),
    ("README.md", "make demo"),
    ("README.md", "make wheel"),
    ("docs/index.md", "make demo"),
    ("docs/ledger.md", "edgemark demo ledger"),
    ("docs/ledger.md", 'edgemark ledger chaincode run shelf --alone --home "$PLAY/shelf"'),
    (
        "docs/ledger.md",
        "edgemark ledger clock run --ledger-profile Org1MSP.json --msp-folder clock/msp --every 30",
    ),
    ("docs/operating.md", "edgemark tower run --home HOME"),
    ("docs/trading.md", "edgemark demo trading --html receipt.html"),
    (
        "docs/trading.md",
        "edgemark trading buy OFFER --function F.function --input x.json --out y.json",
    ),
    ("docs/trading.md", "edgemark trading template register settlement.json --home HOME"),
    ("docs/trading.md", "edgemark account show --home SERVER"),
    (
        "docs/evidence.md",
        'edgemark outsourcing evidence JOB -o evidence.json --home "$PLAY/judge-1"',
    ),
}


def page_of(folder: Path, text: str) -> Page:
    path = folder / "page.md"
    path.write_text(text)
    return read_page(path)


@pytest.mark.processes
@pytest.mark.timeout(900)
@pytest.mark.lasts(105)
@pytest.mark.parametrize("name", sorted({*WITH_COMMANDS} - {LONGEST}))
def test_every_command_of_a_page__runs(name: str, tmp_path: Path) -> None:
    type_page(name, tmp_path)


def test_the_commands_that_no_test_runs__are_these() -> None:
    found = {
        (relative(path), block.text.splitlines()[0].partition("#")[0].strip())
        for path in PAGES
        for block in read_page(path).blocks
        if block.reason
    }
    assert found == NOT_RUN


def test_the_main_pages__are_among_those_that_run() -> None:
    assert {"docs/running.md", "docs/operating.md"} <= set(WITH_COMMANDS)


def test_operating__goes_on_where_running_stands() -> None:
    running, operating = (
        read_page(ROOT / "docs" / f"{name}.md") for name in ("running", "operating")
    )
    (start,) = [block.text for block in running.to_run if " run --home" in block.text]
    shown = [int(port) for port in re.findall(r"metrics\.port (\d+)", start)]
    assert shown == list(operating.ports)
    assert '2> "$PLAY/$server.log"' in start
    read = {name for block in operating.to_run for name in re.findall(r"\S*log\b", block.text)}
    assert read == {'"$PLAY/node-1.log'}


def test_a_command_that_fails__fails_the_page(tmp_path: Path) -> None:
    page = page_of(tmp_path, "```sh\ntrue\n```\n\n```sh\nfalse\necho not reached\n```\n")
    with pytest.raises(SessionFailed, match=r"status 1\n== line 2\n== line 6\n$"):
        run_page(page, tmp_path, {}, {})


def test_a_failure_within_a_pipe__fails_the_page(tmp_path: Path) -> None:
    with pytest.raises(SessionFailed, match="status 1"):
        run_page(page_of(tmp_path, "```sh\nfalse | cat\n```\n"), tmp_path, {}, {})


def test_output_that_differs__fails_the_page(tmp_path: Path) -> None:
    text = "```console\n$ echo one two three\none … three\n$ echo four\nfive\n```\n"
    with pytest.raises(SessionFailed, match=r"echo four\nprints\nfour\nnot\nfive"):
        run_page(page_of(tmp_path, text), tmp_path, {}, {})


def test_blocks_of_a_page__share_one_shell_and_take_free_ports(tmp_path: Path) -> None:
    text = "<!-- test: ports=9101-9102 -->\n```sh\nx=9101 y=9102\n```\n```sh\necho $x $y\n```\n"
    page = page_of(tmp_path, text)
    with hold_free_ports(page.ports) as ports:
        assert ports[9102] == ports[9101] + 1
        assert f"{ports[9101]} {ports[9102]}" in run_page(page, tmp_path, {}, ports)


def test_a_block_with_a_reason__does_not_run(tmp_path: Path) -> None:
    page = page_of(tmp_path, "<!-- not run: it would fail -->\n```sh\nfalse\n```\n")
    assert [block.reason for block in page.blocks] == ["it would fail"]
    assert run_page(page, tmp_path, {}, {}) == ""


@pytest.mark.parametrize(
    "text",
    [
        "```bash\ntrue\n```\n",
        "```\nmake test\n```\n",
        "Type\n\n    make test\n",
        "<!-- not run: nothing follows -->\n",
        "<!-- test: magic=1 -->\n",
        "```sh\nnever closed\n",
    ],
)
def test_commands_written_in_another_way__are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(PageRefused):
        page_of(tmp_path, text)
