"""What the browser SDK takes from others: the very bytes of the package, and nothing more."""

from __future__ import annotations

from pathlib import Path

from cairn.interface.sites.bundled import web_folder

NODE_MODULES = Path(__file__).parents[2] / "node_modules"
VENDOR = web_folder("sdk") / "vendor"


def test_hash_wasm_is_that_of_the_package() -> None:
    package = NODE_MODULES / "hash-wasm"
    vendored = VENDOR / "hash-wasm"
    assert (vendored / "argon2.umd.min.js").read_bytes() == (package / "dist" / "argon2.umd.min.js").read_bytes()
    assert (vendored / "LICENSE").read_bytes() == (package / "LICENSE").read_bytes()


def test_no_other_file_is_vendored() -> None:
    names = sorted(path.name for path in VENDOR.rglob("*") if path.is_file())
    assert names == ["LICENSE", "argon2.umd.min.d.ts", "argon2.umd.min.js"]
