"""A configuration is read whole or refused with one sentence that says where and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.settings import ConfigError, load

GOOD = """
[company]
name = "Muster"
[[source]]
vendor = "hubspot"
base_url = "https://api.hubapi.com"
auth = { token = "env:HUBSPOT_TOKEN" }
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "wegpunkt.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_data_folder_lies_beside_the_file(tmp_path: Path) -> None:
    settings = load(write(tmp_path, GOOD))
    assert settings.data == tmp_path / "data"
    assert settings.sources[0].name == "hubspot"


def test_secret_is_read_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = load(write(tmp_path, GOOD)).sources[0]
    monkeypatch.delenv("HUBSPOT_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="HUBSPOT_TOKEN is not set"):
        source.secrets()
    monkeypatch.setenv("HUBSPOT_TOKEN", "t-1")
    assert source.secrets() == {"token": "t-1"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            GOOD.replace("base_url", "base_ulr"),
            "unknown key 'base_ulr' in \\[source\\]; did you mean 'base_url'",
        ),
        (GOOD.replace("env:HUBSPOT_TOKEN", "pat-eu1-123"), "must refer to a secret"),
        (GOOD + GOOD.split("[[source]]")[1].join(["[[source]]", ""]), "two sources are called hubspot"),
        ("[company\n", "not valid TOML"),
        (GOOD.replace("[[source]]", "[source]"), "two brackets"),
        (GOOD + "page_size = 0\n", "at least 1"),
        (GOOD + 'instance = "../x"\n', "letters, digits"),
        ('[company]\nreporting_currency = "euro"\n', "ISO code"),
    ],
)
def test_refusal_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as refusal:
        load(write(tmp_path, text))
    assert "\n" not in str(refusal.value).strip() or "TOML" in str(refusal.value)


def test_missing_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wegpunkt init"):
        load(tmp_path / "absent.toml")
