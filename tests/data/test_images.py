import io
import struct
import zlib
from pathlib import Path

import numpy
import pytest
import torchvision.transforms as T
from PIL import Image, ImageFile
from torchvision.transforms.functional import InterpolationMode

from explorer.data.images import MAX_PIXELS, open_image, printable_name, read_size, resize_and_crop, to_array
from explorer.errors import DataError

RNG = numpy.random.default_rng(0)


def picture(width: int, height: int) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=numpy.uint8))


def refusal(path: Path | str) -> str:
    with pytest.raises(DataError) as caught:
        open_image(path)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 300
    return message


def write_png_bomb(path: Path, side: int, rows: int) -> None:
    """A black RGB PNG of side x side, `rows` of them there, written by hand: Pillow would need it in memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(3 * side + 1)
    data = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def test_a_plain_picture_is_opened_as_it_is(tmp_path):
    source = picture(20, 10)
    source.save(tmp_path / "a.png")
    opened = open_image(tmp_path / "a.png")
    assert opened.notes == () and opened.image.mode == "RGB"
    assert numpy.array_equal(opened.image, source)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("text.jpg", b"no image at all", "not an image"),
        ("empty.png", b"", "not an image"),
        ("page.pdf", b"%PDF-1.4\n", "not an image"),
        ("code.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\n", "not an image"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    message = refusal(tmp_path / name)
    assert name in message and words in message and "JPEG" in message


def test_missing_files_folders_and_impossible_names_are_refused(tmp_path):
    assert "does not exist" in refusal(tmp_path / "none.png")
    assert "folder" in refusal(tmp_path)
    assert "x" * 60 in refusal(tmp_path / ("x" * 5000))
    refusal("a\0b.png")
    refusal("")


def test_hostile_names_stay_on_one_printable_line(tmp_path):
    path = tmp_path / "two\nlines\x1b[31m\udcff.png"
    path.write_bytes(b"junk")
    assert refusal(path).startswith("two?lines?[31m?.png is not an image")
    assert len(printable_name("x" * 5000)) == 80


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path, format, share):
    buffer = io.BytesIO()
    picture(64, 64).save(buffer, format)
    path = tmp_path / "cut"
    path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * share)])
    assert "cut is" in refusal(path)


def test_no_damage_escapes_as_another_error(tmp_path):
    """Bytes of small files are changed at random; what Pillow raises then is a wide field (IndexError ...)."""
    sources = []
    for format in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "PPM", "MPO"):
        buffer = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6
        picture(9, 7).save(buffer, format, exif=exif)
        sources.append(buffer.getvalue())
    path = tmp_path / "fuzzed"
    for number in range(1000):
        content = bytearray(sources[number % len(sources)])
        for _ in range(RNG.integers(1, 12)):
            content[RNG.integers(min(len(content), 120))] = RNG.integers(256)
        path.write_bytes(content)
        read_size(path)
        try:
            assert open_image(path).image.mode == "RGB"
        except DataError:
            continue


@pytest.mark.parametrize(("side", "rows"), [(13_000, 13_000), (20_000, 10)])
def test_an_image_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch, side, rows):
    write_png_bomb(tmp_path / "bomb.png", side, rows)
    assert (tmp_path / "bomb.png").stat().st_size < 520_000

    def load(self):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    message = refusal(tmp_path / "bomb.png")
    assert ("13,000 × 13,000" in message) or ("400,000,000" in message)
    assert "64 megapixels" in message or f"{MAX_PIXELS:,}" in message


def test_a_picture_of_one_pixel_is_refused_with_its_size(tmp_path):
    picture(1, 1).save(tmp_path / "dot.png")
    message = refusal(tmp_path / "dot.png")
    assert "1 × 1" in message and "4 × 4" in message


def test_greyscale_is_repeated_in_three_channels(tmp_path):
    values = RNG.integers(0, 256, (8, 8), dtype=numpy.uint8)
    Image.fromarray(values).save(tmp_path / "grey.png")
    opened = open_image(tmp_path / "grey.png")
    assert numpy.array_equal(opened.image, numpy.stack([values] * 3, 2))
    assert len(opened.notes) == 1 and "Greyscale" in opened.notes[0]


def test_cmyk_is_converted(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=100)
    opened = open_image(tmp_path / "red.jpg")
    red, green, blue = opened.image.getpixel((4, 4))
    assert red > 250 and green < 5 and blue < 5
    assert opened.notes == ("CMYK: converted to RGB.",)


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("top", [65535, 200])
def test_16_bits_keep_their_scale_however_dark(tmp_path, format, top):
    values = RNG.integers(0, top + 1, (8, 8), dtype=numpy.uint16)
    Image.fromarray(values).save(tmp_path / f"deep.{format}")
    opened = open_image(tmp_path / f"deep.{format}")
    expected = numpy.round(values / 257).astype(numpy.uint8)
    assert numpy.array_equal(numpy.asarray(opened.image)[..., 0], expected)
    assert len(opened.notes) == 1 and "8 bits" in opened.notes[0]


def test_floats_are_stretched_and_survive_what_is_not_finite(tmp_path):
    values = numpy.linspace(-1, 3, 64, dtype=numpy.float32).reshape(8, 8)
    values[0, 0] = numpy.nan
    Image.fromarray(values).save(tmp_path / "float.tiff")
    pixels = numpy.asarray(open_image(tmp_path / "float.tiff").image)
    assert pixels[7, 7, 0] == 255 and pixels[0, 1, 0] <= 1 and pixels[0, 0, 0] == 61  # nan is read as 0


def test_transparency_of_a_palette_is_laid_on_white(tmp_path):
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "clear.png", transparency=0)
    opened = open_image(tmp_path / "clear.png")
    assert opened.image.getpixel((0, 0)) == (255, 255, 255) and opened.image.getpixel((1, 0)) == (200, 100, 50)
    assert opened.notes == ("Transparent: laid on white.",)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_half_transparent_pixels_are_mixed_with_white(tmp_path, mode):
    Image.new(mode, (8, 8), (0, 128) if mode == "LA" else (0, 0, 0, 128)).save(tmp_path / "veil.png")
    opened = open_image(tmp_path / "veil.png")
    assert opened.image.getpixel((3, 3)) == (127, 127, 127)
    assert "Transparent: laid on white." in opened.notes


@pytest.mark.parametrize("format", ["gif", "webp", "png"])
def test_of_an_animation_the_first_frame_is_used(tmp_path, format):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    path = tmp_path / f"moving.{format}"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    opened = open_image(path)
    assert opened.image.getpixel((4, 4)) == (255, 0, 0)
    assert any("first" in note for note in opened.notes)


# The eight orientations of EXIF 2.32, tag 0x0112: what a camera stored, as rotations and flips of the scene.
STORED = {
    1: lambda scene: scene,
    2: numpy.fliplr,
    3: lambda scene: numpy.rot90(scene, 2),
    4: numpy.flipud,
    5: lambda scene: scene.transpose(1, 0, 2),
    6: lambda scene: numpy.rot90(scene, 1),
    7: lambda scene: numpy.rot90(scene, 2).transpose(1, 0, 2),
    8: lambda scene: numpy.rot90(scene, -1),
}


@pytest.mark.parametrize("orientation", [*STORED, 0, 9])
@pytest.mark.parametrize("format", ["png", "tiff", "webp"])
def test_pictures_are_turned_upright(tmp_path, orientation, format):
    scene = RNG.integers(0, 256, (12, 16, 3), dtype=numpy.uint8)
    stored = numpy.ascontiguousarray(STORED.get(orientation, STORED[1])(scene))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{format}"
    Image.fromarray(stored).save(path, exif=exif, lossless=True)
    opened = open_image(path)
    assert numpy.array_equal(opened.image, scene)
    assert bool(opened.notes) == (orientation in range(2, 9))
    assert read_size(path) == (12, 16)


def test_a_turned_jpeg_of_a_phone_is_upright(tmp_path):
    scene = numpy.zeros((40, 60, 3), numpy.uint8)
    scene[:20] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(numpy.ascontiguousarray(numpy.rot90(scene, 1))).save(tmp_path / "phone.jpg", exif=exif)
    upright = numpy.asarray(open_image(tmp_path / "phone.jpg").image)
    assert upright.shape == scene.shape and upright[:15].min() > 240 and upright[25:].max() < 15


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (224, 224), (57, 91), (500, 333), (333, 500), (32, 31)])
@pytest.mark.parametrize("resize", [None, 256, 232])
def test_resize_and_crop_is_torchvisions(size, resize):
    image = picture(*size)
    reference = T.Compose([T.Resize(resize or 224, InterpolationMode.BILINEAR), T.CenterCrop(224)])
    assert numpy.array_equal(resize_and_crop(image, 224, 224, resize), reference(image))


@pytest.mark.parametrize(("height", "width"), [(20, 50), (50, 20), (1, 1), (8, 300)])
def test_a_rectangle_is_covered(height, width):
    image = picture(60, 40)
    cut = resize_and_crop(image, height, width)
    assert cut.size == (width, height)
    scale = max(height / 40, width / 60)
    whole = image.resize((max(width, int(60 * scale)), max(height, int(40 * scale))), Image.Resampling.BILINEAR)
    assert numpy.array_equal(cut, T.CenterCrop((height, width))(whole))


def test_a_picture_that_fits_is_not_touched():
    image = picture(32, 32)
    assert resize_and_crop(image, 32, 32) is image


@pytest.mark.parametrize("size", [(4, 1_000_000), (1_000_000, 4)])
def test_a_very_long_picture_needs_little_memory(monkeypatch, size):
    sizes = []
    resize = Image.Image.resize
    monkeypatch.setattr(
        Image.Image, "resize", lambda self, size, *rest: sizes.append(size) or resize(self, size, *rest)
    )
    assert resize_and_crop(Image.new("RGB", size), 224, 224).size == (224, 224)
    assert max(width * height for width, height in sizes) <= 224 * 2240


def test_to_array_gives_luma_or_colours():
    image = picture(5, 4)
    assert numpy.array_equal(to_array(image, 3), image)
    luma = numpy.asarray(image).astype(float) @ [0.299, 0.587, 0.114]  # ITU-R BT.601
    assert to_array(image, 1).shape == (4, 5, 1)
    assert abs(to_array(image, 1)[..., 0] - luma).max() <= 1
