"""`flask intros ...`: look at and prepare recordings by hand, exactly as the worker does."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from asyncnet.intros import video
from asyncnet.intros.model import IntroKind
from asyncnet.intros.rules import Limits, Unusable, Way
from asyncnet.wiring import settings

intros = AppGroup("intros", short_help="Check and prepare intro videos.")

a_file = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
a_folder = click.Path(exists=True, file_okay=False, writable=True, path_type=Path)
kind_option = click.option(
    "--kind",
    type=click.Choice([IntroKind.VIDEO.value, IntroKind.AUDIO.value]),
    default=IntroKind.VIDEO.value,
    help="What the file is to become; of a video chosen as audio only the sound is kept.",
)
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@intros.command("check")
@click.argument("file", type=a_file)
@kind_option
@as_json_option
def check(file: Path, kind: str, as_json: bool) -> None:
    """Say whether FILE can become an intro, and how it would be prepared."""
    look = video.check if kind == IntroKind.VIDEO else video.check_sound
    checked = look(file, settings().instance / "work", Limits.of(settings()))
    if as_json:
        facts = asdict(checked)
        _print_json({name: facts[name] for name in FACTS})
        return
    click.echo(checked.reason or WAYS[checked.verdict])
    for warning in checked.warnings:
        click.echo(warning)


@intros.command("process")
@click.argument("file", type=a_file)
@click.option("--out", type=a_folder, required=True, help="The folder to write into.")
@kind_option
@as_json_option
def process(file: Path, out: Path, kind: str, as_json: bool) -> None:
    """Write what is made from FILE: two videos and a poster, or its sound.

    Exit status 1 when it cannot be used.
    """
    make = video.process if kind == IntroKind.VIDEO else video.process_sound
    try:
        made = make(file, out, Limits.of(settings()))
    except Unusable as refusal:
        if as_json:
            _print_json({"verdict": Way.REJECT, "reason": refusal.reason})
        click.echo(refusal.reason, err=True)
        sys.exit(1)
    if as_json:
        _print_json(asdict(made))
        return
    if isinstance(made, video.ProcessedSound):
        click.echo(f"{made.sound.path}: {made.sound.bytes} bytes")
        return
    for part in (made.large, made.small, made.poster):
        click.echo(f"{part.path}: {part.width} × {part.height}, {part.bytes} bytes")
    for warning in made.warnings:
        click.echo(warning)


FACTS = ("verdict", "reason", "seconds", "width", "height", "video", "audio")
WAYS = {
    "remux": "This video plays everywhere as it is; its pictures will be kept.",
    "transcode": "This file can be used; it will be prepared so that it plays everywhere.",
}


def _print_json(facts: dict[str, Any]) -> None:
    click.echo(json.dumps(facts, default=str, ensure_ascii=False))
