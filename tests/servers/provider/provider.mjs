// Google and Entra as one real OpenID provider (panva's oidc-provider) on 127.0.0.1, with pages that a browser can click.
// Usage: node provider.mjs '<configuration as JSON>'; prints "READY <port>" and ends when its standard input does.
//
//   /google/o/oauth2/v2/auth, /google/token, /google/revoke        as accounts.google.com, oauth2.googleapis.com
//   /<tenant>/v2.0/.well-known/openid-configuration and its own    as login.microsoftonline.com/<tenant>
//   /introspect                                                    for mail servers: whose token is this, what does it open
//   /control                                                       what a test wants to go wrong; see openid.py
import fs from 'node:fs';
import https from 'node:https';
import { Provider } from 'oidc-provider';

import { consentPage, loginPage, readForm, send } from './pages.mjs';

console.warn = () => {}; // oidc-provider warns of development keys and storage, which is what this is
const config = JSON.parse(process.argv[2]);
const DAY = 86_400;
const GOOGLE = 'google';
const OPENS = {
  'https://mail.google.com/': ['imap', 'pop3', 'gmail_modify', 'gmail_readonly'],
  'https://www.googleapis.com/auth/gmail.modify': ['gmail_modify', 'gmail_readonly'],
  'https://www.googleapis.com/auth/gmail.readonly': ['gmail_readonly'],
  'https://outlook.office.com/IMAP.AccessAsUser.All': ['imap'],
  'https://outlook.office.com/POP.AccessAsUser.All': ['pop3'],
  'https://outlook.office365.com/.default': ['imap', 'pop3'],
};
const calm = () => ({ answers: [], redirect: null, scopes: null, claims: {}, accessSeconds: 3600, linkSeconds: null,
  mailboxes: {}, requests: [] });
let wishes = calm();

const server = https.createServer({ cert: fs.readFileSync(config.cert), key: fs.readFileSync(config.key) });
await new Promise((ready) => server.listen(config.port ?? 0, '127.0.0.1', ready));
const base = `https://127.0.0.1:${server.address().port}`;
const mounts = Object.fromEntries([GOOGLE, ...config.tenants].map((name) => [name, mount(name)]));

function mount(name) {
  const google = name === GOOGLE;
  const path = google ? '/google' : `/${name}/v2.0`;
  const offline = new Set(); // codes of authorizations that asked for a refresh token
  const provider = new Provider(base + path, {
    clients: google ? config.googleClients : config.entraClients,
    scopes: ['openid', 'offline_access', 'profile', 'email', ...Object.keys(OPENS)],
    claims: { openid: ['sub', 'tid', 'oid'], profile: ['preferred_username', 'name'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false, // both put the address into the id_token
    findAccount: (ctx, id) => ({ accountId: id, claims: () => claimsOf(google, name, id) }),
    extraParams: ['access_type', 'include_granted_scopes', 'client_info', 'domain_hint'],
    pkce: { required: () => true, methods: ['S256'] },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      clientCredentials: { enabled: !google },
    },
    interactions: { url: (ctx, interaction) => `${path}/interaction/${interaction.uid}` },
    routes: google
      ? { authorization: '/o/oauth2/v2/auth', token: '/token', revocation: '/revoke' }
      : { authorization: '/authorize', token: '/token' },
    // Google gives one with access_type=offline. Entra with offline_access, which the library always asks;
    // oidc-provider itself drops that scope unless prompt=consent.
    issueRefreshToken: async (ctx, client, code) => !google || offline.has(code.jti),
    rotateRefreshToken: !google, // a used one that comes back revokes the whole chain: stricter than Entra
    ttl: { AccessToken: () => wishes.accessSeconds, ClientCredentials: () => wishes.accessSeconds,
      AuthorizationCode: 60, IdToken: 3600, RefreshToken: 90 * DAY, Grant: 90 * DAY, Interaction: 600, Session: DAY },
    cookies: { keys: ['of the tests'], names: { session: `session_${name}`, interaction: '_i', resume: '_r' } },
  });
  // Strict about the path, not about the port of the portal under test.
  provider.Client.prototype.redirectUriAllowed = (uri) =>
    new RegExp(`^http://(localhost|127\\.0\\.0\\.1)(:\\d+)?/ChannelConnector/Process${google ? 'Gmail' : 'Entra'}IMAPAuthorizationResult$`).test(uri);
  provider.on('authorization.success', (ctx, out) => {
    if (out.code && ctx.oidc.params.access_type === 'offline') offline.add(out.code);
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  return { google, path, provider, callback: provider.callback(), grants: new Set() };
}

function claimsOf(google, name, id) {
  const account = google
    ? { email: id, email_verified: true }
    : { preferred_username: id, name: id, tid: name, oid: Buffer.from(id).toString('hex') };
  return { sub: id, ...account, ...wishes.claims };
}

async function interact(mounted, req, res) {
  const { provider, grants } = mounted;
  const { uid, prompt, params, session } = await provider.interactionDetails(req, res);
  const done = (result) => provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });
  if (req.method === 'GET') {
    return send(res, prompt.name === 'login' ? loginPage(params.login_hint) : consentPage(session.accountId, params.scope));
  }
  const form = await readForm(req);
  if (form.get('cancel')) {
    return done({ error: 'access_denied', error_description: config.denied[mounted.google ? 'google' : 'entra'] });
  }
  if (prompt.name === 'login') return done({ login: { accountId: form.get('login').trim() } });
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(['openid', 'offline_access', 'profile', 'email', ...form.getAll('scope')].join(' '));
  const refused = params.scope.split(' ').filter((scope) => OPENS[scope] && !form.getAll('scope').includes(scope));
  if (refused.length) grant.rejectOIDCScope(refused.join(' '));
  const grantId = await grant.save();
  grants.add(`${session.accountId} ${grantId}`);
  return done({ consent: { grantId }, uid });
}

async function find(token) {
  for (const { provider } of Object.values(mounts)) {
    for (const kind of ['AccessToken', 'RefreshToken', 'ClientCredentials']) {
      const found = await provider[kind].find(token);
      if (found?.isValid) return found;
    }
  }
  return null;
}

async function introspect(req, res) {
  const found = await find((await readForm(req)).get('token'));
  if (!found || found.kind === 'RefreshToken') return send(res, { active: false });
  const who = found.accountId ?? found.clientId;
  const opens = found.scope.split(' ').flatMap((scope) => OPENS[scope] ?? []);
  return send(res, { active: true, username: wishes.mailboxes[who] ?? who, scope: `${found.scope} ${opens.join(' ')}`, exp: found.exp });
}

/** Google asks no client to prove itself here, oidc-provider does. */
async function revokeAtGoogle(req, res) {
  const found = await find((await readForm(req)).get('token'));
  if (!found) return send(res, { error: 'invalid_token', error_description: 'Token expired or revoked' }, 400);
  await end(mounts[GOOGLE].provider, found.grantId);
  return send(res, {});
}

async function end(provider, grantId) {
  for (const kind of ['AccessToken', 'RefreshToken', 'AuthorizationCode']) await provider[kind].revokeByGrantId(grantId);
}

async function control(req, res) {
  const asked = JSON.parse(await (await readForm(req)).get('wishes'));
  if (asked.reset) wishes = calm();
  if (asked.forget) {
    for (const { provider, grants } of Object.values(mounts)) {
      for (const entry of grants) {
        const [account, grantId] = entry.split(' ');
        if (account === asked.forget) await end(provider, grantId);
      }
    }
  }
  const { reset, forget, answer, ...others } = asked;
  if (answer) wishes.answers.push(answer);
  Object.assign(wishes, others);
  return send(res, { requests: wishes.requests });
}

/** What a test wished for this request: true when that was the answer. */
async function answeredAsWished(name, endpoint, url, res) {
  const answer = wishes.answers.find((one) => one.mount === name && one.endpoint === endpoint && one.times > 0);
  if (answer) {
    answer.times -= 1;
    await new Promise((after) => setTimeout(after, (answer.delay ?? 0) * 1000));
    if (answer.drop) res.socket.destroy();
    else if (answer.cut) res.writeHead(200, { 'content-length': 1000 }).write('{"access_token"', () => res.socket.destroy());
    else send(res, answer.body ?? {}, answer.status, answer.headers);
    return true;
  }
  if (endpoint === 'authorize' && wishes.redirect) {
    const back = new URL(url.searchParams.get('redirect_uri'));
    Object.entries({ state: url.searchParams.get('state'), ...wishes.redirect }).forEach(([key, value]) => back.searchParams.set(key, value));
    wishes.redirect = null;
    res.writeHead(302, { location: back.href }).end();
    return true;
  }
  return false;
}

/** What Google and Entra do with a request for authorization and oidc-provider does not. */
function adapt(mounted, url) {
  const query = url.searchParams;
  if (wishes.scopes) query.set('scope', wishes.scopes.join(' ')); // the project has no others
  const prompts = new Set((query.get('prompt') ?? '').split(' ').filter(Boolean));
  if (prompts.delete('select_account')) prompts.add('login');
  if (!mounted.google) prompts.add('consent');
  if (prompts.size) query.set('prompt', [...prompts].join(' '));
}

async function handle(req, res) {
  const url = new URL(req.url, base);
  if (url.pathname === '/control') return control(req, res);
  if (url.pathname === '/introspect') return introspect(req, res);
  const name = url.pathname.split('/')[1];
  const mounted = mounts[name];
  if (!mounted) {
    return send(res, { error: 'invalid_tenant', error_description: `AADSTS90002: Tenant '${name}' not found.`, error_codes: [90002] }, 400);
  }
  const path = url.pathname.slice(mounted.path.length) || '/';
  const endpoint = { '/token': 'token', '/revoke': 'revoke', '/o/oauth2/v2/auth': 'authorize', '/authorize': 'authorize' }[path] ?? path;
  wishes.requests.push([name, endpoint]);
  if (await answeredAsWished(name, endpoint, url, res)) return undefined;
  if (path.startsWith('/interaction/')) return interact(mounted, req, res);
  if (mounted.google && endpoint === 'revoke') return revokeAtGoogle(req, res);
  if (endpoint === 'authorize') adapt(mounted, url);
  if (endpoint === 'token' && wishes.linkSeconds) addToAnswer(res, { refresh_token_expires_in: wishes.linkSeconds });
  req.originalUrl = url.pathname + url.search;
  req.baseUrl = mounted.path;
  req.url = req.originalUrl.slice(mounted.path.length) || '/';
  return mounted.callback(req, res);
}

/** Google says with some links when they end. */
function addToAnswer(res, facts) {
  const end = res.end.bind(res);
  res.end = (body) => {
    const text = JSON.stringify({ ...JSON.parse(body), ...facts });
    res.setHeader('content-length', Buffer.byteLength(text));
    return end(text);
  };
}

server.on('request', (req, res) => handle(req, res).catch((error) => {
  console.error(error);
  if (!res.headersSent) send(res, String(error), 500);
}));
process.stdin.resume().on('end', () => process.exit()); // whoever started us is gone
console.log('READY', server.address().port);
