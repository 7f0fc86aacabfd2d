// "Exit this page" on pages about sensitive topics: the button works as a link without this; with it, pressing Shift three times
// leaves too, and the page is blanked at once. Nothing else on the portal needs a script.
import { ExitThisPage } from "govuk-frontend/dist/govuk/components/exit-this-page/exit-this-page.mjs"

document.body.classList.add("govuk-frontend-supported")

// Replaces the page in the history, so that Back does not lead to it again.
class Leave extends ExitThisPage {
  exitPage() {
    if (this.$updateSpan) this.$updateSpan.textContent = ""
    document.body.classList.add("govuk-exit-this-page-hide-content")
    this.$overlay = document.createElement("div")
    this.$overlay.className = "govuk-exit-this-page-overlay"
    this.$overlay.setAttribute("role", "alert")
    document.body.append(this.$overlay)
    this.$overlay.textContent = this.i18n.t("activated")
    window.location.replace(this.$button.href)
  }
}

for (const bar of document.querySelectorAll('[data-module="govuk-exit-this-page"]')) new Leave(bar)
