"""The declaration's rules: publishing a version, inviting, signing, withdrawing, erasing. Each runs in one transaction.

A rule that appends to the register, or that changes what may be signed, first locks the log's head
(`log.lock_head`). So a new version cannot be published in the middle of a signature, and when two people sign at once
the second sees what the first has done. They take this lock before that of any other row, so that no two transactions
can wait for each other.
"""
