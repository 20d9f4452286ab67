"""Write solc-v<version> commands, backed by npm's `solc`, where py-solc-x looks for compilers.

    python tools/install_solc.py [--folder DIR] [SOLC_NPM_DIR ...]

DIR defaults to $SOLCX_BINARY_PATH, else `.solcx` in the checkout; SOLC_NPM_DIR to node_modules/solc
in the checkout. py-solc-x, ape and forge take the command for a native compiler, so that nothing
has to be downloaded from outside the package registry.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRIPT = """#!/bin/sh
# Written by install_solc.py: solc {version} from npm, standing in for the native compiler.
if [ "$#" = 1 ] && [ "$1" = --version ]; then
  printf '%s\\n' 'solc, the solidity compiler commandline interface' 'Version: {version}'
  exit 0
fi
unset NODE_OPTIONS
SOLC_JS_DIR={npm} SOLC_JS_VERSION={version} \\
  exec {node} --stack-size=4000 --liftoff-only {js} "$@"
"""


def read_version(node: str, npm: pathlib.Path) -> str:
    """Ask npm's solc for its version.

    Args:
        node: the Node.js executable.
        npm: folder of the npm package `solc`.

    Raises:
        SystemExit: the folder holds no such package.
    """
    if not (npm / "package.json").exists():
        sys.exit(f"{npm} is no npm package: run `npm ci --ignore-scripts` first")
    script = f"console.log(require({str(npm)!r}).version())"
    return subprocess.check_output([node, "-e", script], text=True).strip()


def install(node: str, npm: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Write the command for one compiler into `folder`, atomically.

    Returns:
        The command, `folder/solc-v<major.minor.patch>`.

    Raises:
        SystemExit: the package is missing or reports no version.
    """
    version = read_version(node, npm)
    short = re.match(r"[0-9]+[.][0-9]+[.][0-9]+", version)
    if short is None:
        sys.exit(f"{npm} reports the version {version!r}; needed major.minor.patch")
    target = folder / f"solc-v{short[0]}"
    text = SCRIPT.format(
        version=version,
        npm=shlex.quote(str(npm)),
        node=shlex.quote(node),
        js=shlex.quote(str(ROOT / "tools" / "solc-node.cjs")),
    )
    temporary = target.with_name(f".{target.name}.{os.getpid()}")  # py-solc-x lists solc-v* only
    temporary.write_text(text)
    temporary.chmod(0o755)
    temporary.replace(target)
    print(f"{target}: {version} from {npm}")
    return target


def main() -> int:
    """Install every compiler that was named."""
    parser = argparse.ArgumentParser(description="Make npm's solc the compiler of py-solc-x.")
    default = os.environ.get("SOLCX_BINARY_PATH") or str(ROOT / ".solcx")
    parser.add_argument("--folder", default=default, help="where the commands go")
    parser.add_argument("npm", nargs="*", default=[str(ROOT / "node_modules" / "solc")])
    arguments = parser.parse_args()
    node = shutil.which("node")
    if node is None:
        sys.exit("node is not on PATH: install Node.js 20 or later")
    folder = pathlib.Path(arguments.folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for given in arguments.npm:
        install(node, pathlib.Path(given).resolve(), folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
