// Forms marked data-passkey ask the browser for a passkey (request) or to make one (creation), and are sent with its answer.
(() => {
  for (const form of document.querySelectorAll('form[data-passkey]')) form.addEventListener('submit', async event => {
    event.preventDefault();
    const problem = document.querySelector('[data-passkey-problem]');
    const say = text => { problem.textContent = text; problem.hidden = false; };
    problem.hidden = true;
    if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return say(problem.dataset.unsupported);
    try {
      const kind = form.dataset.passkey;
      const answer = await fetch(`/account/passkeys/${kind}`, { method: 'POST', body: new FormData(form) });
      if (!answer.ok) return say(problem.dataset.refused);
      const options = await answer.json();
      const credential = kind === 'creation'
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.Credential.value = JSON.stringify(credential);
      form.submit();
    } catch {
      say(problem.dataset.refused);
    }
  });
})();
