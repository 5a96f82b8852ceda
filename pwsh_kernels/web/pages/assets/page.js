// What a page does besides htmx: countdowns of codes, and buttons that copy. Without it, both are
// only missing: the end of a code stands beside the countdown, and text can be selected.
(() => {
  "use strict";

  function left(end) {
    const seconds = Math.max(0, Math.round((new Date(end) - Date.now()) / 1000));
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    return seconds ? ` (${clock} left)` : " (over)";
  }

  function count() {
    for (const one of document.querySelectorAll("[data-until]")) {
      const text = left(one.dataset.until);
      if (one.textContent !== text) one.textContent = text;
    }
  }

  function addCopy(block) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small copier";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.after(button);
  }

  count();
  setInterval(count, 1000);
  if (navigator.clipboard) document.querySelectorAll("pre.copy").forEach(addCopy);
})();
