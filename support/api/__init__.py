"""The API's doors to reports, and to the support desk."""
