"""Settings: who wins, what is refused, and where each value came from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.cli.sections import list_sections
from edgemark.deployment.settings import ChainSettings
from edgemark.party.settings import PartySettings, ServerSettings
from edgemark.settings.catalogue import Catalogue
from edgemark.settings.loading import NOT_SETTINGS, load_settings, without_settings
from edgemark.settings.section import SettingInvalid
from edgemark.settings.settings import Settings
from edgemark.settings.toml_file import FILE_NAME

KNOWN = Catalogue(list_sections())
FLAT = [each.rule.flat or each.key for each in KNOWN.settings]


def load(
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    *,
    home: Path | None = None,
    file: Path | None = None,
) -> Settings:
    given = dict(environ or {})
    given.setdefault("EDGEMARK_HOME", str(home or "/nonexistent"))
    return load_settings(
        file=file, environ=given, overrides=overrides or {}, sections=list_sections()
    )


def test_without_anything__every_setting_has_its_default(tmp_path: Path) -> None:
    found = load(overrides={"home": str(tmp_path)})
    assert found.of(ChainSettings).url == "http://127.0.0.1:8545"
    assert found.of(ServerSettings).listen_host == "127.0.0.1"
    origins = {shown.name: shown.origin for shown in found.show()}
    assert origins.pop("home") == "command line"
    assert set(origins.values()) == {"default"}
    assert set(origins) == {each.name for each in KNOWN.settings} - {"home"}


def test_the_environment__wins_over_the_file_and_the_command_line_over_both(
    tmp_path: Path,
) -> None:
    (tmp_path / FILE_NAME).write_text("workers = 2\nconfirmations = 3\nchain_id = 4\n")
    found = load(
        {"EDGEMARK_CONFIRMATIONS": "5", "EDGEMARK_CHAIN_ID": "6", "PATH": "/bin"},
        {"chain_id": 7},
        home=tmp_path,
    )
    chain = found.of(ChainSettings)
    assert (found.of(PartySettings).workers, chain.confirmations, chain.id) == (2, 5, 7)
    shown = {each.name: (each.value, each.origin) for each in found.show()}
    assert shown["party.workers"] == (2, str(tmp_path / FILE_NAME))
    assert shown["chain.confirmations"] == (5, "EDGEMARK_CONFIRMATIONS")
    assert shown["chain.id"] == (7, "command line")
    assert shown["party.poll_s"] == (1.0, "default")


def test_a_file_that_is_named__is_read_instead_of_the_home_folders(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("workers = 2")
    (tmp_path / "other.toml").write_text("workers = 3")
    found = load(home=tmp_path, file=tmp_path / "other.toml")
    assert found.of(PartySettings).workers == 3


def test_a_file_that_is_named_and_not_there__is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"other\.toml"):
        load(home=tmp_path, file=tmp_path / "other.toml")


@pytest.mark.parametrize(
    "content", [b"workers = ", b"\xff", b"[workers]\nmost = 3", b"x" * 100_000]
)
def test_a_file_that_is_no_settings__is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(SettingInvalid, match=r"edgemark\.toml"):
        load(home=tmp_path)


def test_an_unknown_name__is_refused_with_the_nearest_known() -> None:
    with pytest.raises(SettingInvalid) as caught:
        load({"EDGEMARK_CHAIN_ULR": "http://127.0.0.1"})
    assert caught.value.needed == "perhaps EDGEMARK_CHAIN_URL"
    assert "EDGEMARK_CHAIN_ULR" in str(caught.value)


def test_an_unknown_name_unlike_any_other__is_refused_with_where_to_look() -> None:
    with pytest.raises(SettingInvalid, match="config show"):
        load({"EDGEMARK_ZZZZZZ": "1"})


@pytest.mark.parametrize("name", sorted(NOT_SETTINGS))
def test_a_seam__is_no_setting_and_no_fault(name: str) -> None:
    assert name.lower() not in str(load({name: "1"}).show())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("EDGEMARK_WORKERS", "many"),
        ("EDGEMARK_WORKERS", ""),
        ("EDGEMARK_WORKERS", "1.5"),
        ("EDGEMARK_WORKERS", "0"),
        ("EDGEMARK_WORKERS", "65"),
        ("EDGEMARK_LISTEN_PORT", "65536"),
        ("EDGEMARK_LISTEN_PORT", "-1"),
        ("EDGEMARK_CONFIRMATIONS", "-1"),
        ("EDGEMARK_MAX_FEE_GWEI", "0"),
        ("EDGEMARK_MAX_FEE_GWEI", "nan"),
        ("EDGEMARK_MAX_FEE_GWEI", "inf"),
        ("EDGEMARK_POLL_S", "-inf"),
        ("EDGEMARK_MIN_FEE", str(2**96)),
        ("EDGEMARK_LOG_LEVEL", "loud"),
    ],
)
def test_a_value_of_another_kind_or_range__is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(SettingInvalid, match=name) as caught:
        load({name: text})
    assert caught.value.needed is not None


@pytest.mark.parametrize("value", [True, 1.5, [1], {"a": 1}, None])
def test_a_value_of_another_type__is_refused(value: object) -> None:
    with pytest.raises(SettingInvalid, match="workers"):
        load(overrides={"workers": value})


@given(place=st.integers(0, len(FLAT) - 1), text=st.text(max_size=40))
def test_any_text_for_any_setting__is_taken_or_refused_by_name(place: int, text: str) -> None:
    setting, flat = KNOWN.settings[place], FLAT[place]
    try:
        found = load(overrides={"home": "/nonexistent", flat: text})
    except SettingInvalid as error:
        assert flat in str(error.who)
        return
    (shown,) = (each for each in found.show() if each.name == setting.name)
    assert type(shown.value) in (type(setting.default), type(Path()))


def test_a_home_folder__may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/var/node")
    assert load({"EDGEMARK_HOME": "~/x"}).home == Path("/var/node/x")


def test_the_manifest__is_looked_for_in_the_home_folder_by_chain() -> None:
    home = Path("/nonexistent")
    assert ChainSettings().manifest_file(home, 5) == home / "deployments/5.json"
    assert ChainSettings(manifest="/x.json").manifest_file(home, 5) == Path("/x.json")


def test_no_setting__is_a_secret() -> None:
    for word in ("key", "secret", "password", "mnemonic"):
        assert not [each.name for each in KNOWN.settings if word in each.key]


def test_without_settings__leaves_what_is_no_setting() -> None:
    """A server that a demonstration starts had the settings of the shell, over those of its own."""
    environ = {"PATH": "/bin", "EDGEMARK_CHAIN_URL": "http://x", "EDGEMARK_KERNEL": "python"}
    assert without_settings(environ) == {"PATH": "/bin", "EDGEMARK_KERNEL": "python"}
    assert without_settings(environ | {"EDGEMARK_UNHEARD_OF": "1"}) == without_settings(environ)
