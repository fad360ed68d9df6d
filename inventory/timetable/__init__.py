"""
Timetables come in here.

Readers (`gtfs`, `demo_network`) turn a source into a `TimetableDraft` (draft.py), which knows no
database; `publish` writes a draft into the tables. Neither half knows the other.
"""
