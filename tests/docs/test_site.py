"""The site builds without a warning, holds every page, and asks nothing of the net."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest
import yaml
from tests.architecture.checkout import ROOT

from edgemark.cli.sections import list_sections
from edgemark.metrics.broker import BrokerReadings
from edgemark.metrics.instruments import Instruments
from edgemark.metrics.readings import LoopReading, LoopReadings
from edgemark.party.evm.monitoring import ChainReading, tell_chain
from edgemark.settings.catalogue import Catalogue
from edgemark.systems.outsourcing.device.metrics import DeviceFigures
from edgemark.transport.broker.tickets import BrokerReading

FETCHING = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


class Fetched(HTMLParser):
    """Collects what a browser would fetch by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        is_link_to_read = tag == "link" and facts.get("rel") in {"canonical", "next", "prev"}
        if tag in FETCHING and not is_link_to_read:
            self.places.append(facts.get(FETCHING[tag]) or "")


def test_the_site__fetches_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        page = Fetched()
        page.feed(path.read_text())
        assert [place for place in page.places if re.match(r"(?:https?:)?//", place)] == []
    for path in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", path.read_text()), path.name


def nav_pages(entries: list[object]) -> Iterator[str]:
    for entry in entries:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        if isinstance(value, list):
            yield from nav_pages(value)
        else:
            yield str(value)


def test_every_page_of_the_navigation__is_there(site: Path) -> None:
    nav = list(nav_pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert len(nav) >= 10
    for page in nav:
        assert (site / page.replace(".md", ".html")).is_file(), page


def test_the_references__name_every_command_and_setting(site: Path) -> None:
    from edgemark.cli.main import edgemark

    commands = (site / "reference" / "commands.html").read_text()
    names = edgemark.list_commands(click.Context(edgemark))
    assert set(names) >= {"outsourcing", "node", "judge", "doctor"}
    for name in names:
        assert f"<code>edgemark {name}</code>" in commands
    settings = (site / "reference" / "settings.html").read_text()
    for each in Catalogue(list_sections()).settings:
        assert f"<code>{each.key}</code>" in settings
        assert f"<code>EDGEMARK_{each.variable.upper()}</code>" in settings
        assert each.rule.flat == "" or f"<code>{each.rule.flat}</code>" in settings


def test_state_diagrams__are_tables(site: Path) -> None:
    page = (site / "outsourcing.html").read_text()
    assert "stateDiagram" not in page
    assert re.search(r"<td>drafted</td>\s*<td><code>SawPosted</code></td>\s*<td>posted</td>", page)


class Quiet:
    def read_loop(self) -> LoopReading:
        return LoopReading({}, 0, 0, 0, "jobs")


class Idle:
    """What is counted of a device, before it did anything."""

    def __init__(self) -> None:
        self.runtime = self.station = self.client = self
        self.seconds: dict[str, float] = {}
        self.refusals: list[object] = []
        self.bytes_in = self.bytes_out = 0

    def states(self) -> dict[bytes, object]:
        return {}


class QuietBroker:
    """A broker at which nobody is."""

    def read(self) -> BrokerReading:
        return BrokerReading(0, 0, 0, 0, 0, 0, {})

    def check(self) -> None: ...


def test_operating__lists_every_metric_and_no_other() -> None:
    instruments = Instruments("node", "plain")
    instruments.registry.register(LoopReadings(Quiet()))
    chain = tell_chain(lambda: ChainReading(0, 0, 0.0, 0))
    there = set()
    device = DeviceFigures(Idle()).collect()  # type: ignore[arg-type]
    broker = BrokerReadings(QuietBroker()).collect()
    for family in (*instruments.registry.collect(), *chain, *device, *broker):
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        if not family.name.startswith("process_"):
            there.add(family.name + suffix)
    text = (ROOT / "docs" / "operating.md").read_text()
    assert set(re.findall(r"(?m)^\| `(edgemark_\w+)", text)) == there


def test_threats__has_a_row_for_every_numbered_test() -> None:
    text = (ROOT / "docs" / "threats.md").read_text()
    rows = {int(n) for n in re.findall(r"(?m)^\| A(\d+) \|", text)}
    assert find_numbers_of_tests() - rows == set()


def test_threats__names_the_files_where_no_test_has_the_number_of_the_row() -> None:
    text = (ROOT / "docs" / "threats.md").read_text()
    files = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    numbered = find_numbers_of_tests()
    for row in re.finditer(r"(?m)^\| A(\d+) \|.*$", text):
        named = set(re.findall(r"`(test_\w+\.py)`", row[0]))
        assert int(row[1]) in numbered or named, row[0]
        assert named <= files, row[0]


def find_numbers_of_tests() -> set[int]:
    """The rows A1, A2, ... whose numbers stand in names of tests, in Python or Solidity."""
    found = set()
    for path in (ROOT / "tests").rglob("*"):
        if path.suffix in (".py", ".sol"):
            found |= {int(n) for n in re.findall(r"test_a(\d\d)_", path.read_text())}
    return found
