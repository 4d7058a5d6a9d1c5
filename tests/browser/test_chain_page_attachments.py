"""Files that entries refer to, on the page of a chain: fetched, verified, opened; shown or offered, never run."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

from playwright.sync_api import Page, expect

from cairn.client.format.manifest import Manifest
from cairn.client.format.payload import Payload
from cairn.client.format.reference import MANIFEST_MAGIC, Reference
from cairn.testing.chains import random_block
from tests.browser.dishonest import flip
from tests.browser.published import Published


def png(width: int, height: int) -> bytes:
    """A grey image (PNG, third edition, 5)."""
    rows = b"".join(b"\0" + bytes((x + y) % 256 for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _part(b"IHDR", header) + _part(b"IDAT", zlib.compress(rows)) + _part(b"IEND", b"")


def _part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def put_object(chain: Published, data: bytes, chunk_bytes: int) -> Reference:
    """Store data in chunks, and their manifest."""
    chunks = [data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes)]
    references = tuple(chain.put(chunk) for chunk in chunks)
    return chain.put(Manifest(len(data), chunk_bytes, references).encode(), head=MANIFEST_MAGIC)


def saved(page: Page, name: str) -> bytes:
    """What the link "Save" gives."""
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Save {name}").click()
    assert download.value.suggested_filename == name
    return Path(download.value.path()).read_bytes()


def test_an_image_is_shown(page: Page, chain: Published) -> None:
    image = png(40, 30)
    chain.add(Payload.of_json({"name": "lake.png"}, (chain.put(image),)))
    page.goto(chain.read_link())
    shown = page.get_by_role("img", name="Attached image lake.png")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [40, 30]
    assert saved(page, "lake.png") == image
    expect(page.locator(".entry .size").first).to_contain_text("1 reference")


def test_a_file_is_offered_and_not_run(page: Page, chain: Published) -> None:
    document = b"<script>document.title = 'run'</script>"
    chain.add(Payload.of_json({"name": "page.html"}, (chain.put(document),)))
    page.goto(chain.read_link())
    assert saved(page, "page.html") == document
    assert page.locator("main img").count() == 0


def test_an_object_of_many_blocks(page: Page, chain: Published) -> None:
    data = random.Random("many blocks").randbytes(10 * 4_096 + 7)
    chain.add(Payload.of_json({"name": "map.bin"}, (put_object(chain, data, 4_096),)))
    page.goto(chain.read_link())
    assert saved(page, "map.bin") == data


def test_a_large_object_comes_only_when_asked_for(page: Page, chain: Published) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "/v1/blocks/" in request.url else None)
    data = random.Random("large").randbytes(1_048_577)
    chain.add(Payload.of_json({"name": "film.bin"}, (put_object(chain, data, 262_144),)))
    page.goto(chain.read_link())
    fetch = page.get_by_role("button", name="Fetch film.bin")
    expect(fetch).to_be_visible()
    expect(page.locator(".attachments")).to_contain_text("over 1 MB")
    assert len(fetched) <= 1  # the manifest, which tells the size
    fetch.click()
    assert saved(page, "film.bin") == data


def test_an_altered_block_is_refused(page: Page, chain: Published) -> None:
    reference = chain.put(png(40, 30))
    chain.add(Payload.of_text("look", (reference,)))

    def alter(route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=flip(response.body(), 200))

    page.route("**/v1/blocks/*", alter)
    page.goto(chain.read_link())
    expect(page.locator(".attachments")).to_contain_text("the server sends another block than was asked for")
    assert page.locator("main img").count() == 0
    assert page.get_by_role("link", name="Save").count() == 0
    page.unroute("**/v1/blocks/*")
    page.get_by_role("button", name="Fetch").click()
    expect(page.locator(".attachments img")).to_be_visible()


def test_an_absent_block_is_told(page: Page, chain: Published) -> None:
    chain.add(Payload.of_text("gone", (Reference(random_block("absent").id, bytes(32), 212),)))
    page.goto(chain.read_link())
    expect(page.locator(".attachments")).to_contain_text("the server does not have it")


def test_only_so_many_are_shown(page: Page, chain: Published) -> None:
    reference = chain.put(b"small")
    chain.add(Payload.of_text("many", (reference,) * 12))
    page.goto(chain.read_link())
    expect(page.locator(".attachments")).to_contain_text("and 4 more")
    expect(page.get_by_role("link", name="Save")).to_have_count(8)
