// Starts Blazor, keeps its connection, and does the few things that only a script can.
(() => {
  const dialog = document.getElementById('components-reconnect-modal');

  // Whose session has ended is not let back in, however often it is tried: loaded again, the page leads to the sign-in.
  const signedOut = () => fetch('/api/v1/profile').then(answer => answer.status === 401, () => false);

  // A gateway that restarts knows nothing of the circuit: everything that matters is in the address, so loading it again goes on where it was.
  dialog?.addEventListener('components-reconnect-state-changed', async event => {
    switch (event.detail.state) {
      case 'show': if (!dialog.open) dialog.show(); // and, as at each further try:
      case 'retrying': if (await signedOut()) location.reload(); break;
      case 'hide': dialog.close(); break;
      case 'rejected':
        if (await Blazor.resumeCircuit?.().catch(() => false)) dialog.close();
        else location.reload();
        break;
    }
  });

  Blazor.start({
    circuit: { reconnectionOptions: { maxRetries: 1e6, retryIntervalMilliseconds: attempt => Math.min(250 * (attempt + 1), 5000) } },
  });

  window.gateway = {
    copy: async text => { try { await navigator.clipboard.writeText(text); return true; } catch { return false; } },
    download: async (name, type, stream) => {
      const url = URL.createObjectURL(new Blob([await stream.arrayBuffer()], { type }));
      const link = document.createElement('a');
      link.href = url; link.download = name; link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    },
  };
})();
