/* Rows that have an order: buttons that move them, in place of the boxes for their numbers. */
"use strict";
{
    const ROW = "[data-order-row], tr.form-row, .inline-related";
    const GROUP = "[data-order-group], .inline-group";
    const status = document.createElement("p");
    status.className = "visually-hidden";
    status.setAttribute("role", "status");

    const boxIn = row => row.querySelector("input[data-order]");
    const sortName = row => {
        const within = boxIn(row).dataset.order;
        return within ? row.querySelector(`[name$="-${within}"]`)?.value : "";
    };
    const rowsOf = group => [...group.querySelectorAll("input[data-order]")]
        .map(box => box.closest(ROW))
        .filter(row => row && !row.classList.contains("empty-form"));
    // Only rows that share a list with this one, such as the fields of one of the duty's lists.
    const listOf = row => rowsOf(row.closest(GROUP)).filter(other => sortName(other) === sortName(row));
    const nameOf = row => {
        const title = row.querySelector("[name$='-title'], [name$='-label'], [name$='-value']")?.value;
        const said = row.querySelector(":scope > [dir=auto], td.original p, .inline_label")?.firstChild?.textContent;
        return (title || said || "").trim() || "the new row";
    };

    const label = row => {
        const list = listOf(row), place = list.indexOf(row);
        for (const [button, words, idle] of [
            [row.querySelector(".order-up"), "Move up", place === 0],
            [row.querySelector(".order-down"), "Move down", place === list.length - 1],
        ]) {
            button.setAttribute("aria-label", `${words}: ${nameOf(row)}`);
            // not `disabled`, which would take the focus from whoever has just moved the row to the end
            button.setAttribute("aria-disabled", String(idle));
        }
    };
    const labelAll = group => rowsOf(group).filter(row => row.querySelector(".order-up")).forEach(label);

    const move = (row, step, button) => {
        const list = listOf(row), place = list.indexOf(row), other = list[place + step];
        if (!other) return;
        step < 0 ? other.before(row) : other.after(row);
        listOf(row).forEach((one, index) => { boxIn(one).value = index + 1; });
        boxIn(row).dispatchEvent(new Event("change", {bubbles: true}));
        labelAll(row.closest(GROUP));
        button.focus();
        status.textContent = `${nameOf(row)} is now number ${place + step + 1} of ${list.length}.`;
    };

    const equip = row => {
        const box = boxIn(row);
        if (!box || row.querySelector(".order-up") || row.classList.contains("empty-form")) return;
        const buttons = document.createElement("span");
        buttons.className = "order-buttons";
        for (const [name, arrow, step] of [["order-up", "↑", -1], ["order-down", "↓", 1]]) {
            const button = document.createElement("button");
            button.type = "button";
            button.className = name;
            button.textContent = arrow;
            button.addEventListener("click", () => move(row, step, button));
            buttons.append(button);
        }
        const heading = row.querySelector(":scope > h3");
        heading ? heading.append(buttons) : box.after(buttons);
        // A box with an error stays, and so does what is said about it.
        if (!row.querySelector(`#${CSS.escape(box.id)}_error, .errors.field-position, .field-position .errorlist`))
            (heading ? box.closest(".fieldBox, .form-row") : box).hidden = true;
    };

    // After an error, rows come back in the order in which they were loaded, with the numbers that they were given.
    const sort = group => {
        for (const row of rowsOf(group)) {
            const list = listOf(row);
            if (list[0] !== row) continue;
            const value = one => boxIn(one).value === "" ? Infinity : Number(boxIn(one).value);
            const sorted = [...list].sort((a, b) => value(a) - value(b));
            sorted.forEach((one, index) => { if (index) sorted[index - 1].after(one); else list[0].before(one); });
        }
    };

    const start = () => {
        const groups = [...document.querySelectorAll(GROUP)].filter(group => rowsOf(group).length || boxIn(group));
        if (!groups.length) return;
        document.body.append(status);
        for (const group of groups) {
            if (document.querySelector(".portal-errors")) sort(group);
            rowsOf(group).forEach(equip);
            labelAll(group);
            group.addEventListener("input", () => labelAll(group));
        }
        document.addEventListener("formset:added", event => {
            equip(event.target);
            labelAll(event.target.closest(GROUP));
        });
        document.addEventListener("portal:restored", () => groups.forEach(group => { sort(group); labelAll(group); }));
        // Django numbers the rows again in the order of the page when one is removed, and expects the saved ones first.
        document.addEventListener("click", event => {
            const link = event.target.closest?.(".inline-deletelink");
            const group = link?.closest(GROUP);
            if (!group || !boxIn(group)) return;
            const rows = rowsOf(group), index = row => Number(row.id.match(/-(\d+)$/)?.[1]);
            [...rows].sort((a, b) => index(a) - index(b)).forEach((row, place, all) => {
                if (place) all[place - 1].after(row); else rows[0].before(row);
            });
            setTimeout(() => { sort(group); labelAll(group); });
        }, true);
    };
    window.addEventListener("load", start);
}
