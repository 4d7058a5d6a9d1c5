"""The SDK as it is shipped: one small file, which does the same; what a page's first load is."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import Response

import cairn
from cairn.interface.sites.bundled import web_folder
from tests.browser.pages import PASSWORD, Device

FIRST_BYTES_MAX = 15 * 1024


def test_the_small_file_does_the_same(device: Callable[[], Device]) -> None:
    one = device()
    told = one.run(
        """
        const { connect } = await import('/sdk/cairn.min.js');
        const small = connect({ realm: 'small' });
        const me = await small.signUp('ann', given);
        const log = await me.open('notes');
        await log.add({ text: 'hello' });
        await log.putFile(new File([new Uint8Array(1_500_000).fill(7)], 'a.bin'));
        const space = await me.space('garden');
        await space.add('seeds');
        const file = await log.getFile(log.list[1]);
        return [log.list[0].value, file.size, space.list[0].value, (await log.verify()).isGood];
        """,
        PASSWORD,
    )
    assert told == [{"text": "hello"}, 1_500_000, "seeds", True]


def test_what_a_page_loads_before_it_reads_a_link(device: Callable[[], Device]) -> None:
    writer = device()
    writer.run("window.log = await cairn.newLog(); await log.add('hello');")
    link = writer.run("return log.capabilityText('read');")
    page = writer.context.new_page()
    loaded: list[Response] = []
    page.on("response", lambda response: loaded.append(response) if "/sdk/" in response.url else None)
    page.goto(writer.server.url)
    shown = page.evaluate(
        """async (link) => {
            const { connect } = await import('/sdk/cairn.min.js');
            const log = await connect().openLink(link);
            await log.catchUp();
            return log.list[0].value;
        }""",
        link,
    )
    assert shown == "hello"
    sizes = {response.url: response.request.sizes()["responseBodySize"] for response in loaded}
    assert "cairn.js" not in str(sizes)  # the small file and what it imports, and none of the modules
    assert 0 < sum(sizes.values()) <= FIRST_BYTES_MAX


def test_the_package_folder_names_the_same_version() -> None:
    package = json.loads((web_folder("sdk") / "package.json").read_text())
    assert package["version"] == cairn.__version__
    assert package["dependencies"] == {}
    for path in ("cairn.js", "cairn.min.js", "types/cairn.d.ts"):
        assert (web_folder("sdk") / path).exists()
