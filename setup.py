"""The one part of the build that pyproject.toml cannot state: the optional C kernel.

Where there is no compiler, or it is not gcc or clang on a 64-bit machine, the package installs
without it and computes with python-flint or plain Python (`edgemark.crypto.field.kernel`).
"""

from pathlib import Path

from setuptools import Extension, setup

NATIVE = Path("offchain/edgemark/crypto/_native")

setup(
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
