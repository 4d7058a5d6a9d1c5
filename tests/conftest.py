"""What holds for every test: properties are checked with the same examples each time, and never against the clock.
Ctrl-C works, also where a shell that runs the tests in the background has it ignored, and with that all they start."""

import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "cairn", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("cairn")
signal.signal(signal.SIGINT, signal.default_int_handler)
