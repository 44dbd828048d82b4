"""A broken history is shown in full."""

import pytest

pytest.register_assert_rewrite("tests.faults.killing.history")
