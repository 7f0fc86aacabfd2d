import re

from django.core.exceptions import ValidationError

WHITE = "#ffffff"

# The kinds of areas by the first three characters of their codes (ONS, Register of Geographic Codes), each with its
# code in the 360Giving codelist geoCodeType; empty where that has none.
AREA_KINDS = {
    "E01": ("Lower layer super output area", "LSOA"), "W01": ("Lower layer super output area", "LSOA"),
    "E02": ("Middle layer super output area", "MSOA"), "W02": ("Middle layer super output area", "MSOA"),
    "E04": ("Civil parish", "PAR"), "W04": ("Community", "COM"),
    "E05": ("Ward", "WD"), "W05": ("Electoral division", "WD"), "S13": ("Ward", "WD"),
    "E06": ("Unitary authority", "UA"), "W06": ("Unitary authority", "UA"),
    "E07": ("Non-metropolitan district", "NMD"), "E08": ("Metropolitan district", "MD"),
    "E09": ("London borough", "LONB"), "S12": ("Council area", "CA"), "N09": ("Local government district", ""),
    "E10": ("County", "CTY"), "E11": ("Metropolitan county", ""), "E47": ("Combined authority", ""),
    "E12": ("Region", "RGN/GOR"), "E22": ("Community safety partnership", "CSP"), "E23": ("Police force area", "PFA"),
    "W15": ("Police force area", "PFA"), "E31": ("Fire and rescue authority", "FRA"),
    "E92": ("Country", ""), "W92": ("Country", ""), "S92": ("Country", ""), "N92": ("Country", ""),
}  # fmt: skip


def is_colour(value: str) -> bool:
    return re.fullmatch(r"#[0-9a-fA-F]{6}", value) is not None


def colour(value: str) -> None:
    """Refuse anything but a colour written as #rrggbb."""
    if not is_colour(value):
        raise ValidationError("Enter the colour as # and six hexadecimal digits, such as #241748.")


def org_id(value: str) -> None:
    """Refuse anything but an org-id.guide identifier: the list's code, a hyphen, and the number in that list."""
    if not re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{2,10}-[A-Za-z0-9._-]+", value, re.ASCII):
        raise ValidationError(
            "Enter the code of the list, a hyphen and the organisation's number in it, such as GB-COH-12345678."
        )


def charity_number(value: str) -> None:
    """Refuse anything but a number of one of the three registers of charities in the United Kingdom."""
    if not re.fullmatch(r"\d{6,7}(-\d{1,3})?|SC\d{6}|NIC\d{6}", value, re.ASCII):
        raise ValidationError(
            "Enter the charity number as it is in the register: six or seven digits in England and Wales, SC and six "
            "digits in Scotland, NIC and six digits in Northern Ireland."
        )


def company_number(value: str) -> None:
    """Refuse anything but a number of Companies House: eight characters."""
    if not re.fullmatch(r"\d{8}|[A-Z]{2}\d{6}|[A-Z]{2}\d{5}[A-Z]", value, re.ASCII):
        raise ValidationError(
            "Enter the company number from Companies House, in eight characters with zeros in front, such as "
            "01234567 or SC123456."
        )


def gss_code(value: str) -> None:
    """Refuse anything but an official code of an area of one of the kinds above."""
    if not re.fullmatch(r"[EWSN]\d{8}", value, re.ASCII):
        raise ValidationError("Enter the area's official code: E, W, S or N and eight digits, such as E08000025.")
    if value[:3] not in AREA_KINDS:
        raise ValidationError(
            f"Codes that begin with {value[:3]} are not of areas such as wards, districts, counties or regions. Check "
            "the code in the Office for National Statistics' register of geographic codes."
        )


def area_kind_code(code: str) -> str:
    """The kind of an area in the 360Giving codelist geoCodeType, by its official code; empty where that has none."""
    return AREA_KINDS[code[:3]][1] if code else ""


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, from 1 to 21, as WCAG 2.2 defines it under “contrast ratio”."""

    def luminance(value: str) -> float:
        channels = (int(value[i : i + 2], 16) / 255 for i in (1, 3, 5))
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def ink(value: str) -> None:
    """Refuse a colour that is too pale for text on white: text needs a contrast of 7:1 (WCAG 2.2, 1.4.6)."""
    colour(value)
    if (ratio := contrast(value, WHITE)) < 7:
        raise ValidationError(
            f"Choose a darker colour. This one has a contrast of {ratio:.1f}:1 with white, and text needs 7:1."
        )
