"""The API's doors to tickets and reservations."""
