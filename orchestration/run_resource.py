"""The Dagster side of a run: opens one `Run` for all steps, and turns our errors into failures without a traceback.

Dagster stores the whole chain of an exception; ours are raised without one, so that no request, header or secret of a
failed call reaches its database.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date

import dagster as dg
from pydantic import Field

from orchestration import settings
from orchestration.run import Request, Run, open_run

ENDED: dict[str, Run | Exception] = {}
"""How runs of this process ended, by run id: the command line turns it into an exit code."""


class RunResource(dg.ConfigurableResource[Run]):
    """What a run is asked for; the same fields as the options of `wegpunkt run`."""

    sources: list[str] = Field(default_factory=list)
    full: bool = False
    since: str | None = None
    until: str = "publish"

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Run, None, None]:
        assert context.run is not None, "a resource of a run, never of a sensor or a schedule"
        run_id = context.run.run_id.replace("-", "")
        request = Request(
            sources=tuple(self.sources),
            full=self.full,
            since=date.fromisoformat(self.since) if self.since else None,
            until=self.until,
        )
        try:
            with open_run(settings.load(settings.config_path()), request, run_id) as run:
                ENDED[run_id] = run
                yield run
        except Exception as error:
            ENDED.setdefault(run_id, error)
            if hasattr(error, "exit_code"):
                raise dg.Failure(str(error), allow_retries=False) from None
            raise

    @staticmethod
    @contextmanager
    def step(run: Run) -> Iterator[None]:
        """Records an error on the run and fails the step with its sentence."""
        try:
            yield
        except Exception as error:
            run.error = run.error or error
            if hasattr(error, "exit_code"):
                raise dg.Failure(str(error), allow_retries=False) from None
            raise
