"""Pictures are decoded and encoded again, so that nothing but their pixels is kept: no place, no name, no script."""

import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from PIL import Image, ImageCms, ImageOps

from programmes.uploads.prepared_file import PreparedFile, prepared_file

MAX_BYTES = 10_000_000
MAX_PIXELS = 40_000_000  # a camera's picture has 12 to 25 million
MAX_SCANS = 30  # of a JPEG: programs write ten or so; each makes the decoder go through all of the picture again
MAX_SEGMENTS = 20_000  # of a file: Pillow reads them one by one, and slowly
MAX_WIDTH = 1600  # pixels: twice as wide as a story's column, for high-density screens
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_HEIGHT = 2400  # pixels: more than a screen of a column that is half as wide as `MAX_WIDTH`
TALLEST = 3  # times as high as wide: a screenshot of a phone is up to 2.3 times
FLATTEST = 10  # times as wide as high: on a phone, what is flatter is a line
SVG = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?(?:<!DOCTYPE[^>]*>\s*)?<svg", re.DOTALL)
# How files of other types begin (at the position), and what people call them.
OTHER_TYPES = (
    (4, re.compile(rb"ftyp(?:hei|hev|mif1|msf1)"), "HEIC"),
    (4, re.compile(rb"ftypavi"), "AVIF"),
    (0, re.compile(rb"II\*\0|MM\0\*"), "TIFF"),
    (0, re.compile(rb"BM.{4}\0{4}", re.DOTALL), "BMP"),
    (0, re.compile(rb"%PDF-"), "PDF"),
    (0, re.compile(rb"8BPS"), "Photoshop"),
    (0, re.compile(rb"%!PS"), "PostScript"),
    (0, re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), "JPEG 2000"),
    (0, re.compile(rb"\0\0\0\x0cJXL |\xff\x0a"), "JPEG XL"),
    (4, re.compile(rb"ftyp(?:qt  |isom|iso[2-9]|mp4|M4V|3gp)"), "video"),
    (0, SVG, "SVG"),
)
WAYS_OUT = {
    "HEIC": "Open it and export it as a JPEG. To make an iPhone take JPEG pictures, choose Settings, Camera, "
    "Formats, Most Compatible.",
    "video": "Choose a picture instead, such as a screenshot of the video.",
}
ONLY_FIRST_FRAME = "This picture is animated. Only its first frame is shown."
NOT_A_PICTURE = "This file is not a picture that we can read. Choose a JPEG, PNG, WebP or GIF."

JPEG_START_OF_SCAN = 0xDA
JPEG_END_OF_IMAGE = 0xD9
JPEG_WITHOUT_LENGTH = 0x01
JPEG_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # 00 is an escaped FF in pixel data, D0 to D7 restart a scan
GIF_EXTENSION = 0x21
GIF_FRAME = 0x2C
GIF_USUAL_BLOCK = 200  # bytes: programs write the pixels in blocks of 254 or 255


def prepare_picture(uploaded: Any) -> PreparedFile:
    """Turn a picture upright, reduce it to the sizes above and encode it again, in sRGB.

    An animation is reduced to its first frame, with a note that says so.

    Raises ValidationError. A picture that is too large is refused before it is decoded.
    """
    if uploaded.size > MAX_BYTES:
        raise ValidationError(
            f"The picture can be up to {MAX_BYTES // 1_000_000} MB. This file has {uploaded.size:,} bytes."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about broken metadata, which is dropped, and size, which is checked below
            content = uploaded.read()
            check_type(content)
            check_segments(content)
            with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
                if (count := opened.width * opened.height) > MAX_PIXELS:
                    raise ValidationError(
                        f"The picture must have {MAX_PIXELS:,} pixels or fewer. This one has {count:,} pixels."
                    )
                # Cameras and phones put a second picture into a JPEG, such as one for bright screens: an MPO.
                moves = getattr(opened, "is_animated", False) and opened.format != "MPO"
                note = ONLY_FIRST_FRAME if moves else ""
                return encode(without_metadata(opened), note)
    except ValidationError:
        raise
    except Image.DecompressionBombError as error:
        raise ValidationError(f"The picture must have {MAX_PIXELS:,} pixels or fewer.") from error
    except Exception as error:  # a broken picture makes Pillow raise whatever its decoder happens to run into
        raise ValidationError(NOT_A_PICTURE) from error


def check_type(content: bytes) -> None:
    """Refuse a picture of another type by its name, with how to make one of ours from it."""
    for position, beginning, name in OTHER_TYPES:
        if beginning.match(content, position, 2_000):
            way_out = WAYS_OUT.get(name, "Open it and save or export it as a JPEG or PNG.")
            article = "an" if name[0] in "AS" else "a"
            raise ValidationError(f"This is {article} {name} file, which some browsers cannot show. {way_out}")


def check_segments(content: bytes) -> None:
    """Refuse a small file that would keep a decoder busy for long: one of very many segments, or of many JPEG scans.

    A WebP needs no check: Pillow does not go through its chunks one by one.
    """
    if content.startswith(b"\xff\xd8"):
        segments = jpeg_segments(content)
    elif content.startswith(b"\x89PNG"):
        segments = png_segments(content)
    elif content.startswith(b"GIF8"):
        segments = gif_segments(content)
    else:
        return
    scans = 0
    for count, marker in enumerate(segments):
        scans += marker == JPEG_START_OF_SCAN
        if count >= MAX_SEGMENTS or scans > MAX_SCANS:
            raise ValidationError(
                "This picture has too many parts for us to read it. Save it again, and choose the new file."
            )


def jpeg_segments(content: bytes) -> Iterator[int]:
    """Yield the marker of each segment of a JPEG, and 0 for each byte of filling before one."""
    position, in_scan = 2, False
    while (found := JPEG_MARKER.search(content, position)) and (
        marker := content[found.end() - 1]
    ) != JPEG_END_OF_IMAGE:
        if found.start() > position and not in_scan:  # only the pixel data of a scan may stand between segments
            raise ValidationError(NOT_A_PICTURE)
        yield from (0 for _ in range(len(found[0]) - 2))
        yield marker
        in_scan = in_scan or marker == JPEG_START_OF_SCAN
        position = found.end()
        if marker != JPEG_WITHOUT_LENGTH:
            position += max(2, int.from_bytes(content[position : position + 2]))


def png_segments(content: bytes) -> Iterator[int]:
    """Yield 0 for each chunk of a PNG: four bytes of length, four of type, the data, four of checksum."""
    position = 8
    while position < len(content):
        yield 0
        position += 12 + int.from_bytes(content[position : position + 4])


def gif_segments(content: bytes) -> Iterator[int]:
    """Yield 0 for each extension of a GIF before its second frame, and for each small block of data in it.

    Pillow looks for the second frame to tell an animation.
    """
    position = 13 + gif_colour_table(content[10:11])
    frames = 0
    while content[position : position + 1] not in (b"", b";"):
        yield 0
        if content[position] == GIF_FRAME:
            frames += 1
            if frames == 2:
                return
            position += 11 + gif_colour_table(content[position + 9 : position + 10])
        elif content[position] == GIF_EXTENSION:
            position += 2
        else:
            position += 1
            continue
        while size := int.from_bytes(content[position : position + 1]):
            if size < GIF_USUAL_BLOCK:
                yield 0
            position += size + 1
        position += 1


def gif_colour_table(flags: bytes) -> int:
    """The bytes of the colour table that a GIF's flags announce."""
    return 3 << (flags[0] % 8 + 1) if flags >= b"\x80" else 0


def without_metadata(opened: Image.Image) -> Image.Image:
    """The pixels alone, upright, in sRGB, and within `MAX_WIDTH` and `MAX_HEIGHT`."""
    opened.draft("RGB", (2 * MAX_WIDTH, 2 * MAX_WIDTH))  # lets the decoder of a JPEG skip detail that is not needed
    upright = ImageOps.exif_transpose(opened)
    if upright.height > TALLEST * upright.width:
        raise ValidationError(
            f"The picture is {upright.height:,} pixels high and {upright.width:,} wide. Crop it to no more than "
            f"{TALLEST} times its width."
        )
    if upright.width > FLATTEST * upright.height:
        raise ValidationError(
            f"The picture is {upright.width:,} pixels wide and {upright.height:,} high. Crop it to no more than "
            f"{FLATTEST} times its height."
        )
    profile = upright.info.get("icc_profile")
    picture = eight_bits(upright)
    # Only reduced: JPEG and PNG of a few pixels stay as they are.
    picture.thumbnail((MAX_WIDTH, MAX_HEIGHT), Image.Resampling.LANCZOS)
    picture = in_srgb(picture, profile)
    picture.info = {}
    return picture


def eight_bits(picture: Image.Image) -> Image.Image:
    """With a byte for each channel, in a mode that can be resized and that its colour profile describes."""
    if picture.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off at white
        return picture.convert("I").point(lambda value: value / 256).convert("L")
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture.copy() if picture.mode in ("L", "CMYK", "RGB") else picture.convert("RGB")


def in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """In the colours of sRGB, which is what browsers take a picture without a profile for."""
    target = "RGBA" if picture.mode == "RGBA" else "RGB"
    if profile:
        try:
            return with_profile(picture, profile)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # no profile, or one of another kind of picture: browsers pass over it, too
    return picture.convert(target)


def with_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colours = picture.convert("RGB") if alpha else picture
    embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    converted = ImageCms.profileToProfile(colours, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # only a conversion in place returns None  # noqa: S101
    if alpha:
        converted.putalpha(alpha)
    return converted


def encode(picture: Image.Image, note: str) -> PreparedFile:
    """Encode as JPEG, or as WebP if the picture has transparent pixels."""
    encoded = io.BytesIO()
    if picture.mode == "RGBA":
        picture.save(encoded, "WEBP", quality=85)
        extension = "webp"
    else:
        picture.save(encoded, "JPEG", quality=82, optimize=True, progressive=True)
        extension = "jpg"
    return prepared_file(encoded.getvalue(), extension, width=picture.width, height=picture.height, note=note)
