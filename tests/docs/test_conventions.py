"""What docs/conventions.md says of every command is so of every command."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from tests.architecture.checkout import ROOT, find_files

from edgemark.cli.identities.serving import SECTIONS as SECTIONS_OF_RESOLVERS
from edgemark.cli.main import edgemark
from edgemark.cli.sections import list_sections
from edgemark.cli.systems import OF_SYSTEMS, SYSTEMS
from edgemark.ledger.fabric.settings import LedgerSettings
from edgemark.resolver.settings import IdentitySettings
from edgemark.settings.catalogue import Catalogue
from edgemark.settings.section import Setting, settings_of
from edgemark.transport.broker.settings import BrokerSettings

PAGE = (ROOT / "docs" / "conventions.md").read_text()
ALONE = {"completion", "doctor"}  # done to no noun
WITHOUT_JSON = {"completion"}  # prints a script
COMMON = {"--json", "--home", "--config", "--chain-url", "--manifest", "--log-level"}
OF_CHAINS = {"--chain-url", "--manifest"}
OF_NO_CHAIN = ("ledger ", "fabric ")
WITH_BROKERS = {"controller"}  # parties
# A demonstration has a home for each of its parties.
DEMONSTRATIONS = "demo"


def walk(
    group: click.Group, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from walk(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = {" ".join(words): command for words, command in walk(edgemark)}  # type: ignore[arg-type]


def options_of(command: click.Command) -> set[str]:
    return {option for each in command.params for option in each.opts if option.startswith("--")}


def test_commands__are_a_noun_and_a_verb() -> None:
    assert {name for name in COMMANDS if " " not in name} == ALONE


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_JSON))
def test_command__takes_json_and_what_all_take(name: str) -> None:
    wanted = {"--json"} if name.startswith(DEMONSTRATIONS) else COMMON
    if name.startswith(OF_NO_CHAIN):
        wanted = wanted - OF_CHAINS
        assert not options_of(COMMANDS[name]) & OF_CHAINS
    assert options_of(COMMANDS[name]) >= wanted


def test_commands_that_send__take_dry_run_and_yes_and_no_others_do() -> None:
    """Which ones send is found by `tests/offchain/cli/spending/test_spenders.py`."""
    wanted = {"--dry-run", "--yes"}
    marked = {name for name, each in COMMANDS.items() if getattr(each.callback, "spends", False)}
    assert marked == {name for name, each in COMMANDS.items() if options_of(each) & wanted}
    assert all(options_of(COMMANDS[name]) >= wanted for name in marked)
    assert {"account withdraw", "chain fund", "provider stake"} <= marked


@pytest.mark.parametrize("name", COMMANDS)
def test_command__says_of_itself_and_of_its_options_what_they_are(name: str) -> None:
    command = COMMANDS[name]
    summary = (command.help or "").split("\n\n")[0]
    assert summary.endswith("."), name
    for each in command.params:
        assert not isinstance(each, click.Option) or each.help or each.type.name == "choice", each


def of_another_system(section: str, party: str) -> bool:
    """Whether a section is of a system that has no such party."""
    (own,) = [name for name, each in zip(SYSTEMS, OF_SYSTEMS, strict=True) if party in each.GROUPS]
    return section.partition(".")[0] in {*SYSTEMS} - {own}


def settings_of_servers() -> Iterator[tuple[str, Setting]]:
    """Each command that serves, with each setting but those of another party or system alone.

    No server has to read where identities are; who resolves them reads little else. Who has no
    broker reads nothing of brokers, and no server of a chain anything of the consortium ledger,
    whose own (`ledger chaincode run`, `ledger clock run`) read nothing else.
    """
    for section in SECTIONS_OF_RESOLVERS:
        for each in settings_of(section):
            yield "identity serve", each
    for name in COMMANDS:
        party, _, verb = name.rpartition(" ")
        if verb == "run" and any(party in each.GROUPS for each in OF_SYSTEMS):
            for each in Catalogue(list_sections()).settings:
                _, _, of_party = each.section.NAME.partition(".")
                is_read = each.name != "home" and each.section not in (
                    IdentitySettings,
                    LedgerSettings,
                )
                is_read = is_read and not of_another_system(each.section.NAME, party)
                is_read = is_read and (each.section is not BrokerSettings or party in WITH_BROKERS)
                if is_read and of_party in {"", party}:
                    yield name, each


def test_r24_servers__have_an_option_for_every_setting_that_counts_for_them() -> None:
    counted = list(settings_of_servers())
    assert {name for name, _ in counted} >= {"node run", "judge run", "tower run", "identity serve"}
    for name, each in counted:
        option = next((p for p in COMMANDS[name].params if each.option in p.opts), None)
        assert isinstance(option, click.Option), f"{name}: {each.option} of {each.name}"
        if each.option not in COMMON:
            meaning, default = each.meaning.rstrip("."), each.tell(each.default)
            shown = f"{default:g}" if isinstance(default, float) else str(default)
            assert meaning and meaning[1:] in (option.help or "")
            assert not shown or f"[default: {shown}]" in (option.help or "")
    assert not {"--min-fee"} & options_of(COMMANDS["judge run"])


@pytest.mark.parametrize("name", COMMANDS)
def test_r16_command__takes_amounts_in_mtc_alone(name: str) -> None:
    """By their names: a fee, a stake, a deposit or an amount that is a number of something else."""
    for each in COMMANDS[name].params:
        words = set(re.findall(r"[a-z]+", str(each.name)))
        if words & {"fee", "amount", "deposit", "stake", "mtc"} and "gwei" not in words:
            assert "MTC" in {each.type.name, each.metavar}, f"{name}: {each.name}"


def test_page__names_every_test_that_it_names() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= {path.stem for path in find_files(".py", under="tests")}
