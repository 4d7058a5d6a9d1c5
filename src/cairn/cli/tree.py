"""How commands are listed: in sections, each with its whole first sentence."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

RUN, KEYS, CHAINS, FILES, CARE = "Run a server", "Keys", "Chains", "Files", "Care for a store"
APPLICATIONS = "Applications"
_ORDER = (RUN, KEYS, APPLICATIONS, CHAINS, FILES, CARE)
_REST = "Commands"
_SENTENCE_CHARS_MAX = 200


class Sections(TyperGroup):
    """A group of commands whose help lists them by their `rich_help_panel`, one of the sections above."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        sections: dict[str, list[tuple[str, str]]] = {title: [] for title in (*_ORDER, _REST)}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            line = (name, command.get_short_help_str(_SENTENCE_CHARS_MAX))
            sections[command.rich_help_panel or _REST].append(line)
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
