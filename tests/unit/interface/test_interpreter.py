"""What the interpreter is told while much is done, and that it is taken back."""

from __future__ import annotations

import gc
import sys

import pytest

from cairn.interface.interpreter import Eagerness, collect_less_often


@pytest.fixture
def usual():
    """How long a thread waits for the interpreter, in s, before it insists."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    yield 0.005
    sys.setswitchinterval(before)


def test_threads_insist_sooner_until_the_last_has_ended(usual):
    eagerness = Eagerness()
    eagerness.begin()
    with eagerness.during():
        assert sys.getswitchinterval() < usual / 10
    assert sys.getswitchinterval() < usual / 10
    eagerness.end()
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_what_fails_meanwhile_takes_it_back(usual):
    eagerness = Eagerness()
    with pytest.raises(ValueError, match="it failed"), eagerness.during():
        raise ValueError("it failed")
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_the_collector_is_called_less_often():
    usual = gc.get_threshold()
    try:
        collect_less_often()
        assert gc.get_threshold()[0] > usual[0]
        assert gc.get_threshold()[1:] == usual[1:]
        assert gc.isenabled()
    finally:
        gc.set_threshold(*usual)
