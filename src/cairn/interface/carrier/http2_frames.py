"""Frames of HTTP/2 (RFC 9113): h2, and the bounds that it leaves to whoever uses it.

h2 puts a frame together before it looks at its length, keeps a header block of 64 frames, remembers how 65,536 streams
ended, and takes any number of settings and of frames that carry nothing.
"""

from __future__ import annotations

import time
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event
from h2.exceptions import DenialOfServiceError, FrameTooLargeError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import Frame, GoAwayFrame

STREAMS_MAX: Final = 100

_FRAME_BYTES_MAX: Final = 16_384
_STREAM_WINDOW_BYTES: Final = 256 * 1024
_WINDOW_BYTES: Final = 1024 * 1024
_FIRST_WINDOW_BYTES: Final = 65_535  # RFC 9113, 6.9.2
_TABLE_BYTES_MAX: Final = 4_096
_SETTINGS_MAX: Final = 64
_TOO_LARGE: Final = 4  # times the most that headers may hold: until then they are read, to be refused
_PREFACE_BYTES: Final = 24
_HEAD_BYTES: Final = 9
_CONTINUATION: Final = 9
_BLOCKS: Final = (1, 5, _CONTINUATION)  # HEADERS, PUSH_PROMISE
_END_HEADERS: Final = 4


class Allowance:
    """How often a client may do what is of no use: so many times at once, and so many per second."""

    def __init__(self, most: float, per_second: float) -> None:
        self._most = most
        self._per_second = per_second
        self._left = most
        self._at = time.monotonic()

    @property
    def is_spent(self) -> bool:
        """It was done more often."""
        return self._left < 0

    def spend(self, count: float) -> None:
        """It was done."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._per_second) - count
        self._at = now

    def earn(self, count: float) -> None:
        """Something else was of use."""
        self._left = min(self._most, self._left + count)


class FrameWalk:
    """Follows the frames in the bytes that come, so that h2 gets some at a time, and none that is too large."""

    def __init__(self, headers_bytes: int) -> None:
        self._block_bytes_max = _TOO_LARGE * headers_bytes
        self._left = _PREFACE_BYTES  # of the frame that has begun
        self._head = b""
        self._is_block_open = False
        self._block_bytes = 0

    @property
    def is_within(self) -> bool:
        """Whether the rest of a frame or of a header block is yet to come."""
        return bool(self._left or self._head) or self._is_block_open

    def follow(self, data: memoryview, frames_max: int) -> tuple[int, int]:
        """Go on through bytes that came, but through so many frames at most; how many of both were passed.

        Raises:
            ProtocolError: a frame, or a header block, is too large.
        """
        at = frames = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
            elif frames == frames_max:
                break
            else:
                step = min(_HEAD_BYTES - len(self._head), len(data) - at)
                self._head += data[at : at + step]
                if len(self._head) == _HEAD_BYTES:
                    self._begin(self._head)
                    self._head = b""
                    frames += 1
            at += step
        return at, frames

    def _begin(self, head: bytes) -> None:
        self._left, kind, flags = int.from_bytes(head[:3]), head[3], head[4]
        if self._left > _FRAME_BYTES_MAX:
            raise FrameTooLargeError("a frame is larger than was agreed on")
        if kind in _BLOCKS:
            self._block_bytes = self._left + (self._block_bytes if kind == _CONTINUATION else 0)
            if self._block_bytes > self._block_bytes_max:
                raise DenialOfServiceError("a header block is far too large")
            self._is_block_open = not flags & _END_HEADERS


class Codec(H2Connection):
    """h2, for a server."""

    MAX_CLOSED_STREAMS = 1_024

    def __init__(self, headers_bytes: int) -> None:
        super().__init__(
            H2Configuration(client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False)
        )
        self.decoder.max_header_list_size = _TOO_LARGE * headers_bytes
        self.local_settings = _settings(STREAMS_MAX, headers_bytes)
        self.initiate_connection()
        # One stream too many ends that stream, not the connection: so h2 is told of a larger number.
        self.local_settings = _settings(10 * STREAMS_MAX, headers_bytes)
        self.increment_flow_control_window(_WINDOW_BYTES - _FIRST_WINDOW_BYTES)

    def goodbye(self, code: ErrorCodes) -> bytes:
        """A GOAWAY. After one of h2's own, nothing could be sent on the streams that are open."""
        return GoAwayFrame(0, last_stream_id=self.highest_inbound_stream_id, error_code=code).serialize()

    def check_settings(self) -> None:
        """After the client has changed its settings.

        Raises:
            ProtocolError: there are far more than HTTP/2 has.
        """
        if len(self.remote_settings) > _SETTINGS_MAX:
            raise DenialOfServiceError("there are no so many settings")
        if self.encoder.header_table_size > _TABLE_BYTES_MAX:
            self.encoder.header_table_size = _TABLE_BYTES_MAX

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        """A client that will ask for nothing more still gets what it has asked for: h2 would end it all."""
        event = ConnectionTerminated()
        event.last_stream_id = frame.last_stream_id
        return [], [event]


def _settings(streams_max: int, headers_bytes: int) -> Settings:
    return Settings(
        client=False,
        initial_values={
            SettingCodes.MAX_CONCURRENT_STREAMS: streams_max,
            SettingCodes.MAX_HEADER_LIST_SIZE: headers_bytes,
            SettingCodes.INITIAL_WINDOW_SIZE: _STREAM_WINDOW_BYTES,
        },
    )
