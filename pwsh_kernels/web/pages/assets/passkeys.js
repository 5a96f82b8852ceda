// Asks the browser for a passkey when a form that wants one is sent, and sends the form with it. The
// server says what is asked, and checks the answer; nothing is decided here.
(() => {
  "use strict";

  const CEREMONIES = {
    create: async (options) =>
      navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
    get: async (options) =>
      navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
  };
  const TOO_OLD = "This browser knows no passkeys, or this page was not opened over HTTPS or localhost.";
  const GONE = "The device gave no answer: the wish was cancelled, or took too long. Try it again.";

  async function asked(form) {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.options, { method: "POST", body });
    const facts = await answer.json();
    if (!answer.ok) throw new Error(facts.error);
    return facts;
  }

  async function fill(form) {
    const options = await asked(form);
    try {
      const found = await CEREMONIES[form.dataset.passkey](options);
      form.elements.credential.value = JSON.stringify(found.toJSON());
    } catch (problem) {
      throw new Error(problem.name === "NotAllowedError" ? GONE : problem.message);
    }
  }

  function prepare(form) {
    const problem = form.querySelector("[data-problem]");
    const show = (text) => { problem.textContent = text; problem.hidden = !text; };
    if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
      show(TOO_OLD);
      return;
    }
    form.querySelector("[data-with-script]").hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      show("");
      try {
        await fill(form);
        form.submit();
      } catch (refused) {
        show(refused.message);
      }
    });
  }

  document.querySelectorAll("form[data-passkey]").forEach(prepare);
})();
