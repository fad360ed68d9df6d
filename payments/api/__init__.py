"""The API's doors to paying, cancelling and the wallet."""
