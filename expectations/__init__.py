"""Data-quality rules as data (suites/*.yml) and the one module that runs them (gate.py).

No rule is written in Python, no other module imports Great Expectations, and nothing here knows where frames come from.
"""

from __future__ import annotations

from expectations.gate import Outcome, Report, Suite, SuiteError, load_suites, validate

__all__ = ["Outcome", "Report", "Suite", "SuiteError", "load_suites", "validate"]
