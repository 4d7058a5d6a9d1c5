"""What the interpreter is told."""

from __future__ import annotations

import gc

from cairn.interface.interpreter import collect_less_often


def test_the_collector_is_called_less_often():
    usual = gc.get_threshold()
    try:
        collect_less_often()
        assert gc.get_threshold()[0] > usual[0]
        assert gc.get_threshold()[1:] == usual[1:]
        assert gc.isenabled()
    finally:
        gc.set_threshold(*usual)
