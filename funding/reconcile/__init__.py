"""Whether what is published adds up, to the penny: the bytes that are served against the database's own sums.

`ledger` asks the database in SQL of its own, `outputs` reads what is served as a reader would, `report` holds the one
against the other. Nothing here shares a sum with the pages: what is wrong there is not wrong here too.
"""
