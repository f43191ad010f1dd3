"""What `wegpunkt init` writes: a configuration with every source commented out, and the names of its secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CONFIG = """\
# Wegpunkt. Secrets are never written here: auth refers to environment variables (env:NAME) or files (file:PATH).

[company]
name = "Our company"
reporting_currency = "EUR"
time_zone = "Europe/Berlin"
language = "en"                 # of texts on the command line: en or de; tables carry both

[storage]
data = "data"                   # beside this file
# ledger = "postgresql+psycopg://wegpunkt@localhost/wegpunkt"   # default: data/ledger.sqlite

# [[source]]
# vendor = "hubspot"
# base_url = "https://api.hubapi.com"
# auth = { token = "env:HUBSPOT_TOKEN" }
# streams = ["companies", "contacts", "deals"]   # default: all
# lookback = "15m"                # read this much before the last cursor again; the vendor's index lags
# options = { portal_id = "12345678" }           # for links into HubSpot's own pages

# [[source]]
# vendor = "shopware"
# base_url = "https://shop.example.com"
# auth = { client_id = "env:SHOPWARE_CLIENT_ID", client_secret = "env:SHOPWARE_CLIENT_SECRET" }

# [[source]]
# vendor = "brevo"
# base_url = "https://api.brevo.com"
# auth = { api_key = "env:BREVO_API_KEY" }

# [[source]]
# vendor = "zendesk"
# base_url = "https://example.zendesk.com"
# auth = { token = "env:ZENDESK_TOKEN" }         # OAuth access token: API tokens end on 30 April 2027

# [[source]]
# vendor = "odoo"
# base_url = "https://odoo.example.com"
# auth = { database = "env:ODOO_DATABASE", user = "env:ODOO_USER", password = "env:ODOO_PASSWORD" }

# Files dropped into a folder: see docs/sources.md for the mapping of columns.
# [[source]]
# vendor = "files"
# options = { path = "inbox" }
"""

SECRETS = """\
# Copy to .env (chmod 600) or set these in the environment.
HUBSPOT_TOKEN=
SHOPWARE_CLIENT_ID=
SHOPWARE_CLIENT_SECRET=
BREVO_API_KEY=
ZENDESK_TOKEN=
ODOO_DATABASE=
ODOO_USER=
ODOO_PASSWORD=
"""


def write(folder: Path) -> Iterator[tuple[bool, str]]:
    """Writes what does not exist yet; yields whether each file was written, and its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("wegpunkt.toml", CONFIG), (".env.example", SECRETS)):
        try:
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
            yield True, name
        except FileExistsError:
            yield False, name
