"""A trigger that refuses a statement, and the SQL that creates it on SQLite and PostgreSQL."""

from dataclasses import dataclass, field

INSERT, UPDATE, DELETE, TRUNCATE = "INSERT", "UPDATE", "DELETE", "TRUNCATE"

# Under REPEATABLE READ and SERIALIZABLE a transaction keeps its first snapshot: it would wait for the lock and then
# still not see the rows whose writer it waited for, so the check would pass on stale sums.
REQUIRE_READ_COMMITTED = (
    "IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION USING "
    "ERRCODE = 'feature_not_supported', MESSAGE = 'Money is recorded only in transactions that are READ COMMITTED.'; "
    "END IF; "
)


@dataclass(frozen=True)
class Trigger:
    """A trigger that refuses: its name, the statement it watches, when it refuses, and what it then says.

    ``when`` is SQL that both databases understand, over NEW and OLD. Write ``{differs}`` for the operator that also
    tells NULL from a value, which the two spell differently.

    ``lock`` is a SELECT whose rows PostgreSQL locks before it evaluates ``when``, so that the check sees what
    concurrent writers have committed; SQLite has only one writer at a time. A ``shared`` lock excludes those who would
    change the locked rows but not others who only check them: two such transactions could otherwise deadlock.

    ``table`` defaults to the table of the model that declares the trigger.

    ``prevents`` says what could happen without the trigger, which is why it is in the database. What only decides
    what the public sees is left to rules.
    """

    name: str
    statement: str
    when: str
    message: str
    lock: str = ""
    table: str = ""
    shared: bool = False
    prevents: str = field(kw_only=True)

    def sql(self, vendor: str) -> str:
        """On SQLite, the CREATE TRIGGER statement; on PostgreSQL, the body of the function that the trigger calls."""
        return self._sqlite() if vendor == "sqlite" else self._postgresql()

    def _sqlite(self) -> str:
        when = self.when.format(differs="IS NOT")
        return (
            f'CREATE TRIGGER "{self.name}" BEFORE {self.statement} ON "{self.table}" FOR EACH ROW WHEN {when} '
            f"BEGIN SELECT RAISE(ABORT, {self._quoted_message}); END"
        )

    def _postgresql(self) -> str:
        when = self.when.format(differs="IS DISTINCT FROM")
        lock = ""
        if self.lock:
            strength = "SHARE" if self.shared else "UPDATE"
            lock = f"{REQUIRE_READ_COMMITTED}PERFORM * FROM ({self.lock} FOR {strength}) AS locked; "
        # A BEFORE trigger returns the row to continue with; a statement-level one has no row.
        row = {DELETE: "OLD", TRUNCATE: "NULL"}.get(self.statement, "NEW")
        return (
            f"BEGIN {lock}IF {when} THEN RAISE EXCEPTION USING ERRCODE = 'check_violation', "
            f"MESSAGE = {self._quoted_message}; END IF; RETURN {row}; END"
        )

    @property
    def _quoted_message(self) -> str:
        return "'" + self.message.replace("'", "''") + "'"
