"""What Python's interpreter is told, so that who asks for something does not wait for what can wait.

The garbage collector looks at what is young after so many more objects, and at all of them now and then. A server with
thousands of followers has hundreds of thousands, which takes 100 ms: it looks at fewer, and less often.
"""

from __future__ import annotations

import gc
from typing import Final

_YOUNG_OBJECTS: Final = 10_000  # usually 700


def collect_less_often() -> None:
    """Let the garbage collector look around less often, in the whole process."""
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
