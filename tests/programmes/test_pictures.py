"""Pictures that staff upload: made upright and small, freed of metadata, and refused if they are no pictures."""

import io
import re
import struct
import zlib

import pytest
from django.core.exceptions import ValidationError
from PIL import Image, ImageCms, ImageFile
from PIL.PngImagePlugin import PngInfo

from programmes.uploads.pictures import MAX_HEIGHT, MAX_WIDTH, prepare_picture
from tests.programmes.sample_uploads import CANARY, exif, image, sent
from tests.support.processor_time import soon


def opened(upload):
    return Image.open(io.BytesIO(upload.file.read()))


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">CANARY-52.4862N</x:xmpmeta>'


def test_a_picture_is_made_as_wide_as_a_page_needs_and_measured():
    made = prepare_picture(sent(image((4000, 2000))))
    assert (made.width, made.height) == (MAX_WIDTH, 800)
    assert opened(made).size == (MAX_WIDTH, 800)
    assert made.size == len(made.file.open().read())
    assert re.fullmatch(r"[0-9a-f]{32}\.jpg", str(made.file.name))
    assert re.fullmatch(r"[0-9a-f]{64}", made.sha256)


def test_a_small_picture_stays_small():
    made = prepare_picture(sent(image((40, 30))))
    assert (made.width, made.height) == (40, 30)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_a_camera_wrote_into_a_picture_is_left_out(kind):
    profile = b"\0" * 128 + CANARY
    content = image(kind=kind, exif=exif(), icc_profile=profile, xmp=XMP)
    if kind == "PNG":
        info = PngInfo()
        info.add_text("Comment", CANARY.decode())
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        content = image(kind=kind, exif=exif(), icc_profile=profile, pnginfo=info)
    if kind == "JPEG":
        content = image(exif=exif(), icc_profile=profile, xmp=XMP, comment=CANARY)
    if kind != "PNG":  # there the text is packed
        assert CANARY in content
    made = prepare_picture(sent(content))
    kept = made.file.open().read()
    assert CANARY not in kept
    found = Image.open(io.BytesIO(kept))
    assert not found.getexif()
    assert {"exif", "xmp", "icc_profile", "comment", "XML:com.adobe.xmp"} & set(found.info) == set()


def test_a_transparent_picture_with_metadata_loses_it_too():
    made = prepare_picture(
        sent(image(mode="RGBA", kind="WEBP", colour=(0, 90, 90, 40), exif=exif(), xmp=XMP, icc_profile=CANARY))
    )
    kept = made.file.open().read()
    assert str(made.file.name).endswith(".webp")
    assert CANARY not in kept
    assert Image.open(io.BytesIO(kept)).mode == "RGBA"


def test_a_picture_is_turned_the_way_it_was_taken():
    made = prepare_picture(sent(image((40, 30), exif=exif(turned=6))))
    assert (made.width, made.height) == (30, 40)


def test_of_an_animation_the_first_frame_is_kept():
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    found = opened(prepare_picture(sent(file.getvalue())))
    assert getattr(found, "n_frames", 1) == 1
    assert found.convert("RGB").getpixel((5, 5))[0] > 200


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_uploading_an_animation_warns_that_only_the_first_frame_is_shown(kind):
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    assert prepare_picture(sent(file.getvalue())).note == "This picture is animated. Only its first frame is shown."
    assert prepare_picture(sent(image(kind=kind))).note == ""


def test_a_second_picture_that_a_camera_puts_into_a_jpeg_makes_no_animation():
    photo, smaller = Image.new("RGB", (20, 10), "red"), Image.new("RGB", (10, 5), "blue")
    file = io.BytesIO()
    photo.save(file, "MPO", save_all=True, append_images=[smaller])
    made = prepare_picture(sent(file.getvalue()))
    assert (made.note, made.width, made.height) == ("", 20, 10)


# Colours and height ---------------------------------------------------------------------------------------------------


def shade_of(content):
    return opened(prepare_picture(sent(content))).convert("RGB").getpixel((5, 5))


@pytest.mark.parametrize(("written", "shown"), [(0, 0), (0x8000, 128), (0xFFFF, 255)])
def test_sixteen_bits_of_grey_are_as_bright_as_they_were(written, shown):
    assert shade_of(image(mode="I;16", kind="PNG", colour=written)) == (shown, shown, shown)


def profile_with_red_for_blue():
    """A profile like that of sRGB, but whose red is what is blue in sRGB: it shifts colours as any other would."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"????", b"bXYZ", 1)


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "P"), ("WEBP", "RGBA")])
def test_colours_are_those_of_the_pictures_own_profile(kind, mode):
    colour = {"RGB": (255, 0, 0), "RGBA": (255, 0, 0, 200), "P": 0}[mode]
    options = {"icc_profile": profile_with_red_for_blue()}
    content = image(mode=mode, kind=kind, colour=colour, **options)
    if mode == "P":
        file = io.BytesIO()
        Image.new("RGB", (40, 30), "red").convert("P").save(file, kind, **options)
        content = file.getvalue()
    red, _, blue = shade_of(content)
    assert blue > 240
    assert red < 15


def test_transparency_stays_when_colours_are_converted():
    content = image(mode="RGBA", kind="PNG", colour=(255, 0, 0, 40), icc_profile=profile_with_red_for_blue())
    assert opened(prepare_picture(sent(content))).getpixel((5, 5))[3] == 40


def test_a_profile_of_another_kind_of_picture_changes_nothing():
    assert shade_of(image(mode="L", kind="PNG", colour=200, icc_profile=profile_with_red_for_blue())) == (200, 200, 200)


def test_a_picture_is_no_higher_than_a_page_can_show():
    with pytest.raises(ValidationError, match=r"30,000 pixels high and 100 wide\. Crop it to no more than 3 times"):
        prepare_picture(sent(image((100, 30_000))))
    with pytest.raises(ValidationError, match="Crop it"):
        prepare_picture(sent(image((4_000, 100), exif=exif(turned=6))))
    made = prepare_picture(sent(image((2_000, 6_000))))
    assert (made.width, made.height) == (800, MAX_HEIGHT)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (b"\0\0\0\x18ftypmif1" + b"\0" * 40, "HEIC"),
        (b"\0\0\0 ftypavif" + b"\0" * 40, "AVIF"),
        (b"%PDF-1.7", "PDF"),
        (b"BM" + b"\0" * 60, "BMP"),
        (b"II*\0" + b"\0" * 60, "TIFF"),
        (b"8BPS\0\x01" + b"\0" * 60, "Photoshop"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 60, "JPEG 2000"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0" * 60, "JPEG XL"),
        (b'\xef\xbb\xbf<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"),
    ],
)
def test_a_picture_of_another_type_is_named_with_the_way_out(content, name):
    article = "an" if name in ("AVIF", "SVG") else "a"
    with pytest.raises(ValidationError, match=f"This is {article} {name} file.* JPEG"):
        prepare_picture(sent(content, "picture.jpg"))


@pytest.mark.parametrize("brand", [b"qt  ", b"isom", b"mp42"])
def test_a_video_is_named(brand):
    with pytest.raises(ValidationError, match=r"This is a video file.* screenshot of the video"):
        prepare_picture(sent(b"\0\0\0\x14ftyp" + brand + b"\0" * 60, "picture.jpg"))


def test_a_strip_that_would_be_a_line_on_a_phone_is_refused_and_a_banner_is_not():
    with pytest.raises(ValidationError, match=r"4,020 pixels wide and 401 high\. Crop it to no more than 10 times"):
        prepare_picture(sent(image(size=(4020, 401))))
    assert prepare_picture(sent(image(size=(4000, 400)))).width == MAX_WIDTH


def test_other_modes_become_ordinary_ones():
    for mode, kind in (("CMYK", "JPEG"), ("L", "PNG"), ("P", "GIF"), ("1", "PNG"), ("LA", "PNG"), ("I;16", "PNG")):
        assert prepare_picture(sent(image(mode=mode, kind=kind, colour=0))).width == 40


def png_of(width, height):
    """Return a PNG that states a size and packs as many zeros as that takes into little."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000_000))
        + chunk(b"IEND", b"")
    )


def gif_of(width, height):
    """Return a GIF that states a size which its one frame does not have."""
    content = image(kind="GIF")
    return content[:6] + struct.pack("<HH", width, height) + content[10:]


@pytest.fixture
def forbid_decoding(monkeypatch):
    """Call it once what is sent has been made: from then on, decoding a picture is a fault."""

    def decode(*_):
        raise AssertionError("It was decoded.")

    return lambda: monkeypatch.setattr(ImageFile.ImageFile, "load", decode)


def refuse(content, message):
    """Assert that a picture is refused with this message, and soon."""
    with soon(), pytest.raises(ValidationError, match=message):
        prepare_picture(sent(content))


BOMBS = {
    "a sound PNG of 42 million pixels": lambda: image((7000, 6000), "1", "PNG", 0),
    "a PNG of 400 million pixels": lambda: png_of(20_000, 20_000),
    "a PNG of 4 thousand million pixels": lambda: png_of(65_000, 65_000),
    "a PNG one pixel high": lambda: png_of(2_000_000_000, 1),
    "a GIF that states 65,535 pixels square": lambda: gif_of(65_535, 65_535),
    "more bytes than are read": lambda: b"\xff\xd8\xff" + b"\0" * 10_000_001,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_decoded(name, forbid_decoding):
    content = BOMBS[name]()
    forbid_decoding()
    refuse(content, r"pixels|bytes")


def scanned(times, size=(6300, 6300)):
    """Return a progressive JPEG whose last scan comes so many times: each adds few bytes, and one more round."""
    content = image(size, progressive=True, quality=1)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * times + b"\xff\xd9"


def chunks(times):
    content = image(kind="PNG")
    return content[:33] + struct.pack(">I4sI", 0, b"prVt", zlib.crc32(b"prVt")) * times + content[33:]


def comments(times):
    content = image(kind="GIF")
    frame = content.index(b",\0\0\0\0")
    return content[:frame] + b"!\xfe" + b"\1a" * times + b"\0" + content[frame:]


PIECES = {
    "a JPEG of 150,000 scans": lambda: scanned(150_000),
    "a JPEG of 31 scans": lambda: scanned(31, (40, 30)),
    "a JPEG of 2 million empty segments": lambda: b"\xff\xd8" + b"\xff\xe5\0\2" * 2_000_000 + image()[2:],
    "a JPEG with 9 million bytes of filling": lambda: b"\xff\xd8" + b"\xff" * 9_000_000 + image()[2:],
    "a PNG of 800,000 chunks": lambda: chunks(800_000),
    "a GIF with 4 million pieces of a comment": lambda: comments(4_000_000),
    "a GIF with 4 million pieces of pixels": lambda: image(kind="GIF")[:-2] + b"\1a" * 4_000_000 + b"\0;",
}


@pytest.mark.parametrize("name", PIECES)
def test_a_picture_of_too_many_pieces_is_refused_before_it_is_decoded(name, forbid_decoding):
    content = PIECES[name]()
    forbid_decoding()
    refuse(content, "too many parts")


def test_as_many_pieces_as_programs_write_are_read():
    thumbnail = b"\xff\xe1" + struct.pack(">H", 60_002) + b"\xff\xda\0\0" * 15_000  # no scans of the picture
    for content in (
        *(scanned(20, (40, 30)), image(progressive=True), image()[:2] + thumbnail + image()[2:]),
        *(image() + b"\xff\xda" * 5_000, chunks(5_000), comments(5_000)),
    ):
        assert prepare_picture(sent(content)).width == 40


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"<html><script>alert(1)</script></html>",
        image()[:200],
        image(kind="PNG")[:60],
    ],
)
def test_a_file_that_is_not_a_picture_is_refused(content):
    with pytest.raises(ValidationError, match="Choose a JPEG, PNG, WebP or GIF"):
        prepare_picture(sent(content, "picture.jpg"))
