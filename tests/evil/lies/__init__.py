"""All lies: each module adds its own to the catalogue."""

from tests.evil.lies import answers, appends, blocks, events, histories, live, members, messages, puts

__all__ = ["answers", "appends", "blocks", "events", "histories", "live", "members", "messages", "puts"]
