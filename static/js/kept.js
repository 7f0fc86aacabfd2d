/* What is typed is kept in this browser until it is saved, and asked about before a changed page is left. */
"use strict";
{
    const PREFIX = "vru-kept:", DAYS = 7, SENT = "vru-sent";
    const NEVER = ["csrfmiddlewaretoken", "seen", "read"];
    const TYPES = ["hidden", "file", "password", "submit", "button", "image"];
    // Forms of records, actions and orders. Other pages hold secrets, such as the code of a second factor, or nothing typed.
    const form = document.querySelector(".change-form #content form[method=post], form[data-kept]");
    // What is typed into a window for another record is only asked about: once saved, the window closes without a word.
    const isPopup = new URLSearchParams(location.search).has("_popup");
    const who = document.querySelector(".staff-who")?.textContent.trim();

    let signedOut = false;
    const key = `${PREFIX}${who}:${location.pathname}`;

    const start = () => {
        const inputs = () => [...form.elements].filter(
            box => box.name && !NEVER.includes(box.name) && !TYPES.includes(box.type) && !box.closest(".empty-form"));
        const values = () => {
            const found = {};
            for (const box of inputs()) {
                if (["checkbox", "radio"].includes(box.type)) {
                    (found[box.name] ??= []).push(...(box.checked ? [box.value] : []));
                } else if (box.selectedOptions) {
                    found[box.name] = [...box.selectedOptions].map(option => [option.value, option.text]);
                } else found[box.name] = box.value;
            }
            return JSON.stringify(found);
        };
        const opened = values(), wasRefused = Boolean(document.querySelector(".portal-errors, .errornote"));
        let now = opened, sending = false, waiting;
        const keep = () => {
            now = values();
            if (isPopup) return;
            if (signedOut) return forget(true);
            try {
                if (now === opened && !wasRefused) localStorage.removeItem(key);
                else localStorage.setItem(key, JSON.stringify({at: Date.now(), values: now}));
            } catch { /* full, or forbidden: the page still works, and still asks before it is left */ }
        };
        const changed = () => { clearTimeout(waiting); waiting = setTimeout(keep, 300); };
        form.addEventListener("input", changed);
        form.addEventListener("change", changed);
        window.django?.jQuery(form).on("change", changed);
        document.addEventListener("formset:added", changed);
        document.addEventListener("formset:removed", changed);
        form.addEventListener("submit", () => { sending = true; keep(); });
        window.addEventListener("beforeunload", event => {
            keep();
            if (!sending && (now !== opened || wasRefused)) event.preventDefault();
        });
        window.addEventListener("pageshow", event => { if (event.persisted) sending = false; });
        if (!isPopup) offer();

        function offer() {
            const kept = read(key);
            if (!kept || wasRefused || kept.values === opened) return;
            const notice = document.createElement("div");
            notice.className = "portal-notice portal-kept";
            notice.setAttribute("role", "region");
            notice.setAttribute("aria-label", "Unsaved text");
            const words = document.createElement("p");
            words.textContent = `You left this page on ${new Date(kept.at).toLocaleString("en-GB", {
                day: "numeric", month: "long", hour: "numeric", minute: "2-digit"})} before saving. What you typed is still in this browser.`;
            const restore = button("Restore what you typed", () => {
                put(JSON.parse(kept.values));
                notice.remove();
                keep();
            });
            const discard = button("Discard it", () => { localStorage.removeItem(key); notice.remove(); });
            notice.append(words, restore, " ", discard);
            form.before(notice);
        }

        function put(found) {
            addRows(found);
            for (const box of inputs()) {
                const value = found[box.name];
                if (value === undefined) continue;
                if (["checkbox", "radio"].includes(box.type)) box.checked = value.includes(box.value);
                else if (box.selectedOptions) {
                    for (const [key, text] of value)
                        if (![...box.options].some(option => option.value === key)) box.append(new Option(text, key));
                    for (const option of box.options) option.selected = value.some(([key]) => key === option.value);
                } else box.value = value;
                box.dispatchEvent(new Event("input", {bubbles: true}));
                if (box.selectedOptions) window.django?.jQuery(box).trigger("change");
            }
            document.dispatchEvent(new CustomEvent("portal:restored"));
        }

        // Rows that were added on the page are added again, as somebody would: by the link below the others.
        function addRows(found) {
            for (const group of document.querySelectorAll(".inline-group")) {
                const prefix = group.id.replace(/-group$/, ""), pattern = new RegExp(`^${prefix}-(\\d+)-`);
                const wanted = Math.max(-1, ...Object.keys(found).map(name => Number(name.match(pattern)?.[1] ?? -1))) + 1;
                const total = document.getElementById(`id_${prefix}-TOTAL_FORMS`);
                for (let more = wanted - Number(total?.value); more > 0; more--) group.querySelector(".add-row a")?.click();
            }
        }
    };

    function button(words, press) {
        const made = document.createElement("button");
        made.type = "button";
        made.className = "button";
        made.textContent = words;
        made.addEventListener("click", press);
        return made;
    }
    function read(key) {
        try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
    }
    // A page that follows a form that was sent, and shows neither an error nor a sign-in, says that it was saved.
    function saved() {
        const sent = sessionStorage.getItem(SENT);
        if (!sent || document.querySelector(".portal-errors, .errornote")) return;
        sessionStorage.removeItem(SENT);
        if (document.querySelector(".messagelist .success, .messagelist .info, .messagelist .warning")) localStorage.removeItem(sent);
    }
    function forget(all = false) {
        for (const key of Object.keys(localStorage).filter(key => key.startsWith(PREFIX)))
            if (all || !(Date.now() - read(key)?.at < DAYS * 86_400_000)) localStorage.removeItem(key);
    }

    window.addEventListener("load", () => {
        if (!who && !isPopup) return;
        try {
            if (!isPopup) {
                forget();
                saved();
            }
            if (form) start();
        } catch (error) {
            if (!(error instanceof DOMException)) throw error; // storage is forbidden in this browser
        }
    });
    document.addEventListener("submit", event => {
        if (event.target.id === "logout-form") { signedOut = true; forget(true); } // and may leave the computer to others
        else if (!isPopup && event.target.closest("#content")) sessionStorage.setItem(SENT, key);
    });
}
