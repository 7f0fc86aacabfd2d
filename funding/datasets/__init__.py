"""Published datasets: a year's lists for download, and the 360Giving file of a funder."""
