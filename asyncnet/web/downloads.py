"""Answers that a browser saves as a file."""

from flask import Response


def download(written: str, content_type: str, name: str) -> Response:
    """Return a text as a file to save; `name` is made by us, never by somebody who typed it."""
    file = Response(written, mimetype=content_type)
    file.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return file
