'use strict';
// The token stays in this page's memory: nothing is stored, and leaving the page forgets it.
const at = id => document.getElementById(id);

function cells(row, values) {
  for (const value of values) row.insertCell().textContent = value;
}

function show(status) {
  at('revision').textContent = `Version ${status.version}, running since ${new Date(status.startedAt).toLocaleString()}. `
    + `Revision ${status.revision.applied} of ${status.revision.wanted} is applied${status.revision.difference ? ': ' + status.revision.difference : ''}.`;
  at('warnings').replaceChildren(...status.warnings.map(warning => {
    const item = document.createElement('li');
    item.textContent = `${warning.what} Remedy: ${warning.remedy}`;
    return item;
  }));
  at('tunnels').replaceChildren();
  for (const tunnel of status.tunnels) {
    const state = tunnel.cause ? `${tunnel.state}: ${tunnel.cause} ${tunnel.remedy ?? ''}` : tunnel.state;
    cells(at('tunnels').insertRow(), [tunnel.device ?? tunnel.name, state, `${tunnel.transport}, ${tunnel.layer}`, tunnel.boundPort ?? tunnel.listenPort,
      tunnel.addresses.join(', '), tunnel.peerCount, tunnel.receivedBytes, tunnel.sentBytes]);
  }
  at('status').hidden = false;
}

at('ask').addEventListener('submit', async event => {
  event.preventDefault();
  at('problem').textContent = '';
  at('status').hidden = true;
  try {
    const answer = await fetch('/api/v1/status', { headers: { Authorization: `Bearer ${at('token').value.trim()}` } });
    const body = await answer.json();
    if (answer.ok) show(body);
    else at('problem').textContent = body.detail;
  } catch {
    at('problem').textContent = 'The gateway does not answer. Is it still running?';
  }
});
