"""Amounts that a person gives to a command: in MTC, as options or arguments."""

from __future__ import annotations

import click

from edgemark.amounts import Amount, parse_tokens
from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens


class MtcAmount(click.ParamType):
    """The type of an option or an argument that is an amount of tokens.

    Args:
        is_something: whether nothing at all is refused.
    """

    name = "MTC"
    bounds = "0 or more"

    def __init__(self, *, is_something: bool = False) -> None:
        self.is_something = is_something

    def convert(
        self,
        value: str,
        param: click.Parameter | None,
        ctx: click.Context | None,  # noqa: ARG002 - click's signature
    ) -> Tokens:
        """Parse it.

        Raises:
            RefusedInput: what `parse_tokens` says; or it is nothing.
        """
        is_option = isinstance(param, click.Option)
        who = param.opts[0] if is_option and param is not None else "amount"
        tokens = parse_tokens(value, who=who)
        if self.is_something and not tokens:
            raise RefusedInput("is nothing", who=who, had=Amount(0), needed="more than 0")
        return tokens


MTC = MtcAmount()
SOME_MTC = MtcAmount(is_something=True)
