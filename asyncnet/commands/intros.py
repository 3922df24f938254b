"""`flask intros ...`: look at and prepare video files by hand, exactly as the worker does."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from asyncnet.intros import video
from asyncnet.intros.rules import Limits, Unusable, Way
from asyncnet.wiring import settings

intros = AppGroup("intros", short_help="Check and prepare intro videos.")

a_file = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
a_folder = click.Path(exists=True, file_okay=False, writable=True, path_type=Path)
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@intros.command("check")
@click.argument("file", type=a_file)
@as_json_option
def check(file: Path, as_json: bool) -> None:
    """Say whether FILE can become an intro, and how it would be prepared."""
    checked = video.check(file, settings().instance / "work", _limits())
    if as_json:
        _print_json(asdict(checked))
        return
    click.echo(checked.reason or WAYS[checked.verdict])
    for warning in checked.warnings:
        click.echo(warning)


@intros.command("process")
@click.argument("file", type=a_file)
@click.option("--out", type=a_folder, required=True, help="The folder to write into.")
@as_json_option
def process(file: Path, out: Path, as_json: bool) -> None:
    """Write the videos and the poster made from FILE. Exit status 1 when it cannot be used."""
    try:
        made = video.process(file, out, _limits())
    except Unusable as refusal:
        if as_json:
            _print_json({"verdict": Way.REJECT, "reason": refusal.reason})
        click.echo(refusal.reason, err=True)
        sys.exit(1)
    if as_json:
        _print_json(asdict(made))
        return
    for part in (made.large, made.small, made.poster):
        click.echo(f"{part.path}: {part.width} × {part.height}, {part.bytes} bytes")
    for warning in made.warnings:
        click.echo(warning)


WAYS = {
    "remux": "This video plays everywhere as it is; its pictures will be kept.",
    "transcode": "This video can be used; it will be prepared so that it plays everywhere.",
}


def _limits() -> Limits:
    return Limits(seconds=settings().max_intro_seconds, bytes=settings().max_intro_bytes)


def _print_json(facts: dict[str, Any]) -> None:
    click.echo(json.dumps(facts, default=str, ensure_ascii=False))
