"""The access matrix: who may open every address of the portal, by its model and page, or by its name.

A letter stands for a role: Editor, Publisher, Finance, Declaration manager, Information governance, Auditor, X for
Administrator; "-" for an account without any, "." for anybody not signed in. The tests make one row
of everything, all of it published: so no record can be deleted, and an assessment can be changed only by its author.
"""

ROLE_LETTERS = {
    "anonymous": ".", "no role": "-", "Editor": "E", "Publisher": "P", "Finance": "F", "Declaration manager": "D",
    "Information governance": "I", "Auditor": "A", "Administrator": "X",
}  # fmt: skip
STAFF = "-EPFDIAX"
ALL = f".{STAFF}"
ROLES = "EPFDIAX"

# Models: who sees, adds, changes, deletes -----------------------------------------------------------------------------

_RECORD, _PART, _VOCABULARY = (ROLES, "E", "E", ""), (ROLES, "", "E", ""), (ROLES, "E", "P", "P")
_LEDGER, _REGISTER = ("FA", "F", "", ""), ("DIA", "", "", "")
_SEEN = (ROLES, "", "", "")
MODEL_ACCESS: dict[str, tuple[str, str, str, str]] = {
    **dict.fromkeys(
        (
            *("partners.publication", "partners.organisation", "partners.person", "partners.statement"),
            *("programmes.preventionlevel", "programmes.successcondition", "programmes.initiative"),
            *("programmes.predecessor", "programmes.term", "programmes.passage", "programmes.story"),
            *("programmes.picture", "programmes.document", "programmes.toolkitapproach", "events.event"),
        ),
        _RECORD,
    ),
    **dict.fromkeys(("partners.post", "partners.contactpoint", "events.agendaitem", "events.appearance"), _PART),
    **dict.fromkeys(
        ("partners.sector", "programmes.audience", "programmes.setting", "programmes.area", "programmes.synonym"),
        _VOCABULARY,
    ),
    "partners.unit": (ROLES, "", "EX", ""),
    "partners.legalnotice": ("PIAX", "", "IX", ""),
    "programmes.evidenceassessment": (ROLES, "E", "", ""),
    "programmes.assessmentdecision": _SEEN,
    **dict.fromkeys(("funding.allocation", "funding.payment"), _LEDGER),
    **dict.fromkeys(("funding.sourcecondition", "funding.onwardgrant"), _LEDGER),
    **dict.fromkeys(("funding.variation", "funding.overcommitment", "funding.fulfilment"), ("FA", "", "", "")),
    "funding.onwardrequest": ("FIA", "", "", ""),
    "funding.onwardmail": ("FA", "", "", ""),
    "funding.budgetheading": ("PFA", "F", "F", ""),
    "funding.decision": ("FA", "F", "F", ""),
    **dict.fromkeys(("funding.contractcopy", "funding.explanation", "funding.regranting"), ("FA", "", "", "")),
    "funding.fundingsource": ("FA", "F", "F", ""),
    "funding.financialyear": ("PFA", "F", "F", ""),
    "funding.publicationduty": ("FAX", "", "X", ""),
    **dict.fromkeys(
        (
            *("declarations.mail", "declarations.entry"),
            *("declarations.registerkey", "declarations.signingrequest"),
        ),
        _REGISTER,
    ),
    **dict.fromkeys(("declarations.invitation", "declarations.papersignature"), ("DIA", "D", "", "")),
    **dict.fromkeys(
        ("declarations.declaration", "declarations.declarationversion", "declarations.signatorybody"),
        ("DIA", "D", "D", ""),
    ),
    **dict.fromkeys(
        ("results.measure", "results.breakdown", "results.target", "results.areapopulation"), (ROLES, "E", "E", "P")
    ),
    "results.reportingrules": (ROLES, "", "X", ""),
    "results.return": (ROLES, "E", "", ""),
    "results.reporter": ("EPA", "E", "E", "E"),
    "results.mail": ("EPA", "", "", ""),
    "results.approvedreturn": _SEEN,
    "vru_portal.pending": _SEEN,
    "vru_portal.submission": _SEEN,
    "vru_portal.filejob": _SEEN,
    "vru_portal.headingmapping": ("DEFA", "", "F", "F"),  # here, one of payments, which only Finance imports
    "auth.user": ("AX", "X", "X", ""),
    "auth.group": ("AX", "", "", ""),
    "admin.logentry": ("AX", "", "", ""),
}
VIEW, ADD, CHANGE, DELETE = range(4)

# Pages that many models have: whose letters open them to GET, and to POST. A string stands for itself.
ROW = "<path:object_id>/"
SHARED_PAGES: dict[str, tuple[int | str, int | str]] = {
    "": (VIEW, VIEW),
    "add/": (ADD, ADD),
    f"{ROW}change/": (VIEW, CHANGE),
    f"{ROW}delete/": (DELETE, DELETE),
    f"{ROW}history/": (VIEW, VIEW),
    f"{ROW}history/<int:version>/": (CHANGE, CHANGE),
    f"{ROW}preview/": (VIEW, VIEW),
    f"{ROW}publish/": ("P", "P"),
    f"{ROW}unpublish/": ("P", "P"),
    f"{ROW}discard/": (CHANGE, CHANGE),
    "order/": (CHANGE, CHANGE),
    f"{ROW}ready/": (CHANGE, CHANGE),
    f"{ROW}take-back/": (CHANGE, CHANGE),
    f"{ROW}send-back/": ("P", "P"),
    f"{ROW}cancel-date/": ("P", "P"),
    "export/<str:form>/": (VIEW, VIEW),
    "import/": (CHANGE, CHANGE),
    "import/empty.csv": (CHANGE, CHANGE),
    "import/refused.<str:form>": (CHANGE, CHANGE),
    "process_import/": ("", CHANGE),
}

# Pages of one model, or that one opens to others than most do.
_INVITATIONS = ("resend", "extend", "decides-on", "invite-again", "revoke")
SINGLE_MODEL_PAGES: dict[tuple[str, str], tuple[str, str]] = {
    ("programmes.evidenceassessment", f"{ROW}decide/"): ("P", "P"),
    ("programmes.evidenceassessment", f"{ROW}reverse-decision/"): ("P", "P"),
    ("programmes.evidenceassessment", f"{ROW}redact/"): ("E", "E"),
    ("programmes.assessmentdecision", f"{ROW}redact/"): ("P", "P"),
    ("results.approvedreturn", f"{ROW}redact/"): ("P", "P"),
    **{("results.return", f"{ROW}{step}/"): ("P", "P") for step in ("approve", "query", "correct")},
    **{("results.return", f"{ROW}{step}/"): ("E", "E") for step in ("send-again", "extend", "cancel")},
    **{
        (f"funding.{model}", f"{ROW}redact/"): ("F", "F")
        for model in (
            *("allocation", "contractcopy", "payment", "explanation", "fundingsource"),
            *("decision", "variation", "sourcecondition", "fulfilment", "regranting", "onwardgrant"),
        )
    },
    **{
        (f"funding.{model}", f"{ROW}reverse/"): ("F", "F")
        for model in (
            *("allocation", "payment", "fundingsource", "decision", "variation"),
            *("overcommitment", "sourcecondition", "fulfilment", "regranting", "onwardgrant"),
        )
    },
    **{
        ("funding.allocation", f"{ROW}{step}/"): ("F", "F")
        for step in ("release", "move", "return", "end", "regranting", "ask-onward")
    },
    **{
        ("funding.onwardrequest", f"{ROW}{step}/"): ("F", "F")
        for step in ("approve", "query", "send-again", "extend", "cancel")
    },
    **{(request, f"{ROW}erase/"): ("I", "I") for request in ("results.return", "funding.onwardrequest")},
    **{("funding.fundingsource", f"{ROW}{step}/"): ("F", "F") for step in ("return", "overcommit")},
    ("funding.sourcecondition", f"{ROW}fulfil/"): ("F", "F"),
    ("funding.allocation", f"{ROW}contract-copy/"): ("F", "F"),
    ("funding.payment", f"{ROW}explain/"): ("F", "F"),
    ("funding.fundingsource", f"{ROW}carry/"): ("F", "F"),
    **{(f"funding.{model}", "import/"): ("F", "F") for model in ("allocation", "payment", "onwardgrant")},
    **{(f"funding.{model}", "process_import/"): ("", "F") for model in ("allocation", "payment", "onwardgrant")},
    **{
        (f"funding.{model}", page): ("F", "F")
        for model in ("allocation", "payment", "onwardgrant")
        for page in ("import/empty.csv", "import/refused.<str:form>")
    },
    **{("results.return", page): ("E", "E") for page in ("import/", "import/empty.csv", "import/refused.<str:form>")},
    ("results.return", "process_import/"): ("", "E"),
    ("declarations.invitation", "import/empty.csv"): ("D", "D"),
    ("declarations.invitation", "import/refused.<str:form>"): ("D", "D"),
    ("declarations.invitation", "import/"): ("D", "D"),
    ("declarations.invitation", "process_import/"): ("", "D"),
    ("declarations.invitation", "paste/"): ("D", "D"),
    **{("declarations.invitation", f"{ROW}{step}/"): ("D", "D") for step in _INVITATIONS},
    ("declarations.mail", f"{ROW}retry/"): ("D", "D"),
    ("declarations.declarationversion", f"{ROW}publish/"): ("D", "D"),
    ("declarations.papersignature", f"{ROW}confirm/"): ("D", "D"),
    ("declarations.papersignature", f"{ROW}discard/"): ("D", "D"),
    ("declarations.papersignature", "<int:pk>/scan/"): ("DIA", "DIA"),
    ("declarations.entry", f"{ROW}correct/"): ("D", "D"),
    ("declarations.entry", f"{ROW}withdraw/"): ("D", "D"),
    ("declarations.entry", f"{ROW}erase/"): ("I", "I"),
    ("declarations.entry", "disclose/"): ("I", "I"),
    ("declarations.signingrequest", f"{ROW}approve/"): ("D", "D"),
    ("declarations.signingrequest", f"{ROW}turn-down/"): ("D", "D"),
    # only the sender of the file, here somebody else, and those who may see everybody's files and payments
    ("vru_portal.filejob", f"{ROW}change/"): ("A", "A"),
    ("vru_portal.filejob", f"{ROW}history/"): ("A", "A"),
    ("vru_portal.filejob", "<int:pk>/record/"): ("", ""),
    ("vru_portal.filejob", "<int:pk>/again/"): ("", ""),
    ("auth.user", f"{ROW}reset/"): ("X", "X"),
    ("auth.user", "<id>/password/"): ("X", "X"),
}

# Everything else, by its name -----------------------------------------------------------------------------------------

_ACCOUNT = (
    *("account_change_password", "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes"),
    *("mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn"),
    *("mfa_edit_webauthn", "mfa_remove_webauthn"),
)
_PUBLIC = (
    *("home", "brochure", "brochure_pdf", "report", "gaps", "gap"),  # of gaps: here, the unit publishes what is missing
    *("about", "search", "initiatives", "initiative", "level", "stories", "story", "picture", "document"),
    *("latest", "giving", "allocation", "year", "payments", "download", "download_of_year", "heading", "decisions"),
    *("directory", "organisation", "person", "statement", "publications", "publication", "contact"),
    *("privacy", "accessibility", "cookies", "complaints", "security", "events", "event"),
    *("events_calendar", "agenda_calendar", "schedule"),
    *("declaration", "version", "version_pdf", "version_text", "register", "register_json", "register_csv", "entry"),
    *("catalogue", "dataset", "schema", "dcat", "package", "root", "openapi", "list", "all_payments", "totals"),
    *("results", "workbook"),
    *("entry_json", "keys", "checkpoint", "consistency", "verifier", "brand", "feed", "robots", "sitemap"),
)
# Opened with a link that somebody was sent; without it, the page that says so.
_JOURNEY = (
    *("ask", "read", "details", "check", "passed_on", "decline", "decide", "withdraw"),
    *("receipt", "receipt_json", "receipt_pdf", "open"),
    *("return", "figure", "words", "sent", "take_back"),
    *("onward", "onward_new", "onward_grant", "onward_remove", "onward_file", "onward_check", "onward_sent"),
    *("onward_open", "onward_empty"),
)
NAMED_ADDRESSES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(_PUBLIC, (ALL, "")),
    **dict.fromkeys(_JOURNEY, (ALL, ALL)),
    **dict.fromkeys(("read", "passed_on", "receipt_json", "receipt_pdf", "return", "sent"), (ALL, "")),
    **dict.fromkeys(("onward", "onward_sent", "onward_empty"), (ALL, "")),
    **dict.fromkeys(("take_back", "onward_take_back"), ("", ALL)),
    **dict.fromkeys(_ACCOUNT, (STAFF, STAFF)),
    "account_emails": (STAFF, STAFF),
    **dict.fromkeys(("mfa_index", "mfa_list_webauthn", "mfa_view_recovery_codes"), (STAFF, "")),
    # Signing in and out
    **dict.fromkeys(("account_login", "login", "mfa_authenticate", "account_logout"), (ALL, ALL)),
    **dict.fromkeys(("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"), (STAFF, STAFF)),
    # Staff's pages that are of no model: each shows only what the person may see
    **dict.fromkeys(("password_change", "password_change_done"), (STAFF, STAFF)),
    "logout": (ALL, ALL),  # those already signed out are redirected to the start page, and from there to sign-in
    "staff_start": (STAFF, ""),
    "staff_changes": (STAFF, ""),
    "staff_help": (STAFF, ""),
    "jsi18n": (STAFF, ""),
    "index": (STAFF, ""),  # the same address
}
