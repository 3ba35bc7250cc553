"""Downloads from a server that misbehaves: nothing half or wrong is kept, and what takes its place is said."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from normplace.data import sources
from normplace.errors import UserError

BODY = b"not what was asked for" * 100


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """How it answers is the first part of the path."""

    def do_GET(self) -> None:
        how = self.path.split("/")[1]
        if how == "absent":
            self.send_error(404)
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


# Connections that end like this are left to the garbage collector by those who opened them.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("how", ["absent", "cut", "wrong", "silent"])
@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_bad_download_leaves_nothing(
    how: str,
    name: str,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("NORMPLACE_OFFLINE")
    monkeypatch.setattr(sources, "DOWNLOAD_TIMEOUT", 0.5)
    datasets = sources.import_torchvision().datasets
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{server}/{how}/"])
    monkeypatch.setattr(datasets.CIFAR10, "url", f"{server}/{how}/cifar-10-python.tar.gz")
    title = {"mnist": "MNIST", "cifar10": "CIFAR-10"}[name]
    found = sources.mnist_or_cifar10(name, "train", [tmp_path], stand_in_allowed=True)
    assert found.stand_in
    said = capsys.readouterr().err
    assert f"WARNING: {title} was not found" in said
    assert "STAND-IN" in said
    assert not list(tmp_path.rglob("*")), "nothing is left of the download"
    with pytest.raises(UserError, match="could not be downloaded"):
        sources.mnist_or_cifar10(name, "train", [tmp_path], stand_in_allowed=False)
    assert not list(tmp_path.rglob("*"))
