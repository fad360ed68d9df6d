"""People: users, their contacts, roles, tokens and saved passengers."""
