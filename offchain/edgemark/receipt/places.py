"""What became of each place of a matter; a fold holds only what ended well."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.receipt.exhibits import Place
from edgemark.receipt.tables import frame_row, frame_table, show_text
from edgemark.words import count

HEAD = ("index", "node", "what happened", "end")
MOST_SHORT = 12  # characters of a name that stays on one line


def show_places(places: Sequence[Place]) -> str:
    """The convicted, then what else cost somebody something or is open, then the others folded."""
    if not places:
        return ""
    guilty = [place for place in places if place.is_guilty]
    noted = [place for place in places if place.notice and not place.is_guilty]
    quiet = [place for place in places if not place.notice and not place.is_guilty]
    shown = ""
    if guilty:
        shown += f"<h3>How the dishonest were found</h3>{_show_table(guilty)}"
    if noted:
        said = "What else went wrong" if guilty else "Nobody was convicted, but not all went well"
        shown += f"<h3>{said}</h3>{_show_table(noted)}"
    if not shown:
        shown = "<h3>Nobody was convicted</h3>"
    if quiet:
        named = _name_fold(len(quiet), is_all=len(quiet) == len(places))
        shown += f"<details><summary>{named}</summary>{_show_table(quiet)}</details>"
    return shown


def _name_fold(number: int, *, is_all: bool) -> str:
    if is_all:
        return "The node" if number == 1 else f"All {count(number, 'node')}"
    return "The other node" if number == 1 else f"The other {count(number, 'node')}"


def _show_table(places: Sequence[Place]) -> str:
    return frame_table(HEAD, [_show_row(place) for place in sorted(places, key=_index_of)])


def _index_of(place: Place) -> int:
    return place.index


def _show_row(place: Place) -> str:
    deeds = "".join(f"<li>{show_text(deed)}</li>" for deed in place.deeds)
    if place.is_guilty:
        end = '<span class="mark no">convicted</span>'
    elif place.notice:
        end = f'<span class="mark">{show_text(place.end)}</span>'
    else:
        end = show_text(place.end)
    end += f"<p>{show_text(place.notice)}</p>" if place.notice else ""
    short = "short" if len(place.node) <= MOST_SHORT else ""
    cells = (str(place.index), show_text(place.node), f"<ul>{deeds}</ul>" if deeds else "", end)
    return frame_row(HEAD, cells, ("", short, "", ""), style="guilty" if place.is_guilty else "")
