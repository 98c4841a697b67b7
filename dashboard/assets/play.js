// Plays a camera's segments one after the other: while one is shown the next is loaded in a second, hidden player,
// which takes over when the first has ended.
'use strict';

const player = document.querySelector('#player');
if (player) start();

function start() {
  const segments = JSON.parse(player.dataset.segments);
  const camera = decodeURIComponent(location.pathname.split('/').pop());
  const strip = document.querySelector('.line .strip');
  const head = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  const from = Number(strip.dataset.from);
  const span = Number(strip.dataset.to) - from;
  for (const [name, value] of Object.entries({ class: 'head-now', y: 0, height: 30, width: span / 1000 / 500 })) {
    head.setAttribute(name, value);
  }
  strip.append(head);
  const clock = document.querySelector('#now');
  // In the zone of the server's pages.
  const words = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium', timeZone: player.dataset.zone });
  let [shown, waiting] = [player.querySelector('video'), document.createElement('video')];
  let current = 0;
  waiting.hidden = true;
  for (const name of ['controls', 'playsInline', 'muted']) waiting[name] = true;
  shown.after(waiting);

  // What no browser plays, or is seen through a view, is shown as stills: then the time is kept here.
  const still = document.querySelector('#still');
  const view = document.querySelector('#view');
  let stood = null;

  const begin = index => Date.parse(segments[index].start);
  const now = () => stood ?? begin(current) + shown.currentTime * 1000;

  function load(video, index) {
    const segment = segments[index];
    video.dataset.index = index;
    video.preload = 'auto';
    video.src = segment.media;
    const track = document.createElement('track');
    Object.assign(track, { kind: 'subtitles', srclang: 'en', label: 'What was seen', src: segment.cues, default: true });
    video.replaceChildren(track);
  }

  function prepare(index) {
    if (index < segments.length && Number(waiting.dataset.index) !== index) load(waiting, index);
    if (index >= segments.length - 2) more();
  }

  let asking = false;
  async function more() {
    if (asking || !segments.length) return;
    asking = true;
    const last = segments[segments.length - 1];
    const after = new Date(Date.parse(last.start) + 1).toISOString();
    const query = new URLSearchParams({ camera, from: after, limit: 30 });
    try {
      const answer = await fetch(`/api/v1/segments?${query}`);
      const found = answer.ok ? (await answer.json()).segments : [];
      segments.push(...found.filter(segment => Date.parse(segment.start) > Date.parse(last.start)));
      // At the end of what there is, a new segment comes by the minute.
      setTimeout(() => { asking = false; }, found.length ? 0 : 15000);
    } catch { setTimeout(() => { asking = false; }, 15000); }
  }

  function show(index, second) {
    const rate = shown.playbackRate;
    if (index !== current) {
      if (Number(waiting.dataset.index) !== index) load(waiting, index);
      [shown, waiting] = [waiting, shown];
      shown.hidden = false;
      waiting.hidden = true;
      waiting.pause();
      current = index;
    }
    if (second !== null) seek(shown, second);
    shown.muted = waiting.muted;
    shown.volume = waiting.volume;
    shown.playbackRate = rate;
    if (stood === null) shown.play().catch(() => {});
    for (const link of document.querySelectorAll('a.download')) link.href = segments[index].media;
    prepare(index + 1);
  }

  function seek(video, second) {
    const go = () => { video.currentTime = second; };
    if (video.readyState > 0) go(); else video.addEventListener('loadedmetadata', go, { once: true });
  }

  // Goes to a time of what is listed; false where another page is needed.
  function goTo(time) {
    let index = -1;
    segments.forEach((segment, number) => { if (begin(number) <= time) index = number; });
    if (index < 0) return false;
    if (stood !== null) { stood = time; tell(); }
    const length = segments[index].duration_s ?? 60;
    if (index === segments.length - 1 && time > begin(index) + length * 1000 + 1000) return false;
    show(index, Math.max(0, Math.min((time - begin(index)) / 1000, length - 0.1)));
    return true;
  }

  const visit = time => {
    if (!goTo(time)) location.href = `${location.pathname}?at=${encodeURIComponent(new Date(time).toISOString())}`;
  };

  function tell() {
    head.setAttribute('x', (now() - from) / 1000);
    clock.textContent = words.format(now());
    if (!still.hidden) draw();
  }

  // One still after the other, as they come; meanwhile the last one stays.
  let drawing = false;
  function draw() {
    if (drawing || !view?.value) return;
    const address = `/still/${encodeURIComponent(camera)}/${encodeURIComponent(view.value)}?at=${encodeURIComponent(new Date(now()).toISOString())}`;
    if (address === still.dataset.wanted) return;
    still.dataset.wanted = address;
    drawing = true;
    const next = () => { setTimeout(() => { drawing = false; if (!still.hidden) draw(); }, 500); };
    still.onload = next;
    still.onerror = next;
    still.src = address;
  }

  function look() {
    const time = now();
    still.hidden = !view.value;
    player.classList.toggle('stills', !still.hidden);
    stood = still.hidden ? null : time;
    if (still.hidden) { goTo(time); return; }
    shown.pause();
    tell();
  }

  function cannot() {
    document.querySelector('#cannot').hidden = false;
    if (!view || stood !== null) return;
    stood = Math.max(Date.parse(player.dataset.at), begin(current));
    view.value = 'original';
    view.options[0].disabled = true;
    look();
  }

  if (view) {
    view.disabled = false;
    view.addEventListener('change', look);
  }

  function bind(video) {
    video.addEventListener('ended', () => {
      if (video === shown && current + 1 < segments.length) show(current + 1, null);
    });
    video.addEventListener('timeupdate', () => {
      if (video !== shown) return;
      tell();
    });
    video.addEventListener('loadeddata', () => { if (video === shown) prepare(current + 1); });
    video.addEventListener('error', () => { if (video === shown) cannot(); });
  }
  bind(shown);
  bind(waiting);
  shown.dataset.index = 0;
  if (shown.error) cannot();

  // A clip's ends: the field shows the time in the zone of the pages, the form sends it exactly.
  const form = document.querySelector('#clip');
  const local = time => new Date(time).toLocaleString('sv', { timeZone: player.dataset.zone }).replace(' ', 'T');
  for (const button of form.querySelectorAll('[data-mark]')) {
    button.hidden = false;
    button.addEventListener('click', () => {
      const field = form.elements[button.dataset.mark];
      field.value = local(now());
      field.dataset.shown = field.value;
      field.dataset.exact = new Date(now()).toISOString();
    });
  }
  form.addEventListener('formdata', event => {
    for (const name of ['from', 'to']) {
      const field = form.elements[name];
      if (field.dataset.shown === field.value) event.formData.set(name, field.dataset.exact);
    }
  });

  const marks = () => [...strip.querySelectorAll('.mark')].map(mark => from + Number(mark.getAttribute('x')) * 1000);
  const nextMark = () => { const time = marks().find(at => at > now() + 500); if (time) visit(time); };
  const lastMark = () => { const time = marks().reverse().find(at => at < now() - 2000); if (time) visit(time); };
  const actions = { '#back': () => visit(now() - 10000), '#on': () => visit(now() + 10000),
    '#less': () => visit(now() - 1000), '#more': () => visit(now() + 1000), '#before': lastMark, '#after': nextMark };
  for (const [id, act] of Object.entries(actions)) document.querySelector(id).addEventListener('click', act);
  document.querySelector('#speed').addEventListener('change', event => { shown.playbackRate = Number(event.target.value); });
  document.addEventListener('strip', event => { if (goTo(event.detail.getTime())) event.preventDefault(); });
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select')) return;
    const keys = {
      ',': '#back', '.': '#on', '<': '#less', '>': '#more', p: '#before', n: '#after', i: '[data-mark=from]', o: '[data-mark=to]',
    };
    if (keys[event.key]) document.querySelector(keys[event.key]).click();
  });

  if (!goTo(Date.parse(player.dataset.at))) show(0, null);
}
