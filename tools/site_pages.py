"""Pages of the documentation site that are made while it is built (a hook of MkDocs).

The references come from the program itself, so they cannot be out of date; the documents beside
the code (`contracts/README.md` and others) are shown as pages, and links between documents work on
the site as they do in the checkout. Nothing here is written into the checkout.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

    from edgemark.settings.section import Section

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "offchain"))

# Where a document of the checkout stands on the site.
BESIDE = {
    "README.md": "readme.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "contracts/README.md": "contracts.md",
    "tests/README.md": "tests.md",
    "benchmarks/README.md": "benchmarking.md",
}
COMMANDS, SETTINGS = "reference/commands.md", "reference/settings.md"
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#:]+)(#[^)]*)?\)")
DIAGRAM = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
MOVE = re.compile(r"^\s*(\S+) --> (\S+?)(?:: (\S+))?$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are no files of `docs`."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - the functions below need no MkDocs

    made = {COMMANDS: describe_commands(), SETTINGS: describe_settings()}
    made |= {page: (ROOT / path).read_text() for path, page in BESIDE.items()}
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(
    markdown: str,
    page: Page,
    config: MkDocsConfig,  # noqa: ARG001 - MkDocs names it
    files: Files,
) -> str:
    """Turn links and diagrams into what the site can show."""
    known = {file.src_uri for file in files.documentation_pages()}
    return draw_moves(turn_links(markdown, page.file.src_uri, known))


def place_of(page: str) -> str:
    """The document of the checkout that a page of the site shows."""
    by_page = {shown: path for path, shown in BESIDE.items()}
    return by_page.get(page, f"docs/{page}")


def turn_links(markdown: str, page: str, known: set[str]) -> str:
    """Links to documents lead to their pages; other files of the checkout are only named.

    Args:
        markdown: text of the page.
        page: its place on the site.
        known: places of all pages.
    """

    def turn(link: re.Match[str]) -> str:
        mark, text, target, anchor = link.group(1), link.group(2), link.group(3), link.group(4)
        folder = posixpath.dirname(place_of(page))
        path = posixpath.normpath(posixpath.join(folder, target))
        shown = BESIDE.get(path, path.removeprefix("docs/"))
        if shown in known:
            way = posixpath.relpath(shown, posixpath.dirname(page) or ".")
            return f"[{text}]({way}{anchor or ''})"
        if path.startswith("docs/") or not (ROOT / path).exists():
            return link.group(0)  # MkDocs finds the file, or says that it is missing
        return f"`{path}`" if mark or text == path else f"{text} (`{path}`)"

    return LINK.sub(turn, markdown)


def draw_moves(markdown: str) -> str:
    """A state diagram as a table: the site runs no script from elsewhere to draw it."""

    def draw(diagram: re.Match[str]) -> str:
        rows = ["| from | event | to |", "|---|---|---|"]
        for before, after, event in MOVE.findall(diagram.group(1)):
            if "[*]" not in (before, after):
                rows.append(f"| {before} | `{event}` | {after} |")
        return "\n".join(rows) + "\n"

    return DIAGRAM.sub(draw, markdown)


def describe_commands() -> str:
    """The reference of the command line, from the commands themselves."""
    from edgemark.cli.main import edgemark  # noqa: PLC0415 - after the path is set

    head = "# Commands\n\nWritten by the program itself: `edgemark COMMAND --help`.\n"
    return "\n".join([head, *_describe(edgemark, "edgemark", 2)])


def _describe(command: click.Command, name: str, depth: int) -> Iterator[str]:
    context = click.Context(command, info_name=name, max_content_width=96)
    yield f"{'#' * min(depth, 6)} `{name}`\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            part = command.get_command(context, word)
            if part is not None:
                yield from _describe(part, f"{name} {word}", depth + 1)


def describe_settings() -> str:
    """The reference of the settings, from the sections that hold them."""
    from edgemark.cli.sections import list_sections  # noqa: PLC0415 - after the path is set
    from edgemark.settings.catalogue import Catalogue  # noqa: PLC0415

    lines = [
        "# Settings\n",
        "`edgemark.toml` in the home folder < environment < command line. `edgemark config show`",
        "prints every value in force and where it came from. A setting that had a name outside of",
        "a section keeps that too, in the file and, in capitals, in the environment.",
    ]
    for section in Catalogue(list_sections()).sections:
        lines += ["", *_describe_section(section)]
    return "\n".join(lines) + "\n"


def _describe_section(section: type[Section]) -> Iterator[str]:
    from edgemark.settings.loading import PREFIX  # noqa: PLC0415
    from edgemark.settings.section import settings_of  # noqa: PLC0415

    summary, _, _ = (section.__doc__ or "").partition("\n")
    yield f"## `[{section.NAME}]`\n" if section.NAME else "## In no section\n"
    yield f"{summary}\n"
    yield "| setting | environment | before | default | meaning |"
    yield "|---|---|---|---|---|"
    for each in settings_of(section):
        shown = f"`{each.tell(each.default)}`" if str(each.default) else "empty"
        before = f"`{each.rule.flat}`" if each.rule.flat else ""
        variable = f"`{PREFIX}{each.variable.upper()}`"
        yield f"| `{each.key}` | {variable} | {before} | {shown} | {each.meaning} |"
