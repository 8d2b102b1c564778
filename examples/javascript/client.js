#!/usr/bin/env node
// A client of Plasmid in plain JavaScript: the WebSocket of Node itself where it has one (22 or later), else the package `ws`
// (on Debian: apt-get install node-ws).
//
// It drives one app from its installation to its end, over the public API of docs/api.md: install, call, signal, grant, clone,
// disable, uninstall.
//
//     usage: client.js DATA-FOLDER HAPP-FILE
'use strict'

const assert = require('node:assert')
const { readFileSync } = require('node:fs')

/** Node's own, the package's, or Debian's, which other builds of Node do not look for. */
function findWebSocket () {
  if (globalThis.WebSocket) return globalThis.WebSocket
  try { return require('ws') } catch { return require('/usr/share/nodejs/ws') }
}

const WebSocketOfHere = findWebSocket()

/** What the conductor refused: a stable code and words for people. */
class Refused extends Error {
  constructor (code, message) {
    super(`${code}: ${message}`)
    this.code = code
  }
}

/** JSON-RPC and signals over one WebSocket. */
class Conductor {
  static open (port, token) {
    // A page cannot set headers on a WebSocket: the token may stand in the address.
    const socket = new WebSocketOfHere(`ws://127.0.0.1:${port}/?token=${encodeURIComponent(token)}`)
    return new Promise((resolve, reject) => {
      socket.onerror = event => reject(new Refused('connectionRefused', event.message ?? 'no connection'))
      socket.onopen = () => resolve(new Conductor(socket))
    })
  }

  constructor (socket) {
    this.socket = socket
    this.last = 0
    this.answers = new Map()
    this.signals = []
    this.listeners = []
    socket.onmessage = event => this.take(JSON.parse(event.data))
  }

  take (frame) {
    if ('jsonrpc' in frame) {
      const { resolve, reject } = this.answers.get(frame.id)
      this.answers.delete(frame.id)
      if (frame.error) reject(new Refused(frame.error.data.code, frame.error.message))
      else resolve(frame.result)
      return
    }
    if (frame.type !== 'InstanceSignal') return
    const index = this.listeners.findIndex(listener => listener.name === frame.signal.name)
    if (index < 0) this.signals.push(frame.signal)
    else this.listeners.splice(index, 1)[0].resolve(JSON.parse(frame.signal.arguments))
  }

  /** The result of a method, or Refused. */
  ask (method, params = {}) {
    const id = ++this.last
    return new Promise((resolve, reject) => {
      this.answers.set(id, { resolve, reject })
      this.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })
  }

  /** What a zome function returns. The result of `call` is JSON in a text, as it was in 2019. */
  async call (instance, zome, fn, args = {}, more = {}) {
    const result = await this.ask('call', { instance_id: instance, zome, function: fn, args, ...more })
    const outcome = JSON.parse(result)
    if ('Ok' in outcome) return outcome.Ok
    const { code, ...words } = outcome.Err
    throw new Refused(code, Object.values(words)[0])
  }

  /** The next signal of this name, and what it carries. */
  signal (name) {
    const index = this.signals.findIndex(signal => signal.name === name)
    if (index >= 0) return Promise.resolve(JSON.parse(this.signals.splice(index, 1)[0].arguments))
    return new Promise(resolve => this.listeners.push({ name, resolve }))
  }

  close () { this.socket.close() }
}

/** That something is refused with this code. */
async function refused (code, promise) {
  await assert.rejects(promise, error => {
    assert.strictEqual(error.code, code, String(error))
    return true
  })
}

/** The ports of the conductor that keeps its data in a folder, and a connection to its admin port. */
async function operator (folder) {
  try {
    const ports = JSON.parse(readFileSync(`${folder}/ports.json`, 'utf8'))
    const token = readFileSync(`${folder}/admin.token`, 'utf8').trim()
    return { ports, admin: await Conductor.open(ports.admin, token) }
  } catch (error) {
    console.error(`error: no conductor runs with its data in ${folder} (${error.message})`)
    console.error('hint: start one, or name the folder of one that runs (of plasmid dev: PACKAGE/.plasmid-dev)')
    process.exit(1)
  }
}

async function main (folder, happ) {
  const { ports, admin } = await operator(folder)
  const app = async name => Conductor.open(ports.app, (await admin.ask('admin/token/issue', { app_id: name })).token)

  // Install: two people, each with an agent and a chain of their own.
  const adaApp = await admin.ask('admin/app/install', { path: happ, app_id: 'js-ada' })
  const benApp = await admin.ask('admin/app/install', { path: happ, app_id: 'js-ben' })
  const adaCell = adaApp.roles[0].instance_id
  const benCell = benApp.roles[0].instance_id
  const ada = await app('js-ada')
  const ben = await app('js-ben')
  console.log(`installed: ${adaCell} and ${benCell}`)

  // Call.
  const page = await ada.call(adaCell, 'workshop', 'write', { text: 'written in JavaScript' })
  assert.deepStrictEqual(await ada.call(adaCell, 'workshop', 'pages'), ['written in JavaScript'])
  console.log(`called: ${page.action}`)

  // Signal: Ben's `receive` keeps what Ada sends, and tells who she is.
  await ada.call(adaCell, 'workshop', 'say', { to: benApp.agent, order: 'keep', text: 'good morning' })
  assert.deepStrictEqual(await ben.signal('kept'), { caller: adaApp.agent })
  console.log('heard: kept')

  // Grant: what needs a capability is refused without one, done with it, and refused when it is taken back.
  const writeForAda = more => ben.call(adaCell, 'workshop', 'write', { text: 'by Ben' }, more)
  await refused('capabilityMissing', writeForAda())
  const grant = await admin.ask('admin/grant', {
    instance_id: adaCell,
    tag: 'write for me',
    access: 'assigned',
    assignees: [benApp.agent],
    functions: ['workshop/write']
  })
  await writeForAda({ token: grant.secret })
  await admin.ask('admin/revoke', { instance_id: adaCell, address: grant.address })
  await refused('capabilityWrong', writeForAda({ token: grant.secret }))
  console.log('granted, used, revoked')

  // Clone: the same zomes in a network of its own, and away with it.
  const order = { app_id: 'js-ada', role: 'main', name: 'Garden', network_seed: 'garden' }
  const clone = await admin.ask('admin/app/clone', order)
  assert.deepStrictEqual(await ada.call(clone.instance_id, 'workshop', 'pages'), [])
  await ada.call(clone.instance_id, 'workshop', 'write', { text: 'among the roses' })
  assert.strictEqual((await ada.call(adaCell, 'workshop', 'pages')).length, 2)
  await admin.ask('admin/app/clone/disable', { app_id: 'js-ada', clone: clone.clone })
  await refused('cellNotActive', ada.call(clone.instance_id, 'workshop', 'pages'))
  await admin.ask('admin/app/clone/delete', { app_id: 'js-ada', clone: clone.clone })
  console.log(`cloned: ${clone.instance_id}`)

  // Disable, enable, uninstall.
  await admin.ask('admin/app/disable', { app_id: 'js-ada' })
  await refused('cellNotActive', ada.call(adaCell, 'workshop', 'pages'))
  await admin.ask('admin/app/enable', { app_id: 'js-ada' })
  assert.strictEqual((await ada.call(adaCell, 'workshop', 'pages')).length, 2)
  // What is uninstalled ends its connections, if they do not end themselves.
  for (const connection of [ada, ben]) connection.close()
  for (const name of ['js-ada', 'js-ben']) await admin.ask('admin/app/uninstall', { app_id: name })
  await refused('unknownInstance', admin.call(adaCell, 'workshop', 'pages'))
  console.log('disabled, enabled, uninstalled')
  admin.close()
  console.log('javascript: all held')
}

if (process.argv.length !== 4) {
  console.error('usage: client.js DATA-FOLDER HAPP-FILE')
  process.exit(2)
}
main(process.argv[2], process.argv[3]).catch(error => {
  console.error(error)
  process.exit(1)
})
