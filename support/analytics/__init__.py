"""
The numbers: each is one function and one statement, so that it sees one moment while sales go on.

Days begin and end in the office's zone (REPORT_TIME_ZONE). Money is Money: amounts of two
currencies are never added. docs/ANALYTICS.md says what each number counts.
"""
