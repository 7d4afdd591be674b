"""`sentrybox models`: what fits, what does not and why, and what lies there."""

import pytest

from sentrybox.cli import main
from tests.support.tiny_pack import detector, read_manifest, write_manifest, write_pack


def check(directory, capsys):
    status = main(["models", "check", str(directory)])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def test_a_pack_that_fits_is_said_so_with_its_kinds(tmp_path, capsys):
    status, said = check(write_pack(tmp_path / "tiny"), capsys)
    assert status == 0
    assert "pack tiny-1: 3 files, all checksums fit, all networks run" in said
    assert "faces yunet 320 px, landmarks detector, chip arcface5 112 px, 6 values cosine, pose blazepose" in said


@pytest.mark.parametrize(("changes", "named"), [
    ({"embedding_size": 128}, "embedder.onnx: output 'fc1' has shape (6,) without the batch; (128,) is needed"),
    ({"faces__network__size": 640}, "faces.onnx does not take an input of shape (1, 3, 640, 640)"),
    ({"embedder__network__size": 96}, "embedder.onnx does not take an input of shape (1, 3, 96, 96)"),
    ({"faces__strides": [8, 16], "faces__per": [1, 1], "pose__network__file": "embedder.onnx"},
     "embedder.onnx has no output 'landmarks'; it has fc1"),
    ({"embedder__network__file": "pose.onnx", "embedder__network__size": 64},
     "pose.onnx has 2 outputs (landmarks, presence); one is needed"),
    ({"embedder__template": "dlib5"}, "dlib5 needs other landmarks than the detector yunet gives"),
    ({"faces__strides": [8, 16, 64], "faces__network__size": 320}, "faces.onnx has no output 'cls_64'"),
    ({"metric": "manhattan"}, "pack.metric: 'manhattan' is not known; known: euclidean, cosine"),
])
def test_what_does_not_fit_is_named(tmp_path, capsys, changes, named):
    status, said = check(write_pack(tmp_path / "tiny", **changes), capsys)
    assert status == 1
    assert named in said


@pytest.mark.parametrize(("output", "shape", "named"), [
    ("cls_8", [1, 800, 2], "output 'cls_8' has shape (800, 2) without the batch; (1600, 1) is needed"),
    ("bbox_16", [1, 100, 4], "output 'bbox_16' has shape (100, 4) without the batch; (400, 4) is needed"),
    ("kps_32", [1, 100, 8], "output 'kps_32' has shape (100, 8) without the batch; (100, 10) is needed"),
])
def test_each_wrong_shape_of_the_detector_is_named(tmp_path, capsys, output, shape, named):
    pack = write_pack(tmp_path / "tiny")
    (pack / "faces.onnx").write_bytes(detector(**{output: shape}))
    write_manifest(pack, read_manifest(pack))
    status, said = check(pack, capsys)
    assert status == 1
    assert named in said


def test_all_that_is_wrong_is_named_at_once(tmp_path, capsys):
    pack = write_pack(tmp_path / "tiny", embedding_size=5)
    (pack / "faces.onnx").write_bytes(b"no network")
    write_manifest(pack, read_manifest(pack))
    status, said = check(pack, capsys)
    assert status == 1
    assert "faces.onnx is no network that can be loaded" in said
    assert "(5,) is needed" in said


def test_a_changed_file_is_named(tmp_path, capsys):
    pack = write_pack(tmp_path / "tiny")
    (pack / "pose.onnx").write_bytes(b"x")
    assert check(pack, capsys)[0] == 1


def test_what_another_pack_lacks_is_named_without_the_word_to_build(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SENTRYBOX_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bare").mkdir()
    broken = write_pack(tmp_path / "broken")
    (broken / "pose.onnx").unlink()
    for given, named in (("bare", "no model pack in bare, manifest.json is missing there"),
                         (tmp_path / "gone", f"no model pack in {tmp_path / 'gone'}, there is no such directory"),
                         ("gone/too", "no model pack in gone/too, there is no such directory"),
                         ("gone", f"no model pack in {tmp_path / 'models' / 'gone'}, there is no such directory"),
                         (broken, f"{broken / 'pose.onnx'} is missing from the pack")):
        status, said = check(given, capsys)
        assert status == 1
        assert named in said and "docs/models.md" in said and "models build" not in said


def test_the_built_in_pack_is_to_be_built(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SENTRYBOX_MODELS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["models", "check"]) == 1
    assert "run `sentrybox models build`" in capsys.readouterr().err


def test_packs_are_listed_with_kinds_and_licences(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SENTRYBOX_MODELS", str(tmp_path))
    write_pack(tmp_path / "tiny")
    broken = write_pack(tmp_path / "broken", id="broken-1")
    (broken / "pose.onnx").unlink()
    assert main(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert "faces yunet 320 px" in said
    assert "embedder.onnx: CC0-1.0 (made by a test)" in said
    assert "broken-1" in said and "pose.onnx is missing" in said
    assert main(["models", "check", "tiny"]) == 0
