"""A warm Solidity compiler: it compiles what one changed file changes, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.compile_contracts import read_settings

IMPORT = re.compile(r'^\s*(?:import\b|\})[^;]*?"(\.{1,2}/[^"\s]+)"', re.MULTILINE)
CONTRACT = re.compile(r"^(abstract contract|contract|library|interface) (\w+)", re.MULTILINE)


class Compiler:
    """The compiler process of one working copy.

    Args:
        root: of the working copy.
        tools: of the checkout whose compiler this is.
    """

    def __init__(self, root: Path, tools: Path) -> None:
        self._root = root
        _, settings = read_settings(root)
        # Without the hash of the source at its end, code that does the same is the same.
        metadata = {"appendCBOR": False, "bytecodeHash": "none"}
        self._settings = {**settings, "metadata": metadata}
        node = ["node", "--stack-size=4000", str(tools / "tools" / "solc-node.cjs")]
        self._process = subprocess.Popen(
            [*node, "--serve", "--base-path", str(root)],
            cwd=root,
            env={**os.environ, "SOLC_JS_DIR": str(tools / "node_modules" / "solc")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def parse(self, path: str) -> dict[str, Any]:
        """The syntax tree of one file.

        Raises:
            ValueError: it does not compile; says why.
        """
        text = (self._root / path).read_text()
        answer = self._ask({path: {"content": text}}, {path: {"": ["ast"]}})
        if failed := _errors(answer):
            raise ValueError(failed)
        tree: dict[str, Any] = answer["sources"][path]["ast"]
        return tree

    def compile(
        self, wanted: Mapping[str, str], changed: Mapping[str, str]
    ) -> dict[str, tuple[str, str]] | None:
        """Compile contracts, some files of which are changed.

        Args:
            wanted: contract to its file.
            changed: file to its changed text.

        Returns:
            Contract to (creation code, code on chain), hexadecimal; None when it does not compile.
        """
        files = {*wanted.values(), *changed}
        texts = {path: changed.get(path) or (self._root / path).read_text() for path in files}
        outputs = ["evm.bytecode.object", "evm.deployedBytecode.object"]
        selection = {path: {name: outputs} for name, path in wanted.items()}
        for name, path in wanted.items():
            selection[path][name] = outputs
        answer = self._ask({path: {"content": text} for path, text in texts.items()}, selection)
        if _errors(answer):
            return None
        made = answer["contracts"]
        codes = {}
        for name, path in wanted.items():
            evm = made[path][name]["evm"]
            codes[name] = (evm["bytecode"]["object"], evm["deployedBytecode"]["object"])
        return codes

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _ask(self, sources: dict[str, Any], selection: dict[str, Any]) -> dict[str, Any]:
        settings = {**self._settings, "outputSelection": selection}
        request = {"language": "Solidity", "sources": sources, "settings": settings}
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("the compiler has no pipes")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ValueError("the compiler ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _errors(answer: dict[str, Any]) -> str:
    errors = [one for one in answer.get("errors", ()) if one["severity"] == "error"]
    return "\n".join(one["formattedMessage"] for one in errors)


def imports_of(root: Path, path: str) -> set[str]:
    """The file and all that it imports by relative paths, and they again."""
    seen: set[str] = set()
    todo = [path]
    while todo:
        one = todo.pop()
        if one in seen or not (root / one).is_file():
            continue
        seen.add(one)
        for name in IMPORT.findall((root / one).read_text()):
            todo.append(os.path.normpath(os.path.join(os.path.dirname(one), name)))
    return seen


def contracts_in(text: str) -> dict[str, str]:
    """Name to kind (`contract`, `library`, ...) of what a file declares."""
    return {name: kind for kind, name in CONTRACT.findall(text)}
