"""F_q on python-flint: the fallback where there is no compiler.

Only what measures faster than plain Python is here; the rest is inherited. On the machine of the first
measurement (2 cores, Python 3.11): dense quadratic k = 2000, one input, see `prepare_quadratic`; a
matrix product by FLINT pays from a few thousand multiplications on.
"""

from __future__ import annotations
