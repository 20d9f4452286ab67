"""Amounts of MetaCoin as people write and read them: the one parser, the one printer.

| who              | form                                      | by                              |
|------------------|-------------------------------------------|---------------------------------|
| people, reading  | `9,702.5 MTC`                             | `Amount`, `format_tokens`       |
| people, writing  | `9702.5`: options, settings, environment  | `parse_tokens`, `write_tokens`  |
| programs         | whole smallest units, a string of digits  | `str(tokens)`                   |

What pays for gas is of another kind and as fine: 10^18 wei are one coin (`Coin`).

A number in a text, whatever it counts, is `is_number` or `is_whole`: Python reads `1_0`, `nan` and
digits of any script as numbers too, which nobody means and no other program writes.

Inside the package an amount is `Tokens`, whole smallest units; nothing between the edges is in MTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, Inexact

from edgemark.errors import RefusedInput
from edgemark.identifiers import TOKEN_UNIT, Tokens

SUPPLY = Tokens(10**9 * TOKEN_UNIT)  # of MetaCoin, fixed for good: nobody has or needs more
PLACES = 18  # decimals of an amount
MOST_SHOWN = 40  # characters of what was given
MOST_ADJUSTED = 40  # power of ten of what is still compared; beyond it a number is only long

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?)[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")

_EXACT = Context(prec=128, traps=[Inexact])  # whatever it cannot hold is no amount either

_THREE_DIGITS = Context(prec=3)


@dataclass(frozen=True)
class Amount:
    """An amount of tokens that is shown: to programs `tokens`, to people `9,702.5 MTC`."""

    tokens: int

    def __str__(self) -> str:
        return f"{format_tokens(self.tokens)} MTC"


@dataclass(frozen=True)
class Coin:
    """An amount of a chain's native coin that is shown to people: `0.0125 coin`, exactly."""

    wei: int

    def __str__(self) -> str:
        return f"{_divide(self.wei, ',')} coin"

    def rounded(self) -> Coin:
        """To three digits, for what is an estimate or changes with every transaction."""
        return Coin(int(_THREE_DIGITS.create_decimal(self.wei)))


def is_number(text: str) -> bool:
    """Whether a text is a number as people write one: digits 0-9, one point, perhaps a power."""
    return _NUMBER.fullmatch(text) is not None


def is_whole(text: str) -> bool:
    """Whether a text is a whole number as people write one: digits 0-9, perhaps a sign."""
    return _WHOLE.fullmatch(text) is not None


def format_tokens(amount: int, *, sign: bool = False) -> str:
    """Smallest units as MTC, exactly, with commas between thousands and no trailing zeros."""
    text = _divide(abs(amount), ",")
    if amount < 0:
        return f"-{text}"
    return f"+{text}" if sign and amount else text


def write_tokens(amount: int) -> str:
    """Smallest units, not below zero, as `parse_tokens` reads them, TOML and a shell as well."""
    return _divide(amount, "")


def parse_tokens(value: object, *, who: object = "amount") -> Tokens:
    """Parse an amount in MTC as a person writes it.

    Args:
        value: a text, or a number of a settings file; a float counts as it is written.
        who: for the refusal: the option, the setting and where it was given.

    Raises:
        RefusedInput: no number, more decimals than 18, or not from 0 to the supply. What would be
            in range as smallest units, in which older files have it, is told in MTC.
    """
    amount = _read_number(value, who)
    if not amount:  # whatever its exponent is
        return Tokens(0)
    if amount.is_signed() or amount.adjusted() > MOST_ADJUSTED:
        raise _out_of_range(value, who)
    try:
        tokens = _EXACT.multiply(amount, Decimal(TOKEN_UNIT))
        is_exact = tokens == tokens.to_integral_value(context=_EXACT)
    except DecimalException:
        is_exact = False
    if not is_exact:
        raise _too_fine(value, who)
    if tokens > SUPPLY:
        raise _out_of_range(value, who, int(amount) if amount == int(amount) else 0)
    return Tokens(int(tokens))


def _read_number(value: object, who: object) -> Decimal:
    number = repr(value) if isinstance(value, float) else value
    if isinstance(number, str):
        number = number.strip(" ")
        if found := _NUMBER.fullmatch(number):
            try:
                return Decimal(number)
            except DecimalException:  # of an exponent that no number needs
                raise (_too_fine if found[1] == "-" else _out_of_range)(value, who) from None
    elif isinstance(number, int | Decimal) and not isinstance(number, bool):
        amount = Decimal(number)
        if amount.is_finite():
            return amount
    raise RefusedInput(
        "is no amount", who=who, had=_show(value), needed="MTC, such as 1000 or 0.25"
    )


def _too_fine(value: object, who: object) -> RefusedInput:
    return RefusedInput(
        "is finer than an amount can be",
        who=who,
        had=_show(value),
        needed=f"MTC with at most {PLACES} decimals",
    )


def _out_of_range(value: object, who: object, whole: int = 0) -> RefusedInput:
    """Of an amount; `whole` is what it would be in smallest units, 0 when it could be none."""
    remedy = ""
    if 0 < whole <= SUPPLY:
        perhaps = write_tokens(whole)
        remedy = f"Amounts are in MTC, no longer in 10^-18 of one: perhaps {perhaps} was meant."
    return RefusedInput(
        "is out of range",
        who=who,
        had=_show(value),
        needed=f"0 to {Amount(SUPPLY)}, which is all there is",
        remedy=remedy,
    )


def _divide(amount: int, between: str) -> str:
    whole, part = divmod(amount, TOKEN_UNIT)
    text = f"{whole:,}".replace(",", between)
    return text + (f".{part:0{PLACES}d}".rstrip("0") if part else "")


def _show(value: object) -> str:
    """What was given, in few characters; Python writes no very long number at all."""
    if isinstance(value, int) and value.bit_length() > 4 * MOST_SHOWN:
        return f"a number of {value.bit_length()} bits"
    return (str(value) if isinstance(value, str | int | float | Decimal) else repr(value))[
        :MOST_SHOWN
    ]
