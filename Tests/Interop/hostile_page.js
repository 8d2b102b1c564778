// What a hostile page can make a browser send to a conductor, sent by node's WebSocket (Debian's node-ws) and http: the Origin
// is set by hand, as a browser sets it and a page cannot.
//
//     NODE_PATH=/usr/share/nodejs node Tests/Interop/hostile_page.js ADMIN_PORT APP_PORT ADMIN_TOKEN APP_TOKEN
//
// Prints one JSON object: the name of each attempt and what came of it (an HTTP status, or "open" with the first answer).
const http = require("http");
const WebSocket = require("ws");
const [adminPort, appPort, adminToken, appToken] = process.argv.slice(2);
const evil = "http://evil.example";
const info = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "info/instances" });

function socket(port, token, options) {
  return new Promise((resolve) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/?token=${token}`, options);
    ws.on("unexpected-response", (_, response) => resolve(response.statusCode));
    ws.on("error", (error) => resolve(String(error.code || error.message)));
    ws.on("open", () => ws.send(info));
    ws.on("message", (data) => { resolve("open " + data); ws.close(); });
  });
}

function request(port, method, headers, body) {
  return new Promise((resolve) => {
    const sent = http.request({ host: "127.0.0.1", port, method, path: "/", headers }, (response) => {
      const allowed = response.headers["access-control-allow-origin"];
      response.resume();
      response.on("end", () => resolve(allowed ? `${response.statusCode} readable` : response.statusCode));
    });
    sent.on("error", (error) => resolve(String(error.code)));
    sent.end(body);
  });
}

async function main() {
  const json = { "Content-Type": "application/json" };
  const bearer = (token) => ({ Authorization: `Bearer ${token}` });
  const out = {
    "program with token": await socket(appPort, appToken, {}),
    "page with app token": await socket(appPort, appToken, { origin: evil }),
    "page with admin token": await socket(adminPort, adminToken, { origin: evil }),
    "page without origin's name": await socket(adminPort, adminToken, { origin: "null" }),
    "page of another port": await socket(appPort, appToken, { origin: "http://localhost:3000" }),
    "rebound name": await socket(adminPort, adminToken, { headers: { Host: `evil.example:${adminPort}` } }),
    "app token on the admin port": await socket(adminPort, appToken, {}),
    "form": await request(adminPort, "POST", { Origin: evil, "Content-Type": "application/x-www-form-urlencoded" }, "a=b"),
    "simple request": await request(adminPort, "POST", { Origin: evil, "Content-Type": "text/plain" }, info),
    "plain form without origin": await request(adminPort, "POST", { "Content-Type": "text/plain", ...bearer(adminToken) }, info),
    "preflight": await request(adminPort, "OPTIONS",
      { Origin: evil, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization" }),
    "after a preflight": await request(adminPort, "POST", { Origin: evil, ...json, ...bearer(adminToken) }, info),
    "no token": await request(adminPort, "POST", json, info),
    "half a token": await request(adminPort, "POST", { ...json, ...bearer(adminToken.slice(0, 20)) }, info),
  };
  console.log(JSON.stringify(out));
}

main().catch((error) => { console.error(error); process.exit(1); });
