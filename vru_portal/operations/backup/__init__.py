"""Backups: one archive with the database, uploads and scans, and restoring it.

- `archive`: the file itself, its manifest and checksums
- `databases`, `sqlite`, `postgresql`: a copy of the database as it is at one moment, and putting one in its place
- `keys`: the register's keys, in a file of their own or encrypted
- `create`, `restore`: making a backup, and putting one in the place of the portal
- `lock`, `stopped`, `swap`: keeping whatever writes away meanwhile, and the portal from being left half restored
- `verification`, `crawl`: restoring a backup into a throw-away place, and opening every page there
- `daily`: the timer's backups
"""
