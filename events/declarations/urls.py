from django.urls import path

from events.declarations.views import journey, papers, public, register

app_name = "declarations"
urlpatterns = [
    path("declaration/", public.declaration, name="declaration"),
    path("declaration/versions/<int:number>/", public.version, name="version"),
    path("declaration/versions/<int:number>.pdf", papers.version_pdf, name="version_pdf"),
    path("declaration/ask/", journey.ask, name="ask"),
    # The journey: never cached, never indexed. The link that was mailed comes last, since it matches anything.
    path("declaration/sign/", journey.read, name="read"),
    path("declaration/sign/details/", journey.details, name="details"),
    path("declaration/sign/check/", journey.check, name="check"),
    path("declaration/sign/passed-on/", journey.passed_on, name="passed_on"),
    path("declaration/sign/decline/", journey.decline, name="decline"),
    path("declaration/sign/decide/", journey.decide, name="decide"),
    path("declaration/sign/receipt/", journey.receipt, name="receipt"),
    path("declaration/sign/receipt.json", papers.receipt_json, name="receipt_json"),
    path("declaration/sign/receipt.pdf", papers.receipt_pdf, name="receipt_pdf"),
    path("declaration/sign/withdraw/", journey.withdraw, name="withdraw"),
    path("declaration/sign/<str:secret>/", journey.open_link, name="open"),
    path("declaration/register/", register.entries, name="register"),
    path("declaration/register.json", register.entries_json, name="register_json"),
    path("declaration/register.csv", register.entries_csv, name="register_csv"),
    path("declaration/register/<int:seq>/", register.entry, name="entry"),
    path("declaration/register/<int:seq>.json", register.entry_json, name="entry_json"),
    path("declaration/register/checkpoint", register.checkpoint, name="checkpoint"),
    path("declaration/register/consistency.json", register.consistency, name="consistency"),
    path("declaration/register/verify.py", register.verifier, name="verifier"),
]
