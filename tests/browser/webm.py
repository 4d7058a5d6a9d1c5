"""A film (WebM, RFC 8794 and RFC 9559) of key frames, with an index in front, so that a player can seek."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence

from playwright.sync_api import Page

FRAME_MS = 200


def webm(pictures: Sequence[bytes], width: int, height: int) -> bytes:
    """A film of WebP pictures (RFC 9649), which are key frames of VP8, one cluster each."""
    clusters = [_cluster(vp8_in(picture), number * FRAME_MS) for number, picture in enumerate(pictures)]
    head = _element(0x1A45DFA3, _text(0x4282, "webm") + _number(0x4287, 2) + _number(0x4285, 2))
    info = _element(0x1549A966, _number(0x2AD7B1, 1_000_000) + _float(0x4489, len(clusters) * FRAME_MS) + _apps())
    size = _number(0xB0, width) + _number(0xBA, height)
    track = _number(0xD7, 1) + _number(0x73C5, 1) + _number(0x83, 1) + _text(0x86, "V_VP8") + _element(0xE0, size)
    tracks = _element(0x1654AE6B, _element(0xAE, track))
    offset = len(info) + len(tracks) + len(_cues([0] * len(clusters)))
    places = []
    for cluster in clusters:
        places.append(offset)
        offset += len(cluster)
    return head + _element(0x18538067, info + tracks + _cues(places) + b"".join(clusters))


def vp8_in(picture: bytes) -> bytes:
    """The frame in a WebP picture."""
    at = picture.index(b"VP8 ")
    return picture[at + 8 : at + 8 + struct.unpack("<I", picture[at + 4 : at + 8])[0]]


def _cluster(frame: bytes, at_ms: int) -> bytes:
    block = b"\x81\0\0\x80" + frame  # track 1, at the cluster's time, a key frame
    return _element(0x1F43B675, _number(0xE7, at_ms) + _element(0xA3, block))


def _cues(places: Sequence[int]) -> bytes:
    points = []
    for number, place in enumerate(places):
        position = _number(0xF7, 1) + _number(0xF1, place)
        points.append(_element(0xBB, _number(0xB3, number * FRAME_MS) + _element(0xB7, position)))
    return _element(0x1C53BB6B, b"".join(points))


def _apps() -> bytes:
    return _text(0x4D80, "tests") + _text(0x5741, "tests")


def _element(name: int, data: bytes) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8) + ((1 << 56) | len(data)).to_bytes(8) + data


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(8))


def _float(name: int, value: float) -> bytes:
    return _element(name, struct.pack(">d", value))


def _text(name: int, value: str) -> bytes:
    return _element(name, value.encode())


_DRAWN = """async ([width, height, count]) => {
    const canvas = new OffscreenCanvas(width, height);
    const drawing = canvas.getContext('2d');
    const image = drawing.createImageData(width, height);
    for (let at = 0, x = 1; at < image.data.length; at++) {
        image.data[at] = at % 4 === 3 ? 255 : (x = (x * 16807) % 2147483647) & 255;
    }
    const noise = await createImageBitmap(image);
    const drawn = [];
    for (let number = 0; number < count; number++) {
        drawing.drawImage(noise, 0, 0);
        drawing.fillStyle = `hsl(${number * 40}, 80%, 50%)`;
        drawing.fillRect((number * width) / count, height / 3, width / count, height / 3);
        const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.9 });
        const reader = new FileReader();
        await new Promise((done) => ((reader.onload = done), reader.readAsDataURL(blob)));
        drawn.push(reader.result.split(',')[1]);
    }
    return drawn;
}"""


def film(page: Page, frame_count: int, width: int = 640, height: int = 360) -> bytes:
    """A film of noise, which packs badly: about 200 kB a frame. The page draws its eight different pictures."""
    pictures = [base64.b64decode(picture) for picture in page.evaluate(_DRAWN, [width, height, 8])]
    return webm([pictures[number % 8] for number in range(frame_count)], width, height)
