"""Builds the app for a server or for `flask`, from the environment."""

import os
import sys
from tempfile import TemporaryDirectory

from asyncnet.app import create_app
from config import PREFIX, SettingsError, read_settings

environ = dict(os.environ)
if "demo" in sys.argv[1:]:  # it starts an installation of its own and leaves this one alone
    scratch = TemporaryDirectory(prefix="asyncnet-")
    environ = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
    environ[f"{PREFIX}INSTANCE"] = scratch.name

try:
    app = create_app(read_settings(environ))
except SettingsError as error:
    sys.exit(f"asyncnet cannot start:\n{error}")
