"""The contract of a Store as tests. A backend's own test is three lines:

    class TestMine(StoreContract):
        def make(self) -> AbstractAsyncContextManager[Store]:
            return my_store()

pytest (with pytest-asyncio in auto mode) then runs every sentence of the protocols against it. A backend that also
trims and collects by itself adds `TimedContract`.
"""

from cairn.testing.contract.base import ALL, Contract, collect, read_all, take
from cairn.testing.contract.blocks import BlockContract
from cairn.testing.contract.chains import AppendContract
from cairn.testing.contract.following import FollowContract
from cairn.testing.contract.relay import RelayContract
from cairn.testing.contract.timed import TimedContract

__all__ = [
    "ALL",
    "AppendContract",
    "BlockContract",
    "Contract",
    "FollowContract",
    "RelayContract",
    "StoreContract",
    "TimedContract",
    "collect",
    "read_all",
    "take",
]


class StoreContract(BlockContract, AppendContract, FollowContract, RelayContract):
    """All of it, but for what time does."""
