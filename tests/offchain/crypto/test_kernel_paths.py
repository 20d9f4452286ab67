"""Code paths of the native kernel: offered when the machine has them and they answer right."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

from edgemark.crypto import _native, kernel
from edgemark.crypto.field import FIELD

SOURCES = Path(_native.__file__).parent
EXTENSION = "edgemark.crypto._native._kernel"


def build(folder: Path, planted: str = "") -> ModuleType:
    """The kernel compiled anew, with a line planted before the mulx path's code."""
    for source in [*SOURCES.glob("*.c"), *SOURCES.glob("*.h")]:
        shutil.copy(source, folder)
    mulx = folder / "mulx.c"
    text = mulx.read_text()
    assert text.count("#define SCALAR_PATH") == 1
    mulx.write_text(text.replace("#define SCALAR_PATH", f"{planted}\n#define SCALAR_PATH"))
    library = folder / "_kernel.so"
    include = f"-I{sysconfig.get_path('include')}"
    options = ["-std=c11", "-O1", "-shared", "-fPIC", include]
    sources = sorted(str(source) for source in folder.glob("*.c"))
    subprocess.run(["cc", *options, *sources, "-o", str(library)], check=True)
    spec = importlib.util.spec_from_file_location(EXTENSION, library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_path_that_answers_otherwise__is_not_offered(tmp_path: Path) -> None:
    # the vector path leaves single products to this one, so that both are wrong
    flawed = build(tmp_path, "#define element_multiply element_add")
    assert flawed.paths() == ("portable-128",)


def test_path_that_answers_right__is_offered(tmp_path: Path) -> None:
    assert build(tmp_path).paths() == _native.PATHS


def test_portable_path__is_always_the_last() -> None:
    assert _native.PATHS[-1] == "portable-128"


def test_native__is_the_fastest_path_of_this_machine() -> None:
    assert kernel.load("native").name == f"native/{_native.PATHS[0]}" == kernel.available()[0]


@pytest.mark.parametrize("position", [-1, len(_native.PATHS), 2**70])
def test_path_that_is_not_there__is_refused(position: int) -> None:
    one = FIELD.pack([1])
    with pytest.raises((ValueError, OverflowError)):
        _native._kernel.add(position, one, one)
