"""Sections: what goes into a file or an environment comes out again, by its name or an older one.

`tests/vectors/older` has a settings file of the version before there were sections, and what that
version refused.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.architecture.checkout import ROOT

from edgemark.amounts import SUPPLY
from edgemark.cli.sections import list_sections
from edgemark.cli.systems import SYSTEMS
from edgemark.deployment.settings import ChainSettings
from edgemark.identifiers import TOKEN_UNIT, Tokens
from edgemark.identity.settings import AccountSettings
from edgemark.logs import LogSettings
from edgemark.party.evm.settings import SECTIONS, RegistrationSettings
from edgemark.party.settings import MetricsSettings, PartySettings
from edgemark.resolver.settings import IdentitySettings
from edgemark.settings.catalogue import Catalogue
from edgemark.settings.loading import PREFIX, load_settings
from edgemark.settings.section import Section, Setting, SettingInvalid, setting, settings_of
from edgemark.settings.settings import Settings
from edgemark.settings.toml_file import FILE_NAME
from edgemark.settings.writing import write_toml
from edgemark.systems.outsourcing.contract.terms import MAX_AMOUNT
from edgemark.systems.outsourcing.settings import NodeSettings, OutsourcingSettings
from edgemark.systems.outsourcing.station.station import OutsourcingStation

OLDER = ROOT / "tests" / "vectors" / "older"
KNOWN = [each for each in Catalogue(list_sections()).settings if each.name != "home"]
PARSED = {  # texts that are read when the settings are
    "chain.url": ["http://a:1", "https://b/c?d=%22e"],
    "identity.url": ["", "http://a:1"],
    "identity.more": ["", "http://a:1", "http://a:1 https://b/c"],
    "registration.provider": ["", "0x" + "11" * 20],
    "trading.seller.tower": ["", "0x" + "11" * 20],
    "registration.advertise": ["", "https://node.example:9443"],
}
AMOUNTS = {each.rule.flat for each in KNOWN if each.rule.is_amount}
REFUSED = json.loads((OLDER / "refused_settings.json").read_text())["refused"]


def values_of(each: Setting) -> st.SearchStrategy[Any]:
    """Values that a setting may have."""
    if each.name in PARSED:
        return st.sampled_from(PARSED[each.name])
    if each.rule.is_amount:
        return st.integers(0, SUPPLY).map(Tokens)
    if each.rule.choices:
        return st.sampled_from(each.rule.choices)
    if each.rule.within is None:
        return st.text(max_size=20)
    least, most = each.rule.within
    whole = isinstance(each.default, int)
    return st.integers(int(least), int(most)) if whole else st.floats(float(least), float(most))


CHOSEN = st.fixed_dictionaries({}, optional={each.name: values_of(each) for each in KNOWN})
NAMED_AS_BEFORE = st.sets(st.sampled_from([each.name for each in KNOWN if each.rule.flat]))


def written(chosen: Mapping[str, object]) -> dict[str, object]:
    """Values by name, as a file has them."""
    return {each.name: each.write(chosen[each.name]) for each in KNOWN if each.name in chosen}


def older_name(name: str) -> str:
    (found,) = (each.rule.flat for each in KNOWN if each.name == name)
    return found


def load(
    home: Path | str = "/nonexistent",
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    return load_settings(
        file=None,
        environ=environ or {},
        overrides={"home": str(home), **(overrides or {})},
        sections=list_sections(),
    )


def load_text(folder: Path, text: str) -> Settings:
    (folder / FILE_NAME).write_text(text)
    return load(folder)


def shown(settings: Settings) -> dict[str, object]:
    """What somebody said, by name."""
    return {each.name: each.value for each in settings.show() if each.name in settings.origins}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@given(chosen=CHOSEN, older=NAMED_AS_BEFORE)
def test_any_settings_in_a_file__are_in_force(
    folder: Path, chosen: dict[str, object], older: set[str]
) -> None:
    said = written(chosen)
    named = {older_name(name) if name in older else name: said[name] for name in said}
    assert shown(load_text(folder, write_toml(named))) == {**chosen, "home": folder}


@given(chosen=CHOSEN, older=NAMED_AS_BEFORE)
def test_any_settings_in_the_environment__are_in_force(
    chosen: dict[str, object], older: set[str]
) -> None:
    environ = {}
    for each in KNOWN:
        if each.name in chosen:
            variable = each.rule.flat if each.name in older else each.variable
            environ[f"{PREFIX}{variable.upper()}"] = str(written(chosen)[each.name])
    assert shown(load(environ=environ)) == {**chosen, "home": Path("/nonexistent")}


def test_a_file_from_before_sections__says_the_same_under_new_names(folder: Path) -> None:
    text = (OLDER / FILE_NAME).read_text()
    facts, found = tomllib.loads(text), load_text(folder, text)
    assert set(facts) == {each.rule.flat for each in KNOWN if each.rule.flat}
    told = {each.name: each.written for each in found.show()}
    older = {each.name: facts[each.rule.flat] for each in KNOWN if each.rule.flat}
    newer = {each.name: each.write(each.default) for each in KNOWN if not each.rule.flat}
    assert told == {"home": folder, **older, **newer}
    assert {found.origins[name] for name in older} == {str(folder / FILE_NAME)}
    assert found.of(ChainSettings) == ChainSettings(
        "http://127.0.0.1:8546", 31338, 3, "/var/manifest.json", 99.5
    )
    assert found.of(AccountSettings) == AccountSettings(
        "/var/keys/account.json", "/var/keys/phrase"
    )
    assert found.of(RegistrationSettings).deposit == 1001 * TOKEN_UNIT  # R16: MTC, as was meant
    assert found.of(LogSettings) == LogSettings("debug", "json")
    assert found.of(MetricsSettings).port == 9201
    assert found.of(OutsourcingSettings) == OutsourcingSettings(257, 513)
    assert found.of(NodeSettings) == NodeSettings(Tokens(12 * TOKEN_UNIT), 3601.0, 601.0)


def test_whatever_was_refused_before_sections__is_refused_in_the_same_words(folder: Path) -> None:
    """But for amounts, which are read in MTC, and for the names that may have been meant."""
    for source, name, value, words in REFUSED:
        with pytest.raises(SettingInvalid) as caught:
            if source == "file":
                table = f"[{name}]\nx = 1\n" if value == {} else f"{name} = {json.dumps(value)}\n"
                load_text(folder, table)
            elif source == "environment":
                load(environ={f"{PREFIX}{name.upper()}": value})
            else:
                load(overrides={name: value})
        said = str(caught.value).replace(f"{folder}/", "")
        if name in AMOUNTS:
            assert said.startswith(words.partition(":")[0]), said
        else:
            assert said == with_new_names(words, source)


def with_new_names(words: str, source: str) -> str:
    """Words of before, with the name of now where one was meant perhaps."""
    head, perhaps, flat = words.partition("needed perhaps ")
    for each in KNOWN:
        if perhaps and flat == each.rule.flat:
            variable = f"{PREFIX}{each.variable.upper()}"
            return f"{head}{perhaps}{variable if source == 'environment' else each.name}"
    return words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[chian]\nurl = 'http://x'", "chian .*: is no section.*needed perhaps chain"),
        ("[outsourcing.nod]\nmin_fee = 1", r"outsourcing\.nod .*perhaps outsourcing\.node"),
        ("[zzz]\nx = 1", "zzz .*: is no section.*see `edgemark config show`"),
        ("[chain]\nulr = 'http://x'", r"chain\.ulr .*: is no setting; needed perhaps chain\.url"),
        ("[chain]\nchain_url = 'http://x'", r"chain\.chain_url .*perhaps chain\.url"),
        ("[chain]\nmin_fee = 1", r"chain\.min_fee .*perhaps outsourcing\.node\.min_fee"),
        ("[outsourcing.node]\nqq = 1", r"outsourcing\.node\.qq .*needed see `edgemark config"),
        ("chain = 7", r"chain .*: is a section.*needed a table \[chain\]"),
        ("[outsourcing]\nnode = 7", r"outsourcing\.node .*: is a section"),
        ("[chain.url]\nx = 1", r"chain\.url .*: has the wrong type; had {'x': 1}; needed text"),
        ("[[chain]]\nurl = 'http://x'", r"chain .*: is a section"),
        ("[party]\nworkers = 0", r"party\.workers .*: is out of range; had 0; needed 1\.\.64"),
        ("[logs]\nlevel = 'loud'", r"logs\.level .*: is out of range; had loud; needed debug, "),
        ("[chain]\nurl = 'ftp://x'", r"chain\.url .*: is no address of a chain's node"),
    ],
)
def test_a_section_that_is_wrong__is_refused_by_name(folder: Path, text: str, words: str) -> None:
    with pytest.raises(SettingInvalid, match=words) as caught:
        load_text(folder, text)
    assert FILE_NAME in str(caught.value.who)


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("EDGEMARK_OUTSOURCING_NODE_MINFEE", "perhaps EDGEMARK_OUTSOURCING_NODE_MIN_FEE"),
        ("EDGEMARK_PARTY_WORKER", "perhaps EDGEMARK_PARTY_WORKERS"),
        ("EDGEMARK_WORKER", "perhaps EDGEMARK_PARTY_WORKERS"),
    ],
)
def test_a_variable_that_nobody_knows__is_refused_with_the_nearest(
    variable: str, hint: str
) -> None:
    with pytest.raises(SettingInvalid, match=variable) as caught:
        load(environ={variable: "1"})
    assert caught.value.needed == hint


@pytest.mark.parametrize("name", sorted(each.name for each in KNOWN if each.rule.flat))
def test_a_setting_under_both_its_names__is_refused_by_both(folder: Path, name: str) -> None:
    (each,) = (each for each in KNOWN if each.name == name)
    flat, variables = each.rule.flat, {each.variable, each.rule.flat}
    with pytest.raises(SettingInvalid, match="is given twice") as caught:
        load_text(folder, write_toml({flat: each.default, name: each.default}))
    assert (caught.value.had, caught.value.needed) == (f"{flat} and {name}", f"{name} alone")
    if len(variables) > 1:
        with pytest.raises(SettingInvalid, match="is given twice"):
            load(environ={f"{PREFIX}{each.upper()}": "1" for each in variables})
    with pytest.raises(SettingInvalid, match="is given twice"):
        load(overrides={flat: each.default, name: each.default})


def test_a_setting_under_both_its_names__in_two_places__is_the_later_ones(folder: Path) -> None:
    (folder / FILE_NAME).write_text("workers = 2\n\n[server]\nlisten_port = 7\n")
    found = load(folder, {"EDGEMARK_PARTY_WORKERS": "3", "EDGEMARK_LISTEN_PORT": "8"})
    assert (found.of(PartySettings).workers, found.origins["party.workers"]) == (
        3,
        "EDGEMARK_PARTY_WORKERS",
    )
    assert found.origins["server.listen_port"] == "EDGEMARK_LISTEN_PORT"


def test_a_section_that_was_not_handed_in__is_neither_read_nor_there(folder: Path) -> None:
    found = load_settings(file=None, environ={}, overrides={"home": "/x"}, sections=SECTIONS)
    assert found.of(PartySettings) == PartySettings()
    with pytest.raises(LookupError, match=r"\[outsourcing\.node\] was not loaded"):
        found.of(NodeSettings)
    with pytest.raises(SettingInvalid, match=r"outsourcing .*is no section"):
        (folder / FILE_NAME).write_text("[outsourcing.node]\nmin_fee = 1\n")
        load_settings(file=None, environ={}, overrides={"home": str(folder)}, sections=SECTIONS)


def test_other_sections__take_the_place_of_those_of_their_kind() -> None:
    before = Settings(Path("/x"), (PartySettings(), NodeSettings()))
    after = before.having(NodeSettings(min_fee=Tokens(7)))
    assert (after.of(NodeSettings).min_fee, after.of(PartySettings)) == (7, PartySettings())
    assert before.of(NodeSettings).min_fee == 0


def test_sections__have_names_of_their_own_and_a_systems_begin_with_its_name() -> None:
    names = [section.NAME for section in list_sections()]
    assert len(names) == len(set(names))
    of_systems = [name for name in names if name.partition(".")[0] in SYSTEMS]
    assert of_systems == names[len(SECTIONS) + 3 :]  # after those of identities, brokers, ledger
    assert names[len(SECTIONS)] == IdentitySettings.NAME
    assert not [name for name in names if name.count(".") > 1]


def test_what_a_node_may_ask__fits_an_amount_on_chain() -> None:
    (fee,) = (each for each in settings_of(NodeSettings) if each.key == "min_fee")
    assert fee.rule.is_amount
    assert SUPPLY <= MAX_AMOUNT


@dataclass(frozen=True)
class Clashing(Section):
    NAME = "chain"

    chain_id: int = setting(0, flat="confirmations")


@dataclass(frozen=True)
class Hiding(Section):
    NAME = "outsourcing"

    node: int = setting(0)


@dataclass(frozen=True)
class Joined(Section):
    NAME = "outsourcing"

    node_min_fee: int = setting(0)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ((ChainSettings, Clashing), "are both called confirmations"),
        ((NodeSettings, Hiding), "is a setting and a section"),
        ((NodeSettings, Joined), "are both called outsourcing_node_min_fee"),
        ((PartySettings, PartySettings), "are both called"),
    ],
)
def test_sections_that_share_a_name__are_no_catalogue(
    sections: tuple[type[Section], ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Catalogue(sections)


@pytest.mark.parametrize(
    "text",
    [
        f"[outsourcing.node]\nmin_fee = 0x{'f' * 20_000}\n",
        f"[chain]\nid = {'9' * 5_000}\n",
        f"[party]\npoll_s = 1{'0' * 400}\n",
        f"[party]\npoll_s = 0x{'f' * 20_000}\n",
        f"[chain]\nurl = 0x{'f' * 20_000}\n",
        f"[chain]\nurl = [{'1,' * 20_000}]\n",
    ],
    ids=lambda text: text[:24],
)
def test_a_number_that_is_too_long__is_refused_in_few_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "edgemark.toml"
    path.write_text(text)
    with pytest.raises(SettingInvalid) as refused:
        load_settings(file=path, environ={}, overrides={}, sections=OutsourcingStation.SECTIONS)
    assert len(str(refused.value)) < 400
