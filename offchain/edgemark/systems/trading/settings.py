"""What operators of this system decide: nothing so far, templates and prices are not settings."""

from __future__ import annotations

from edgemark.settings.section import Section

SECTIONS: tuple[type[Section], ...] = ()
