"""Uploads: every kind of picture comes out upright and in RGB, everything else is refused with its code."""

import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image

from vision.analysis import Refused
from vision.cpu.uploads import MAX_SIDE, open_upload
from vision.worker.messages import still_fields


def data(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def said(analysis, upload):
    """What the worker answers."""
    return still_fields(analysis.still(upload), analysis.manifest.id)


def ramp(width=96, height=64, top=255):
    """Grey from left to right."""
    return np.tile(np.linspace(0, top, width), (height, 1))


def colours(width=96, height=64):
    """Left half red, right half blue, lower quarter green."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, :width // 2, 0] = 255
    picture[:, width // 2:, 2] = 255
    picture[-height // 4:] = (0, 255, 0)
    return Image.fromarray(picture)


def bomb(width, height):
    """A PNG whose header promises far more than its few bytes hold."""
    file = bytearray(data(Image.new("L", (64, 64))))
    file[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    file[29:33] = zlib.crc32(bytes(file[12:29])).to_bytes(4, "big")
    return bytes(file)


def frames(kind):
    return data(colours(), kind, save_all=True, append_images=[Image.new("RGB", (96, 64), "white")])


@pytest.mark.parametrize(("upload", "code", "named"), [
    (b"", "not_an_image", "known format"),
    (b"Dear Sir, find no picture attached", "not_an_image", "known format"),
    (b"%PDF-1.7\n" + bytes(500), "not_an_image", "known format"),
    (data(colours(400, 300), "JPEG")[:900], "not_an_image", "cut short"),
    (data(colours(400, 300))[:300], "not_an_image", "damaged"),
    (data(colours(), "PNG")[:60] + bytes(200), "not_an_image", "damaged"),
    (bomb(20000, 20000), "too_large", "megapixels"),
    (bomb(8000, 7000), "too_large", "8000 x 7000"),
    (data(colours(31, 200)), "too_small", "31 x 200"),
    (frames("GIF"), "animated", "GIF"),
    (frames("PNG"), "animated", "PNG"),
    (frames("WEBP"), "animated", "WEBP"),
], ids=["empty", "text", "pdf", "cut-jpeg", "cut-png", "corrupt-png", "bomb", "bomb-small", "tiny", "gif", "apng",
        "webp"])
def test_what_cannot_be_used_is_refused_with_its_code(upload, code, named):
    with pytest.raises(Refused) as caught:
        open_upload(upload)
    assert caught.value.code == code
    assert named in caught.value.detail


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_common_formats_give_the_same_colours(kind):
    picture = open_upload(data(colours(), kind))
    assert (picture.width, picture.height, picture.scale) == (96, 64, 1)
    assert np.abs(picture.rgb[10, 10].astype(int) - (255, 0, 0)).max() < 40
    assert np.abs(picture.rgb[10, 80].astype(int) - (0, 0, 255)).max() < 40
    assert np.abs(picture.rgb[60, 50].astype(int) - (0, 255, 0)).max() < 40


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_comes_out_upright(orientation):
    back = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}
    stored = colours().transpose(back[orientation]) if orientation in back else colours()
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = open_upload(data(stored, "JPEG", exif=exif, quality=95))
    assert (picture.width, picture.height) == (96, 64)
    assert np.abs(picture.rgb.astype(int) - np.asarray(colours())).mean() < 12


@pytest.mark.parametrize(("image", "kind"), [
    (Image.fromarray(ramp().astype(np.uint8)), "PNG"),
    (Image.fromarray(ramp().astype(np.uint8)), "JPEG"),
    (Image.fromarray((ramp(top=65535)).astype(np.uint16)), "PNG"),
    (Image.fromarray((ramp(top=65535)).astype(np.uint16)), "TIFF"),
    (Image.fromarray((ramp(top=1)).astype(np.float32)), "TIFF"),
    (Image.fromarray((ramp(top=65535)).astype(np.int32)), "TIFF"),
    (Image.fromarray(ramp().astype(np.uint8)).convert("P"), "PNG"),
    (Image.fromarray(ramp().astype(np.uint8)).convert("LA"), "PNG"),
    (Image.fromarray(ramp().astype(np.uint8)).convert("RGBA"), "PNG"),
    (Image.fromarray(ramp().astype(np.uint8)).convert("CMYK"), "JPEG"),
    (Image.fromarray(ramp().astype(np.uint8)).convert("CMYK"), "TIFF"),
], ids=["grey-png", "grey-jpeg", "16-bit-png", "16-bit-tiff", "float-tiff", "32-bit-tiff", "palette", "grey-alpha",
        "rgba", "cmyk-jpeg", "cmyk-tiff"])
def test_every_kind_of_pixel_keeps_its_brightness(image, kind):
    rgb = open_upload(data(image, kind)).rgb
    assert rgb.shape == (64, 96, 3)
    assert rgb.dtype == np.uint8
    assert np.abs(rgb.mean((0, 2)) - ramp()[0]).max() < 6


def test_what_is_transparent_is_white():
    assert open_upload(data(Image.new("RGBA", (64, 64), (0, 0, 0, 0)))).rgb.min() == 255


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_picture_is_analysed_smaller_and_says_so(kind):
    picture = open_upload(data(colours(4000, 3000), kind))
    assert (picture.width, picture.height) == (4000, 3000)
    assert max(picture.rgb.shape) <= MAX_SIDE
    assert picture.scale == pytest.approx(4000 / picture.rgb.shape[1])


def test_a_picture_without_a_face_has_none(analysis):
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    answer = said(analysis, data(Image.fromarray(noise)))
    assert answer == {"width": 320, "height": 240, "pack": "open-1", "faces": []}


def test_a_portrait_has_one_face_with_everything_said_of_it(analysis, faces):
    answer = said(analysis, (faces / "face_recognition/knn_examples/train/obama/obama.jpg").read_bytes())
    (face,) = answer["faces"]
    x, y, width, height = face["box"]
    assert 0 <= x < x + width <= answer["width"]
    assert 0 <= y < y + height <= answer["height"]
    assert face["score"] > 0.8
    assert all(x - width < px < x + 2 * width and y < py < y + height for px, py in face["landmarks"])
    assert len(face["landmarks"]) == 5
    assert face["quality"]["width"] == width
    assert face["quality"]["sharpness"] > 50
    assert 40 < face["quality"]["brightness"] < 220
    assert face["quality"]["frontal"] > 0.6
    vector = np.frombuffer(base64.b64decode(face["embedding"]), "<f4")
    assert vector.shape == (128,)
    assert np.isfinite(vector).all()


@pytest.mark.parametrize(("name", "count"), [("011_3.jpg", 3), ("012_4.jpg", 4), ("010_2.jpg", 2), ("017_0.jpg", 0)])
def test_faces_are_counted(analysis, faces, name, count):
    assert len(said(analysis, (faces / "compreface" / name).read_bytes())["faces"]) == count


@pytest.mark.parametrize("turn", [6, 8, 3])
def test_a_turned_portrait_gives_the_same_face(analysis, faces, turn):
    file = faces / "face_recognition/knn_examples/train/biden/biden.jpg"
    upright = Image.open(file).convert("RGB")
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[turn]
    exif = Image.Exif()
    exif[0x0112] = turn
    answer = said(analysis, data(upright.transpose(back), "JPEG", exif=exif, quality=95))
    plain = said(analysis, file.read_bytes())
    assert answer["width"] == plain["width"]
    one, two = (np.frombuffer(base64.b64decode(each["faces"][0]["embedding"]), "<f4") for each in (answer, plain))
    assert np.linalg.norm(one - two) < 0.15


def vectors(analysis, files):
    for file in files:
        for face in said(analysis, file.read_bytes())["faces"]:
            yield np.frombuffer(base64.b64decode(face["embedding"]), "<f4")


def test_people_in_other_photos_are_the_nearest_and_within_the_review_distance(analysis, faces):
    train = faces / "face_recognition/knn_examples/train"
    known = {person.name: np.mean(list(vectors(analysis, sorted(person.iterdir()))), 0) for person in train.iterdir()}
    tests = {"obama1.jpg": {"obama"}, "obama_and_biden.jpg": {"obama", "biden"},
             "johnsnow_test1.jpg": {"kit_harington"}, "alex_lacamoire1.jpg": {"alex_lacamoire"},
             "kit_with_rose.jpg": {"kit_harington", "rose_leslie"}}
    for name, people in tests.items():
        found = set()
        for vector in vectors(analysis, [faces / "face_recognition/knn_examples/test" / name]):
            distance, person = min((np.linalg.norm(vector - mean), person) for person, mean in known.items())
            if distance <= 0.60:
                found.add(person)
        assert found == people, name
