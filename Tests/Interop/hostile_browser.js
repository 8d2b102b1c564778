// What a page of another origin gets out of a conductor in a real browser (Chromium without a window): node serves the page,
// the browser runs it, and the page tells node what became of each attempt.
//
//     node Tests/Interop/hostile_browser.js BROWSER ADMIN_PORT APP_PORT ADMIN_TOKEN APP_TOKEN PAGE_PORT OPEN_PORT OPEN_TOKEN
//
// The page is served on PAGE_PORT. OPEN_PORT is an interface that lets http://127.0.0.1:PAGE_PORT in: what works there shows
// that the attempts are made rightly. Prints one JSON object: the name of each attempt and what came of it.
const { spawn } = require("child_process");
const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");
const [browser, admin, app, adminToken, appToken, pagePort, open, openToken] = process.argv.slice(2);

/** Runs in the page. */
async function attack(ports, tokens) {
  const info = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "info/instances" });
  const plant = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "admin/agent/add", params: { id: "planted", name: "planted" } });
  const out = {};
  const attempt = async (name, body) => {
    try { out[name] = await body(); } catch (error) { out[name] = "failed: " + error.name; }
  };
  const socket = (port, token) => new Promise((resolve) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/?token=${token}`);
    ws.onopen = () => ws.send(info);
    ws.onmessage = (event) => resolve(event.data.includes('"result"') ? "answered" : event.data);
    ws.onerror = () => resolve("refused");
  });
  const post = async (port, token, options) =>
    (await fetch(`http://127.0.0.1:${port}/?token=${token}`, { method: "POST", body: info, ...options })).type;
  const json = { headers: { "Content-Type": "application/json" } };

  await attempt("allowed page, socket", () => socket(ports.open, tokens.open));
  await attempt("app socket", () => socket(ports.app, tokens.app));
  await attempt("admin socket", () => socket(ports.admin, tokens.admin));
  await attempt("admin request", () => post(ports.admin, tokens.admin, json));
  await attempt("app request", () => post(ports.app, tokens.app, json));
  await attempt("simple request, answer wanted", () => post(ports.admin, tokens.admin, {}));
  await attempt("blind request", () => post(ports.admin, tokens.admin, { mode: "no-cors", body: plant }));
  await attempt("beacon", () => String(navigator.sendBeacon(`http://127.0.0.1:${ports.admin}/?token=${tokens.admin}`, plant)));
  await attempt("metrics", async () =>
    (await fetch(`http://127.0.0.1:${ports.admin}/metrics?token=${tokens.admin}`)).text());
  await attempt("health", async () => (await fetch(`http://127.0.0.1:${ports.admin}/healthz`)).text());
  await attempt("metrics as a script", () => new Promise((resolve) => {
    const script = document.createElement("script");
    script.onload = () => resolve("loaded");
    script.onerror = () => resolve("refused");
    script.src = `http://127.0.0.1:${ports.admin}/metrics?token=${tokens.admin}`;
    document.body.append(script);
  }));
  await attempt("form", () => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.name = "target";
    document.body.append(frame);
    const form = document.createElement("form");
    [form.target, form.method, form.enctype] = ["target", "POST", "text/plain"];
    form.action = `http://127.0.0.1:${ports.admin}/?token=${tokens.admin}`;
    const field = document.createElement("input");
    // As text/plain this is one JSON object.
    [field.name, field.value] = [plant.slice(0, -2) + ',"x":"', '"}}'];
    form.append(field);
    document.body.append(form);
    frame.onload = () => resolve("sent");
    form.submit();
  }));
  await fetch("/done", { method: "POST", body: JSON.stringify(out) });
}

const ports = JSON.stringify({ admin, app, open });
const tokens = JSON.stringify({ admin: adminToken, app: appToken, open: openToken });
const page = `<!doctype html><meta charset="utf-8"><body><script>${attack}; attack(${ports}, ${tokens})</script>`;

const profile = fs.mkdtempSync(path.join(os.tmpdir(), "plasmid-browser-"));
function browse(url, more, done) {
  const child = spawn(browser, [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
    `--user-data-dir=${profile}`, "--host-resolver-rules=MAP evil.example 127.0.0.1", ...more, url,
  ], { stdio: ["ignore", "pipe", "ignore"], detached: true });
  let text = "";
  child.stdout.on("data", (bytes) => { text += bytes; });
  child.on("exit", () => done(text));
  return child;
}

/** The program may be a script that starts the browser: they end together. */
function end(child) {
  try { process.kill(-child.pid, "SIGKILL"); } catch { /* it is gone */ }
}

let running;
const server = http.createServer((request, response) => {
  if (request.method !== "POST") {
    response.writeHead(200, { "Content-Type": "text/html" });
    return response.end(page);
  }
  let body = "";
  request.on("data", (bytes) => { body += bytes; });
  request.on("end", () => {
    response.end();
    found = JSON.parse(body);
    end(running);
  });
});
let found = {};
server.listen(Number(pagePort), "127.0.0.1", () => {
  running = browse(`http://127.0.0.1:${pagePort}/`, ["--remote-debugging-port=0"], () => {
    server.close();
    // A name that the page's owner made to point here: the browser tells it in Host.
    running = browse(`http://evil.example:${admin}/metrics?token=${adminToken}`, ["--dump-dom"], (text) => {
      const code = /foreignHost/.exec(text);
      found["rebound name"] = code ? code[0] : text;
      fs.rmSync(profile, { recursive: true, force: true });
      process.stdout.write(JSON.stringify(found) + "\n", () => process.exit(0));
    });
  });
});
// A browser that never comes to an end is a failure, not a wait for ever.
setTimeout(() => { if (running) end(running); }, 60000).unref();
