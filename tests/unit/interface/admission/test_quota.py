"""A quota above a ledger that takes its time to answer, as one in another process does."""

from __future__ import annotations

import asyncio

import pytest

from cairn.config import Limits
from cairn.core.block import BlockId, GrantId, PinHash
from cairn.core.errors import Limited, Unavailable
from cairn.core.store import Usage
from cairn.interface.admission.access import Access
from cairn.interface.admission.grant import Grant
from cairn.interface.admission.secret import NodeSecret
from cairn.testing.clock import FakeClock

GRANT = Grant(GrantId(b"g" * 16), 1_000, 0, 0)


class SlowLedger:
    """Answers when it is told to; counts the questions."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.fails = False

    async def usage(self, grant: GrantId) -> Usage:
        self.asked += 1
        await self.may_answer.wait()
        if self.fails:
            raise Unavailable("not now")
        return Usage(block_bytes=100)

    async def keeps(self, block_id: BlockId, pin: PinHash | None) -> bool:
        return False


@pytest.fixture
def ledger() -> SlowLedger:
    return SlowLedger()


@pytest.fixture
def access(ledger: SlowLedger) -> Access:
    return Access(
        NodeSecret([b"s" * 32]), ledger, Limits(), FakeClock(), admission="grant", is_free=False
    )  # fmt: skip


async def test_writes_that_wait_for_the_ledger_together_count_in_one_account(
    access: Access, ledger: SlowLedger
) -> None:
    writes = [asyncio.create_task(access.check_quota(GRANT, 100)) for _ in range(20)]
    await asyncio.sleep(0)
    ledger.may_answer.set()
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert sum(isinstance(outcome, Limited) for outcome in outcomes) == 11
    assert ledger.asked == 1


async def test_who_leaves_takes_the_answer_from_nobody(access: Access, ledger: SlowLedger) -> None:
    first, second = (asyncio.create_task(access.check_quota(GRANT, 100)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    ledger.may_answer.set()
    await second
    assert ledger.asked == 1


async def test_an_answer_that_fails_is_asked_for_again(access: Access, ledger: SlowLedger) -> None:
    ledger.fails = True
    ledger.may_answer.set()
    outcomes = await asyncio.gather(*(access.check_quota(GRANT, 1) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    ledger.fails = False
    await access.check_quota(GRANT, 1)
    assert ledger.asked == 2
