from __future__ import annotations

import pytest

from zenvoices.lib import seen


@pytest.mark.parametrize("text", ["", "[" * 100_000, '{"a":' * 100_000, "9" * 5_000, "null", "{", '{"a": 1}'])
def test_what_no_form_of_ours_wrote_was_not_seen(text: str) -> None:
    assert seen.read(text) == {}
