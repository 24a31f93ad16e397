"""An output whose text is kept."""

from __future__ import annotations

from sqlports.errors import Error


class Sheet:
    """An output whose text is kept, as wide as a terminal has `columns`; None for what has no width."""

    def __init__(self, columns: int | None = None, encoding: str = "utf-8") -> None:
        self.columns = columns
        self.encoding = encoding
        self.text: list[str] = []

    @property
    def begun(self) -> bool:
        """Whether something was written."""
        return bool(self.text)

    def write(self, text: str) -> None:
        """Keep a text."""
        self.text.append(text)

    def write_bytes(self, data: bytes) -> None:
        """Raise Error: what is kept is text."""
        raise Error("this mode gives no text: write it to a file")
