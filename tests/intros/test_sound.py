"""Files of which only the sound is wanted, and what becomes of each."""

from collections.abc import Callable
from pathlib import Path

import av
import pytest

from asyncnet.intros import rules, video
from asyncnet.intros.rules import Unusable, Way
from asyncnet.intros.video import sniff
from tests.intros.films import PICTURE, SAMPLES, SOFT_H264, TONE, boxes, ffmpeg, film, picture

Make = Callable[[Path], Path]


def made(name: str, *args: str) -> Make:
    return lambda folder: film(folder / name, *args)


def with_cover(folder: Path) -> Path:
    ffmpeg(*picture(), "-frames:v", "1", folder / "cover.jpg")
    attached = ("-c:v", "mjpeg", "-disposition:v", "attached_pic", "-metadata", "title=secret")
    return film(folder / "a.mp3", *TONE, "-i", folder / "cover.jpg", *attached)


SURROUND = ("-f", "lavfi", "-i", "sine=f=500:d=2:r=48000,aformat=channel_layouts=5.1")
ACCEPTED: dict[str, tuple[Make, str, int]] = {
    "Chromium's microphone": (made("a.webm", *TONE, "-c:a", "libopus"), "opus", 1),
    "phone's voice memo": (made("a.m4a", *TONE, "-c:a", "aac", "-ac", "2"), "aac", 2),
    "lossless voice memo": (made("a.m4a", *TONE, "-c:a", "alac"), "alac", 1),
    "MP3 with a cover and a title": (with_cover, "mp3", 1),
    "MP2": (made("a.mp2", *TONE), "mp2", 1),
    "Ogg Opus": (made("a.ogg", *TONE, "-c:a", "libopus"), "opus", 1),
    "Ogg Vorbis": (made("a.ogg", *TONE, "-c:a", "libvorbis", "-ac", "2"), "vorbis", 2),
    "WAV": (made("a.wav", *TONE), "pcm_s16le", 1),
    "WAV of 24 bits": (made("a.wav", *TONE, "-c:a", "pcm_s24le"), "pcm_s24le", 1),
    "WAV of a telephone": (made("a.wav", *TONE, "-ar", "8000", "-c:a", "pcm_alaw"), "pcm_alaw", 1),
    "WAV beyond four gigabytes": (made("a.wav", *TONE, "-rf64", "always"), "pcm_s16le", 1),
    "FLAC": (made("a.flac", *TONE), "flac", 1),
    "raw AAC": (made("a.aac", *TONE), "aac", 1),
    "raw AAC with a tag": (made("a.aac", *TONE, "-write_id3v2", "1"), "aac", 1),
    "AIFF": (made("a.aiff", *TONE), "pcm_s16be", 1),
    "Core Audio": (made("a.caf", *TONE), "pcm_s16be", 1),
    "5.1": (made("a.m4a", *SURROUND, "-c:a", "aac"), "aac", 2),
    "a video": (made("a.mp4", *PICTURE, *TONE, *SOFT_H264, "-c:a", "aac"), "aac", 1),
    "a video in AVI": (made("a.avi", *PICTURE, *TONE), "mp3", 1),
}


@pytest.mark.parametrize(("make", "codec", "channels"), ACCEPTED.values(), ids=list(ACCEPTED))
def test_a_recording_becomes_sound_that_plays_everywhere(
    make: Make, codec: str, channels: int, tmp_path: Path
) -> None:
    """AAC in an M4A that begins to play at once, without a trace of where it came from (U11)."""
    source = make(tmp_path)
    out = tmp_path / "out"
    out.mkdir()

    checked = video.check_sound(source, tmp_path)
    result = video.process_sound(source, out)

    assert (checked.verdict, checked.reason) == (Way.TRANSCODE, None)
    assert (checked.audio, checked.video, checked.width) == (codec, None, None)
    assert checked.seconds == pytest.approx(2, abs=0.06)
    assert result.seconds == pytest.approx(2, abs=0.06)
    assert [path.name for path in out.iterdir()] == ["sound.m4a"]
    assert boxes(result.sound.path).index("moov") < boxes(result.sound.path).index("mdat")
    with av.open(str(result.sound.path)) as opened:
        [stream] = opened.streams.audio
        assert len(opened.streams) == 1
        assert (stream.codec_context.name, stream.channels) == ("aac", channels)
        assert "title" not in opened.metadata | stream.metadata
    assert loudness(result.sound.path) == pytest.approx(-16, abs=2.5)


def loudness(path: Path) -> float:
    log = ffmpeg("-i", path, "-af", "ebur128=framelog=quiet", "-f", "null", "-")
    return float(log.rpartition("I:")[2].split()[0])


def of(data: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / "a.mp3").write_bytes(data)
        return folder / "a.mp3"

    return make


REFUSED: dict[str, tuple[Make, str]] = {
    "empty": (of(b""), "This file is empty"),
    "no sound in it": (made("a.mp4", *picture(), *SOFT_H264), rules.NOTHING_TO_HEAR),
    "muted": (
        made("a.mp3", "-f", "lavfi", "-i", "anullsrc=d=2"),
        rules.SILENT,
    ),
    "too long": (made("a.mp3", "-f", "lavfi", "-i", "sine=d=92"), "92 seconds long"),
    "a click": (made("a.wav", "-f", "lavfi", "-i", "sine=d=0.4"), "over before anything"),
    "Windows Media": (made("a.wma", *TONE), sniff.NO_SOUND_FILE),
    "rubbish": (of(bytes(range(256)) * 8), sniff.NO_SOUND_FILE),
    "rubbish that begins as MP3": (of(b"ID3\4\0\0\0\0\0\x0a" + bytes(4000)), "cannot read"),
    "MP3 and page": (
        lambda folder: of(film(folder / "b.mp3", *TONE).read_bytes() + b"<script>1</script>")(
            folder
        ),
        sniff.TWO_THINGS,
    ),
    "playlist": (lambda folder: SAMPLES / "hls_ssrf_renamed.mp4", sniff.PAGE),
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_heard_says_why_and_leaves_nothing(
    make: Make, reason: str, tmp_path: Path
) -> None:
    source = make(tmp_path)
    out = tmp_path / "out"
    out.mkdir()

    checked = video.check_sound(source, tmp_path)
    with pytest.raises(Unusable) as refusal:
        video.process_sound(source, out)

    assert checked.verdict is Way.REJECT
    assert checked.reason == refusal.value.reason
    assert checked.reason is not None
    assert reason in checked.reason
    assert list(out.iterdir()) == []


def test_sound_only_chosen_as_a_video_is_offered_the_other_way(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp3", *TONE)

    checked = video.check(source, tmp_path)

    assert checked.reason == (
        "This file has sound but no picture. You can upload it as an audio intro instead."
    )
    assert Unusable(checked.reason).is_sound_only
