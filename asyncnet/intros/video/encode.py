"""Makes what is played out of a measured file, with ffmpeg: two sizes of video and a poster,
or its sound alone.

Every command runs in the jail, reads its input once and carries over nothing that describes
the original: place, device, time, titles, cover pictures, caption and data tracks.
"""

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from asyncnet.intros.rules import (
    NO_PICTURE,
    NOTHING_TO_HEAR,
    OVERSHOOT_SECONDS,
    SILENT,
    AudioTrack,
    Limits,
    Probe,
    Unusable,
    VideoTrack,
)
from asyncnet.intros.video.isolate import Bounds, Finished, run
from asyncnet.intros.video.probe import CONTAINERS, whitelist

LARGE, SMALL, POSTER, SOUND = "720p.mp4", "360p.mp4", "poster.jpg", "sound.m4a"
LARGE_BOX, SMALL_BOX = (1280, 720), (640, 360)
FRAMES_PER_SECOND = 30
THREADS = str(min(4, len(os.sched_getaffinity(0))))
"""More would cost memory each and gain little at these sizes."""

SEI = 6
"""The part of an H.264 stream in which cameras write place, device and captions."""
SAFE_INPUT = ("-protocol_whitelist", "file,pipe", "-format_whitelist")
NO_METADATA = ("-map_metadata", "-1", "-map_metadata:s", "-1", "-map_chapters", "-1")
MP4 = ("-movflags", "+faststart", "-fflags", "+bitexact", "-f", "mp4")
POSTER_FORMAT = ("-frames:v", "1", "-q:v", "4", "-update", "1", "-f", "image2")
ONE_IN_TEN = r"select=not(mod(n\,10))"
BEST_FRAME = "thumbnail=9"
"""Nine frames over the first three seconds: the most typical one is neither black nor a blink."""
LISTEN = "ebur128=framelog=quiet"
GATE = "agate=threshold=0.002:ratio=9000:range=0.01:attack=5:release=300:detection=rms"
"""Keeps a room's hiss, below -54 dB, from being raised to the loudness of speech."""
EVEN_LOUDNESS = "loudnorm=I=-16:TP=-1.5:LRA=11,aresample=48000"
EVENED_FROM_SECONDS = 3.2
"""Of less, loudnorm makes numbers that are none when nothing is to be heard."""
LARGE_QUALITY = ("-crf", "23", "-maxrate", "3M", "-bufsize", "6M", "-b:a", "128k")
SOUND_QUALITY = ("-c:a", "aac", "-b:a", "96k")
SMALL_QUALITY = ("-crf", "24", "-maxrate", "800k", "-bufsize", "1600k", "-b:a", "96k")

PQ, BT2020, NOT_STATED = 16, 9, 2
WIDE_GAMUTS = {BT2020: "bt2020", 11: "smpte431", 12: "smpte432"}
SILENT_LUFS = -60.0
BEARS_DAMAGE = ("-max_error_rate", "0.5")
"""Half of the packets may be broken before a file is given up."""
LOUDNESS = re.compile(r"^ +I: +(-?[\d.]+) LUFS$", re.MULTILINE)
PICTURE_CHANGES = "Changing video frame properties on the fly"

BROKEN = (
    "This file is damaged, so we could not read it to its end. "
    "Choose the original again, or record a new one."
)
TOO_HEAVY = (
    "This file takes more computing than an intro may. "
    "Save it in 1080p with 30 pictures a second and upload that, or record a new one here."
)


class NotClean(Exception):
    """The file has damage, or changes half-way, that a plain copy would pass on."""


@dataclass(frozen=True)
class Job:
    """One measured file on its way: where it is, what it has, where and how far to work."""

    path: Path
    probe: Probe
    folder: Path
    limits: Limits
    bounds: Bounds

    @property
    def video(self) -> VideoTrack:
        """The pictures. Raises Unusable where there are none."""
        if self.probe.video is None:
            raise Unusable(NO_PICTURE)
        return self.probe.video

    @property
    def audio(self) -> AudioTrack:
        """The sound. Raises Unusable where there is none."""
        if self.probe.audio is None:
            raise Unusable(NOTHING_TO_HEAR)
        return self.probe.audio


def decode(job: Job) -> bool:
    """Decode the whole file into nothing; return whether it is silent. Raises NotClean."""
    sound = ["-map", f"0:{job.probe.audio.index}", "-af", LISTEN] if job.probe.audio else []
    return _cleanly(job, ["-map", f"0:{job.video.index}", *sound, "-f", "null", "-"])


def make_sibling(job: Job) -> bool:
    """Write the small video and the poster of a file whose own pictures will be kept.

    Decodes everything on the way; returns whether it is silent. Raises NotClean.
    """
    graph = [
        f"[0:{job.video.index}]{_steady(job.video)},split=2[v][p]",
        f"[v]{_upright(job.video, SMALL_BOX)}[small]",
        f"[p]{ONE_IN_TEN},{_upright(job.video, LARGE_BOX)},{BEST_FRAME}[poster]",
    ]
    sound = []
    if job.probe.audio:
        graph.append(f"[0:{job.probe.audio.index}]{_even_sound(job)}[sound]")
        sound = ["-map", "[sound]"]
    return _cleanly(
        job,
        [
            *("-filter_complex", ";".join(graph)),
            *("-map", "[small]", *sound, *SMALL_QUALITY, *_playable(job), SMALL),
            *("-map", "[poster]", *POSTER_FORMAT, POSTER),
        ],
    )


def remux(job: Job) -> None:
    """Write the large video as a copy: the file's own pictures, the small video's even sound."""
    sound = ["-map", "1:a:0"] if job.probe.audio else []
    small = ["-f", "mov", *SAFE_INPUT, CONTAINERS, "-i", f"file:{job.folder / SMALL}"]
    output = [
        *(small if sound else []),
        *("-map", f"0:{job.video.index}", *sound, "-c", "copy"),
        *("-bsf:v", f"filter_units=remove_types={SEI}", *NO_METADATA, *MP4, LARGE),
    ]
    _run(job, _command(job, output))


def listen(job: Job) -> None:
    """Decode the sound alone into nothing. Raises Unusable when it is silent or broken."""
    _hear(job, ["-map", f"0:{job.audio.index}", "-af", LISTEN, "-f", "null", "-"])


def extract(job: Job) -> None:
    """Write the sound alone, its loudness evened. Raises Unusable when it is silent or broken."""
    output = [
        *("-map", f"0:{job.audio.index}", "-af", _even_sound(job), *SOUND_QUALITY),
        *(*_no_longer_than(job), *NO_METADATA, *MP4, SOUND),
    ]
    _hear(job, output)


def transcode(job: Job) -> bool:
    """Write both videos and the poster in one pass; return whether the file is silent.

    Damage costs the frames it hits, unless it is most of them. Raises Unusable.
    """
    try:
        return _is_silent(_run(job, transcoding(job)))
    except NotClean as damage:
        raise Unusable(BROKEN) from damage


def transcoding(job: Job) -> list[str]:
    """Return the one command that makes everything out of a file."""
    width, height = fitted(job.video.shown_size, SMALL_BOX)
    graph = [
        f"[0:{job.video.index}]{_steady(job.video)},{_upright(job.video, LARGE_BOX)},"
        "split=3[large][s][p]",
        f"[s]scale={width}:{height},setsar=1[small]",
        f"[p]{ONE_IN_TEN},{BEST_FRAME}[poster]",
    ]
    sounds: list[list[str]] = [[], []]
    if job.probe.audio:
        graph.append(f"[0:{job.probe.audio.index}]{_even_sound(job)},asplit=2[loud][soft]")
        sounds = [["-map", "[loud]"], ["-map", "[soft]"]]
    output = [
        *("-filter_complex", ";".join(graph)),
        *("-map", "[large]", *sounds[0], *LARGE_QUALITY, *_playable(job), LARGE),
        *("-map", "[small]", *sounds[1], *SMALL_QUALITY, *_playable(job), SMALL),
        *("-map", "[poster]", *POSTER_FORMAT, POSTER),
    ]
    return _command(job, output, *BEARS_DAMAGE)


def fitted(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """Return the even size that fits a lying box, or a standing one, and is never enlarged."""
    width, height = size
    long, short = box
    wide, high = (long, short) if width >= height else (short, long)
    scale = min(1.0, wide / width, high / height)
    return _even(width * scale), _even(height * scale)


def _playable(job: Job) -> list[str]:
    """Return the options of a video that plays everywhere and can be entered every 2 seconds."""
    return [
        *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high"),
        *("-g", str(2 * FRAMES_PER_SECOND), "-threads:v", THREADS, "-c:a", "aac"),
        *(*_no_longer_than(job), "-flags", "+bitexact", *NO_METADATA, *MP4),
    ]


def _no_longer_than(job: Job) -> tuple[str, str]:
    return ("-t", str(job.limits.seconds + OVERSHOOT_SECONDS))


def _steady(video: VideoTrack) -> str:
    """Return the filters that end in 30 whole frames a second, from the very beginning."""
    whole = "bwdif=mode=send_frame," if video.interlaced else ""
    return f"{whole}fps={FRAMES_PER_SECOND}:start_time=0"


def _upright(video: VideoTrack, box: tuple[int, int]) -> str:
    """Return the filters that end in frames of one size, in colours that every player shows.

    The size is worked out per frame, since a phone that is turned changes it half-way. ffmpeg
    has already applied the rotation that the file states.
    """
    width, height = fitted(video.shown_size, box)
    return ",".join(
        [
            f"scale=w='2*round(min({width}\\,{height}*dar)/2)'"
            f":h='2*round(min({height}\\,{width}/dar)/2)':eval=frame{_matrices(video)}",
            *_plain_colours(video),
            f"pad={width}:{height}:-1:-1:eval=frame",
            "setsar=1",
            "format=yuv420p",
            "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709",
        ]
    )


def _matrices(video: VideoTrack) -> str:
    """Return how scaling also brings plain colours to BT.709; large pictures that do not say
    what they are have it already, by the custom of all players."""
    if video.is_hdr or video.primaries in WIDE_GAMUTS:
        return ""
    large = max(video.shown_size) >= LARGE_BOX[0] and video.matrix == NOT_STATED
    return (":in_color_matrix=bt709" if large else "") + ":out_color_matrix=bt709:out_range=tv"


def _plain_colours(video: VideoTrack) -> list[str]:
    """Return the filters from high dynamic range or a wide gamut to plain BT.709, after scaling
    since they cost most per pixel."""
    if video.is_hdr:
        transfer = "smpte2084" if video.transfer == PQ else "arib-std-b67"
        return [
            f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc",
            "zscale=t=linear:npl=100",
            "format=gbrpf32le",
            "zscale=p=bt709",
            "tonemap=hable:desat=0",
            "zscale=t=bt709:m=bt709:r=tv",
        ]
    if video.primaries in WIDE_GAMUTS:
        primaries, matrix = WIDE_GAMUTS[video.primaries], ""
        if video.matrix == NOT_STATED:
            matrix = ":colorspace=" + ("bt2020nc" if video.primaries == BT2020 else "bt709")
        return [
            f"setparams=color_primaries={primaries}:color_trc=bt709{matrix}",
            "zscale=p=bt709:t=bt709:m=bt709:r=tv",
        ]
    return []


def _even_sound(job: Job) -> str:
    """Return the filters that keep the sound in step with the pictures, and even its loudness."""
    layout = "mono" if job.audio.channels == 1 else "stereo"
    in_step = f"aresample=48000:async=1000:first_pts=0,aformat=channel_layouts={layout}"
    if job.audio.seconds >= EVENED_FROM_SECONDS:
        return ",".join((in_step, LISTEN, GATE, EVEN_LOUDNESS))
    longer, again = f"apad=whole_dur={EVENED_FROM_SECONDS}", f"atrim=end={job.probe.seconds}"
    return ",".join((in_step, LISTEN, GATE, longer, EVEN_LOUDNESS, again))


def _hear(job: Job, output: list[str]) -> None:
    try:
        silent = _is_silent(_run(job, _command(job, output, *BEARS_DAMAGE)))
    except NotClean as damage:
        raise Unusable(BROKEN) from damage
    if silent:
        raise Unusable(SILENT)


def _cleanly(job: Job, output: list[str]) -> bool:
    child = _run(job, _command(job, output, "-xerror"))
    if PICTURE_CHANGES in child.log:
        raise NotClean
    return _is_silent(child)


def _command(job: Job, output: list[str], *strictness: str) -> list[str]:
    """Return ffmpeg's command line for the job's file, which it opens as nothing but a file."""
    pixels = str(job.limits.long_side * job.limits.short_side)
    return [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "info", "-y", *strictness),
        *("-reinit_filter", "0", "-filter_threads", THREADS),
        *("-max_pixels", pixels, "-threads", THREADS),
        *("-f", job.probe.container, *SAFE_INPUT, whitelist(job.probe.container)),
        *("-i", f"file:{job.path}"),
        *output,
    ]


def _run(job: Job, command: list[str]) -> Finished:
    child = run(command, folder=job.folder, reads=(job.path,), bounds=job.bounds)
    return answered(child, job.folder)


def answered(child: Finished, folder: Path) -> Finished:
    """Return what ffmpeg did when it did it; raise what stood in its way.

    That is NotClean on damage, Unusable at a bound, OSError when the disk is full.
    """
    if child.status and os.strerror(errno.ENOSPC) in child.log:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    if child.stopped:
        raise Unusable(TOO_HEAVY)
    if child.status:
        raise NotClean
    return child


def _is_silent(child: Finished) -> bool:
    """Return whether sound was heard to be there and yet nothing to be in it."""
    heard = LOUDNESS.findall(child.log)
    return bool(heard) and float(heard[-1]) <= SILENT_LUFS


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))
