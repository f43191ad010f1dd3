"""The command line: parses words, calls what does the work, turns errors into one line and an exit code.

Heavy imports (Dagster, dbt, Great Expectations) stand inside the commands that need them: `wegpunkt status` should not
wait for them.
"""

from __future__ import annotations

import gc
import json
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from orchestration import progress, settings
from orchestration.settings import ConfigError, Settings

app = typer.Typer(
    help="Customer journeys of B2B accounts: extract, unify, check, publish.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
quarantine_app = typer.Typer(help="Records that were refused: list, show, replay, discard.", no_args_is_help=True)
quality_app = typer.Typer(help="Open quality issues, and waivers that end.", no_args_is_help=True)
identity_app = typer.Typer(help="Why two records are one.", no_args_is_help=True)
sandbox_app = typer.Typer(help="A simulated company behind its vendors' APIs.", no_args_is_help=True)
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(quality_app, name="quality")
app.add_typer(identity_app, name="identity")
app.add_typer(sandbox_app, name="sandbox")

F = TypeVar("F", bound=Callable[..., Any])
Config = Annotated[Path | None, typer.Option("--config", help="configuration file; default wegpunkt.toml here")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on standard output")]
DEBUG = "--debug" in sys.argv


def main() -> None:
    """Entry point of the `wegpunkt` command."""
    # A run makes millions of small objects that live as long as it does; looking for cycles among them costs a tenth of it.
    gc.set_threshold(100_000, 50, 100)
    if DEBUG:
        sys.argv.remove("--debug")
    app()


def honest(command: F) -> F:
    """Turns an error of ours into one line and its exit code; anything else keeps its traceback only with --debug."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence: everything becomes a sentence and a code
            if DEBUG:
                traceback.print_exc()
            code = int(getattr(error, "exit_code", 1))
            sentence = (
                str(error)
                if hasattr(error, "exit_code")
                else f"{type(error).__name__}: {error}; run again with --debug"
            )
            typer.echo(f"wegpunkt: {sentence}", err=True)
            raise typer.Exit(code) from None

    return wrapped  # type: ignore[return-value]


def loaded(config: Path | None) -> Settings:
    """The settings, after `.env` beside the file has filled variables that are not set."""
    file = settings.config_path(config)
    settings.read_env_file(file.parent / ".env")
    return settings.load(file)


def show(document: Any, as_json: bool, lines: Callable[[], list[str]]) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, default=str, indent=1) if as_json else "\n".join(lines()))


@app.command()
@honest
def init(folder: Annotated[Path, typer.Argument(help="where to write")] = Path(".")) -> None:
    """Write a commented wegpunkt.toml and .env.example; nothing is overwritten."""
    from orchestration import templates

    for written, name in templates.write(folder):
        typer.echo(f"{'wrote' if written else 'kept'} {folder / name}")


@app.command()
@honest
def check(config: Config = None, as_json: Json = False) -> None:
    """Is the configuration right, and do address, secret and scopes of each source work? Reads one record at most."""
    from orchestration.checking import findings

    found = findings(loaded(config))
    show([vars(f) for f in found], as_json, lambda: [f.line for f in found])
    if any(not f.ok for f in found):
        raise typer.Exit(50 if any(not f.ok and f.configuration for f in found) else 30)


@app.command()
@honest
def run(
    source: Annotated[list[str] | None, typer.Option("--source", help="only this source; may be repeated")] = None,
    full: Annotated[bool, typer.Option("--full", help="read everything again and rebuild")] = False,
    since: Annotated[str | None, typer.Option("--since", help="read again from this date, YYYY-MM-DD")] = None,
    until: Annotated[str, typer.Option("--until", help="last step: extract, build or publish")] = "publish",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Extract, build, check and publish; takes only what is new."""
    from orchestration.execute import execute

    loaded(config)
    with progress.use(progress.suitable(as_json)):
        ended = execute(settings.config_path(config), source or [], full, since, until)
    show(ended.document(), as_json, ended.lines)
    raise typer.Exit(int(ended.code))


@app.command()
@honest
def status(config: Config = None, as_json: Json = False) -> None:
    """Where things stand: last runs, cursors, the published generation and how old its data is."""
    from orchestration.reports import status as report

    document, lines = report(loaded(config))
    show(document, as_json, lambda: lines)


@app.command()
@honest
def verify(config: Config = None, as_json: Json = False) -> None:
    """Check every landed and published file against its SHA-256."""
    from orchestration.reports import verify as report

    document, lines, good = report(loaded(config))
    show(document, as_json, lambda: lines)
    if not good:
        raise typer.Exit(70)


@app.command()
@honest
def doctor(config: Config = None, as_json: Json = False) -> None:
    """What is wrong, and the safe repair."""
    from orchestration.reports import doctor as report

    document, lines, good = report(loaded(config))
    show(document, as_json, lambda: lines)
    if not good:
        raise typer.Exit(60)


@quarantine_app.command("list")
@honest
def quarantine_list(config: Config = None, as_json: Json = False) -> None:
    """Refused records with their reason code and a link into the vendor's own page."""
    from orchestration.reports import quarantine as report

    document, lines = report(loaded(config))
    show(document, as_json, lambda: lines)


@quarantine_app.command("show")
@honest
def quarantine_show(quarantine_id: str, config: Config = None, as_json: Json = False) -> None:
    """One refused record as the vendor sent it; the look is written into the audit log."""
    from orchestration.reports import quarantine_show as report

    document, lines = report(loaded(config), quarantine_id)
    show(document, as_json, lambda: lines)


@quarantine_app.command("replay")
@honest
def quarantine_replay(
    source: Annotated[str | None, typer.Option(help="only this vendor")] = None, config: Config = None
) -> None:
    """Try refused records again against the present contracts; what passes is landed."""
    from orchestration.replay import replay

    typer.echo(replay(loaded(config), source))


@quarantine_app.command("discard")
@honest
def quarantine_discard(
    quarantine_id: str,
    reason: Annotated[str, typer.Option(help="why this record may be left out for good")],
    by: Annotated[str, typer.Option(help="who decides")],
    config: Config = None,
) -> None:
    """Decide that a refused record stays out. It is marked, not deleted."""
    from orchestration.reports import quarantine_discard as discard

    typer.echo(discard(loaded(config), quarantine_id, reason, by))


@quality_app.command("list")
@honest
def quality_list(config: Config = None, as_json: Json = False) -> None:
    """Open issues: rule, severity, failing rows with keys and links."""
    from orchestration.reports import quality as report

    document, lines = report(loaded(config))
    show(document, as_json, lambda: lines)


@quality_app.command("waive")
@honest
def quality_waive(
    rule: str,
    reason: Annotated[str, typer.Option(help="why this may pass for now")],
    by: Annotated[str, typer.Option(help="who decides")],
    until: Annotated[str, typer.Option(help="last day, YYYY-MM-DD, at most 30 days from today")],
    config: Config = None,
) -> None:
    """Let a failing rule pass for a stated time."""
    from orchestration.reports import waive

    typer.echo(waive(loaded(config), rule, reason, by, until))


@quality_app.command("unwaive")
@honest
def quality_unwaive(rule: str, by: Annotated[str, typer.Option(help="who decides")], config: Config = None) -> None:
    """End a waiver now."""
    from orchestration.reports import unwaive

    typer.echo(unwaive(loaded(config), rule, by))


@identity_app.command("explain")
@honest
def identity_explain(
    a: Annotated[str, typer.Argument(help="one record, as vendor:id or vendor/instance:id")],
    b: Annotated[str, typer.Argument(help="the other")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The path of evidence that makes two records one, or what holds them apart."""
    from orchestration.reports import identity_explain as report

    document, lines = report(loaded(config), a, b)
    show(document, as_json, lambda: lines)


@app.command()
@honest
def export(
    table: str,
    format: Annotated[str, typer.Option("--format", help="csv or parquet")] = "csv",
    to: Annotated[Path | None, typer.Option("--to", help="file to write; default TABLE.FORMAT here")] = None,
    config: Config = None,
) -> None:
    """Write a published table to a file; text cells of a CSV cannot start a formula."""
    from orchestration.reports import export as write

    typer.echo(write(loaded(config), table, format, to or Path(f"{table}.{format}")))


@app.command()
@honest
def demo(
    folder: Annotated[Path, typer.Option(help="where the demo lives")] = Path(".demo"),
    accounts: Annotated[int, typer.Option(help="size of the simulated company's market")] = 400,
    seed: Annotated[int, typer.Option(help="which company is simulated")] = 1,
) -> None:
    """The whole pipeline against a simulated company; a second call lives thirty days on."""
    from orchestration.demo import demo as play

    with progress.use(progress.suitable()):
        code = play(folder, accounts, seed)
    raise typer.Exit(int(code))


@app.command()
@honest
def dev(
    folder: Annotated[Path, typer.Option(help="the demo whose data to show")] = Path(".demo"),
    port: Annotated[int, typer.Option(help="port of the Dagster UI")] = 3000,
    config: Config = None,
) -> None:
    """The Dagster UI on loopback, with the demo's data or those of --config."""
    from orchestration.demo import dev as serve

    raise typer.Exit(serve(folder, port, config))


@app.command("dbt-parse", hidden=True)
@honest
def dbt_parse() -> None:
    """Parse the dbt project; for `make check`."""
    from orchestration import dbt

    typer.echo(f"{len(dbt.manifest()['nodes'])} nodes")


@app.command()
@honest
def docs(to: Annotated[Path, typer.Option(help="folder to write")] = Path("docs/build")) -> None:
    """The data dictionary as one HTML page."""
    from orchestration.dictionary import write

    typer.echo(f"wrote {write(to)}")


@sandbox_app.command("serve")
@honest
def sandbox_serve(
    seed: int = 1,
    accounts: int = 400,
    port: Annotated[int, typer.Option(help="0 picks a free one")] = 8765,
) -> None:
    """Serve the simulated vendors on loopback until interrupted."""
    from sandbox.__main__ import main as serve

    serve(["serve", "--seed", str(seed), "--accounts", str(accounts), "--port", str(port)])


@sandbox_app.command("config")
@honest
def sandbox_config(port: int = 8765) -> None:
    """Print the wegpunkt.toml for a sandbox on this port."""
    from sandbox.__main__ import main as serve

    serve(["config", "--port", str(port)])


__all__ = ["ConfigError", "app", "main"]
