"""What holds for every test: properties are checked with the same examples each time, and never against the clock."""

from hypothesis import settings

settings.register_profile("cairn", deadline=None, derandomize=True, database=None)
settings.load_profile("cairn")
