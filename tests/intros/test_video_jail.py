"""A hostile file costs one job: what a child process may not do, tried for real (U3)."""

import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from asyncnet.intros import video
from asyncnet.intros.rules import Unusable, Way
from asyncnet.intros.video import encode, isolate
from asyncnet.intros.video.isolate import Bounds, Finished, Stopped, Walls, run, walls
from asyncnet.intros.video.prepare import LIMITS, bounds_of
from asyncnet.intros.video.probe import CONTAINERS, measure
from asyncnet.stopping import WorkerStops
from tests.intros.films import FFMPEG, film, picture

SMALL = Bounds(cpu_seconds=1, wall_seconds=60, file_bytes=1_000_000)
AMPLE = bounds_of(LIMITS)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """The folder of a job, beside which other files lie."""
    (tmp_path / "job").mkdir()
    return tmp_path / "job"


def python(code: str, folder: Path, bounds: Bounds = SMALL) -> Finished:
    return run([sys.executable, "-I", "-c", code], folder=folder, bounds=bounds)


@contextmanager
def listener() -> Iterator[tuple[int, Callable[[], int]]]:
    """A loopback server that hangs up on everyone: its port, and how many have called."""
    callers: list[object] = []

    class HangUp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            callers.append(self.client_address)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), HangUp) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1], lambda: len(callers)
        server.shutdown()


def test_a_process_that_is_asked_to_stop_waits_for_no_child(
    job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CHECKLIST F2."""
    asked = threading.Event()
    monkeypatch.setattr(isolate, "stopping", asked)
    soon = threading.Timer(0.3, asked.set)
    soon.start()

    with pytest.raises(WorkerStops):
        python("import time; time.sleep(60); open('made', 'w')", job)

    assert list(job.iterdir()) == []


def test_a_command_gets_its_folder_and_returns_what_it_said(job: Path) -> None:
    child = python("open('made', 'w').write('here'); print('done')", job)

    assert (child.status, child.output, child.log, child.stopped) == (0, "done\n", "", None)
    assert (job / "made").read_text() == "here"


def test_memory_is_bounded(job: Path) -> None:
    child = python("bytearray(3 << 30)", job)

    assert child.stopped is Stopped.MEMORY


def test_computing_is_bounded(job: Path) -> None:
    child = python("while True: pass", job)

    assert child.stopped is Stopped.TIME
    assert child.status == -signal.SIGXCPU


def test_waiting_is_bounded(job: Path) -> None:
    begun = time.monotonic()

    child = python("import time; time.sleep(60)", job, replace(SMALL, wall_seconds=0.5))

    assert child.stopped is Stopped.TIME
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("into", ["open('large', 'wb')", "sys.stdout.buffer", "sys.stderr.buffer"])
def test_output_is_bounded(into: str, job: Path) -> None:
    child = python(f"import sys\ninto = {into}\nwhile True: into.write(bytes(100_000))", job)

    assert child.stopped is Stopped.OUTPUT
    assert sum(file.stat().st_size for file in job.iterdir()) <= SMALL.file_bytes


def test_no_core_is_left_behind(job: Path) -> None:
    child = python("import ctypes; ctypes.string_at(0)", job)

    assert child.status == -signal.SIGSEGV
    assert child.stopped is None
    assert list(job.iterdir()) == []


def test_the_network_is_out_of_reach(job: Path) -> None:
    with listener() as (port, seen):
        calls = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"

        child = python(calls, job)

        assert child.status == 1
        assert seen() == 0
        subprocess.run([sys.executable, "-c", calls], check=True)
        assert waited_for(lambda: str(seen() or "")) == "1", "what does reach it is counted"


def test_only_the_jobs_own_files_are_in_reach(job: Path) -> None:
    """Where the kernel has Landlock; without it the file's owner still meets our demuxers."""
    if python("open('/etc/hostname')", job).status == 0:
        pytest.skip("this kernel has no Landlock")
    beside = job.parent / "beside.txt"
    beside.write_text("not yours")

    reading = python(f"open({str(beside)!r})", job)
    writing = python(f"open({str(job.parent / 'escaped')!r}, 'w')", job)
    named = run(
        [sys.executable, "-I", "-c", f"print(open({str(beside)!r}).read())"],
        folder=job,
        reads=(beside,),
        bounds=SMALL,
    )

    assert "PermissionError" in reading.log
    assert "PermissionError" in writing.log
    assert named.output == "not yours\n"
    assert not (job.parent / "escaped").exists()


def test_a_worker_knows_which_walls_stand(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system allows neither, the job is done all the same, and the log says so."""
    open_jail = isolate.JAIL.read_text()
    for wall in ("    leave_the_network()\n", "    hide_the_disk("):
        assert wall in open_jail
    open_jail = open_jail.replace("    leave_the_network()\n", "")
    without = job.parent / "jail.py"
    without.write_text(open_jail.replace("    hide_the_disk(", "    (lambda *_: None)("))

    here = walls(job)
    monkeypatch.setattr(isolate, "JAIL", without)
    there = walls(job)

    assert here == Walls(network_is_cut=True, disk_is_hidden=here.disk_is_hidden)
    assert there == Walls(network_is_cut=False, disk_is_hidden=False)


def test_what_the_worker_knows_stays_outside(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "of the app")

    child = python(
        "import os; print(os.environ.get('SECRET_KEY'), os.listdir('/proc/self/fd'))", job
    )

    assert "of the app" not in child.output


def test_a_killed_worker_leaves_no_encoder_behind(tmp_path: Path) -> None:
    """Nothing works on, unseen, after the process that would have taken the result (F2)."""
    worker = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
            "import importlib.util as u\n"
            "spec = u.spec_from_file_location('isolate', sys.argv[2])\n"
            "isolate = u.module_from_spec(spec); sys.modules['isolate'] = isolate\n"
            "spec.loader.exec_module(isolate)\n"
            "code = \"import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)\"\n"
            "isolate.run([sys.executable, '-I', '-c', code], folder=Path(sys.argv[3]), "
            "bounds=isolate.Bounds(60, 60, 1000))",
            *(str(Path.cwd()), isolate.__file__, str(tmp_path)),
        ]
    )
    encoder = int(waited_for(lambda: (tmp_path / "pid").read_text()))

    worker.kill()
    worker.wait()

    assert waited_for(lambda: "gone" if not Path(f"/proc/{encoder}/exe").exists() else "")


def waited_for(tell: Callable[[], str]) -> str:
    """Return what `tell` says once it says something; it may fail until then."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if said := tell():
                return said
        except FileNotFoundError:
            pass
        time.sleep(0.02)
    raise AssertionError("nothing was said in a minute")


@pytest.mark.parametrize(
    "bounds",
    [
        replace(AMPLE, memory_bytes=300 << 20),
        replace(AMPLE, cpu_seconds=1),
        replace(AMPLE, wall_seconds=0.5),
        replace(AMPLE, file_bytes=100_000),
    ],
    ids=["memory", "computing", "waiting", "output"],
)
def test_a_file_that_takes_too_much_is_named_to_its_owner(bounds: Bounds, tmp_path: Path) -> None:
    """The job ends with a sentence, nothing half made stays, and the next file is welcome."""
    heavy = film(tmp_path / "heavy.mov", *picture("1920x1080", seconds=3), "-c:v", "mjpeg")
    out = tmp_path / "out"
    out.mkdir()

    with pytest.raises(Unusable) as refusal:
        video.process(heavy, out, LIMITS, bounds)

    assert refusal.value.reason == encode.TOO_HEAVY
    assert list(out.iterdir()) == []
    assert video.process(film(tmp_path / "next.mp4"), out).verdict is Way.REMUX


def test_a_full_disk_is_not_the_files_fault(tmp_path: Path) -> None:
    """The job goes back to the queue instead of being refused (F6)."""
    full = Finished(228, "", "av_interleaved_write_frame(): No space left on device", None)

    with pytest.raises(OSError, match="No space left on device"):
        encode.answered(full, tmp_path)


def playlists(port: int, neighbour: Path) -> dict[str, bytes]:
    """What has made players and converters open other files and addresses than the one given."""
    url, name = f"http://127.0.0.1:{port}/a.ts", neighbour.name
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n".encode(),
        "hls of a neighbour": f"#EXTM3U\n#EXTINF:9,\n{name}\n#EXT-X-ENDLIST\n".encode(),
        "ffconcat of a neighbour": f"ffconcat version 1.0\nfile {name}\n".encode(),
        "ffconcat of a url": f"ffconcat version 1.0\nfile '{url}'\n".encode(),
        "sdp": b"v=0\nc=IN IP4 127.0.0.1\nm=video %d RTP/AVP 96\n" % port,
        "dash": (
            "<MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static'><Period><AdaptationSet>"
            f"<Representation id='1' bandwidth='1'><BaseURL>{url}</BaseURL></Representation>"
            "</AdaptationSet></Period></MPD>"
        ).encode(),
    }


@pytest.mark.parametrize("kind", list(playlists(0, Path("x"))))
def test_a_playlist_reaches_neither_an_address_nor_a_neighbour(kind: str, tmp_path: Path) -> None:
    neighbour = film(tmp_path / "neighbour.mp4")
    (tmp_path / "out").mkdir()
    with listener() as (port, seen):
        path = tmp_path / "video.mp4"
        path.write_bytes(playlists(port, neighbour)[kind])

        assert video.check(path, tmp_path).verdict is Way.REJECT
        with pytest.raises(Unusable):
            video.process(path, tmp_path / "out")
        with pytest.raises(Unusable):
            measure(path, "mov", limits=LIMITS, folder=tmp_path / "out")

        assert list((tmp_path / "out").iterdir()) == []
        assert seen() == 0


EVERYTHING = ("-protocol_whitelist", "file,http,tcp", "-allowed_extensions", "ALL")


def test_without_any_guard_a_playlist_would_reach_both(tmp_path: Path) -> None:
    """So that the two tests below mean something."""
    neighbour = film(tmp_path / "neighbour.mp4")
    with listener() as (port, seen):
        lists = playlists(port, neighbour)

        opened_as("hls", lists["hls"], EVERYTHING, tmp_path, jailed=False)
        made, _ = opened_as("concat", lists["ffconcat of a neighbour"], (), tmp_path, jailed=False)

        assert seen() > 0
        assert made


def test_the_lists_of_what_may_be_opened_stop_a_playlist_alone(tmp_path: Path) -> None:
    neighbour = film(tmp_path / "neighbour.mp4")
    with listener() as (port, seen):
        lists = playlists(port, neighbour)
        safe = (*encode.SAFE_INPUT, CONTAINERS)

        hls, why_hls = opened_as("hls", lists["hls"], safe, tmp_path, jailed=False)
        concat, why_concat = opened_as(
            "concat", lists["ffconcat of a neighbour"], safe, tmp_path, jailed=False
        )

        assert (hls, concat) == (False, False)
        assert "not on whitelist" in why_hls
        assert "not on whitelist" in why_concat
        assert seen() == 0


def test_the_jail_stops_a_playlist_alone(tmp_path: Path) -> None:
    neighbour = film(tmp_path / "neighbour.mp4")
    with listener() as (port, seen):
        lists = playlists(port, neighbour)

        hls, _ = opened_as("hls", lists["hls"], EVERYTHING, tmp_path, jailed=True)
        concat, _ = opened_as("concat", lists["ffconcat of a neighbour"], (), tmp_path, jailed=True)

        assert (hls, concat) == (False, False)
        assert seen() == 0


def opened_as(
    demuxer: str, playlist: bytes, options: tuple[str, ...], folder: Path, *, jailed: bool
) -> tuple[bool, str]:
    """Let ffmpeg copy what a playlist names; return whether anything came, and its log."""
    path, made, job = folder / "list.mp4", folder / "job" / "made.mkv", folder / "job"
    path.write_bytes(playlist)
    job.mkdir(exist_ok=True)
    command = [FFMPEG, "-nostdin", "-y", "-f", demuxer, *options, "-i", str(path), "-c", "copy"]
    if jailed:
        log = run([*command, str(made)], folder=job, reads=(path,), bounds=SMALL).log
    else:
        done = subprocess.run([*command, made], capture_output=True, timeout=20, check=False)
        log = done.stderr.decode()
    came = made.exists() and made.stat().st_size > 0
    made.unlink(missing_ok=True)
    return came, log
