// The pages of the provider, in plain HTML.

const escape = (text) => String(text ?? '').replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const page = (title, form) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<h1>${title}</h1><form method="post" autocomplete="off">${form}</form></html>`;

export const loginPage = (hint) => page('Sign in', `
<label>Email <input name="login" value="${escape(hint)}"></label>
<button>Next</button>`);

export const consentPage = (account, scopes) => page('Allow access', `
<p>${escape(account)}</p>
${scopes.split(' ').filter((scope) => scope.startsWith('https:')).map((scope) => `
<label><input type="checkbox" name="scope" value="${escape(scope)}" checked> ${escape(scope)}</label>`).join('')}
<button>Allow</button>
<button name="cancel" value="yes">Cancel</button>`);

export async function readForm(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/** A page when `body` is text, else JSON. */
export function send(res, body, status = 200, headers = {}) {
  const [type, text] = typeof body === 'string' ? ['text/html', body] : ['application/json', JSON.stringify(body)];
  res.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store', ...headers }).end(text);
}
