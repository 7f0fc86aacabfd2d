"""How Django writes dates and times on staff pages, in the same form as `vru_portal.text.dates`."""

DATE_FORMAT = "j F Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j F Y, H:i"
