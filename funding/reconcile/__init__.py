"""Checks to the penny that what is published agrees with the database.

`database` adds up what is recorded in its own SQL, `outputs` reads pages and files as a visitor gets them, `report`
compares the two. Nothing here uses the sums of the pages, so that a mistake there cannot repeat itself here.
"""
