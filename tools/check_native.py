"""Run the kernel's tests on a build that watches every memory access and every shift.

    python tools/check_native.py [PYTEST ARGUMENT ...]

The C sources are compiled with gcc's address and undefined-behaviour sanitizers into a copy of the
package below `.cache`; the first fault ends the run with its place in the source. `make soak` does
this first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NATIVE = Path("edgemark/crypto/_native")
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
TESTS = (
    "tests/offchain/crypto/field/test_kernels.py",
    "tests/offchain/crypto/field/test_kernel_split.py",
)
# The sanitizer keeps freed memory for a while, which is what that test measures.
LEFT_OUT = "not give_their_memory_back"
MISSING = 127  # what a shell answers for a command that is not there


def build(into: Path) -> Path:
    """Copy the package and compile the kernel in it; the extension's path.

    Raises:
        subprocess.CalledProcessError: the compiler refused.
    """
    shutil.rmtree(into, ignore_errors=True)
    left_out = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "offchain" / "edgemark", into / "edgemark", ignore=left_out)
    extension = into / NATIVE / "_kernel.abi3.so"
    sources = sorted((ROOT / "offchain" / NATIVE).glob("*.c"))
    include = f"-I{sysconfig.get_path('include')}"
    options = ("-std=c11", "-O1", "-g", "-shared", "-fPIC", *SANITIZE, include)
    subprocess.run(["gcc", *options, *map(str, sources), "-o", str(extension)], check=True)
    return extension


def runtime(name: str) -> str:
    """Path of one of gcc's own libraries."""
    asked = ["gcc", f"-print-file-name={name}"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def environment() -> dict[str, str]:
    """The sanitizers' libraries first; leaks are not looked for, as Python leaves some itself."""
    return {
        **os.environ,
        "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "HYPOTHESIS_PROFILE": "ci",
        # it binds its libraries in a way that the sanitizer refuses
        "PYCRYPTODOME_DISABLE_DEEPBIND": "1",
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and test; pytest's exit status."""
    if shutil.which("gcc") is None:
        print("gcc is missing: the sanitizers are its own")
        return MISSING
    folder = ROOT / ".cache" / "sanitized"
    print(f"built {build(folder)}", flush=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:ape_test", "-q", "-k", LEFT_OUT]
    command += ["-o", f"pythonpath={folder} .", "-p", "no:cacheprovider"]
    command += ["--capture=sys"]  # a report goes to the process's own standard error
    chosen = list(sys.argv[1:] if arguments is None else arguments) or list(TESTS)
    return subprocess.run([*command, *chosen], cwd=ROOT, env=environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
