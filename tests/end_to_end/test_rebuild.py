"""What runs made step by step is what one run makes of the same parts from nothing: the build file may be thrown away."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from orchestration import settings
from sandbox.server import serve
from tests.end_to_end.test_kill import finish, prepare, published

pytestmark = pytest.mark.slow


def test_increments_publish_what_a_build_from_nothing_publishes(plain_environment: None, tmp_path: Path) -> None:
    with serve(seed=4, accounts=60) as sandbox:
        config = prepare(tmp_path, sandbox.url)
        finish(config)
        for days in (10, 20):
            requests.post(f"{sandbox.url}/_sandbox/advance", json={"days": days}, timeout=300).raise_for_status()
            finish(config)
        step_by_step = published(config)
        chosen = settings.load(config)
        for file in (chosen.build_file, chosen.marts_file, chosen.published_file):
            file.unlink()
        finish(config)
        from_nothing = published(config)
    assert sum(map(len, from_nothing.values())) > 10_000
    assert [t for t in from_nothing if from_nothing[t] != step_by_step.get(t)] == []
