"""Every kind of file that people or attackers send, and exactly what becomes of each."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from asyncnet.intros import rules, video
from asyncnet.intros.rules import Unusable, Way
from asyncnet.intros.video import encode, sniff
from asyncnet.intros.video.probe import UNREADABLE
from tests.intros.films import (
    PICTURE,
    SAMPLES,
    SOFT_H264,
    TONE,
    boxes,
    colour_at,
    ffmpeg,
    film,
    look,
    picture,
)

REMUX, TRANSCODE = Way.REMUX, Way.TRANSCODE
Make = Callable[[Path], Path]
Size = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """A file, what the check says of it, and the sizes of the two videos made from it."""

    make: Make
    verdict: Way
    seconds: float
    shown: Size
    codecs: tuple[str, str | None]
    large: Size
    small: Size


def sample(name: str) -> Make:
    return lambda folder: SAMPLES / name


def made(name: str, *args: str) -> Make:
    return lambda folder: film(folder / name, *args)


def remade(name: str, *args: str, before: tuple[str, ...] = ()) -> Make:
    """A film made from the plain one with `args`, given `before` as input options."""
    return lambda folder: film(
        folder / name, *before, "-i", film(folder / "plain.mp4"), "-c", "copy", *args
    )


def cut_short(name: str, *args: str) -> Make:
    def make(folder: Path) -> Path:
        whole = film(folder / f"whole-{name}", *args).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) * 6 // 10])
        return folder / name

    return make


def with_bit_rot(folder: Path) -> Path:
    data = bytearray(film(folder / "plain.mp4").read_bytes())
    for at in range(len(data) // 3, len(data) * 2 // 3, 997):
        data[at] ^= 0xFF
    (folder / "rot.mp4").write_bytes(data)
    return folder / "rot.mp4"


def late_sound(folder: Path) -> Path:
    return film(
        folder / "late.mp4",
        *PICTURE,
        "-itsoffset",
        "1",
        *TONE,
        *SOFT_H264,
        "-c:a",
        "aac",
        "-t",
        "2",
    )


def late_pictures(folder: Path) -> Path:
    return film(folder / "late.mp4", *TONE, "-itsoffset", "1", *PICTURE, *SOFT_H264, "-c:a", "aac")


def with_extras(folder: Path) -> Path:
    """A film with a cover picture, subtitles and a second, smaller video."""
    (folder / "words.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\nsecret words\n")
    ffmpeg(*picture(), "-frames:v", "1", folder / "cover.jpg")
    return film(
        folder / "extras.mp4",
        *("-i", film(folder / "plain.mp4"), "-i", folder / "words.srt", "-i", folder / "cover.jpg"),
        *(*picture("160x120"), "-map", "0", "-map", "1", "-map", "2", "-map", "3"),
        *("-c", "copy", "-c:s", "mov_text", "-c:v:1", "mjpeg", "-disposition:v:1", "attached_pic"),
        *("-c:v:2", "libx264"),
    )


ODD = ("-f", "lavfi", "-i", "testsrc=s=321x241:r=30:d=1")
HDR10 = ("-x265-params", "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc")
ACCEPTED = {
    "plain": Case(made("a.mp4"), REMUX, 2, (320, 240), ("h264", "aac"), (320, 240), (320, 240)),
    "h264 in matroska": Case(
        remade("a.mkv"), REMUX, 2.02, (320, 240), ("h264", "aac"), (320, 240), (320, 240)
    ),
    "fragmented": Case(
        remade("a.mp4", "-movflags", "frag_keyframe+empty_moov"),
        REMUX,
        2,
        (320, 240),
        ("h264", "aac"),
        (320, 240),
        (320, 240),
    ),
    "sound first": Case(
        made("a.mp4", *TONE, *PICTURE, "-map", "0", "-map", "1", *SOFT_H264, "-c:a", "aac"),
        REMUX,
        2,
        (320, 240),
        ("h264", "aac"),
        (320, 240),
        (320, 240),
    ),
    "sound starts late": Case(
        late_sound, REMUX, 2, (320, 240), ("h264", "aac"), (320, 240), (320, 240)
    ),
    "cover, subtitles, second video": Case(
        with_extras, REMUX, 2, (320, 240), ("h264", "aac"), (320, 240), (320, 240)
    ),
    "time code track": Case(
        remade("a.mov", "-timecode", "01:00:00:00"),
        REMUX,
        2,
        (320, 240),
        ("h264", "aac"),
        (320, 240),
        (320, 240),
    ),
    "one picture in ten seconds": Case(
        made("a.mp4", *picture("320x240", rate="1/10", seconds=60), *SOFT_H264),
        REMUX,
        60,
        (320, 240),
        ("h264", None),
        (320, 240),
        (320, 240),
    ),
    "1080p below six megabits": Case(
        made("a.mp4", *picture("1920x1080"), *SOFT_H264, "-b:v", "2M"),
        REMUX,
        1,
        (1920, 1080),
        ("h264", None),
        (1920, 1080),
        (640, 360),
    ),
    "1080p above six megabits": Case(
        made("a.mp4", *picture("1920x1080"), *SOFT_H264, "-qp", "5"),
        TRANSCODE,
        1,
        (1920, 1080),
        ("h264", None),
        (1280, 720),
        (640, 360),
    ),
    "bit rot": Case(
        with_bit_rot, TRANSCODE, 2, (320, 240), ("h264", "aac"), (320, 240), (320, 240)
    ),
    "trimmed by an edit list": Case(
        remade("a.mp4", before=("-ss", "0.7")),
        TRANSCODE,
        1.32,
        (320, 240),
        ("h264", "aac"),
        (320, 240),
        (320, 240),
    ),
    "pictures start late": Case(
        late_pictures, TRANSCODE, 3, (320, 240), ("h264", "aac"), (320, 240), (320, 240)
    ),
    "clock of the recorder goes on": Case(
        remade("a.mkv", "-output_ts_offset", "5000"),
        REMUX,
        2.02,
        (320, 240),
        ("h264", "aac"),
        (320, 240),
        (320, 240),
    ),
    "track for sound, but no sound in it": Case(
        made(
            "a.mkv",
            *(*picture(), "-f", "lavfi", "-i", "anullsrc=d=1", "-af", "aselect=0", *SOFT_H264),
        ),
        REMUX,
        1,
        (320, 240),
        ("h264", None),
        (320, 240),
        (320, 240),
    ),
    "turned": Case(
        remade("a.mp4", before=("-display_rotation", "90")),
        TRANSCODE,
        2,
        (240, 320),
        ("h264", "aac"),
        (240, 320),
        (240, 320),
    ),
    "mirrored": Case(
        remade("a.mp4", before=("-display_hflip",)),
        TRANSCODE,
        2,
        (320, 240),
        ("h264", "aac"),
        (320, 240),
        (320, 240),
    ),
    "portrait": Case(
        made("a.mp4", *picture("1080x1920"), *SOFT_H264, "-qp", "5"),
        TRANSCODE,
        1,
        (1080, 1920),
        ("h264", None),
        (720, 1280),
        (360, 640),
    ),
    "largest": Case(
        made("a.mp4", *picture("4096x2304", seconds=0.2), *SOFT_H264),
        TRANSCODE,
        0.2,
        (4096, 2304),
        ("h264", None),
        (1280, 720),
        (640, 360),
    ),
    "smallest": Case(
        made("a.mp4", *picture("2x2"), *SOFT_H264), REMUX, 1, (2, 2), ("h264", None), (2, 2), (2, 2)
    ),
    "odd sides, 4:4:4": Case(
        made("a.mp4", *ODD, "-c:v", "libx264", "-pix_fmt", "yuv444p"),
        TRANSCODE,
        1,
        (321, 241),
        ("h264", None),
        (320, 240),
        (320, 240),
    ),
    "4:2:2": Case(
        made("a.mp4", *picture(), "-c:v", "libx264", "-pix_fmt", "yuv422p"),
        TRANSCODE,
        1,
        (320, 240),
        ("h264", None),
        (320, 240),
        (320, 240),
    ),
    "ten bits": Case(
        made("a.mp4", *picture(), "-c:v", "libx264", "-pix_fmt", "yuv420p10le"),
        TRANSCODE,
        1,
        (320, 240),
        ("h264", None),
        (320, 240),
        (320, 240),
    ),
    "interlaced, wide pixels": Case(
        made(
            "a.mov",
            *(*picture("720x576", rate="50"), "-vf", "tinterlace=4,setsar=64/45"),
            *("-c:v", "libx264", "-flags", "+ilme+ildct"),
        ),
        TRANSCODE,
        0.96,
        (1024, 576),
        ("h264", None),
        (1024, 576),
        (640, 360),
    ),
    "240 pictures a second": Case(
        made("a.mp4", *picture(rate="240"), *SOFT_H264),
        TRANSCODE,
        1,
        (320, 240),
        ("h264", None),
        (320, 240),
        (320, 240),
    ),
    "4K PQ": Case(
        made(
            "a.mp4",
            *(*picture("3840x2160", seconds=0.2), "-c:v", "libx265", "-preset", "ultrafast"),
            *("-pix_fmt", "yuv420p10le", *HDR10),
        ),
        TRANSCODE,
        0.2,
        (3840, 2160),
        ("hevc", None),
        (1280, 720),
        (640, 360),
    ),
    "telephone": Case(
        made(
            "a.3gp",
            *(*PICTURE, *TONE, "-c:v", "h263", "-s", "352x288", "-ar", "8000", "-ac", "1"),
            *("-c:a", "libopencore_amrnb", "-b:a", "12.2k"),
        ),
        TRANSCODE,
        2,
        (384, 288),
        ("h263", "amr_nb"),
        (384, 288),
        (384, 288),
    ),
    "pixels of one line": Case(
        made("a.mp4", "-f", "lavfi", "-i", "testsrc=s=2x1080:d=1:r=30", "-c:v", "png", "-f", "mov"),
        TRANSCODE,
        1,
        (2, 1080),
        ("png", None),
        (2, 1080),
        (2, 640),
    ),
    "turned askew": Case(
        remade("a.mp4", before=("-display_rotation", "45")),
        TRANSCODE,
        2,
        (320, 240),
        ("h264", "aac"),
        (320, 240),
        (320, 240),
    ),
    "two sounds, the second marked": Case(
        made(
            "a.mp4",
            *(*PICTURE, "-f", "lavfi", "-i", "anullsrc=d=2", *TONE, *SOFT_H264, "-c:a", "aac"),
            *("-map", "0", "-map", "1", "-map", "2"),
            *("-disposition:a:0", "0", "-disposition:a:1", "default"),
        ),
        REMUX,
        2,
        (320, 240),
        ("h264", "aac"),
        (320, 240),
        (320, 240),
    ),
    "5.1 sound": Case(
        made("a.mp4", *PICTURE, *TONE, *SOFT_H264, "-ac", "6", "-c:a", "aac"),
        TRANSCODE,
        2,
        (320, 240),
        ("h264", "aac"),
        (320, 240),
        (320, 240),
    ),
    "AV1": Case(
        made("a.webm", *PICTURE, *TONE, "-c:v", "libsvtav1", "-preset", "10", "-c:a", "libopus"),
        TRANSCODE,
        2.01,
        (320, 240),
        ("av1", "opus"),
        (320, 240),
        (320, 240),
    ),
    "VP8 with alpha": Case(
        made("a.webm", *picture(), "-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"),
        TRANSCODE,
        1,
        (320, 240),
        ("vp8", None),
        (320, 240),
        (320, 240),
    ),
    "ProRes 4444, PCM": Case(
        made("a.mov", *PICTURE, *TONE, "-c:v", "prores_ks", "-pix_fmt", "yuva444p10le"),
        TRANSCODE,
        2,
        (320, 240),
        ("prores", "aac"),
        (320, 240),
        (320, 240),
    ),
    "DivX, MP3": Case(
        made("a.avi", *PICTURE, *TONE, "-c:v", "mpeg4", "-vtag", "DIVX", "-c:a", "libmp3lame"),
        TRANSCODE,
        2.07,
        (320, 240),
        ("mpeg4", "mp3"),
        (320, 240),
        (320, 240),
    ),
    "motion JPEG": Case(
        made("a.avi", *picture(rate="10"), "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
        TRANSCODE,
        1,
        (320, 240),
        ("mjpeg", None),
        (320, 240),
        (320, 240),
    ),
    "cut after its index": Case(
        cut_short("a.mp4", *PICTURE, *TONE, *SOFT_H264, "-c:a", "aac", "-movflags", "+faststart"),
        TRANSCODE,
        1.17,
        (320, 240),
        ("h264", "aac"),
        (320, 240),
        (320, 240),
    ),
    "cut WebM": Case(
        cut_short("a.webm", *PICTURE, *TONE, "-c:v", "libvpx", "-b:v", "1M", "-c:a", "libopus"),
        TRANSCODE,
        1.2,
        (320, 240),
        ("vp8", "opus"),
        (320, 240),
        (320, 240),
    ),
    "phone, turned, with its place": Case(
        sample("iphone_hevc_rot90_gps.mov"),
        TRANSCODE,
        4,
        (360, 640),
        ("hevc", "aac"),
        (360, 640),
        (360, 640),
    ),
    "phone, HLG": Case(
        sample("iphone_hdr_hlg_10bit.mov"),
        TRANSCODE,
        3,
        (640, 360),
        ("hevc", "aac"),
        (640, 360),
        (640, 360),
    ),
    "size changes half-way": Case(
        sample("resolution_changes_midstream.webm"),
        TRANSCODE,
        4,
        (640, 360),
        ("vp8", None),
        (640, 360),
        (640, 360),
    ),
    "gap of three seconds": Case(
        sample("vfr_gap_background_tab.webm"),
        TRANSCODE,
        6.008,
        (640, 360),
        ("vp8", "opus"),
        (640, 360),
        (640, 360),
    ),
    "Chromium": Case(
        sample("real_chromium_default.webm"),
        TRANSCODE,
        3.015,
        (640, 480),
        ("vp8", "opus"),
        (640, 480),
        (480, 360),
    ),
    "Chromium, as MP4": Case(
        sample("real_chromium_mp4.mp4"),
        TRANSCODE,
        2.999,
        (640, 480),
        ("vp9", "opus"),
        (640, 480),
        (480, 360),
    ),
    "Firefox": Case(
        sample("real_firefox_default.webm"),
        TRANSCODE,
        3.02,
        (640, 480),
        ("vp8", "opus"),
        (640, 480),
        (480, 360),
    ),
}


@pytest.mark.parametrize("case", ACCEPTED.values(), ids=list(ACCEPTED))
def test_an_accepted_file_becomes_videos_that_play_everywhere(case: Case, tmp_path: Path) -> None:
    """Rotation applied, one size, even sides, never enlarged, 30 pictures a second (U1, U11)."""
    source = case.make(tmp_path)
    out = tmp_path / "out"
    out.mkdir()

    checked = video.check(source, tmp_path)
    result = video.process(source, out)

    assert (checked.verdict, checked.reason) == (case.verdict, None)
    assert checked.seconds == pytest.approx(case.seconds, abs=0.06)
    assert (checked.width, checked.height) == case.shown
    assert (checked.video, checked.audio) == case.codecs
    assert checked.warnings == (() if case.codecs[1] else (rules.NO_SOUND,))
    assert result.verdict is case.verdict
    assert result.seconds == pytest.approx(case.seconds, abs=0.12)
    assert sorted(path.name for path in out.iterdir()) == ["360p.mp4", "720p.mp4", "poster.jpg"]
    for part, size in ((result.large, case.large), (result.small, case.small)):
        seen = look(part.path)
        assert (part.width, part.height) == seen.size == size
        assert (seen.video, seen.pixels, seen.rotation) == ("h264", "yuv420p", 0)
        assert seen.profile in rules.REMUX_PROFILES
        assert seen.audio == (case.codecs[1] and "aac")
        assert seen.streams == ["video", "audio"][: len(seen.streams)]
        assert boxes(part.path).index("moov") < boxes(part.path).index("mdat")
        if part is result.small or case.verdict is TRANSCODE:
            assert seen.times == pytest.approx([n / 30 for n in range(len(seen.times))], abs=0.002)
    assert boxes_of_jpeg(result.poster.path) == (result.poster.width, result.poster.height)


def boxes_of_jpeg(path: Path) -> Size:
    [still] = [look(path)]
    return still.size


def nothing(folder: Path) -> Path:
    (folder / "a.mp4").touch()
    return folder / "a.mp4"


def of(data: bytes) -> Make:
    """A file of these bytes, under the name of a video."""

    def make(folder: Path) -> Path:
        (folder / "a.mp4").write_bytes(data)
        return folder / "a.mp4"

    return make


def with_page_in_free_box(folder: Path) -> Path:
    data = film(folder / "plain.mp4").read_bytes()
    page = b"<html><script>alert(document.domain)</script></html>"
    first = int.from_bytes(data[:4])
    box = (len(page) + 8).to_bytes(4) + b"free" + page
    return of(data[:first] + box + data[first:])(folder)


def followed_by(tail: bytes) -> Make:
    return lambda folder: of(film(folder / "plain.mp4").read_bytes() + tail)(folder)


def followed_by_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("page.html", "<script>alert(1)</script>")
    return followed_by((folder / "a.zip").read_bytes())(folder)


def without_index(folder: Path) -> Path:
    data = film(folder / "plain.mp4").read_bytes()
    return of(data[: data.index(b"moov") - 4])(folder)


def cut_in_its_index(folder: Path) -> Path:
    data = film(folder / "plain.mp4").read_bytes()
    return of(data[: data.index(b"moov") + 300])(folder)


def without_decoder_settings(folder: Path) -> Path:
    return of(film(folder / "plain.mp4").read_bytes().replace(b"avcC", b"none"))(folder)


def with_a_boundless_table(folder: Path) -> Path:
    data = bytearray(film(folder / "plain.mp4").read_bytes())
    at = data.index(b"stsz") + 12
    data[at : at + 4] = (0x7FFFFFFF).to_bytes(4)
    return of(bytes(data))(folder)


def box_in_box(folder: Path) -> Path:
    inner = b""
    for _ in range(5000):
        inner = (len(inner) + 8).to_bytes(4) + b"moov" + inner
    return of(film(folder / "plain.mp4").read_bytes()[:32] + inner)(folder)


def cover_and_sound(folder: Path) -> Path:
    ffmpeg(*picture(), "-frames:v", "1", folder / "cover.jpg")
    attached = ("-c:v", "mjpeg", "-disposition:v", "attached_pic")
    return film(folder / "a.m4a", *TONE, "-i", folder / "cover.jpg", *attached, "-c:a", "aac")


def pixel_bomb(folder: Path) -> Path:
    return film(folder / "a.mp4", "-f", "lavfi", "-i", "color=s=8000x8000:r=1:d=1", *SOFT_H264)


def pixel_bomb_that_lies(folder: Path) -> Path:
    """The container says 640 × 360, the pictures themselves 4112 × 2304."""
    data = bytearray(
        film(folder / "big.mp4", *picture("4112x2304", seconds=0.2), *SOFT_H264).read_bytes()
    )
    at = data.index(b"avc1", data.index(b"stsd")) + 28
    data[at : at + 4] = (640).to_bytes(2) + (360).to_bytes(2)
    return of(bytes(data))(folder)


KEY = ("-encryption_key", "5a" * 16, "-encryption_kid", "a5" * 16)
ENCRYPTED = ("-encryption_scheme", "cenc-aes-ctr", *KEY)
SOUND = "sound but no picture"
GAP = r"setts=ts=TS+if(gt(N\,30)\,3600/TB\,0)"
REFUSED: dict[str, tuple[Make, str]] = {
    "empty": (nothing, "This file is empty"),
    "sound only": (sample("audio_only.webm"), SOUND),
    "sound with a cover": (cover_and_sound, SOUND),
    "WAV": (made("a.wav", *TONE), SOUND),
    "MP3": (made("a.mp3", *TONE), SOUND),
    "Ogg": (made("a.ogg", *TONE, "-c:a", "libopus"), SOUND),
    "FLAC": (made("a.flac", *TONE), SOUND),
    "JPEG": (made("a.jpg", *picture(), "-frames:v", "1"), sniff.PICTURE),
    "PNG": (made("a.png", *picture(), "-frames:v", "1"), sniff.PICTURE),
    "GIF": (made("a.gif", *picture()), sniff.PICTURE),
    "HEIC": (of(b"\0\0\0\x18ftypheic" + bytes(64)), sniff.PICTURE),
    "one frame": (sample("single_frame.mp4"), "a still picture rather than a video"),
    "four frames": (
        made("a.mp4", *picture(), *SOFT_H264, "-frames:v", "4"),
        "a still picture rather than a video",
    ),
    "all frames at one moment": (
        remade("a.mkv", "-bsf:v", "setts=ts=0"),
        "a still picture rather than a video",
    ),
    "an hour's gap": (remade("a.mp4", "-bsf:v", GAP), "60 minutes long"),
    "three hours": (sample("three_hours_tiny.mp4"), "3 hours long"),
    "a second too long": (
        made("a.mp4", *picture(rate="1", seconds=91), *SOFT_H264),
        "91 seconds long; an intro can be at most 90 seconds",
    ),
    "a little too wide": (
        made("a.mp4", *picture("4098x2304", seconds=0.2), *SOFT_H264),
        "4098 × 2304 pixels; an intro can have at most 4096 × 2304",
    ),
    "pixel bomb": (pixel_bomb, "8000 × 8000 pixels"),
    "pixel bomb that lies": (pixel_bomb_that_lies, "4112 × 2304 pixels"),
    "no index": (without_index, sniff.CUT_OFF),
    "cut in its index": (cut_in_its_index, sniff.CUT_OFF),
    "no decoder settings": (without_decoder_settings, UNREADABLE),
    "a table without bounds": (with_a_boundless_table, UNREADABLE),
    "box in box in box": (box_in_box, UNREADABLE),
    "encrypted": (remade("a.mp4", *ENCRYPTED), sniff.LOCKED),
    "rubbish in an MP4": (
        of(b"\0\0\0\x18ftypisom" + bytes(12) + b"\0\0\1\0moov" + bytes(248)),
        rules.NO_PICTURE,
    ),
    "rubbish in a WebM": (of(b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 8), UNREADABLE),
    "rubbish": (of(bytes(range(256)) * 8), sniff.NO_VIDEO),
    "HTML": (sample("html_renamed.mp4"), sniff.PAGE),
    "SVG": (of(b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"), sniff.PAGE),
    "HLS": (sample("hls_ssrf_renamed.mp4"), sniff.PAGE),
    "ffconcat": (sample("ffconcat_renamed.mp4"), sniff.PAGE),
    "DASH": (of(b"<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>"), sniff.PAGE),
    "SDP": (of(b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 96\r\n"), sniff.PAGE),
    "zip": (of(b"PK\x03\x04" + bytes(64)), sniff.DOCUMENT),
    "PDF": (of(b"%PDF-1.7\n"), sniff.DOCUMENT),
    "MPEG-TS of a camcorder": (made("a.m2ts", *PICTURE, *SOFT_H264), sniff.OTHER_VIDEO),
    "MPEG-TS": (made("a.ts", *PICTURE, *SOFT_H264), sniff.OTHER_VIDEO),
    "Windows Media": (made("a.wmv", *PICTURE, "-c:v", "wmv2"), sniff.OTHER_VIDEO),
    "Theora": (made("a.ogv", *PICTURE, "-c:v", "libtheora"), sniff.OTHER_VIDEO),
    "MP4 and page": (with_page_in_free_box, sniff.TWO_THINGS),
    "MP4 and script": (followed_by(b"<script>alert(1)</script>"), sniff.TWO_THINGS),
    "MP4 and playlist": (followed_by(b"#EXTM3U\nhttp://127.0.0.1/\n"), sniff.TWO_THINGS),
    "MP4 and zip": (followed_by_zip, sniff.TWO_THINGS),
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_a_refused_file_says_why_and_leaves_nothing(
    make: Make, reason: str, tmp_path: Path
) -> None:
    """Judged by bytes and packets, not by name or header (U1, U3)."""
    source = make(tmp_path)
    out = tmp_path / "out"
    out.mkdir()

    checked = video.check(source, tmp_path)
    with pytest.raises(Unusable) as refusal:
        video.process(source, out)

    assert checked.verdict is Way.REJECT
    assert checked.reason == refusal.value.reason
    assert checked.reason is not None
    assert reason in checked.reason
    assert list(out.iterdir()) == []


def test_trailing_zeros_and_unknown_boxes_are_no_reason_to_refuse(tmp_path: Path) -> None:
    """Cameras append their own boxes and padding to what they record."""
    extra = (40).to_bytes(4) + b"uuid" + b"of some camera  " + bytes(16) + bytes(5000)
    source = followed_by(extra)(tmp_path)

    assert video.check(source, tmp_path).verdict is REMUX


def test_colours_survive_the_way_into_plain_video(tmp_path: Path) -> None:
    """A film that says nothing of its colours is taken as players take it: by its size."""
    bars = "color=c=0xC83C28:s={}:r=30:d=1"
    for name, size, matrix in (("small", "640x360", "bt601"), ("large", "1920x1080", "bt709")):
        source = film(
            tmp_path / f"{name}.mp4",
            *("-f", "lavfi", "-i", bars.format(size)),
            *(
                "-vf",
                f"scale=out_color_matrix={matrix},format=yuv422p,setparams=colorspace=unknown",
                "-c:v",
                "libx264",
            ),
        )
        out = tmp_path / name
        out.mkdir()

        made = video.process(source, out)

        assert colour_at(made.large.path, 0.5, 0.5) == pytest.approx((200, 60, 40), abs=6)


def test_high_dynamic_range_is_brought_to_what_screens_show(tmp_path: Path) -> None:
    """A tone-mapped test card has its bars where and as bright as they should be."""
    made = video.process(SAMPLES / "iphone_hdr_hlg_10bit.mov", tmp_path)

    red, green, blue = colour_at(made.large.path, 0.05, 0.5)
    assert red > 180
    assert max(green, blue) < 60
    assert min(colour_at(made.large.path, 0.45, 0.3)[:2]) > 200, "yellow is bright"


def test_a_phone_turned_while_recording_is_padded_not_stretched(tmp_path: Path) -> None:
    made = video.process(SAMPLES / "resolution_changes_midstream.webm", tmp_path)

    assert colour_at(made.large.path, 0.05, 0.5, at=1) == pytest.approx((255, 0, 0), abs=30)
    assert colour_at(made.large.path, 0.05, 0.5, at=3) == pytest.approx((0, 0, 0), abs=8)
    assert colour_at(made.large.path, 0.38, 0.5, at=3) == pytest.approx((255, 0, 0), abs=30)


def test_a_file_becomes_a_row_of_json_facts(tmp_path: Path) -> None:
    """What the worker keeps is plain: words, numbers and null."""
    checked = video.check(film(tmp_path / "a.mp4"), tmp_path)

    assert json.loads(json.dumps(vars(checked))) == {
        "verdict": "remux",
        "reason": None,
        "seconds": 2.0,
        "width": 320,
        "height": 240,
        "video": "h264",
        "audio": "aac",
        "warnings": [],
    }


def test_sound_that_is_missing_or_muted_is_pointed_out_not_refused(tmp_path: Path) -> None:
    """Signed intros need no sound; a muted microphone is worth a word."""
    none = film(tmp_path / "none.mp4", *picture(), *SOFT_H264)
    nothing_said = ("-f", "lavfi", "-i", "anoisesrc=d=1:a=0.0002", "-c:a", "aac")
    muted = film(tmp_path / "muted.mp4", *picture(), *nothing_said, *SOFT_H264)
    mute = film(tmp_path / "mute.mp4", *picture(), "-f", "lavfi", "-i", "anullsrc=d=1", *SOFT_H264)
    spoken = film(tmp_path / "spoken.mp4")
    out = tmp_path / "out"
    out.mkdir()

    assert video.process(none, out).warnings == (rules.NO_SOUND,)
    assert video.check(muted, tmp_path).warnings == (rules.SILENT,)
    assert video.process(muted, out).warnings == (rules.SILENT,)
    assert video.process(mute, out).warnings == (rules.SILENT,)
    assert video.process(spoken, out).warnings == ()


def test_a_video_that_ends_early_says_so(tmp_path: Path) -> None:
    source = cut_short(
        "a.mp4", *picture("320x240", seconds=6), *SOFT_H264, "-movflags", "+faststart"
    )(tmp_path)

    [warning, _] = sorted(
        video.check(source, tmp_path).warnings, key=lambda words: "stops" not in words
    )

    assert "stops after 4 seconds, although it should be 6 seconds long" in warning


def test_a_hopelessly_damaged_video_is_refused(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path / "plain.mp4", *picture(), "-c:v", "libx264").read_bytes())
    begin, end = data.index(b"mdat") + 2000, data.index(b"moov") - 8
    data[begin:end] = b"\x5a" * (end - begin)
    source = of(bytes(data))(tmp_path)
    out = tmp_path / "out"
    out.mkdir()

    with pytest.raises(Unusable) as refusal:
        video.process(source, out)

    assert refusal.value.reason == encode.BROKEN
    assert list(out.iterdir()) == []
