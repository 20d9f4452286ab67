"""What pyproject.toml cannot state of the build: the optional C kernel, the compiled contracts.

Where there is no compiler, or it is not gcc or clang on a 64-bit machine, the package installs
without it and computes with python-flint or plain Python (`edgemark.crypto.field.kernel`). Where no
contracts are compiled, nothing is built: a package without their code could do nothing on a chain.
"""

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

NATIVE = Path("offchain/edgemark/crypto/_native")
BYTECODE = Path("offchain/edgemark/ledger/evm/contract/bytecode")


class BuildWithContracts(build_py):
    """Refuses to build a package that would lack the contracts' code."""

    def run(self) -> None:
        """Copy the sources and the package's data.

        Raises:
            SystemExit: the contracts are not compiled; an editable package gets them later.
        """
        if not self.editable_mode and not any(BYTECODE.glob("*.json")):
            raise SystemExit(
                "edgemark: the contracts are not compiled, and without their code nothing works on"
                " a chain: run `make contracts` here first, or `make wheel`, which also builds"
            )
        super().run()


setup(
    cmdclass={"build_py": BuildWithContracts},
    ext_modules=[
        Extension(
            "edgemark.crypto._native._kernel",
            sources=sorted(str(path) for path in NATIVE.glob("*.c")),
            depends=sorted(str(path) for path in NATIVE.glob("*.h")),
            # No -march=native: the same wheel runs on every machine. Files that use more
            # instructions say so themselves, and which of them run is chosen at load.
            # Of an element's 17 bytes gcc makes vectors and shuffles, where two swapped words do:
            # without them sharing takes 36 us instead of 60, a product of 785 elements 11, not 15.
            extra_compile_args=[
                "-std=c11",
                "-O3",
                "-fno-tree-slp-vectorize",
                "-Wall",
                "-Wextra",
                "-Werror",
            ],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
