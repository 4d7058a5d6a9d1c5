"""Who may write where, as docs/operations.md has it; and what a wrong folder is called."""

from __future__ import annotations

import pytest

from cairn.compose import admission_of, check_supported, is_free
from cairn.config import Cache, Config, ConfigError, Interface, Limits, Node, Site, Storage

LOOPBACK, ANY = "127.0.0.1:8420", "0.0.0.0:8420"


@pytest.mark.parametrize(
    ("interface", "admission", "free"),
    [
        (Interface(listen=LOOPBACK), "open", True),
        (Interface(listen="[::1]:8420"), "open", True),
        (Interface(listen="localhost:0"), "open", True),
        (Interface(listen=LOOPBACK, limits=Limits(requests_per_second=5)), "open", False),
        (Interface(listen=LOOPBACK, admission="open"), "open", False),
        (Interface(listen=LOOPBACK, admission="grant"), "grant", False),
        (Interface(listen=LOOPBACK, trusted_proxies=("127.0.0.1",)), "grant", False),
        (Interface(listen=ANY), "grant", False),
        (Interface(listen=":8420"), "grant", False),
        (Interface(listen="example.org:8420"), "grant", False),
        (Interface(listen=ANY, admission="open"), "open", False),
    ],
)
def test_who_may_write(interface: Interface, admission: str, free: bool) -> None:
    config = Config(interface=interface)
    assert (admission_of(config), is_free(config)) == (admission, free)


def test_a_site_without_its_folder_is_named() -> None:
    with pytest.raises(ConfigError, match=r'site\.static: there is no folder "nowhere"'):
        check_supported(Config(site=(Site(static="nowhere"),)))


INTERFACE, STORAGE = Node(roles=("interface",)), Node(roles=("storage",))
REMOTE = Storage(engine="remote", servers=("127.0.0.1:8421",))
ANSWERING = Storage(listen="127.0.0.1:8421")


@pytest.mark.parametrize(
    ("node", "storage"), [(Node(), Storage()), (Node(), ANSWERING), (STORAGE, ANSWERING), (INTERFACE, REMOTE)]
)
def test_roles_that_go_together(node: Node, storage: Storage) -> None:
    check_supported(Config(node=node, storage=storage))


@pytest.mark.parametrize(
    ("node", "storage", "named"),
    [
        (STORAGE, Storage(), "storage.listen: a storage role alone needs an address"),
        (INTERFACE, Storage(), "node.roles: an interface alone needs"),
        (INTERFACE, Storage(engine="remote"), "storage.servers: several storage nodes"),
        (INTERFACE, Storage(engine="remote", servers=("a:1", "b:1")), "storage.servers: several storage nodes"),
        (Node(), REMOTE, 'storage.engine: "remote" is for'),
        (STORAGE, REMOTE, 'storage.engine: "remote" is for'),
        (INTERFACE, Storage(engine="remote", servers=("a:1",), listen=":1"), 'storage.engine: "remote" is for'),
        (Node(), Storage(servers=("a:1",)), "storage.servers: these are for"),
        (Node(), Storage(engine="cluster"), "storage.engine: this engine is for a later version"),
    ],
)
def test_roles_that_do_not(node: Node, storage: Storage, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        check_supported(Config(node=node, storage=storage))


@pytest.mark.parametrize("cache", [Cache(listen="127.0.0.1:8422"), Cache(neighbours={"b": "127.0.0.1:8422"})])
def test_neighbours_share_a_storage(cache: Cache) -> None:
    check_supported(Config(node=INTERFACE, storage=REMOTE, cache=cache))
    with pytest.raises(ConfigError, match=r"cache\.neighbours, cache\.listen: neighbours share a storage"):
        check_supported(Config(cache=cache))
