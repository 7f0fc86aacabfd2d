from django.urls import path, re_path

from events.declarations.views import documents, public, receipts, register, signing

app_name = "declarations"
urlpatterns = [
    path("declaration/", public.declaration_page, name="declaration"),
    path("declaration/versions/<int:number>/", public.version_page, name="version"),
    path("declaration/versions/<int:number>.pdf", documents.version_pdf, name="version_pdf"),
    path("declaration/versions/<int:number>.txt", documents.version_text, name="version_text"),
    path("declaration/ask/", signing.request_to_sign, name="ask"),
    # The signing pages are never cached or indexed (`settings.PRIVATE_PATHS`). The mailed link comes last: its secret
    # would match the names of the other pages.
    path("declaration/sign/", signing.read_text, name="read"),
    path("declaration/sign/details/", signing.enter_details, name="details"),
    path("declaration/sign/check/", signing.check_and_sign, name="check"),
    path("declaration/sign/passed-on/", signing.show_passed_on, name="passed_on"),
    path("declaration/sign/decline/", signing.decline, name="decline"),
    path("declaration/sign/decide/", signing.set_decision_date, name="decide"),
    path("declaration/sign/receipt/", receipts.show_receipt, name="receipt"),
    path("declaration/sign/receipt.json", documents.receipt_json, name="receipt_json"),
    path("declaration/sign/receipt.pdf", documents.receipt_pdf, name="receipt_pdf"),
    path("declaration/sign/withdraw/", receipts.withdraw_signature, name="withdraw"),
    path("declaration/sign/<str:secret>/", signing.open_link, name="open"),
    # Some mail programs add the text after the link to its address.
    re_path(r"^declaration/sign/(?P<secret>[-\w]{43})/.+$", signing.open_link),
    path("declaration/register/", register.register_page, name="register"),
    path("declaration/register.json", register.register_json, name="register_json"),
    path("declaration/register.csv", register.register_csv, name="register_csv"),
    path("declaration/register/<int:seq>/", register.entry_page, name="entry"),
    path("declaration/register/<int:seq>.json", register.entry_json, name="entry_json"),
    path("declaration/register/key.txt", register.public_keys, name="keys"),
    path("declaration/register/checkpoint", register.latest_checkpoint, name="checkpoint"),
    path("declaration/register/consistency.json", register.consistency_proof, name="consistency"),
    path("declaration/register/verify.py", register.download_verifier, name="verifier"),
]
