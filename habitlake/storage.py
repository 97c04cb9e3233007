"""Files of the landing zone and the outbox, on a local disk or in an S3-compatible store, behind one small seam.

Locations are a folder path or ``s3://bucket/prefix``. Credentials of S3 come from the usual ``AWS_*`` variables.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlparse

from habitlake.errors import PermanentError
from habitlake.settings import Settings

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem


@dataclass(frozen=True, slots=True, order=True)
class StoredFile:
    """A file below a location: its path relative to that location, size in bytes, and last change in nanoseconds."""

    relative: str
    uri: str
    size: int
    modified_ns: int


def is_remote(location: str) -> bool:
    """Return whether the location is in an object store."""
    return location.startswith("s3://")


def join(location: str, *parts: str) -> str:
    """Append path parts to a location."""
    return "/".join([location.rstrip("/"), *(part.strip("/") for part in parts)])


def s3_environment() -> tuple[str | None, str | None, str]:
    """Return access key, secret key and region from the usual AWS variables."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY"), region


def filesystem(location: str, s3_endpoint_url: str | None) -> tuple["FileSystem", str]:
    """Return the Arrow file system of a location and the path inside it."""
    from pyarrow import fs

    if not is_remote(location):
        return fs.LocalFileSystem(), location
    access_key, secret_key, region = s3_environment()
    endpoint = urlparse(s3_endpoint_url) if s3_endpoint_url else None
    remote = fs.S3FileSystem(
        access_key=access_key,
        secret_key=secret_key,
        region=region,
        endpoint_override=endpoint.netloc if endpoint else None,
        scheme=endpoint.scheme if endpoint else "https",
        allow_bucket_creation=False,
    )
    return remote, location.removeprefix("s3://")


def ensure_bucket(location: str, settings: Settings) -> None:
    """Make the bucket of an S3 location if it is not there; a folder needs nothing.

    Raises
    ------
    PermanentError
        If the store refuses.
    """
    if not is_remote(location):
        return
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    bucket = location.removeprefix("s3://").partition("/")[0]
    store = boto3.client("s3", endpoint_url=settings.s3_endpoint_url, region_name=s3_environment()[2])
    try:
        if bucket not in {found["Name"] for found in store.list_buckets()["Buckets"]}:
            store.create_bucket(Bucket=bucket)
    except (BotoCoreError, ClientError) as error:
        msg = f"cannot make sure of bucket {bucket}: {error}; check HABITLAKE_S3_ENDPOINT_URL and AWS_* credentials"
        raise PermanentError(msg) from error


def list_files(location: str, settings: Settings) -> list[StoredFile]:
    """Return every file below a location, sorted by path; an absent location has none.

    Raises
    ------
    PermanentError
        If the location exists but is no folder or cannot be read.
    """
    from pyarrow import fs

    infos, path = _listing(location, settings, recursive=True)
    prefix = path.rstrip("/") + "/"
    return sorted(
        StoredFile(
            relative=info.path.removeprefix(prefix),
            uri=f"s3://{info.path}" if is_remote(location) else info.path,
            size=info.size or 0,
            modified_ns=info.mtime_ns or 0,
        )
        for info in infos
        if info.type == fs.FileType.File
        # Names that start with a dot or underscore are a writer's unfinished work.
        and not info.base_name.startswith((".", "_"))
    )


def folders(location: str, settings: Settings) -> list[str]:
    """Return the names of the folders directly below a location, sorted; an absent location has none.

    Raises
    ------
    PermanentError
        If the location exists but is no folder or cannot be read.
    """
    from pyarrow import fs

    infos, _ = _listing(location, settings, recursive=False)
    return sorted(info.base_name for info in infos if info.type == fs.FileType.Directory)


def _listing(location: str, settings: Settings, *, recursive: bool) -> tuple[list["FileInfo"], str]:
    """Return what is below a location, and its path in its file system."""
    from pyarrow import fs

    system, path = filesystem(location, settings.s3_endpoint_url)
    try:
        if not is_remote(location):
            # Arrow lists an unreadable folder, or one below a file, as empty; a night must not mistake that for
            # "no data". Only a folder that is not there has none.
            with contextlib.suppress(FileNotFoundError):
                next(Path(path).iterdir(), None)
        return system.get_file_info(fs.FileSelector(path, recursive=recursive, allow_not_found=True)), path
    except (OSError, ValueError) as error:
        msg = f"cannot list {location}: {error}; check that it is a folder and that this user may read it"
        raise PermanentError(msg) from error


@contextlib.contextmanager
def open_output(uri: str, settings: Settings) -> Iterator[IO[bytes]]:
    """Open a file for writing whole; a reader sees the old content or the new, never a part of it.

    Raises
    ------
    PermanentError
        If the folder cannot be written.
    """
    if is_remote(uri):
        system, key = filesystem(uri, settings.s3_endpoint_url)
        with system.open_output_stream(key, compression=None) as stream:
            yield stream
        return
    path = Path(uri)
    temporary = path.with_name(f"._{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            yield stream
        temporary.replace(path)
    except (PermissionError, NotADirectoryError) as error:
        msg = f"cannot write {uri}: {error}; check the folder and its permissions"
        raise PermanentError(msg) from error
    finally:
        temporary.unlink(missing_ok=True)


def read_bytes(uri: str, settings: Settings) -> bytes:
    """Return the content of a file."""
    system, path = filesystem(uri, settings.s3_endpoint_url)
    with system.open_input_file(path) as stream:
        return stream.read()


def delete_file(uri: str, settings: Settings) -> None:
    """Delete a file if it is there."""
    system, path = filesystem(uri, settings.s3_endpoint_url)
    with contextlib.suppress(FileNotFoundError):
        system.delete_file(path)
