"""Builds the app for a server or for `flask`, from the environment."""

import os
import sys
from tempfile import TemporaryDirectory

from config import PREFIX, SettingsError, read_settings

WITH_A_VALUE = {"--app", "-A", "--env-file", "-e"}


def command() -> str:
    """Return the word that names the command, where `flask` was called; else some other word."""
    words = iter(sys.argv[1:])
    for word in words:
        if word in WITH_A_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


if command() == "matching":  # needs no installation, and one takes longer to join than 60 people
    from asyncnet.commands.matching import app
else:
    from asyncnet.app import create_app

    environ = dict(os.environ)
    if command() == "demo":  # starts an installation of its own and leaves this one alone
        scratch = TemporaryDirectory(prefix="asyncnet-")
        environ = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
        environ[f"{PREFIX}INSTANCE"] = scratch.name

    try:
        app = create_app(read_settings(environ))
    except SettingsError as error:
        sys.exit(f"asyncnet cannot start:\n{error}")
