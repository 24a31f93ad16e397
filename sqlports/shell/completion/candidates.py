"""What can be written at a place: a name to find it by, the text for it, and what it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlports.shell.completion.ranking import WORDS, Fit, fit
from sqlports.shell.names import Names


class Candidate(NamedTuple):
    """Something that could be written: the name it is found by, the text for it, its type ('table', 'INTEGER'), its doc.

    shown   how it is shown where that is not the text: a function with its arguments
    common  whether there are very many like it, so that only beginnings of words are found
    lead    whether the place asks for it, whatever is used most elsewhere
    late    whether it comes behind what has a word that begins so
    """

    name: str
    text: str
    type: str
    doc: str = ""
    shown: str = ""
    common: bool = False
    lead: bool = False
    late: bool = False


def ranked(word: str, offers: Iterable[Candidate], names: Names) -> list[Candidate]:
    """The candidates that fit a word, the best first; of equals those that lead, those used most, then as they are offered."""
    sought = word.lower()
    found: dict[str, tuple[Fit, bool, int, int, Candidate]] = {}
    for number, offer in enumerate(offers):
        how = fit(sought, offer.name.lower()) if sought else (0, 0, 0)
        if how is not None and offer.text not in found and (how[0] <= WORDS or not offer.common):
            if offer.late and how[0] <= WORDS and sought not in ("", offer.name.lower()):
                how = (WORDS, how[1] + 2 if how[0] == WORDS else 1, 1)
            found[offer.text] = (how, not offer.lead, -names.habits[offer.name], number, offer)
    best = [offer for *_, offer in sorted(found.values())]
    # A word that is complete asks for nothing more.
    return [] if best and best[0].text == word and (len(best) == 1 or best[0].type == "keyword") else best
