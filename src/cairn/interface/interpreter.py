"""What Python's interpreter is told, so that who asks for something does not wait for what can wait.

- A request comes in another thread, which needs the interpreter to hand it over. Before it insists it waits for 5 ms,
  anew at each turn of the event loop: while much is done in many turns it may wait until all is done. It insists sooner
  then, which costs a write some 15 % more CPU, so only then.
- The garbage collector looks at what is young after so many more objects, and at all of them now and then. A server
  with thousands of followers has hundreds of thousands, which takes 100 ms: it looks at fewer, and less often.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_EAGER_SECONDS: Final = 0.00002
_YOUNG_OBJECTS: Final = 10_000  # usually 700


def collect_less_often() -> None:
    """Let the garbage collector look around less often, in the whole process."""
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


class Eagerness:
    """Whether threads that wait for the interpreter insist at once; of the whole process."""

    def __init__(self) -> None:
        self._usual_seconds = 0.0
        self._count = 0

    def begin(self) -> None:
        """Much is done from now on, in many turns of the event loop, until `end`. May be nested."""
        self._count += 1
        if self._count == 1:
            self._usual_seconds = sys.getswitchinterval()
            sys.setswitchinterval(_EAGER_SECONDS)

    def end(self) -> None:
        """What `begin` announced is done."""
        self._count -= 1
        if not self._count:
            sys.setswitchinterval(self._usual_seconds)

    @contextmanager
    def during(self) -> Iterator[None]:
        """From `begin` to `end`."""
        self.begin()
        try:
            yield
        finally:
            self.end()


eagerness: Final = Eagerness()
