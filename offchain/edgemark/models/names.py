"""Names of columns, compared alike on both sides: in a table's header and in a model.

A model has its names from whatever read the table that it was trained on. pandas, above all, keeps
blanks around a name, numbers columns of one name ("a", "a.1") and names those without ("Unnamed:
0"). So a name is compared without blanks and quotes around it, in composed Unicode, and a column
is found by its own name or by the one that pandas gives it. Upper and lower case stay different.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence


def fold_name(name: str) -> str:
    """A name as it is compared."""
    return unicodedata.normalize("NFC", name).strip().strip('"').strip()


def name_as_pandas(header: Sequence[str]) -> list[str]:
    """The names that pandas gives to the columns of a header, folded."""
    folded = [fold_name(name) for name in header]
    taken, seen, named = set(folded), Counter[str](), []
    for position, name in enumerate(folded):
        given = name or f"Unnamed: {position}"
        while seen[given]:
            seen[given] += 1
            tried = f"{given}.{seen[given] - 1}"
            if tried not in taken:
                given = tried
        seen[given] += 1
        named.append(given)
        taken.add(given)
    return named


def find_columns(header: Sequence[str], wanted: Sequence[str]) -> dict[str, int]:
    """Which column each name means; those that are in no column are left out.

    Args:
        header: the names of all columns.
        wanted: names of a model's inputs, or of columns to leave out.
    """
    own = [fold_name(name) for name in header]
    places = {name: position for position, name in enumerate(name_as_pandas(header))}
    counts = Counter(own)
    places |= {name: position for position, name in enumerate(own) if counts[name] == 1}
    return {name: places[fold_name(name)] for name in wanted if fold_name(name) in places}


def find_other_case(header: Sequence[str], name: str) -> str | None:
    """The column that differs from a name by upper and lower case alone."""
    wanted = fold_name(name).casefold()
    return next((each for each in header if fold_name(each).casefold() == wanted), None)
