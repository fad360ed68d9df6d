"""
Practice: weeks of invented sales on the demo's network, to learn the back office on.

Everything is done by the office's own services, each act at its own moment of the past, so that
what one finds there is as true as in an office: every cent is in the ledger, every act in a story.
"""
