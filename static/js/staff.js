/* What Django's pages lack: names for fields that are searched by typing, and a hint that a list scrolls. */
"use strict";
{
    const name = () => {
        for (const select of document.querySelectorAll("select.admin-autocomplete")) {
            const box = select.nextElementSibling?.querySelector(".select2-selection");
            const words = select.labels?.[0]?.textContent.trim() || select.getAttribute("aria-label");
            if (!box || !words || box.hasAttribute("aria-label")) continue;
            box.setAttribute("aria-label", words.replace(/:$/, ""));
            box.removeAttribute("aria-labelledby");
            // what is chosen is said after the name; the inner box is no field of its own
            const chosen = box.querySelector(".select2-selection__rendered");
            if (chosen) box.setAttribute("aria-describedby", chosen.id);
            chosen?.removeAttribute("role");
            chosen?.removeAttribute("aria-readonly");
        }
    };
    // a list whose columns do not fit says so, and can be scrolled with the keyboard
    const hint = () => {
        for (const list of document.querySelectorAll("#changelist .results, .portal-scroll")) {
            const beyond = list.scrollWidth > list.clientWidth + 1;
            list.classList.toggle("beyond", beyond);
            for (const [key, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", "List: scrolls sideways"]])
                beyond ? list.setAttribute(key, value) : list.removeAttribute(key);
        }
    };
    window.addEventListener("load", name);
    window.addEventListener("load", hint);
    window.addEventListener("resize", hint);
    document.addEventListener("formset:added", () => setTimeout(name));
}
