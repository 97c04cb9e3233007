"""Feast's HTTP feature server over this world's online store.

``python -m feature_repo.serve [--host HOST]``: the port is ``HABITLAKE_FEATURE_SERVER_PORT``.
"""

from typing import Annotated

import typer

from feature_repo.store import apply_definitions, feature_store
from habitlake.cli.app import run_app
from habitlake.settings import get_settings


def main(
    host: Annotated[
        str, typer.Option(help="interface to listen on; it has no authentication of its own")
    ] = "127.0.0.1",
) -> None:
    """Serve online features over HTTP until stopped."""
    settings = get_settings()
    store = feature_store(settings)
    apply_definitions(store, settings)
    store.serve(host=host, port=settings.feature_server_port)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    run_app(app)
