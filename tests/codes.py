"""Reading barcodes off pictures, as inspectors' readers do."""

from __future__ import annotations

import zxingcpp
from PIL.Image import Image

# What tickets have. Bars and dots of other kinds can be seen in any pattern of squares.
KINDS = [zxingcpp.BarcodeFormat.Aztec, zxingcpp.BarcodeFormat.QRCode]


def read_codes(picture: Image) -> list[zxingcpp.Barcode]:
    """Answer the codes in a picture."""
    return list(zxingcpp.read_barcodes(picture, formats=KINDS))
