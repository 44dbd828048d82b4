"""Documents of which some part is something else."""

from typing import Any

from hypothesis import strategies as st

TEXT = st.text(max_size=5) | st.sampled_from(["\ud800", "x\udfff", "\U0001f600"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def bend(draw: st.DrawFn, document: dict[str, Any]) -> None:
    at: Any = document
    for _ in range(draw(st.integers(0, 4))):
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or not at[key]:
            break
        at = at[key]
    key = draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
    at[key] = draw(JSON)
