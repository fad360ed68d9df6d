"""A seeded stream of everything that happens to seats, compared with a brute-force model."""
