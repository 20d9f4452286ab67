"""A file of metrics is whole whenever somebody reads it, and two of them go together."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.parser import text_string_to_metric_families
from tests.waiting import wait_until

from edgemark.metrics.instruments import tell_about
from edgemark.metrics.text_file import MetricsFileRefused, TextFile

FIRST, SECOND = {"account": "0xA"}, {"account": "0xB"}


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    tell_about(made, "device", "plain")
    Gauge("edgemark_jobs", "Jobs.", ("phase",), registry=made).labels("started").set(2)
    return made


def samples(path: Path) -> dict[tuple[str, str, str], float]:
    """(name, phase, account) of every sample."""
    families = text_string_to_metric_families(path.read_text())
    return {
        (sample.name, sample.labels.get("phase", ""), sample.labels["account"]): sample.value
        for family in families
        for sample in family.samples
    }


def test_file__is_there_at_once_and_names_whose_it_is(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    path = tmp_path / "device.prom"
    with TextFile(path, registry, FIRST):
        assert samples(path) == {
            ("edgemark_info", "", "0xA"): 1,
            ("edgemark_jobs", "started", "0xA"): 2,
        }
        assert "# TYPE edgemark_jobs gauge" in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in tmp_path.iterdir()] == ["device.prom"]


def test_file__follows_and_ends_with_the_last_state(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    path = tmp_path / "device.prom"
    spent = Counter("edgemark_device_seconds", "Work.", registry=registry)
    key = ("edgemark_device_seconds_total", "", "0xA")
    with TextFile(path, registry, FIRST, pause_s=0.01):
        spent.inc(3)
        wait_until("writing", lambda: samples(path)[key] == 3, look_s=0.01)
    with TextFile(path, registry, FIRST, pause_s=3600):
        spent.inc(4)
    assert samples(path)[key] == 7


def test_files_of_two_accounts__share_no_sample(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    paths = (tmp_path / "first.prom", tmp_path / "second.prom")
    with TextFile(paths[0], registry, FIRST), TextFile(paths[1], registry, SECOND):
        first, second = map(samples, paths)
    assert len(first) == len(second) > 0
    assert not first.keys() & second.keys()


@pytest.mark.parametrize("name", ["device.txt", "gone/device.prom"])
def test_file_that_nobody_could_read__is_refused(
    tmp_path: Path, registry: CollectorRegistry, name: str
) -> None:
    with pytest.raises(MetricsFileRefused):
        TextFile(tmp_path / name, registry, FIRST)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_goes_away__ends_nothing(tmp_path: Path, registry: CollectorRegistry) -> None:
    folder = tmp_path / "collected"
    folder.mkdir()
    with TextFile(folder / "device.prom", registry, FIRST):
        (folder / "device.prom").unlink()
        folder.rmdir()
    assert not folder.exists()
