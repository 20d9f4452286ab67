"""Code paths of the native kernel: offered when the machine has them and they answer right."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

from edgemark.crypto import _native
from edgemark.crypto.field import kernel
from edgemark.crypto.field.field import FIELD

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
    built = build(tmp_path)
    assert built.paths() == _native.PATHS
    assert built.INTERFACE == _native.INTERFACE


def test_library__is_for_every_python_from_the_oldest_that_is_supported() -> None:
    assert Path(str(_native._kernel.__file__)).name == "_kernel.abi3.so"
    limit = re.search("Py_LIMITED_API 0x03([0-9A-F]{2})", (SOURCES / "module.h").read_text())
    assert limit is not None
    assert f'"cp3{int(limit[1], 16)}"' in (SOURCES.parents[3] / "setup.py").read_text()


@pytest.mark.parametrize("built", [1, _native.INTERFACE + 1])
def test_library_of_other_sources__is_refused_and_told_how_to_mend(built: int) -> None:
    with pytest.raises(_native.KernelOutdated, match="other sources") as refused:
        _native.require_interface(built)
    assert "make setup" in refused.value.remedy


def test_portable_path__is_always_the_last() -> None:
    assert _native.PATHS[-1] == "portable-128"


def test_native__is_the_fastest_path_of_this_machine() -> None:
    assert kernel.load("native").name == f"native/{_native.PATHS[0]}" == kernel.available()[0]


@pytest.mark.parametrize("position", [-1, len(_native.PATHS), 2**70])
def test_path_that_is_not_there__is_refused(position: int) -> None:
    one = FIELD.pack([1])
    with pytest.raises((ValueError, OverflowError)):
        _native._kernel.add(position, one, one)


# What malloc gives again was used before and stays in small pages. Here it is told to take all from
# its heap, whose end is watched, as is all memory; each function is of 10 MB.
WATCH_THE_MEMORY = """
import ctypes
import mmap
from pathlib import Path
from edgemark.crypto.field import kernel
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.field.plain import quadratic_terms

end = ctypes.CDLL(None).sbrk
end.restype, end.argtypes = ctypes.c_void_p, [ctypes.c_ssize_t]

def watch():
    return end(0), int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE

inputs = 1100
coefficients, x = FIELD.pack([1]) * quadratic_terms(inputs), FIELD.pack([1]) * inputs
paths = [kernel.load(name) for name in kernel.available() if name.startswith("native/")]
heap, memory = watch()
for path in 2 * paths:
    function = path.prepare_quadratic(coefficients, inputs, 1)
    assert FIELD.unpack(function.evaluate(x)) == [quadratic_terms(inputs)]
    del function
print(watch()[0] - heap, watch()[1] - memory)
"""


def test_large_functions__stand_outside_of_the_heap_and_give_their_memory_back() -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "MALLOC_MMAP_THRESHOLD_": str(2**30),
    }
    ended = subprocess.run(
        [sys.executable, "-c", WATCH_THE_MEMORY],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [int(grown) < 2**20 for grown in ended.stdout.split()] == [True, True]
