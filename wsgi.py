"""Builds the app for a server or for `flask`, from the environment."""

import os
import sys

from asyncnet import create_app
from config import SettingsError, read_settings

try:
    app = create_app(read_settings(os.environ))
except SettingsError as error:
    sys.exit(f"asyncnet cannot start:\n{error}")
