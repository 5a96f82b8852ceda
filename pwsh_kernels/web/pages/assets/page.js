// What a page does besides htmx: countdowns of codes, buttons that copy, and output that stays at its
// end while it grows. Without it, all of that is only missing: the end of a code stands beside the
// countdown, and text can be selected.
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

  function follow(output) {
    const isAtEnd = () => output.scrollHeight - output.scrollTop - output.clientHeight < 40;
    let atEnd = true;
    output.addEventListener("scroll", () => { atEnd = isAtEnd(); });
    new MutationObserver(() => { if (atEnd) output.scrollTop = output.scrollHeight; })
      .observe(output, { childList: true });
  }

  count();
  const stream = document.querySelector("main > [hidden][hx-sse\\:connect]");
  const output = document.getElementById("output");
  if (stream && output) follow(output);
  setInterval(count, 1000);
  if (navigator.clipboard) document.querySelectorAll("pre.copy").forEach(addCopy);
})();
