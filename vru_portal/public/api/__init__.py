"""The read-only API: the same datasets, filters and rows as the files of open data, page by page, as JSON."""
