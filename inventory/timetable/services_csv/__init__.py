"""
Reads the timetable of a small carrier from a folder of CSV sheets, as docs/IMPORT.md describes it.

The sheets are filled in by hand, so every mistake is told at once, by sheet, line and column, with
what to write instead; and nothing is imported until there is none. `read_services` gives a
`TimetableDraft`.
"""

from inventory.timetable.services_csv.reader import ServicesOptions, read_services

__all__ = ["ServicesOptions", "read_services"]
