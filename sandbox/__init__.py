"""A simulated company with known truth, and the vendors' APIs in front of it.

Here belongs what is needed to try the pipeline without an account anywhere, and to measure it: lives of invented
customers (`company`), what each system holds of them (`records`), what each vendor's API shows of that (`vendors`),
and one socket for all (`server`). It imports nothing else of this project, and the vendors' documents alone decide
its answers.
"""
