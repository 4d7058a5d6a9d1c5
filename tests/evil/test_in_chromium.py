"""The same lies to the browser SDK in Chromium, with its storage, locks and sockets. Each case is a new profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import browser  # noqa: F401 - the same Chromium
from tests.evil.cases import case
from tests.evil.runs import Outcome, asked
from tests.evil.server import AnyCase, EvilServer, lying
from tests.evil.spaces import space_case

FIRST = 2_000_000
COUNT = 20
SPACES = 5
HONEST = 5
_RUN = """async (asked) => {
    const of = (path) => import(`/sdk/${path}.js`);
    const sdk = { cairn: await of("cairn"), door: await of("account/door"), bytes: await of("format/bytes"),
        capability: await of("format/capability"), crypto: await of("format/crypto"), keys: await of("format/keys"),
        doorFormat: await of("format/door") };
    return (await import("/tests/steps.js")).run(sdk, asked);
}"""


@pytest.fixture(scope="module")
def server() -> Iterator[EvilServer]:
    """The server that lies; pages are from there, too."""
    with lying() as evil:
        yield evil


def run(browser: Browser, server: EvilServer, cases: Sequence[AnyCase]) -> Outcome:  # noqa: F811
    """Each case on a page of its own."""
    outcome = Outcome()
    for one in cases:
        record = server.announce(one)
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.url)
        outcome.add(record, "browser", page.evaluate(_RUN, asked(server, one))["told"])
        context.close()
    return outcome


def _cases(count: int, spaces: int, *, is_honest: bool = False) -> list[AnyCase]:
    numbers = range(FIRST, FIRST + count)
    of_spaces = range(FIRST + count, FIRST + count + spaces)
    return [
        *(case(number, is_honest=is_honest) for number in numbers),
        *(space_case(number, is_honest=is_honest) for number in of_spaces),
    ]


@pytest.mark.timeout(600)
def test_no_lie_is_believed(browser: Browser, server: EvilServer) -> None:  # noqa: F811
    outcome = run(browser, server, _cases(COUNT, SPACES))
    print(f"\n{outcome.told} cases with {sum(outcome.lies.values())} lies: {dict(outcome.shown)}")
    assert outcome.faults == []
    assert outcome.told > 0.8 * COUNT


def test_an_honest_server_is_believed(browser: Browser, server: EvilServer) -> None:  # noqa: F811
    outcome = run(browser, server, _cases(HONEST, 1, is_honest=True))
    assert outcome.faults == []
    assert set(outcome.shown) == {"fine"}
