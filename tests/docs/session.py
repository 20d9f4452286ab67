"""Runs a document's commands in one shell; compares what they print with what it shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.docs.pages import Block, Page
from tests.docs.typed import Typed

from edgemark.ledger.evm.development.launching import chain_down
from edgemark.transport.ports import hold_ports

ROOT = Path(__file__).resolve().parents[2]
PLAY = "plåce of parties"  # names need not be plain, so commands have to quote them
LIMIT_S = 840  # on a machine that is busy with much else


class SessionFailed(AssertionError):
    """A command of a document failed, or printed something else."""


def run_page(page: Page, folder: Path, environ: Mapping[str, str], ports: Mapping[int, int]) -> str:
    """Run all blocks of a page.

    Args:
        page: the document.
        folder: for everything that it writes; `PLAY` in its commands.
        environ: what the setup adds to the environment.
        ports: a free port for each that the page names.

    Returns:
        All that was printed.

    Raises:
        SessionFailed: a command failed, or the output differs from what the page shows.
    """
    play, shown = folder / PLAY, folder / "shown"
    for made in (play, shown):
        made.mkdir(exist_ok=True)
    printed, typed = folder / "printed", folder / "typed"
    script = use_ports(write_script(page.to_run, shown, typed), ports)
    with printed.open("wb") as out, Typed(typed), ExitStack() as after:
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=ROOT if page.in_checkout else folder,
            env=clean_environment() | {"PLAY": str(play), "HOME": str(folder), **environ},
            stdin=subprocess.DEVNULL,
            stdout=out,  # no pipe: a server that is left behind would keep its end open
            stderr=out,
            start_new_session=True,  # so that whatever it leaves behind can be ended with it
        )
        after.callback(end_chains, play)
        after.callback(end_group, process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(LIMIT_S)
    output = printed.read_text(errors="replace")
    if process.returncode:
        raise SessionFailed(f"{page.path}: status {process.returncode}\n{output[-4000:]}")
    for block in page.to_run:
        compare(page, block, shown, ports)
    return output


def write_script(blocks: tuple[Block, ...], shown: Path, typed: Path) -> str:
    """One shell script; it says where it is, and keeps what `console` commands print.

    Before each block the programs of `typed` come to the path: a block may have put its own there.
    """
    lines = ["set -euo pipefail"]
    for block in blocks:
        lines += [f"echo '== line {block.line}' >&2", f"PATH='{typed}':$PATH"]
        if block.kind == "sh":
            lines.append(block.text)
            continue
        for number, (command, _) in enumerate(split_console(block)):
            lines.append(f"{{ {command}\n}} > '{shown}/{block.line}-{number}' 2>&1")
    return "\n".join(lines)


def split_console(block: Block) -> list[tuple[str, list[str]]]:
    """Each command of a `console` block with the lines that it has to print."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return found


def compare(page: Page, block: Block, shown: Path, ports: Mapping[int, int]) -> None:
    """Check what the commands of a `console` block printed."""
    for number, (command, wanted) in enumerate(split_console(block) if block.kind != "sh" else []):
        seen = (shown / f"{block.line}-{number}").read_text().strip()
        text = use_ports("\n".join(wanted), ports).strip()
        pattern = ".*".join(re.escape(part) for part in text.split("…"))
        if not re.fullmatch(pattern, seen, re.DOTALL):
            raise SessionFailed(f"{page.path}:{block.line}: {command}\nprints\n{seen}\nnot\n{text}")


def use_ports(text: str, ports: Mapping[int, int]) -> str:
    """The text with other ports."""
    for port, free in ports.items():
        text = re.sub(rf"\b{port}\b", str(free), text)
    return text


@contextmanager
def hold_free_ports(wanted: tuple[int, ...]) -> Iterator[dict[int, int]]:
    """A free port for each; consecutive ones stay consecutive, for pages that count on."""
    found: dict[int, int] = {}
    with ExitStack() as held:
        for port in wanted:
            if port - 1 not in found:
                run = next(n for n in range(1, 200) if port + n not in wanted)
                free = held.enter_context(hold_ports(run)).numbers
                found |= {port + n: each for n, each in enumerate(free)}
        yield {port: found[port] for port in wanted}


def clean_environment() -> dict[str, str]:
    """What a reader has after `make contracts`: no setting, nothing of the checkout on the path."""
    ours = re.compile(
        "EDGEMARK|^PYTHON|^VIRTUAL_ENV$|^APE_DATA_FOLDER$|^SOLCX_BINARY_PATH$|^TMPDIR$"
    )
    environ = {name: value for name, value in os.environ.items() if not ours.search(name)}
    paths = [
        path for path in os.environ["PATH"].split(os.pathsep) if not Path(path).is_relative_to(ROOT)
    ]
    return environ | {"PATH": os.pathsep.join(paths)}


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever a shell left behind."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_chains(play: Path) -> None:
    """Stop the chains that a page which failed did not stop itself."""
    for folder in play.glob("*/chain"):
        chain_down(folder)
