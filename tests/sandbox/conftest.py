"""A running sandbox for the tests of its vendors' APIs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.server import Sandbox, serve


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One company for tests that only read; who lets time pass starts a company of his own."""
    with serve(seed=7, accounts=120) as running:
        yield running
