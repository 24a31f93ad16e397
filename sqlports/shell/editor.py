"""The editor of the prompt, by prompt_toolkit."""

from __future__ import annotations

import contextlib
import sys
from bisect import bisect_right
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import Any, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.cursor_shapes import CursorShape, CursorShapeConfig, ModalCursorShapeConfig
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER, EditingMode
from prompt_toolkit.filters import Condition, emacs_insert_mode, emacs_mode, has_focus, vi_insert_mode
from prompt_toolkit.formatted_text import StyleAndTextTuples, fragment_list_to_text
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input.typeahead import clear_typeahead, store_typeahead
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings, KeyPress, KeyPressEvent
from prompt_toolkit.layout import BufferControl
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.screen import Char
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.output import ColorDepth, create_output
from prompt_toolkit.styles import BaseStyle, Style, merge_styles

from sqlports import progress
from sqlports.cells import safe
from sqlports.colour import wanted
from sqlports.errors import Error
from sqlports.shell import bar, dot, external
from sqlports.shell.completer import Candidates, choose
from sqlports.shell.repl import MORE, PROMPT
from sqlports.shell.shell import Shell

# Lines that the menu of completions has, at most; and the fewest lines of a terminal that has room for the bar.
_MENU, _LEAST = 8, 5

# On grounds of their own, so that they can be read on any terminal.
_FRAME = {
    "completion-menu.completion": "bg:#323a46 #e4e7ec",
    "completion-menu.completion.current": "noreverse bg:#3f77b5 #ffffff bold",
    "completion-menu.meta.completion": "bg:#272d36 #b4bcc8",
    "completion-menu.meta.completion.current": "bg:#335f91 #ffffff",
    "scrollbar.background": "bg:#272d36",
    "scrollbar.button": "bg:#6b7686",
    "bottom-toolbar": "noreverse bg:#272d36 #b4bcc8",
}


def make_editor(shell: Shell, entries: list[str], screen: TextIO) -> Callable[[], str]:
    """What reads the next input, knowing earlier ones and drawing on `screen`. Raises what prompt_toolkit raises."""

    def continuation(width: int, line: int, wraps: int) -> str:
        """What stands before a further line: what the lines above it lack."""
        if wraps:
            return ""
        before = "\n".join(session.default_buffer.document.lines[:line])
        return f"...{dot.lacking(before)}> ".rjust(len(MORE))

    def below() -> str:
        size = session.app.output.get_size()
        return bar.line(shell, size.columns, _keys(session), progress.dot(screen))

    def fit(_: object) -> None:
        """Leave out what a small window has no room for."""
        rows = session.app.output.get_size().rows
        session.reserve_space_for_menu = min(_MENU, max(rows - _LEAST, 0))
        session.bottom_toolbar = below if rows >= _LEAST else None

    # Behind keys that came together there are others: what could be said of the first is out of date.
    at_rest = Condition(lambda: not session.app.key_processor.input_queue)
    session: PromptSession[str] = PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation=continuation,
        completer=Candidates(shell.names, entries),
        complete_while_typing=at_rest,
        history=InMemoryHistory(entries),
        auto_suggest=AutoSuggestFromHistory(),
        key_bindings=_bindings(shell),
        enable_suspend=True,
        cursor=_Shapes(),
        bottom_toolbar=below,
        include_default_pygments_style=False,
        output=create_output(screen),
    )
    # Esc is itself once nothing has come behind it for so long, in seconds: a terminal's own keys come at once.
    session.app.ttimeoutlen = 0.05
    session.app.before_render += fit
    for control in session.app.layout.find_all_controls():
        if isinstance(control, BufferControl):
            control.input_processors = [*(control.input_processors or []), _WrittenOut(screen.encoding or "ascii")]

    def inherit(typed: bytes | None) -> None:
        if typed is None:
            clear_typeahead(session.app.input)
        else:
            store_typeahead(session.app.input, _keys_of(typed))

    progress.heir = inherit

    def read() -> str:
        fit(None)
        session.editing_mode = EditingMode.VI if shell.settings.keys == "vi" else EditingMode.EMACS
        coloured = wanted(shell.settings.colour, screen)
        session.lexer, session.style = _colours(shell) if coloured else (None, None)
        session.color_depth = None if coloured else ColorDepth.DEPTH_1_BIT
        # The age of a look that is held is told. Ctrl-C is a key here: a signal may come when the editor has just ended.
        return session.prompt(refresh_interval=0.5 if shell.held is not None else 0, handle_sigint=False)

    return read


def _bindings(shell: Shell) -> KeyBindings:
    """The keys that are the prompt's own."""
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            # Enter takes a completion or runs, never both.
            buffer.complete_state = None
        elif dot.unfinished(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("tab", filter=typing & (emacs_insert_mode | vi_insert_mode))
    def _(event: KeyPressEvent) -> None:
        choose(event.current_buffer)

    @keys.add("s-tab", filter=typing & (emacs_insert_mode | vi_insert_mode))
    def _(event: KeyPressEvent) -> None:
        choose(event.current_buffer, backwards=True)

    # Of vi's keys Esc is one.
    @keys.add("escape", "enter", filter=typing & emacs_mode)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("f4")
    def _(event: KeyPressEvent) -> None:
        to_vi = event.app.editing_mode == EditingMode.EMACS
        event.app.editing_mode = EditingMode.VI if to_vi else EditingMode.EMACS
        event.app.output.reset_cursor_shape()
        shell.settings.keys = "vi" if to_vi else "emacs"

    @keys.add("f2", filter=typing)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer

        def edit() -> None:
            try:
                text = external.edit(buffer.text)
            except Error as error:
                shell.tell(str(error))
            else:
                buffer.document = Document(text, len(text))

        run_in_terminal(edit)

    return keys


class _Shapes(CursorShapeConfig):
    """With vi's keys the cursor's shape tells the mode; otherwise it is the terminal's own."""

    def __init__(self) -> None:
        self._modal = ModalCursorShapeConfig()

    def get_cursor_shape(self, application: Any) -> CursorShape:
        if application.editing_mode == EditingMode.VI:
            return self._modal.get_cursor_shape(application)
        return CursorShape._NEVER_CHANGE


class _WrittenOut(Processor):
    """Writes out what would reorder its line, and what the terminal has no letter for; prompt_toolkit does so with controls."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        fragments = transformation_input.fragments
        text = fragment_list_to_text(fragments)
        if text.isprintable() and self._has(text):
            return Transformation(fragments)
        written: StyleAndTextTuples = []
        # Where each character begins, as it is shown.
        starts = [0]
        for style, character, *_ in explode_text_fragments(fragments):
            written.append((style, self._written(character)))
            starts.append(starts[-1] + len(written[-1][1]))
        last = len(text)
        return Transformation(
            written,
            source_to_display=lambda at: starts[min(at, last)] + max(at - last, 0),
            display_to_source=lambda at: bisect_right(starts, at) - 1 + max(at - starts[-1], 0),
        )

    def _written(self, character: str) -> str:
        if character in Char.display_mappings:
            return character
        return safe(character) if self._has(character) else character.encode(self._encoding, "backslashreplace").decode("ascii")

    def _has(self, text: str) -> bool:
        with contextlib.suppress(UnicodeEncodeError):
            return bool(text.encode(self._encoding)) or not text
        return False


def _keys(session: PromptSession[str]) -> str:
    """The keys in use, where they are not the usual ones."""
    if session.app.editing_mode != EditingMode.VI:
        return ""
    return "vi: " + session.app.vi_state.input_mode.value.removeprefix("vi-").replace("navigation", "normal")


def _colours(shell: Shell) -> tuple[Any, BaseStyle]:
    """The lexer for what is typed, None where pygments is not installed, and the style of all."""
    frame = Style.from_dict(_FRAME)
    # Whatever is wrong with them: a prompt without colours is still a prompt.
    with contextlib.suppress(Exception):
        from sqlports.shell import colours

        return colours.lexer(shell.names), merge_styles([frame, colours.style() or frame])
    return None, frame


def _keys_of(typed: bytes) -> list[KeyPress]:
    """The keys that a terminal has sent."""
    found: list[KeyPress] = []
    parser = Vt100Parser(found.append)
    parser.feed(getincrementaldecoder(sys.stdin.encoding or "utf-8")("surrogateescape").decode(typed, final=True))
    parser.flush()
    return found
