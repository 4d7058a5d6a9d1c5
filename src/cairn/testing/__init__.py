"""What a Store's author needs: the contract suite, faults, clocks."""

import pytest

# So that a failing assert of the contract says what it compared.
pytest.register_assert_rewrite("cairn.testing.contract")
