/* What Django's pages lack: names for fields that are searched by typing and for icons, a hint that something scrolls. */
"use strict";
{
    const name = () => {
        for (const select of document.querySelectorAll("select.admin-autocomplete")) {
            const box = select.nextElementSibling?.querySelector(".select2-selection");
            const words = select.labels?.[0]?.textContent.trim() || select.getAttribute("aria-label");
            // Django puts the focus on the first field, also if that has since been hidden behind its box
            if (box && select === document.activeElement) box.focus();
            if (!box || !words || box.hasAttribute("aria-label")) continue;
            box.setAttribute("aria-label", words.replace(/:$/, ""));
            box.removeAttribute("aria-labelledby");
            box.querySelector(".select2-search__field")?.setAttribute("aria-label", words.replace(/:$/, ""));
            // what is chosen is said after the name; the inner box is no field of its own
            const chosen = box.querySelector(".select2-selection__rendered");
            if (chosen) box.setAttribute("aria-describedby", chosen.id);
            chosen?.removeAttribute("role");
            chosen?.removeAttribute("aria-readonly");
        }
        for (const link of document.querySelectorAll(".datetimeshortcuts a")) {
            const box = link.closest(".datetimeshortcuts").parentElement.querySelector("input");
            const words = (box?.getAttribute("aria-label") || box?.labels?.[0]?.textContent || "").trim().replace(/:$/, "");
            const icon = link.querySelector("[title]");
            if (icon) link.setAttribute("aria-label", `${icon.title}: ${words}`);
            else link.setAttribute("aria-label", `${link.textContent}: ${words}`);
        }
    };
    // what does not fit says so, and a list of Django's can then be scrolled with the keyboard
    const hint = () => {
        for (const region of document.querySelectorAll("#changelist .results, .portal-scroll")) {
            const beyond = region.scrollWidth > region.clientWidth + 1;
            region.classList.toggle("beyond", beyond);
            if (region.matches(".portal-scroll")) continue; // its template names it and makes it focusable
            if (!beyond && region === document.activeElement) {
                region.addEventListener("blur", hint, { once: true }); // now, the keyboard would lose its place
                continue;
            }
            for (const [key, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", "List: scrolls sideways"]])
                beyond ? region.setAttribute(key, value) : region.removeAttribute(key);
        }
    };
    // jQuery may make the boxes after "load", if all scripts are cached
    window.django?.jQuery?.(name);
    window.addEventListener("load", name);
    window.addEventListener("load", hint);
    window.addEventListener("resize", hint);
    document.addEventListener("formset:added", () => setTimeout(name));
}
