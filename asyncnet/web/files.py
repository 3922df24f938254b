"""Our own end of the upload protocol, and playback, for files on the local disk.

The addresses are made by `storage/disk.py`. Whoever holds one may do what it was signed for
and nothing else (CHECKLIST U2).
"""

import re
from functools import partial
from http import HTTPStatus
from typing import BinaryIO, cast
from xml.sax.saxutils import escape, unescape

from flask import Blueprint, Response, abort, request, send_file
from flask.typing import ResponseReturnValue

from asyncnet.storage.disk import AlreadyStored, BadAddress, BodyCut, DiskStorage, PartsDiffer
from asyncnet.storage.folders import DiskFull
from asyncnet.storage.port import FileMissing, StorageError, UploadRequest
from asyncnet.web.access import Role, requires
from asyncnet.web.forms import csrf
from asyncnet.wiring import storage

pages = Blueprint("files", __name__)

INERT = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What keeps a browser from taking an uploaded file for a page (CHECKLIST U5)."""

COMPLETION_BYTES = 1_000_000
PART = re.compile(r"<Part>(.*?)</Part>", re.DOTALL)
NUMBER = re.compile(r"<PartNumber>(\d{1,5})</PartNumber>")
ETAG = re.compile(r"<ETag>([^<]*)</ETag>")


# No cookie is looked at, so there is nothing that a foreign page could borrow (CHECKLIST B1).
@pages.route("/uploads/<token>", methods=["POST", "PUT", "GET", "DELETE"])
@csrf.exempt  # type: ignore[untyped-decorator]  # Flask-WTF has no types
@requires(Role.SIGNED)
def upload(token: str) -> ResponseReturnValue:
    """Answer one of the five requests of S3's multipart protocol."""
    disk = _disk()
    signed = disk.request_of(token, "GET" if request.method == "HEAD" else request.method)
    if signed.method == "PUT":
        return _receive(disk, signed)
    if signed.method == "GET":
        return _list(disk, signed)
    if signed.method == "DELETE":
        disk.abort(signed.key)
        return "", HTTPStatus.NO_CONTENT
    if signed.upload_id:
        return _complete(disk, signed)
    upload_id = disk.create(signed.key)
    return _xml("InitiateMultipartUploadResult", _tag("UploadId", upload_id))


@pages.get("/media/<token>")
@requires(Role.SIGNED)
def media(token: str) -> ResponseReturnValue:
    """Send a stored file, or one range of it, as something a browser only plays."""
    path, content_type = _disk().reading_of(token)
    response = send_file(path, mimetype=content_type, conditional=True)
    response.headers.update(INERT)
    response.headers["Content-Disposition"] = f'inline; filename="{path.name}"'
    return response


def _receive(disk: DiskStorage, signed: UploadRequest) -> ResponseReturnValue:
    """Store one part, if exactly as many bytes are announced as were signed for."""
    if request.content_length != signed.length:
        raise BadAddress
    request.max_content_length = signed.length
    etag = disk.receive(signed, cast("BinaryIO", request.stream))
    return Response(headers={"ETag": f'"{etag}"'})


def _list(disk: DiskStorage, signed: UploadRequest) -> ResponseReturnValue:
    parts = disk.parts(signed.key, signed.upload_id or "")
    return _xml(
        "ListPartsResult",
        "".join(
            f"<Part>{_tag('PartNumber', part.number)}{_tag('ETag', part.etag)}"
            f"{_tag('Size', part.size)}</Part>"
            for part in parts
        ),
    )


def _complete(disk: DiskStorage, signed: UploadRequest) -> ResponseReturnValue:
    request.max_content_length = COMPLETION_BYTES
    named = [_named(part) for part in PART.findall(request.get_data(as_text=True))]
    etag = disk.complete(signed, named)
    location = f"{disk.origin()}/{signed.key}"  # upload libraries insist on one; it opens nothing
    return _xml(
        "CompleteMultipartUploadResult",
        _tag("Location", location) + _tag("Key", signed.key) + _tag("ETag", etag),
    )


def _named(part: str) -> tuple[int, str]:
    """Return number and ETag of one part as the browser names it. Raises PartsDiffer."""
    number, etag = NUMBER.search(part), ETAG.search(part)
    if not number or not etag:
        raise PartsDiffer
    return int(number[1]), unescape(etag[1], {"&quot;": '"', "&#34;": '"'}).strip('" ')


def _disk() -> DiskStorage:
    """Return the storage; where it is not the local disk, these routes do not exist."""
    found = storage()
    return found if isinstance(found, DiskStorage) else abort(HTTPStatus.NOT_FOUND)


def _tag(name: str, value: str | int) -> str:
    return f"<{name}>{escape(str(value))}</{name}>"


def _xml(name: str, inside: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}>{inside}</{name}>'
    return Response(text, status, headers=INERT, mimetype="application/xml")


def _refused(status: HTTPStatus, code: str, _error: Exception) -> Response:
    """Answer in the words of S3, which upload libraries understand."""
    return _xml("Error", _tag("Code", code) + _tag("Message", status.phrase), status)


for _kind, _status, _code in (
    (BadAddress, HTTPStatus.FORBIDDEN, "AccessDenied"),
    (BodyCut, HTTPStatus.BAD_REQUEST, "IncompleteBody"),
    (PartsDiffer, HTTPStatus.BAD_REQUEST, "InvalidPart"),
    (AlreadyStored, HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed"),
    (FileMissing, HTTPStatus.NOT_FOUND, "NoSuchUpload"),
    (DiskFull, HTTPStatus.INSUFFICIENT_STORAGE, "DiskFull"),
    (StorageError, HTTPStatus.SERVICE_UNAVAILABLE, "SlowDown"),
):
    pages.register_error_handler(_kind, partial(_refused, _status, _code))
