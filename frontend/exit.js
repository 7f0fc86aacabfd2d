// "Exit this page" on pages about sensitive topics: the button works as a link without this; with it, pressing Shift three times
// leaves too, and the page is blanked at once. Nothing else on the portal needs a script.
import { ExitThisPage } from "govuk-frontend/dist/govuk/components/exit-this-page/exit-this-page.mjs"

document.body.classList.add("govuk-frontend-supported")
for (const bar of document.querySelectorAll('[data-module="govuk-exit-this-page"]')) new ExitThisPage(bar)
