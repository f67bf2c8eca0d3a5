"""Pictures from people: opened safely, turned upright, made RGB, and cut to a network's input."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy
from PIL import Image, ImageOps, UnidentifiedImageError

from explorer.errors import ImageError

MAX_PIXELS = 64_000_000  # decoded RGB: 192 MB; phones make up to 50 megapixels
MIN_SIDE = 4
MAX_ASPECT = 10  # a 4 x 16,000,000 picture scaled to cover 224 x 224 would take 600 GB
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")  # Pillow would run Ghostscript on an EPS
MISSING, UNREADABLE, NO_IMAGE = "missing", "unreadable", "no image"
TOO_SMALL, TOO_LARGE = f"smaller than {MIN_SIDE} × {MIN_SIDE} pixels", f"larger than {MAX_PIXELS // 10**6} megapixels"


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """An upright RGB picture, and what was done to it, a sentence each."""

    image: Image.Image
    notes: tuple[str, ...] = ()


class _Silence:
    """Within, warnings are dropped: Pillow warns about each odd tag, and what matters is whether there is a picture.

    Python's own `catch_warnings` restores what it found, which of two threads in it at once may be the other's silence.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._before = Lock(), 0, warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._before.__exit__(None, None, None)


_silence = _Silence()


def open_image(path: str | Path) -> OpenedImage:
    """Open an image file as upright RGB; its size is checked before a pixel is decoded. Raises `ImageError`."""
    name = printable_name(path)
    try:
        with _silence:
            return _open_upright(path, name)
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist: give the path of an image file.", MISSING) from None
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder: give the path of an image file in it.", UNREADABLE) from None
    except UnidentifiedImageError:
        raise ImageError(
            f"{name} is not an image that can be read: use JPEG, PNG, WebP, GIF, BMP or TIFF.", NO_IMAGE
        ) from None
    except Image.DecompressionBombError as error:
        pixels = re.findall(r"\d+", str(error))
        raise ImageError(
            f"{name} has {int(pixels[0]):,} pixels: at most {MAX_PIXELS:,} are allowed.", TOO_LARGE
        ) from None
    except Exception as error:  # Pillow's readers raise almost anything on a damaged file, such as IndexError
        if isinstance(error, OSError) and error.errno:
            sentence = f"{name} can't be opened ({error.strerror}): choose another file."
            raise ImageError(sentence, UNREADABLE) from None
        raise ImageError(
            f"{name} is damaged or cut off ({_one_line(error)}): try to save it anew.", "damaged"
        ) from None


def _open_upright(path: str | Path, name: str) -> OpenedImage:
    with Image.open(path, formats=FORMATS) as image:
        _check_size(image, name)
        notes = _describe(image)
        image.draft("RGB", (2048, 2048))  # lets JPEG decode at a fraction of its size
        image.load()
        return OpenedImage(_to_rgb(ImageOps.exif_transpose(image)), notes)


def read_size(path: str | Path) -> tuple[int, int] | None:
    """(H, W) of the upright picture, from the file's header; None where it can't be read."""
    try:
        with _silence, Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            turned = _orientation(image) > 4 and image.format != "TIFF"  # whose size is upright already
            return (width, height) if turned else (height, width)
    except Exception:  # as above; reading the picture will say what is wrong
        return None


def find_fault(path: str | Path) -> tuple[str, tuple[int, int] | None]:
    """What the file's header says is wrong with it, in a few words ("" for nothing), and its (H, W)."""
    size = read_size(path)
    if size is None:
        return NO_IMAGE if Path(path).is_file() else MISSING, None
    if min(size) < MIN_SIDE:
        return TOO_SMALL, size
    return TOO_LARGE if size[0] * size[1] > MAX_PIXELS else "", size


def printable_name(path: str | Path) -> str:
    """Return the file's name for a sentence: one line of at most 80 printable characters."""
    return printable_path(Path(path).name or path)


def printable_path(path: str | Path, most: int = 80) -> str:
    """Return a path for a sentence: one line of at most `most` printable characters, its middle left out."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(path))
    return text if len(text) <= most else f"{text[: most - 20]}…{text[-19:]}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} is {width:,} × {height:,}, {width * height / 1e6:,.0f} megapixels: at most "
            f"{MAX_PIXELS // 10**6} megapixels are allowed; make it smaller first.",
            TOO_LARGE,
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"{name} is {width} × {height} pixels: at least {MIN_SIDE} × {MIN_SIDE} are needed to see anything in it.",
            TOO_SMALL,
        )


def _describe(image: Image.Image) -> tuple[str, ...]:
    """What the network will not see as it is, in the words of the page."""
    notes = []
    if getattr(image, "is_animated", False) and image.format != "MPO":  # phones keep depth in an MPO's second frame
        notes.append("Animated, or of several pages: the first one is used.")
    if image.mode in ("L", "1", "LA"):
        notes.append("Greyscale: the same value goes to red, green and blue.")
    elif _is_wide(image):
        notes.append("More than 8 bits a channel: scaled to 8 bits.")
    elif image.mode == "CMYK":
        notes.append("CMYK: converted to RGB.")
    if _orientation(image) > 1:
        notes.append("Turned upright, as its EXIF orientation says.")
    if _is_transparent(image):
        notes.append("Transparent: laid on white.")
    return tuple(notes)


def _orientation(image: Image.Image) -> int:
    """EXIF's 1 to 8, from 5 on with width and height exchanged; 1 for anything else that a file may say."""
    value = image.getexif().get(0x0112, 1)
    return value if value in range(1, 9) else 1


def _is_wide(image: Image.Image) -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def _is_transparent(image: Image.Image) -> bool:
    return not _is_wide(image) and ("transparency" in image.info or image.mode in ("RGBA", "LA", "PA"))


def _to_rgb(image: Image.Image) -> Image.Image:
    if _is_wide(image):
        return _scale_to_8_bits(image)
    if _is_transparent(image):
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    """16-bit images keep their scale (65,535 is white); 32-bit ones beyond it, and floats, are stretched to theirs."""
    values = numpy.nan_to_num(numpy.asarray(image, dtype=numpy.float64), posinf=0, neginf=0)
    low, high = values.min(), values.max()
    if image.mode.startswith("I;16") or (image.mode == "I" and low >= 0 and 255 < high <= 65535):
        low, high = 0.0, 65535.0
    scaled = (values - low) / max(high - low, 1e-9) * 255
    return Image.fromarray(scaled.round().astype(numpy.uint8)).convert("RGB")


def resize_and_crop(image: Image.Image, height: int, width: int, resize: int | None = None) -> Image.Image:
    """Scale the picture until it covers height x width (or its shorter side is `resize`), and cut out the middle.

    Bilinear with antialiasing, and rounded as torchvision's `Resize` and `CenterCrop`, with which its published weights
    were evaluated. Of a picture longer than 10:1 the middle is taken first.
    """
    if image.size == (width, height) and resize in (None, min(height, width)):
        return image
    image = _cut_middle(image, *(min(side, MAX_ASPECT * min(image.size)) for side in image.size))
    scale, per = (resize, min(image.size)) if resize else _covering_ratio(image.size, (width, height))
    size = (max(width, image.width * scale // per), max(height, image.height * scale // per))
    return _cut_middle(image.resize(size, Image.Resampling.BILINEAR), width, height)


def _covering_ratio(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """The larger of target / size over both sides, as a fraction."""
    horizontal = target[0] * size[1] >= target[1] * size[0]
    return (target[0], size[0]) if horizontal else (target[1], size[1])


def _cut_middle(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))


def to_array(image: Image.Image, channels: int) -> numpy.ndarray:
    """Pixels as (H, W, C) uint8, in one channel (luma) or three."""
    array = numpy.asarray(image.convert("L") if channels == 1 else image.convert("RGB"))
    return array[..., None] if channels == 1 else array
