"""The service desk: passengers' reports and the answers to them."""
