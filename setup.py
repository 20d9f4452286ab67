"""The one part of the build that pyproject.toml cannot state: the optional C kernel.

Where there is no compiler, or it is not gcc or clang on a 64-bit machine, the package installs
without it and computes with python-flint or plain Python (`edgemark.crypto.kernel`).
"""

from setuptools import Extension, setup

NATIVE = "offchain/edgemark/crypto/_native"

setup(
    ext_modules=[
        Extension(
            "edgemark.crypto._native._kernel",
            sources=[f"{NATIVE}/{name}.c" for name in ("module", "prepared", "portable")],
            depends=[f"{NATIVE}/{name}.h" for name in ("element", "kernel", "prepared")],
            # No -march=native: the same wheel runs on every machine, faster paths are chosen at
            # load.
            extra_compile_args=["-std=c11", "-O3", "-Wall", "-Wextra", "-Werror"],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
