import io
import warnings
from base64 import b64decode

import numpy
import pytest
from PIL import Image

from explorer.figures.images import GAP, MAX_MAPS, TILE, describe_maps, draw_batch, draw_montage, encode_png
from explorer.records import FeatureMaps

GREY, WHITE, BLUE, ORANGE = (128, 128, 128), (255, 255, 255), (0, 114, 178), (213, 94, 0)


def montage(maps, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = draw_montage(FeatureMaps("layer1.0.merge", numpy.asarray(maps, dtype=numpy.float32)), **options)
    assert image.mode == "RGB"
    return numpy.asarray(image)


def tile(sheet, number, columns, height, width):
    """Pixels of a tile, counted by hand: a gap of two on every side."""
    row, column = divmod(number, columns)
    top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
    return sheet[top : top + height, left : left + width]


def test_two_channels_by_hand():
    """2x2 maps are enlarged 28 times; half of the largest value is half-way from white to its colour."""
    sheet = montage([[[2, 0], [-2, 1]], [[-1, 0], [0, 0]]])
    assert TILE == 56 and sheet.shape == (2 + 56 + 2, 2 + 56 + 2 + 56 + 2, 3)
    first, second = tile(sheet, 0, 2, 56, 56), tile(sheet, 1, 2, 56, 56)
    corners = [(0, 0), (0, 28), (28, 0), (28, 28)]
    half_orange, half_blue = (234, 174, 128), (128, 184, 216)  # (255 + 213) / 2, ...; the even one where it is a tie
    for picture, colours in ((first, (ORANGE, WHITE, BLUE, half_orange)), (second, (half_blue, WHITE, WHITE, WHITE))):
        for (top, left), colour in zip(corners, colours, strict=True):
            patch = picture[top : top + 28, left : left + 28].astype(int)
            assert abs(patch - colour).max() <= 1
    ground = sheet.copy()
    for number in (0, 1):
        tile(ground, number, 2, 56, 56)[:] = GREY
    assert (ground == GREY).all()


def test_tiles_stand_row_by_row():
    maps = numpy.zeros((7, 60, 60))
    for number in range(7):
        maps[number] = 1 if number % 2 else -1
    sheet = montage(maps, columns=3)
    assert sheet.shape == (GAP + 3 * (60 + GAP), GAP + 3 * (60 + GAP), 3)  # larger than a tile: not enlarged
    for number in range(7):
        assert (tile(sheet, number, 3, 60, 60) == (ORANGE if number % 2 else BLUE)).all()
    for number in (7, 8):
        assert (tile(sheet, number, 3, 60, 60) == GREY).all()


def test_one_scale_holds_for_all_tiles_and_outliers_do_not_set_it():
    maps = numpy.ones((4, 100, 100))
    maps[0] *= 0.5
    maps[3, 0, 0] = 1e6  # one in 40,000; full colour is the 99.5th percentile
    sheet = montage(maps, columns=4)
    assert abs(tile(sheet, 0, 4, 100, 100).astype(int) - (234, 174, 128)).max() <= 1
    assert (tile(sheet, 1, 4, 100, 100) == ORANGE).all()
    assert (tile(sheet, 3, 4, 100, 100) == ORANGE).all()


def test_numbers_that_are_not_finite():
    sheet = montage([[[numpy.nan, numpy.inf], [-numpy.inf, 1]]])
    picture = tile(sheet, 0, 1, 56, 56)
    assert (picture[0, 0] == WHITE).all() and (picture[0, 55] == ORANGE).all()
    assert (picture[55, 0] == BLUE).all() and (picture[55, 55] == ORANGE).all()
    assert (tile(montage(numpy.full((1, 2, 2), numpy.nan)), 0, 1, 56, 56) == WHITE).all()


def test_nothing_but_zeros_is_white():
    assert (tile(montage(numpy.zeros((1, 3, 3))), 0, 1, 54, 54) == WHITE).all()


def test_a_vector_is_a_row_of_plain_tiles():
    maps = numpy.linspace(-1, 1, 10).reshape(10, 1, 1)
    sheet = montage(maps, columns=10)
    assert sheet.shape == (60, 2 + 10 * 58, 3)
    assert all(len(numpy.unique(tile(sheet, n, 10, 56, 56).reshape(-1, 3), axis=0)) == 1 for n in range(10))
    assert (tile(sheet, 9, 10, 56, 56) == ORANGE).all() and (tile(sheet, 0, 10, 56, 56) == BLUE).all()


@pytest.mark.parametrize("channels", [1, 3, 64, 257])
def test_at_most_256_maps_are_drawn(channels):
    maps = numpy.ones((channels, 7, 7))
    sheet = montage(maps)
    colours, counts = numpy.unique(sheet.reshape(-1, 3), axis=0, return_counts=True)
    pixels = {tuple(int(part) for part in c): int(n) for c, n in zip(colours, counts, strict=True)}
    assert pixels[ORANGE] == min(channels, MAX_MAPS) * 56 * 56
    if channels >= 16:
        assert sheet.shape[1] >= sheet.shape[0] * 0.8  # as wide as high at least


def test_the_sentence_counts_what_is_shown_and_what_is_silent():
    maps = numpy.ones((3, 4, 5), numpy.float32)
    maps[1] = 0
    text = describe_maps(FeatureMaps("stem.conv1", maps))
    assert text.startswith("stem.conv1: all 3 channels of 4 × 5.") and "1 are zero" not in text
    assert "1 is zero everywhere" in text
    many = describe_maps(FeatureMaps("head.avgpool", numpy.zeros((2048, 1, 1), numpy.float32)))
    assert "the first 256 of 2,048" in many and "2,048 are zero everywhere" in many
    assert "zero everywhere" not in describe_maps(FeatureMaps("a", numpy.ones((2, 1, 1), numpy.float32)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_is_laid_out_row_by_row(channels):
    images = numpy.random.default_rng(0).integers(0, 256, (5, 20, 14, channels), dtype=numpy.uint8)
    sheet = numpy.asarray(draw_batch(images, columns=3, zoom=1))
    assert sheet.shape == (2 * (20 + GAP) + GAP, 3 * (14 + GAP) + GAP, 3)
    for number, image in enumerate(images):
        expected = numpy.broadcast_to(image, (20, 14, 3))
        assert numpy.array_equal(tile(sheet, number, 3, 20, 14), expected)
    assert (tile(sheet, 5, 3, 20, 14) == GREY).all()
    double = numpy.asarray(draw_batch(images, columns=3))  # 56 // 20
    assert numpy.array_equal(tile(double, 4, 3, 40, 28)[::2, 1::2], tile(sheet, 4, 3, 20, 14))


def test_a_png_address_holds_the_picture():
    images = numpy.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=numpy.uint8)
    sheet = draw_batch(images, columns=2)
    address = encode_png(sheet)
    assert address.startswith("data:image/png;base64,")
    read = Image.open(io.BytesIO(b64decode(address.partition(",")[2])))
    assert numpy.array_equal(numpy.asarray(read), numpy.asarray(sheet))
