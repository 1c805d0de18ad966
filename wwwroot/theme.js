// Marks the document as light or dark: the person's choice, else the system's, followed while the page is open.
(() => {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const choice = () => { try { return localStorage.getItem('theme') ?? 'system'; } catch { return 'system'; } };
  const apply = () => {
    const chosen = choice();
    document.documentElement.dataset.theme = chosen === 'system' ? (system.matches ? 'dark' : 'light') : chosen;
  };
  system.addEventListener('change', apply);
  addEventListener('storage', apply);
  window.gatewayTheme = {
    get: choice,
    set: chosen => { try { localStorage.setItem('theme', chosen); } catch { /* not stored: for this page only */ } apply(); },
  };
  apply();
})();
