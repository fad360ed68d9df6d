"""Persian: the day before the month, 24 hours, and the zone's name beside a time."""

DATE_FORMAT = "j F Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j F Y, H:i:s e"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y, H:i e"
FIRST_DAY_OF_WEEK = 6
