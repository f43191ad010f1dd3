"""`make demo` and `make dev`: the whole pipeline against a simulated company, and the Dagster UI on what it left.

The company lives in a folder of its own. The simulation is the same for a seed, so a second call starts it again, lets
it live up to where it was and thirty days on, and pulls only what is new.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from orchestration import progress, settings
from orchestration.picture import picture
from orchestration.run import Exit
from orchestration.settings import ConfigError

STEP_DAYS = 30


@contextmanager
def sandbox(seed: int, accounts: int, days: int) -> Iterator[str]:
    """A simulated company on a free port, `days` after its beginning; ended by its process id."""
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "serve",
        "--seed",
        str(seed),
        "--accounts",
        str(accounts),
        "--port",
        "0",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if "http" not in line:
            raise ConfigError("the sandbox did not start; run `python -m sandbox serve` to see why")
        url = line.split()[1]
        if days:
            requests.post(f"{url}/_sandbox/advance", json={"days": days}, timeout=300).raise_for_status()
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def prepare(folder: Path, url: str) -> Path:
    """Writes the configuration and fills the inbox; returns the configuration file."""
    inbox = folder / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    config = folder / "wegpunkt.toml"
    config.write_text(requests.get(f"{url}/_sandbox/config", timeout=60).text, encoding="utf-8")
    for name in requests.get(f"{url}/_sandbox/inbox/", timeout=60).json():
        content = requests.get(f"{url}/_sandbox/inbox/{name}", timeout=60).content
        (inbox / name).write_bytes(content)
    from sandbox.server import environment

    for line in environment().splitlines():
        name, _, value = line.partition("=")
        os.environ.setdefault(name.strip(), value.strip())
    return config


def demo(folder: Path, accounts: int, seed: int) -> Exit:
    from orchestration.execute import execute

    folder = folder.resolve()
    state_file = folder / "demo.json"
    state: dict[str, Any] = json.loads(state_file.read_text()) if state_file.exists() else {}
    same = state.get("seed") == seed and state.get("accounts") == accounts
    if state and not same:
        raise ConfigError(
            f"{folder} holds the demo of another company; remove the folder or name another with --folder"
        )
    days = state["days"] + STEP_DAYS if state else 0
    progress.current().say(f"starting a simulated company with {accounts} accounts, {days} days on")
    before = None
    with sandbox(seed, accounts, days) as url:
        config = prepare(folder, url)
        loaded = settings.load(config)
        if loaded.published_file.exists():
            before = picture(loaded)
        ended = execute(config)
    if ended.code in (Exit.PUBLISHED, Exit.WARNINGS):
        state_file.write_text(json.dumps({"seed": seed, "accounts": accounts, "days": days}))
        print(picture(loaded).show(before, folder))
    print(ended.sentence)
    # Warnings are part of the story the demo tells; they are no failure of the demo.
    return Exit.PUBLISHED if ended.code == Exit.WARNINGS else ended.code


def dev(folder: Path, port: int, config: Path | None) -> int:
    """Starts `dg dev` on loopback in this checkout, with the configuration given or the demo's."""
    chosen = settings.config_path(config) if config else (folder / "wegpunkt.toml").resolve()
    if not chosen.exists():
        raise ConfigError(f"{chosen} does not exist; run `make demo` first, or name your own file with --config")
    state_file = folder / "demo.json"
    environment = {**os.environ, settings.CONFIG_VARIABLE: str(chosen)}
    command = [str(Path(sys.executable).with_name("dg")), "dev", "--host", "127.0.0.1", "--port", str(port)]
    if config is None and state_file.exists():
        state = json.loads(state_file.read_text())
        with sandbox(state["seed"], state["accounts"], state["days"]) as url:
            prepare(folder.resolve(), url)
            return subprocess.call(command, env={**environment, **os.environ, settings.CONFIG_VARIABLE: str(chosen)})
    return subprocess.call(command, env=environment)
