"""The API's doors to places."""
