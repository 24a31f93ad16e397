"""What can be written at the cursor, as prompt_toolkit asks for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from itertools import islice

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from sqlports.cells import cut, safe
from sqlports.shell.completion import Candidate, complete
from sqlports.shell.names import Names, warm

# How many are shown that nobody asked for: more are no help.
_UNASKED = 40
# What is offered before a letter of it is typed: where hardly anything else can stand.
_AT_ONCE = {"table", "view", "join", "value", "mode", "query", "parameter", "setting", "switch", "directory", "file"}
# Inputs of earlier sessions that tell what their author uses.
_RECENT = 1000


class Candidates(Completer):
    """The candidates for what is typed; `entries` are the inputs that came before, and those to come.

    ready  set when all that they come from is read, beside the first keys
    """

    def __init__(self, names: Names, entries: list[str]) -> None:
        self._names = names
        self._entries = entries
        self._noted = len(entries)
        self.ready = threading.Event()
        threading.Thread(target=self._prepare, args=(entries[-_RECENT:],), daemon=True).start()

    def _prepare(self, entries: list[str]) -> None:
        # What is wrong with a table is told when a statement names it.
        with contextlib.suppress(Exception):
            warm()
        for entry in entries:
            self._names.note(entry)
        self.ready.set()

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """What may stand at the cursor; without the Tab key only a few, and where they are likely to be wanted."""
        for entry in self._entries[self._noted :]:
            self._names.note(entry)
        self._noted = len(self._entries)
        cursor = document.cursor_position
        try:
            start, found = complete(document.text, cursor, self._names)
        except Exception:
            # A bug costs the candidates, and not what is being typed.
            return
        asked = complete_event.completion_requested
        begun = start < cursor or document.char_before_cursor == "."
        if not asked and not begun and found and found[0].type not in _AT_ONCE:
            return
        # The rest of a line is for what it is.
        room = max(get_app().output.get_size().columns // 2, 20)
        for candidate in found if asked else islice(found, _UNASKED):
            display = cut(_line(candidate.shown or candidate.text), room)
            yield Completion(candidate.text, start - cursor, display=display, display_meta=_meta(candidate))


def choose(buffer: Buffer, backwards: bool = False) -> None:
    """Take the menu's next candidate, or the one before. Where there is no menu yet it is made now, however fast one types.

    Of several candidates that nobody has begun to type none is taken: they are shown.
    """
    state = buffer.complete_state
    if state is None or not state.completions:
        assert buffer.completer
        offers = partial(buffer.completer.get_completions, buffer.document)
        unasked = list(offers(CompleteEvent(text_inserted=True)))
        found = unasked or list(offers(CompleteEvent(completion_requested=True)))
        if not found:
            return
        buffer.complete_state = CompletionState(buffer.document, found)
        buffer.on_completions_changed.fire()
        if not unasked and len(found) > 1:
            return
    if backwards:
        buffer.complete_previous()
    else:
        buffer.complete_next()


def _meta(candidate: Candidate) -> str:
    return _line(f"{candidate.type}: {candidate.doc}" if candidate.doc else candidate.type)


def _line(text: str) -> str:
    return safe(" ".join(text.split()))
