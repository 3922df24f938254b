"""Files in an S3-compatible store; browsers talk to it directly with presigned addresses."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from asyncnet.storage.port import (
    FileMissing,
    Part,
    SignedRequest,
    StorageError,
    StoredFile,
    UploadRequest,
)
from config import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import MultipartUploadTypeDef

MISSING = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
UNKNOWN_TYPE = "application/octet-stream"
"""What uploads are stored as: nobody has looked into them yet (CHECKLIST U5)."""
OPERATIONS = {
    ("POST", False): "create_multipart_upload",
    ("PUT", True): "upload_part",
    ("GET", True): "list_parts",
    ("POST", True): "complete_multipart_upload",
    ("DELETE", True): "abort_multipart_upload",
}
"""The operation behind a browser's method, without and with an upload id."""


class S3Storage:
    """Fills the Storage port with one bucket.

    The server may reach the bucket by another address than browsers do; addresses are
    signed for the public one, since the host name is part of what is signed.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._bucket = settings.bucket
        self._inside = _client(settings, settings.endpoint_url)
        self._outside = _client(settings, settings.public_endpoint_url or settings.endpoint_url)
        somewhere = {"Bucket": self._bucket, "Key": "any"}
        example = urlsplit(self._presign("get_object", somewhere, timedelta(minutes=1)))
        self._origin = f"{example.scheme}://{example.netloc}"

    def sign(self, request: UploadRequest, *, valid_for: timedelta) -> SignedRequest:
        params: dict[str, Any] = {"Bucket": self._bucket, "Key": request.key}
        headers: dict[str, str] = {}
        if request.upload_id is not None:
            params["UploadId"] = request.upload_id
        operation = OPERATIONS[request.method, request.upload_id is not None]
        if operation == "create_multipart_upload":
            params["ContentType"] = headers["Content-Type"] = UNKNOWN_TYPE
        elif operation == "upload_part":
            params["PartNumber"] = request.part_number
            params["ContentLength"] = request.length
        elif operation == "complete_multipart_upload":
            params["IfNoneMatch"] = headers["If-None-Match"] = "*"
        return SignedRequest(self._presign(operation, params, valid_for), headers)

    def parts(self, key: str, upload_id: str) -> list[Part]:
        with _port_errors(key):
            pages = self._inside.get_paginator("list_parts").paginate(
                Bucket=self._bucket, Key=key, UploadId=upload_id
            )
            listed = [part for page in pages for part in page.get("Parts", [])]
        # S3 lists a part that was sent again once; SeaweedFS lists every try
        newest = {
            part["PartNumber"]: Part(part["PartNumber"], part["Size"], _bare(part["ETag"]))
            for part in sorted(listed, key=lambda part: part["LastModified"])
        }
        return [newest[number] for number in sorted(newest)]

    def abort(self, key: str) -> None:
        for upload in self._unfinished(prefix=key):
            if upload["Key"] == key:
                self._abort(key, upload["UploadId"])

    def size(self, key: str) -> int:
        with _port_errors(key):
            return self._inside.head_object(Bucket=self._bucket, Key=key)["ContentLength"]

    def checksums(self, folder: str) -> dict[str, str]:
        with _port_errors(folder):
            listed = self._inside.list_objects_v2(Bucket=self._bucket, Prefix=f"{folder}/")
        return {
            item["Key"].removeprefix(f"{folder}/"): f"{_bare(item['ETag'])} {item['Size']}"
            for item in listed.get("Contents", [])
        }

    def link(self, key: str, *, content_type: str, valid_for: timedelta) -> str:
        params = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": f'inline; filename="{Path(key).name}"',
            "ResponseCacheControl": "no-store",
        }
        return self._presign("get_object", params, valid_for)

    def fetch(self, key: str, target: Path) -> None:
        with _port_errors(key):
            self._inside.download_file(self._bucket, key, str(target))

    def put(self, key: str, source: Path, *, content_type: str) -> None:
        with _port_errors(key):
            self._inside.upload_file(
                str(source), self._bucket, key, ExtraArgs={"ContentType": content_type}
            )

    def delete(self, key: str) -> None:
        with _port_errors(key):
            self._inside.delete_object(Bucket=self._bucket, Key=key)

    def files(self, prefix: str) -> Iterator[StoredFile]:
        with _port_errors(prefix):
            pages = self._inside.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield StoredFile(item["Key"], item["Size"], item["LastModified"])

    def abort_unfinished(self, *, started_before: datetime) -> int:
        old = [item for item in self._unfinished() if item["Initiated"] < started_before]
        for upload in old:
            self._abort(upload["Key"], upload["UploadId"])
        return len(old)

    def origin(self) -> str:
        return self._origin

    def _unfinished(self, prefix: str = "") -> "list[MultipartUploadTypeDef]":
        with _port_errors(prefix):
            pages = self._inside.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            return [upload for page in pages for upload in page.get("Uploads", [])]

    def _abort(self, key: str, upload_id: str) -> None:
        with suppress(FileMissing), _port_errors(key):
            self._inside.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)

    def _presign(self, operation: str, params: dict[str, Any], valid_for: timedelta) -> str:
        with _port_errors(params["Key"]):
            return self._outside.generate_presigned_url(
                operation, Params=params, ExpiresIn=int(valid_for.total_seconds())
            )


def _client(settings: S3Settings, endpoint_url: str | None) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if settings.path_style else "virtual"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=2,
            read_timeout=5,
            retries={"total_max_attempts": 2, "mode": "standard"},
        ),
    )


def _bare(etag: str) -> str:
    return etag.strip('"')


@contextmanager
def _port_errors(key: str) -> Iterator[None]:
    """Turn the vendor's errors into the port's."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in MISSING:
            raise FileMissing(key) from error
        raise StorageError(f"{key}: {error}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageError(f"{key}: {error}") from error
