"""A trigger that refuses, as SQLite and PostgreSQL write it."""

from dataclasses import dataclass

INSERT, UPDATE, DELETE, TRUNCATE = "INSERT", "UPDATE", "DELETE", "TRUNCATE"
# A transaction that keeps one snapshot to its end waits for a lock and then does not see what it has waited for.
READ_COMMITTED = (
    "IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING "
    "ERRCODE = 'feature_not_supported', MESSAGE = 'Money is recorded only in transactions that are READ COMMITTED.'; "
    "END IF; "
)


@dataclass(frozen=True)
class Guard:
    """A trigger that refuses: what it is called, which statement it looks at, when it refuses, and in which words.

    ``when`` is SQL that both databases understand, over NEW and OLD; where they differ it is written with
    ``{differs}``, the operator that also tells NULL from a value. ``lock`` is a SELECT whose rows PostgreSQL locks
    before the guard looks, so that it sees what other writers have committed; SQLite has one writer at a time. A
    ``shared`` lock keeps out those who change these rows, not others who look at them: these could lock each other out.
    ``table`` is that of the model that declares it unless another is named.
    """

    name: str
    statement: str
    when: str
    message: str
    lock: str = ""
    table: str = ""
    shared: bool = False

    def sql(self, vendor: str) -> str:
        """Return what creates it, for SQLite; for PostgreSQL, the body of its function."""
        when = self.when.format(differs="IS NOT" if vendor == "sqlite" else "IS DISTINCT FROM")
        message = self.message.replace("'", "''")
        if vendor == "sqlite":
            return (
                f'CREATE TRIGGER "{self.name}" BEFORE {self.statement} ON "{self.table}" FOR EACH ROW WHEN {when} '
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        strength = "SHARE" if self.shared else "UPDATE"
        lock = f"{READ_COMMITTED}PERFORM * FROM ({self.lock} FOR {strength}) AS locked; " if self.lock else ""
        row = "OLD" if self.statement == DELETE else "NULL" if self.statement == TRUNCATE else "NEW"
        return (
            f"BEGIN {lock}IF {when} THEN RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = '{message}'; "
            f"END IF; RETURN {row}; END"
        )
