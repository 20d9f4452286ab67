"""A door that knows a few cards by heart."""

from __future__ import annotations


class KnownCards(dict[str, str]):
    """Cards and whose they are; a name is whatever stands before a card's colon.

    Attributes:
        checked: cards that were looked at, and not seen before.
    """

    def __init__(self, cards: dict[str, str] | None = None) -> None:
        super().__init__(cards or {})
        self.checked: list[str] = []
        self._seen: set[str] = set()

    def named(self, card: str) -> str | None:
        """Everybody may be known here."""
        return card.partition(":")[0]

    def is_seen(self, card: str) -> bool:
        """Whether it was recognised before."""
        return card in self._seen

    def recognise(self, card: str) -> str | None:
        """Whose card it is."""
        if card not in self._seen:
            self.checked.append(card)
        if card in self:
            self._seen.add(card)
        return self.get(card)
