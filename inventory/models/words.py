"""Words that several tables share, spelt as the API publishes them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Mode(models.TextChoices):
    """How a service travels."""

    PLANE = "Plane", _("Flight")
    TRAIN = "Train", _("Train")
    BUS = "Bus", _("Coach")


class TravelClass(models.TextChoices):
    """The office's classes; a carrier's own words for them stand in CarrierClass."""

    ECONOMY = "Economy", _("Economy")
    BUSINESS = "Business", _("Business")
    VIP = "VIP", _("VIP")


class StationKind(models.TextChoices):
    """What kind of station a place is."""

    AIRPORT = "airport", _("Airport")
    RAIL_STATION = "railStation", _("Railway station")
    COACH_STOP = "coachStop", _("Coach stop")
