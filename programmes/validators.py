import re

from django.core.exceptions import ValidationError

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


def gss_code(value: str) -> None:
    """Refuse anything but an official code of an area of one of the kinds above."""
    if not re.fullmatch(r"[EWSN]\d{8}", value, re.ASCII):
        raise ValidationError("Enter the area's official code: E, W, S or N and eight digits, such as E08000025.")
    if value[:3] not in AREA_KINDS:
        raise ValidationError(
            f"Codes that begin with {value[:3]} are not of areas such as wards, districts, counties or regions. Check "
            "the code in the Office for National Statistics' register of geographic codes."
        )
