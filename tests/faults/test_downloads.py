"""Downloads from a server that misbehaves: nothing half or wrong is kept, and what takes its place is said."""

import gc
import gzip
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from normplace.data import on_disk
from normplace.data.record import Where
from normplace.data.sets import DATASETS
from normplace.errors import UserError

# Connections that end like these are left to the garbage collector by those who opened them.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
BODY = b"not what was asked for" * 100
GOOD: dict[str, bytes] = {}  # what is served as it should be, by path


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """How it answers is the first part of the path."""

    def do_GET(self) -> None:
        how = self.path.split("/")[1]
        if how == "absent":
            self.send_error(404)
            return
        if how == "good":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(GOOD[self.path])
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        if how == "silent":
            self.server.released.wait()  # type: ignore[attr-defined]
        self.wfile.write(BODY if how == "wrong" else BODY[: len(BODY) // 2])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving) as server:
        server.released = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.released.set()  # type: ignore[attr-defined]
        server.shutdown()
    gc.collect()  # connections that ended badly, here and not in a later test, which knows nothing of them


def served_by(server: str, how: str, name: str) -> on_disk.OnDisk:
    """The data set's files, to be downloaded from this server."""
    files = DATASETS[name].on_disk
    assert files is not None
    archives = (
        replace(archive, urls=tuple(f"{server}/{how}/{url.rpartition('/')[2]}" for url in archive.urls))
        for archive in files.downloads
    )
    return replace(files, downloads=tuple(archives))


def test_a_good_download_is_unpacked_where_it_belongs(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gzip file becomes the file it is named for, a tar its own folders; nothing else stays."""
    monkeypatch.delenv("NORMPLACE_OFFLINE")
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("batches/data_batch_1"), io.BytesIO())
    GOOD["/good/images.gz"], GOOD["/good/batches.tar.gz"] = gzip.compress(BODY), tar.getvalue()
    absent, first, second = (
        f"{server}/{path}" for path in ("absent/images.gz", "good/images.gz", "good/batches.tar.gz")
    )
    archives = (
        on_disk.Download((absent, first), f"sha256:{sha256(GOOD['/good/images.gz']).hexdigest()}", "raw/images"),
        on_disk.Download((second,), f"sha256:{sha256(GOOD['/good/batches.tar.gz']).hexdigest()}"),
    )
    on_disk.obtain(archives, tmp_path / "new", here=[])
    found = {str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert found == {"raw/images", "batches/data_batch_1"}
    assert (tmp_path / "new" / "raw" / "images").read_bytes() == BODY


@pytest.mark.parametrize("how", ["absent", "cut", "wrong", "silent"])
@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_bad_download_leaves_nothing(
    how: str,
    name: str,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("NORMPLACE_OFFLINE")
    monkeypatch.setattr(on_disk, "DOWNLOAD_TIMEOUT", 0.5)
    files = served_by(server, how, name)
    found = files.source("train", Where((tmp_path,)))
    assert found.stand_in
    said = caplog.text
    assert f"WARNING: {files.title} was not found" in said
    assert "STAND-IN" in said
    reason = {"absent": "404", "cut": "IncompleteRead", "wrong": "does not match the known hash", "silent": "timed out"}
    assert reason[how] in said, "the reason is given in full"
    assert f"{server}/{how}/" in said
    assert not list(tmp_path.rglob("*")), "nothing is left of the download"
    with pytest.raises(UserError, match="could not be downloaded"):
        files.source("train", Where((tmp_path,), stand_in_allowed=False))
    assert not list(tmp_path.rglob("*"))
