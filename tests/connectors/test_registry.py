"""What every vendor file must declare, whoever adds the next one."""

from __future__ import annotations

import pytest

from connectors import VENDORS
from connectors.spec import POLARS_TYPES, SYSTEM_SCHEMA

STREAMS = [(v, s) for v, vendor in VENDORS.items() for s in vendor.streams]


def test_the_folder_is_the_registry() -> None:
    assert {"hubspot", "shopware", "brevo", "zendesk", "odoo", "files"} <= set(VENDORS)


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_names_its_version_and_its_budgets(name: str) -> None:
    vendor = VENDORS[name]
    assert vendor.name == name and vendor.api_version
    assert vendor.kind == "files" or vendor.auth.needs
    for rate in vendor.rates.values():
        assert rate.limit > 0 and rate.window.total_seconds() > 0


@pytest.mark.parametrize(("vendor", "stream"), STREAMS)
def test_a_stream_is_declared_whole(vendor: str, stream: str) -> None:
    declared = VENDORS[vendor].streams[stream]
    assert declared.name == stream and declared.entity and declared.key
    names = [c.name for c in declared.columns]
    assert len(names) == len(set(names)) and names
    assert not {*SYSTEM_SCHEMA, "record"} & set(names), "a column hides one of ours"
    assert all(c.type in POLARS_TYPES and c.name.isidentifier() and c.name == c.name.lower() for c in declared.columns)
    assert (declared.archive is not None) == (declared.deletes == "archived_pass")
    assert declared.deletes != "id_diff" or declared.ids is not None
    for children in declared.children:
        assert children.parent in VENDORS[vendor].streams


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_identifies_a_person_is_marked(vendor: str) -> None:
    for stream in VENDORS[vendor].streams.values():
        for column in stream.columns:
            if column.name in ("email", "phone", "first_name", "last_name", "firstname", "lastname") and column.path:
                assert column.pii, f"{vendor}.{stream.name}.{column.name}"
