"""The search engine. `vru_portal.public.search` is the visitors' page of results, which asks it.

Staff's search over the records of the admin (`vru_portal.workspace.search`) does not: it queries the database.
"""
