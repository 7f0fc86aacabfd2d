/* Forms: the focus after an error, how many characters are left, and what a new row has in common with its record. */
"use strict";
{
    // After an error -----------------------------------------------------------------------------------------------
    const focusErrors = () => document.querySelector(".portal-errors, .errornote[tabindex], .govuk-error-summary")?.focus();

    // A link to a field whose own element is hidden, as that of a field that is searched by typing, leads to its box.
    document.addEventListener("click", event => {
        const target = document.getElementById(event.target.closest?.(".portal-errors a")?.hash.slice(1) ?? "");
        if (!target) return;
        for (let up = target.closest("details"); up; up = up.parentElement.closest("details")) up.open = true;
        if (!target.classList.contains("select2-hidden-accessible")) return;
        event.preventDefault();
        target.nextElementSibling.querySelector(".select2-selection").focus();
    });

    // Characters left ----------------------------------------------------------------------------------------------
    // As the server counts: code points, with a line break and an accented letter as one, without spaces at the ends.
    const lengthOf = box => [...box.value.replace(/\r\n/g, "\n").normalize("NFC").trim()].length;
    const WARN_BELOW = 0.25; // of the limit: until then the number would only distract

    const count = box => {
        if (box.dataset.counted || box.closest(".empty-form")) return;
        box.dataset.counted = "yes";
        const most = Number(box.dataset.maxLength);
        const seen = document.createElement("span"), said = document.createElement("span");
        seen.className = "portal-count";
        seen.setAttribute("aria-hidden", "true");
        said.className = "visually-hidden govuk-visually-hidden"; // of the admin, and of the public pages
        said.setAttribute("aria-live", "polite");
        box.after(seen, said);
        let waiting;
        let typed = false;
        const show = () => {
            const left = most - lengthOf(box);
            const one = Math.abs(left) === 1 ? "character" : "characters";
            const words = left < 0 ? `${-left} ${one} too many` : `${left} ${one} left`;
            const hidden = left > most * WARN_BELOW || (!typed && left >= 0);
            seen.textContent = hidden ? "" : words;
            seen.classList.toggle("over", left < 0);
            clearTimeout(waiting);
            waiting = setTimeout(() => { said.textContent = hidden ? "" : words; }, 1000); // once nobody types
        };
        box.addEventListener("input", () => { typed = true; show(); });
        show();
    };
    const countAll = () => document.querySelectorAll("[data-max-length]").forEach(count);

    // A new row ----------------------------------------------------------------------------------------------------
    const propose = event => {
        for (const name of ["source", "as_at"]) {
            const from = document.getElementById(`id_${name}`);
            const to = event.target.querySelector?.(`[name$="-${name}"]`);
            if (!from?.value || !to || to.value) continue;
            const chosen = from.selectedOptions?.[0];
            if (chosen) to.append(new Option(chosen.text, chosen.value, true, true));
            to.value = from.value;
            if (chosen) window.django?.jQuery(to).trigger("change");
        }
    };

    window.addEventListener("load", () => { focusErrors(); countAll(); });
    document.addEventListener("formset:added", event => { propose(event); countAll(); });
}
