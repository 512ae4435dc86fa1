import { escaped } from './login-page.js'

/** What the original program answered, word for word. */
export const RUNNING = 'Video Streaming Server is running'

/** The page's style. */
export const HOME_STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --line: #8884; --quiet: #888; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; }
h1 { font-size: 1.25rem; margin: 0 0 .75rem; }
#frame { aspect-ratio: 16 / 9; background: #111; border-radius: .5rem; overflow: hidden; display: grid; place-items: center; color: #aaa; }
#picture { width: 100%; height: 100%; object-fit: contain; }
#picture:not([src]) { display: none; }
#picture[src] + span { display: none; }
#state { font-weight: 600; padding: .5rem .75rem; margin: .75rem 0; border-radius: .5rem; border: 1px solid var(--line); }
#state[data-kind=alert] { background: #b3261e; color: #fff; border-color: #b3261e; }
#state[data-kind=stale] { background: #8a5a00; color: #fff; border-color: #8a5a00; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .5rem; margin: 0 0 1rem; }
dl div { border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .6rem; }
dt { color: var(--quiet); font-size: .8rem; } dd { margin: 0; font-variant-numeric: tabular-nums; }
#cameras { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 1rem; padding: 0; list-style: none; }
#cameras a { display: block; padding: .25rem .6rem; border: 1px solid var(--line); border-radius: .5rem; color: inherit; text-decoration: none; }
#cameras a[aria-current] { outline: 2px solid currentColor; }
#cameras a[data-kind=alert] { background: #b3261e; color: #fff; }
#cameras a[data-kind=stale] { background: #8a5a00; color: #fff; }
nav { display: flex; flex-wrap: wrap; gap: 1rem; }
nav form { margin-left: auto; }
`

/** The page's script: asks for the status of the camera that the address names once a second, for that of all every two, and for the picture again whenever it broke off. */
export const HOME_SCRIPT = `
const picture = document.getElementById('picture'), state = document.getElementById('state')
const show = (id, text) => { document.getElementById(id).textContent = text }
const say = (kind, text) => { state.dataset.kind = kind; state.textContent = text }
const camera = new URLSearchParams(location.search).get('camera') ?? 'default', query = '?camera=' + encodeURIComponent(camera)
for (const a of document.querySelectorAll('[data-of-camera]')) a.href += query
let watching = false, tries = 0
const watch = () => { watching = true; picture.src = '/stream' + query + '&try=' + (++tries) }
const leave = () => { watching = false; picture.removeAttribute('src') }
picture.onerror = leave
// A stream that ends, or whose connection dies silently, leaves its last picture standing and says nothing. So the
// picture is looked at: where frames come and it does not change, it is asked for again.
const canvas = Object.assign(document.createElement('canvas'), { width: 32, height: 18 })
const pen = canvas.getContext('2d', { willReadFrequently: true })
let sample = '', received = 0, still = 0, patience = 3
function look (framesReceived) {
  if (picture.naturalWidth > 0) pen.drawImage(picture, 0, 0, canvas.width, canvas.height)
  const now = pen.getImageData(0, 0, canvas.width, canvas.height).data.join()
  if (now !== sample) patience = 3
  still = now !== sample || framesReceived === received ? 0 : still + 1
  sample = now
  received = framesReceived
  if (still < patience) return
  still = 0
  patience = Math.min(patience * 2, 60)
  watch()
}
async function refresh () {
  try {
    const response = await fetch('/api/status' + query, { cache: 'no-store', signal: AbortSignal.timeout(4000) })
    if (response.status === 401) {
      say('stale', 'Log in to see the picture and the status')
      leave()
      return setTimeout(refresh, 5000)
    }
    if (response.status === 404) return say('stale', 'There is no camera ' + camera)
    if (!response.ok) throw new Error(String(response.status))
    const status = await response.json()
    const age = status.frame_age_seconds
    if (!status.stream_active) leave()
    else if (!watching || status.viewers === 0) watch()
    else look(status.frames_received)
    const stopped = age !== null && !status.stream_active ? ' The picture is stopped.' : ''
    const unstored = status.storage.ok ? '' : ' Events cannot be stored: ' + status.storage.last_error + '.'
    const silent = status.state === 'delayed' ? ' The picture is ' + Math.round(age) + ' s old.' : status.state === 'offline' ? ' No frame ' + (age === null ? 'since the server started.' : 'for ' + Math.round(age) + ' s.') : ''
    if (status.oil_spill_detected) say('alert', 'Oil spill detected.' + silent + unstored + stopped)
    else if (status.state === 'disabled') say('stale', 'The camera is switched off: what is there now is not known.' + unstored)
    else if (age === null && !silent) say('stale', 'No frame has come yet.' + unstored)
    else if (silent || unstored) say('stale', (silent ? 'What is there now is not known.' : 'No oil spill detected.') + silent + unstored + stopped)
    else say('normal', 'No oil spill detected.' + stopped)
    show('age', age === null ? 'none yet' : age.toFixed(1) + ' s ago')
    show('fps', status.input_fps.toFixed(1))
    show('size', status.resolution ? status.resolution.width + ' x ' + status.resolution.height : '-')
    show('events', status.oil_spill_events)
    show('viewers', status.viewers)
    show('version', status.version)
  } catch {
    say('stale', 'The server does not answer: the picture may be old')
    leave()
  }
  setTimeout(refresh, 1000)
}
const words = { online: 'no spill', delayed: 'delayed', offline: 'silent', never_seen: 'not seen yet', disabled: 'off' }
function link (each) {
  const a = document.createElement('a')
  a.href = '/?camera=' + encodeURIComponent(each.camera_id)
  a.textContent = (each.name || each.camera_id) + ': ' + (each.oil_spill_detected ? 'OIL SPILL' + (each.state === 'offline' ? ', silent' : '') : words[each.state])
  a.dataset.kind = each.oil_spill_detected ? 'alert' : each.state === 'online' ? 'normal' : each.state === 'offline' || each.state === 'delayed' ? 'stale' : 'quiet'
  if (each.camera_id === camera) a.setAttribute('aria-current', 'page')
  const item = document.createElement('li')
  item.append(a)
  return item
}
async function survey () {
  let cameras = []
  try {
    const response = await fetch('/api/cameras/status', { cache: 'no-store', signal: AbortSignal.timeout(4000) })
    if (response.ok) cameras = (await response.json()).cameras
  } catch {
    // The line above the list says it.
  }
  document.getElementById('cameras').replaceChildren(...cameras.length > 1 ? cameras.map(link) : [])
  setTimeout(survey, 2000)
}
refresh()
survey()
`

/**
 * A small page for people: the line that programs get, the live picture, how things are, and where to go on.
 * @param username who is logged in
 */
export function homePage (username: string | undefined): string {
  return HOME_PAGE.replace('<!-- person -->', username === undefined
    ? '<a href="/login">Log in</a>'
    : `<form method="post" action="/logout">${escaped(username)} <button>Log out</button></form>`)
}

const HOME_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Videostream</title>
<link rel="icon" href="data:,">
<style>${HOME_STYLE}</style>
<h1>${RUNNING}</h1>
<div id="frame"><img id="picture" alt="The live picture"><span>No live picture now</span></div>
<p id="state" role="status">Asking for the status</p>
<ul id="cameras" aria-label="Cameras"></ul>
<dl>
<div><dt>Newest frame</dt><dd id="age">-</dd></div>
<div><dt>Frames a second</dt><dd id="fps">-</dd></div>
<div><dt>Picture size</dt><dd id="size">-</dd></div>
<div><dt>Spill events</dt><dd id="events">-</dd></div>
<div><dt>Viewers</dt><dd id="viewers">-</dd></div>
<div><dt>Version</dt><dd id="version">-</dd></div>
</dl>
<nav><a href="/stream" data-of-camera>Live picture alone</a> <a href="/api/oil_spill_events">Event history</a> <a href="/api/status" data-of-camera>Status</a> <a href="/documentation">API documentation</a> <!-- person --></nav>
<script>${HOME_SCRIPT}</script>
</html>
`
