"""Accountable computing at the network edge: private work done off chain, checked and paid."""


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415 - few ask, and it takes a while

    return version(__name__)
