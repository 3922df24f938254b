"""A real Postfix under a configuration of its own, on loopback: Maildirs, and delivery reports."""

import os
import pwd
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from tempfile import TemporaryDirectory

from config import SmtpSettings

READERS, OURS, LOST = "reader.example", "forum.example", "lost.example"
PATIENCE_SECONDS = 60
_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
maillog_file = {folder}/log/postfix.log
maillog_file_prefixes = {folder}/log
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{readers}
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
smtpd_recipient_restrictions = check_recipient_access inline:{{
    {{ nobody@{readers} = 550 5.1.1 nobody of that name }},
    {{ later@{readers} = 450 4.2.0 not today }} }}, permit_mynetworks, reject
virtual_mailbox_domains = {readers}, {ours}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {{ @{readers} = readers/ }}, {{ @{ours} = reports/ }} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_alias_maps =
alias_maps =
alias_database =
recipient_delimiter = +
transport_maps = inline:{{ {{ {lost} = error:5.1.1 nobody lives here }} }}
smtp_dns_support_level = disabled
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    """A running server. Mail to anybody at READERS is kept, and so are reports to OURS."""

    folder: Path
    port: int

    def settings(self) -> SmtpSettings:
        return SmtpSettings("127.0.0.1", self.port, "", "", "none")

    def delivered(self) -> list[EmailMessage]:
        """Return every mail that lies in a reader's mailbox."""
        return _mails(self.folder / "mail" / "readers" / "new")

    def reports(self) -> list[EmailMessage]:
        """Return every delivery report that came back."""
        return _mails(self.folder / "mail" / "reports" / "new")

    def wait_until_idle(self) -> None:
        """Return when everything that was accepted has been delivered or returned."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        queue = self.folder / "queue"
        places = ("incoming", "active", "deferred", "maildrop")
        while any(path.is_file() for name in places for path in (queue / name).rglob("*")):
            if time.monotonic() > deadline:
                raise TimeoutError("Postfix still has mail to deliver.")
            time.sleep(0.05)


@contextmanager
def postfix() -> Iterator[Postfix]:
    """Run the machine's Postfix on a free port until the block ends; needs root."""
    with TemporaryDirectory(prefix="postfix-") as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)
        owner = pwd.getpwnam("postfix")
        for place in ("conf", "queue", "data", "log", "mail"):
            (folder / place).mkdir()
        for place in ("data", "mail"):
            os.chown(folder / place, owner.pw_uid, owner.pw_gid)
        values = {"folder": folder, "port": port, "uid": owner.pw_uid, "gid": owner.pw_gid}
        names = {"readers": READERS, "ours": OURS, "lost": LOST}
        (folder / "conf" / "main.cf").write_text(_MAIN.format(**values, **names))
        (folder / "conf" / "master.cf").write_text(_MASTER.format(**values))
        _control(folder, "start")
        try:
            yield Postfix(folder, port)
        finally:
            _control(folder, "abort")


def _control(folder: Path, word: str) -> None:
    done = subprocess.run(
        ["/usr/sbin/postfix", "-c", str(folder / "conf"), word],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and word == "start":
        log = folder / "log" / "postfix.log"
        raise RuntimeError(done.stderr + (log.read_text() if log.exists() else ""))


def _mails(place: Path) -> list[EmailMessage]:
    read = BytesParser(EmailMessage, policy=default).parsebytes
    return [read(path.read_bytes()) for path in sorted(place.glob("*"))]


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
