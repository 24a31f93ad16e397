"""The editor of the prompt, by prompt_toolkit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output

from sqlports.shell import dot
from sqlports.shell.completion import complete
from sqlports.shell.repl import MORE, PROMPT
from sqlports.shell.shell import Shell


def make_editor(shell: Shell, entries: list[str], screen: TextIO) -> Callable[[], str]:
    """What reads the next input, knowing earlier ones and drawing on `screen`. Raises what prompt_toolkit raises."""

    class Candidates(Completer):
        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
            cursor = document.cursor_position
            start, found = complete(document.text, cursor, shell.names)
            asked = complete_event.completion_requested or start < cursor or document.char_before_cursor == "."
            if not asked and found and found[0].type not in ("table", "view", "mode"):
                return
            for candidate in found:
                meta = f"{candidate.type}: {candidate.doc}" if candidate.doc else candidate.type
                yield Completion(candidate.text, start - cursor, display_meta=meta)

    keys = KeyBindings()

    @keys.add("enter", filter=has_focus(DEFAULT_BUFFER))
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            # Enter takes a completion or runs, never both.
            buffer.complete_state = None
        elif dot.unfinished(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=has_focus(DEFAULT_BUFFER))
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    session: PromptSession[str] = PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation=lambda width, line, wraps: "" if wraps else MORE,
        completer=Candidates(),
        complete_while_typing=True,
        history=InMemoryHistory(entries),
        key_bindings=keys,
        enable_suspend=True,
        include_default_pygments_style=False,
        output=create_output(screen),
    )
    return session.prompt
