"""How well a name fits what was typed: the letters in their order, and the better the closer to a beginning."""

from __future__ import annotations

# The beginning, beginnings of words ("rs" of resident_size), a piece, letters here and there.
BEGINS, WORDS, PIECE, SPREAD = range(4)

Fit = tuple[int, int, int]


def fit(word: str, name: str) -> Fit | None:
    """How well a name fits, both in small letters: the less the better, None for not at all."""
    if name.startswith(word):
        return BEGINS, 0, 0
    if not _spread(word, name):
        return None
    jumps = _jumps(word, name)
    if jumps is not None:
        return WORDS, jumps, 0
    # One letter is in nearly every name.
    if len(word) == 1:
        return None
    at = name.find(word)
    if at >= 0:
        return PIECE, at, 0
    last, first = _spread(word, name) or (0, 0)
    return SPREAD, last - first + 1, first


def _spread(word: str, name: str) -> tuple[int, int] | None:
    """Where the last and the first of the letters are, each as early as may be; None when they are not all there."""
    first = at = name.find(word[0])
    for letter in word[1:]:
        if at < 0:
            return None
        at = name.find(letter, at + 1)
    return (at, first) if at >= 0 else None


def _jumps(word: str, name: str) -> int | None:
    """How many words the letters begin or go on in; None when they cannot be read so."""
    starts = [at for at in range(len(name)) if at == 0 or (name[at - 1] in "_ ." and name[at] not in "_ .")]
    # Where the letters read so far may end, and in how few words.
    ends: dict[int, int] = {-2: 0}
    for letter in word:
        reached: dict[int, int] = {}
        for end, words in ends.items():
            if name[end + 1 : end + 2] == letter and end >= 0:
                reached[end + 1] = min(words, reached.get(end + 1, words))
            for start in starts:
                if start > end + 1 and name[start] == letter:
                    reached[start] = min(words + 1, reached.get(start, words + 1))
        if not reached:
            return None
        ends = reached
    return min(ends.values())
