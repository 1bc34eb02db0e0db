/** Tabs as the ARIA Authoring Practices describe them: arrows, Home and End move between them, and focus selects. */

/** Connect a tab list with its panels. `onSelect` is called with a tab's panel id whenever another tab is selected. */
export function connectTabs(list, onSelect) {
  const tabs = [...list.querySelectorAll('[role="tab"]')];
  const select = (chosen) => {
    for (const tab of tabs) {
      const selected = tab === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !selected;
    }
    onSelect(chosen.getAttribute("aria-controls"));
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) select(tab);
  });
  list.addEventListener("keydown", (event) => {
    const next = nextTab(tabs, event);
    if (!next) return;
    event.preventDefault();
    next.focus();
    select(next);
  });
  return (panel) => select(tabs.find((tab) => tab.getAttribute("aria-controls") === panel));
}

function nextTab(tabs, { key, target }) {
  const at = tabs.indexOf(target);
  const places = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 };
  return key in places ? tabs[(places[key] + tabs.length) % tabs.length] : null;
}
