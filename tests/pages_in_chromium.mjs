// Looks at the pages as a person does, in headless Chromium. Fails at what is not as it should be.
//
// usage: node pages_in_chromium.mjs PLAYWRIGHT AXE SERVER PICTURES
//
// PLAYWRIGHT and AXE are the folders of the npm packages playwright-core and axe-core, SERVER is `http://HOST:PORT`, PICTURES is
// the folder that gets a picture of each page. The footage is what tests/pages.rs has put there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [playwright, axe, server, pictures] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(playwright);
const axeSource = readFileSync(join(axe, 'axe.min.js'), 'utf8');
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'] });

// A page whose every misstep is a failure: scripts that fail or are refused, requests to anybody else.
async function open(path, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  page.faults = [];
  page.on('pageerror', error => page.faults.push(error.message));
  page.on('console', line => { if (/Content Security|violates/.test(line.text())) page.faults.push(line.text()); });
  watchRequests(page);
  await page.goto(server + path);
  return page;
}

// Nobody else is asked for anything.
function watchRequests(page) {
  page.faults ??= [];
  page.on('request', request => {
    if (!request.url().startsWith(server) && !/^(data|blob):/.test(request.url())) page.faults.push(request.url());
  });
}

async function close(page, name) {
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  assert.equal(await page.evaluate(() => window.hacked), undefined, `${name}: a name or a caption became a script`);
  assert.deepEqual(page.faults, [], name);
  await page.close();
}

async function isAccessible(page, name) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
  const serious = found.violations.filter(fault => ['serious', 'critical'].includes(fault.impact));
  assert.deepEqual(serious.map(fault => `${fault.id}: ${fault.nodes[0].html}`), [], name);
}

// With users, a person has to log in once; the rest is as without.
const [name, password] = [process.env.NAME, process.env.PASSWORD];
async function logIn() {
  const page = await browser.newPage();
  await page.goto(`${server}/events?limit=2`);
  assert.match(page.url(), /\/login\?next=/);
  await isAccessible(page, 'login');
  await page.fill('input[name=name]', name);
  await page.fill('input[name=password]', 'something else');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=alert]');
  await page.screenshot({ path: join(pictures, 'login.png') });
  await page.fill('input[name=name]', name);
  await page.fill('input[name=password]', password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/events?limit=2');
  assert.equal(await page.evaluate(() => document.cookie), '', 'no script sees the session');
  assert.ok(await page.locator('.card img').first().evaluate(image => image.decode().then(() => image.naturalWidth)) > 0);
  await page.goto(`${server}/night`);
  await page.click('text=Log out');
  await page.waitForURL('**/login');
  await page.goto(`${server}/`);
  assert.match(page.url(), /\/login\?next=/);
}

const stories = {
  async 'the day shows footage and events, and leafs by keys'() {
    const page = await open('/day/2026-11-22');
    await isAccessible(page, 'day');
    assert.ok(await page.locator('.strip .processed').count() > 0);
    assert.ok(await page.locator('.strip .mark.person').count() > 0);
    assert.match(await page.locator('.strip .mark title').first().textContent(), /^22:00:\d\d: /);
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL('**/day/2026-11-21');
    await page.keyboard.press('ArrowRight');
    await page.waitForURL('**/day/2026-11-22');
    const strip = await page.locator('.strip').first().boundingBox();
    // 22:00:30 of the day.
    await page.mouse.click(strip.x + strip.width * 79_230 / 86_400, strip.y + 5);
    await page.waitForURL('**/play/gate?at=2026-11-22T22%3A0*');
    await close(page, 'day');
  },

  async 'footage plays on from segment to segment'() {
    const page = await open('/play/gate?at=2026-11-22T22:00:04Z');
    await isAccessible(page, 'play');
    // When each picture of which player came on the screen.
    await page.evaluate(() => {
      window.shownAt = [];
      for (const video of document.querySelectorAll('video')) {
        const note = at => { window.shownAt.push([video.dataset.index, at]); video.requestVideoFrameCallback(note); };
        video.requestVideoFrameCallback(note);
      }
    });
    const frames = () => page.evaluate(() =>
      document.querySelector('video:not([hidden])').getVideoPlaybackQuality().totalVideoFrames);
    await page.waitForFunction(() => document.querySelector('video:not([hidden])').currentTime > 4.2);
    assert.ok(await frames() > 0, 'pictures advance');
    // The second segment takes over within the time that a picture lasts, more or less.
    await page.waitForFunction(() => {
      const shown = document.querySelector('video:not([hidden])');
      return shown.dataset.index === '1' && shown.currentTime > 0.5;
    });
    assert.ok(await frames() > 0, 'pictures advance in the next one');
    assert.match(await page.locator('#now').textContent(), /22:00:(0[6-9]|1[0-7])/);
    const seam = await page.evaluate(() => {
      const of = index => window.shownAt.filter(([number]) => number === index).map(([, at]) => at);
      return Math.min(...of('1').filter(at => at > Math.max(...of('0')))) - Math.max(...of('0'));
    });
    // Ten pictures a second: the next one comes when it is due, but for what a busy machine takes.
    assert.ok(seam < 1000, `${seam} ms without a picture at the border`);
    const cues = await page.evaluate(() => document.querySelector('video:not([hidden])').textTracks[0].cues?.length ?? 0);
    assert.ok(cues > 0, 'what was seen is shown');
    await page.keyboard.press('n');
    await close(page, 'play');
  },

  async 'a view is chosen, and seen as stills at the time of the player'() {
    const page = await open('/play/gate?at=2026-11-22T22:00:03Z');
    await page.selectOption('#view', 'original');
    const still = page.locator('#still');
    await page.waitForFunction(() => document.querySelector('#still').naturalWidth > 0);
    const first = await still.getAttribute('src');
    assert.match(first, /^\/still\/gate\/original\?at=2026-11-22T22%3A00%3A0/);
    await page.keyboard.press('>');
    await page.waitForFunction(before => {
      const image = document.querySelector('#still');
      return image.getAttribute('src') !== before && image.complete && image.naturalWidth > 0;
    }, first);
    await isAccessible(page, 'stills');
    await page.screenshot({ path: join(pictures, 'stills.png'), fullPage: true });
    await page.selectOption('#view', '');
    assert.ok(await still.isHidden());
    await page.waitForFunction(() => !document.querySelector('video:not([hidden])').paused);
    await close(page, 'stills-over');
  },

  async 'a clip is marked by keys, told and downloaded, and plays over a border'() {
    const page = await open('/play/gate?at=2026-11-22T22:00:03Z');
    await page.waitForFunction(() => document.querySelector('video:not([hidden])').currentTime > 3.3);
    await page.keyboard.press('i');
    await page.waitForFunction(() => document.querySelector('video:not([hidden])').dataset.index === '1');
    await page.keyboard.press('o');
    await page.click('#clip button:not([type])');
    await page.waitForURL('**/clip/gate?from=2026-11-22T22**');
    await isAccessible(page, 'clip');
    assert.match(await page.locator('main').textContent(), /pictures.*begins at 22:00:03, the keyframe before/s);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
    assert.match(download.suggestedFilename(), /^gate_20261122_22000\d-22000\d\.mp4$/);
    assert.ok((await stat(await download.path())).size > 10_000);
    const played = await page.evaluate(async () => {
      const video = document.createElement('video');
      Object.assign(video, { muted: true, src: document.querySelector('#download').href });
      document.querySelector('main').append(video);
      await video.play();
      await new Promise((done, failed) => { video.onended = done; video.onerror = () => failed(video.error.message); });
      return [video.duration, video.getVideoPlaybackQuality().totalVideoFrames];
    });
    // It ends behind the border, which lies three seconds after its beginning.
    assert.ok(played[0] > 3 && played[1] > 28, played.join());
    await page.goto(`${server}/clip/gate?from=2026-11-22T22:00:03Z&to=2026-11-22T22:00:01Z`);
    assert.match(await page.locator('main').textContent(), /`to` must be later than `from`/);
    await close(page, 'clip');
  },

  async 'events are filtered, leafed through and played'() {
    const page = await open('/events?limit=1');
    await isAccessible(page, 'events');
    await page.mouse.wheel(0, 5000);
    await page.waitForFunction(() => document.querySelectorAll('.card').length > 1);
    const ids = await page.locator('.card').evaluateAll(cards => cards.map(card => card.id));
    assert.equal(new Set(ids).size, ids.length, 'each event is there once');
    await page.selectOption('select[name=label]', 'person');
    await page.click('.filters button');
    await page.waitForURL('**label=person**');
    const titles = await page.locator('.card h2').allTextContents();
    assert.ok(titles.length > 0 && titles.every(title => title.includes('person')), titles.join());
    assert.ok(await page.locator('.card img').first().evaluate(image => image.decode().then(() => image.naturalWidth)) > 0);
    assert.ok(await page.locator('.card .box rect').count() > 0);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/play/gate**');
    await close(page, 'events');
  },

  async 'all events come, each once and newest first, by scrolling'() {
    const page = await open('/events?limit=1');
    const { events } = await page.evaluate(async () => (await fetch('/api/v1/events?limit=500')).json());
    assert.ok(events.length > 4, `${events.length} events`);
    await page.waitForFunction(count => {
      window.scrollTo(0, document.body.scrollHeight);
      return document.querySelectorAll('.card').length === count;
    }, events.length, { polling: 100 });
    const ids = await page.locator('.card').evaluateAll(cards => cards.map(card => card.id.replace(/\D/g, '')));
    assert.deepEqual(ids, events.map(event => String(event.id)));
    await page.waitForFunction(() => !document.querySelector('#older'));
    await close(page, 'events-all');
  },

  async 'the feed is valid XML whatever a model says'() {
    const page = await open('/events');
    const read = await page.evaluate(async () => {
      const answer = await fetch('/events.atom');
      const feed = new DOMParser().parseFromString(await answer.text(), 'application/xml');
      const texts = name => [...feed.querySelectorAll(name)].map(element => element.textContent);
      return { type: answer.headers.get('content-type'), fault: feed.querySelector('parsererror')?.textContent,
        namespace: feed.documentElement.namespaceURI, entries: texts('entry').length, summaries: texts('entry > summary'),
        ids: texts('id'), updated: texts('updated'), titles: texts('entry > title'), author: texts('author > name') };
    });
    assert.equal(read.fault, undefined);
    assert.equal(read.namespace, 'http://www.w3.org/2005/Atom');
    assert.match(read.type, /^application\/atom\+xml/);
    assert.ok(read.entries > 0 && read.author.length === 1);
    assert.ok(read.summaries.some(text => text.includes('<script>window.hacked=1</script> ]]>&nbsp;')), read.summaries.join());
    assert.equal(new Set(read.ids).size, read.entries + 1, 'each has an id of its own');
    assert.ok(read.updated.every(at => !Number.isNaN(Date.parse(at))) && read.titles.every(title => title));
    await close(page, 'feed');
  },

  async 'every page is walked through by keys alone'() {
    const paths = ['/day/2026-11-22', '/play/gate?at=2026-11-22T22:00:00Z', '/events', '/search?q=person', '/night', '/storage',
      '/live/gate', '/clip/gate?from=2026-11-22T22:00:03Z&to=2026-11-22T22:00:08Z'];
    for (const path of paths) {
      const page = await open(path);
      const wanted = await page.evaluate(() => {
        const all = [...document.querySelectorAll('a[href], button, input, select, video[controls]')];
        const seen = all.filter(one => one.tabIndex >= 0 && !one.disabled && one.checkVisibility() && !one.closest('svg'));
        seen.forEach((one, number) => { one.dataset.walk = number; });
        return seen.length;
      });
      const met = new Set();
      // A field of date and time takes a key for each of its parts, a player one for each of its controls.
      for (let keys = 0; keys < 12 * wanted && met.size < wanted; keys += 1) {
        await page.keyboard.press('Tab');
        const here = await page.evaluate(() => {
          const focused = document.activeElement;
          const { outlineStyle, outlineWidth } = getComputedStyle(focused);
          return { number: focused.dataset.walk, shown: outlineStyle !== 'none' && outlineWidth !== '0px', html: focused.outerHTML.slice(0, 200) };
        });
        if (here.number === undefined) continue;
        assert.ok(here.shown || /^<video/.test(here.html), `${path}: one cannot see where one is: ${here.html}`);
        met.add(here.number);
      }
      assert.equal(met.size, wanted, `${path}: not everything is reached`);
      await close(page, 'walked');
    }
    const page = await open('/day/2026-11-22');
    await page.keyboard.press('Tab');
    assert.match(await page.evaluate(() => document.activeElement.textContent), /To the content/);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.querySelector('main').contains(document.activeElement)), 'the menu is skipped');
    await close(page, 'walked');
  },

  async 'search finds words and times, and shows captions as text'() {
    const page = await open('/');
    await page.keyboard.press('/');
    await page.keyboard.type('lantern 2026-11-22 21:00-23:00');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/search**');
    await isAccessible(page, 'search');
    assert.ok(await page.locator('.card').count() > 0);
    assert.match(await page.locator('.card .said').first().textContent(), /<img src=x/);
    assert.equal(await page.locator('mark').first().textContent(), 'lantern');
    await page.goto(`${server}/search?q=lantern+2026-11-19`);
    assert.equal(await page.locator('.card').count(), 0);
    await page.goto(`${server}/search?q=${encodeURIComponent('"><script>window.hacked=1</script>')}`);
    await close(page, 'search');
  },

  async 'a camera without a playlist says how it gets one'() {
    const page = await open('/live/gate');
    await isAccessible(page, 'live');
    assert.match(await page.locator('.empty').textContent(), /hls = true/);
    assert.ok(await page.locator('#last .card').count() > 0);
    await close(page, 'live');
  },

  async 'what was given up is put back by a button'() {
    const page = await open('/night');
    await isAccessible(page, 'night');
    assert.match(await page.locator('#failures ~ .wide tbody').textContent(), /<img src=x onerror=/);
    assert.equal(await page.locator('tbody button').count(), 2);
    await page.locator('tbody button').first().click();
    await page.waitForFunction(() => document.querySelectorAll('tbody button').length === 1);
    await close(page, 'night');
  },

  async 'without scripts a person looks, leafs, searches, takes a clip and puts back'() {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false });
    const page = await context.newPage();
    watchRequests(page);
    await page.goto(`${server}/day/2026-11-23`);
    await page.click('a[rel=prev]');
    await page.waitForURL('**/day/2026-11-22');
    await page.locator('.name a').first().click();
    await page.waitForURL('**/play/gate?at=**');
    assert.ok(await page.locator('video').isVisible());
    await page.click('noscript a');
    await page.waitForURL('**/still/gate/original?at=**');
    await page.goBack();
    await page.fill('#clip [name=from]', '2026-11-22T22:00:04');
    await page.fill('#clip [name=to]', '2026-11-22T22:00:09');
    await page.click('#clip button:not([type])');
    await page.waitForURL('**/clip/gate?**');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
    assert.equal(download.suggestedFilename(), 'gate_20261122_220004-220009.mp4');
    await page.goto(`${server}/events?limit=1`);
    const first = await page.locator('.card').getAttribute('id');
    await page.click('#older');
    assert.notEqual(await page.locator('.card').getAttribute('id'), first);
    await page.fill('#find', 'lantern 2026-11-22 21:00-23:00');
    await page.press('#find', 'Enter');
    await page.waitForURL('**/search?q=lantern**');
    assert.ok(await page.locator('.card').count() > 0);
    await page.goto(`${server}/night`);
    await page.locator('tbody button').first().click();
    await page.waitForURL('**/night');
    assert.equal(await page.locator('tbody button').count(), 0);
    assert.deepEqual(page.faults, []);
    await context.close();
  },

  async 'the storage says what is held'() {
    const page = await open('/storage', { colorScheme: 'dark' });
    await isAccessible(page, 'storage');
    assert.match(await page.locator('main').textContent(), /free of .*next pass of retention/s);
    await close(page, 'storage');
  },

  async 'all pages fit a narrow phone, light and dark, without scripts too'() {
    for (const path of ['/day/2026-11-22', '/play/gate?at=2026-11-22T22:00:00Z', '/events', '/search?q=person', '/night', '/storage',
      '/live/gate', '/clip/gate?from=2026-11-22T22:00:03Z&to=2026-11-22T22:00:08Z', '/day/2026-11-21']) {
      for (const [colorScheme, javaScriptEnabled] of [['light', true], ['dark', false]]) {
        const context = await browser.newContext({ viewport: { width: 360, height: 740 }, colorScheme, javaScriptEnabled });
        const page = await context.newPage();
        watchRequests(page);
        const answer = await page.goto(server + path);
        assert.equal(answer.status(), 200, path);
        const width = await page.locator('html').evaluate(html => html.scrollWidth);
        assert.ok(width <= 360, `${path} is ${width} px wide`);
        if (javaScriptEnabled) await isAccessible(page, `${path} ${colorScheme}`);
        await page.screenshot({ path: join(pictures, `phone-${colorScheme}${path.split('?')[0].replaceAll('/', '-')}.png`), fullPage: true });
        assert.deepEqual(page.faults, [], path);
        await context.close();
      }
    }
  },
};

// Of footage that only other programs play.
async function seeStills() {
  const page = await open('/play/gate?at=2026-11-22T22:00:02Z');
  const plays = await page.evaluate(() => document.createElement('video').canPlayType('video/mp4; codecs="hvc1.1.6.L93.B0"'));
  assert.equal(plays, '', 'this Chromium knows no H.265');
  await page.waitForSelector('#cannot:not([hidden])');
  assert.match(await page.locator('#cannot').textContent(), /cannot play.*H\.265.*Stills/s);
  const drawn = () => page.waitForFunction(() => {
    const image = document.querySelector('#still');
    return !image.hidden && image.complete && image.naturalWidth > 0;
  });
  await drawn();
  const first = await page.locator('#still').getAttribute('src');
  assert.match(first, /at=2026-11-22T22%3A00%3A02/);
  await page.keyboard.press('>');
  await page.waitForFunction(before => document.querySelector('#still').getAttribute('src') !== before, first);
  await drawn();
  assert.match(await page.locator('#now').textContent(), /22:00:03/);
  await isAccessible(page, 'h265');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#cannot a.download')]);
  assert.ok((await stat(await download.path())).size > 10_000);
  await page.keyboard.press('i');
  await page.keyboard.press('>');
  await page.keyboard.press('o');
  await page.click('#clip button:not([type])');
  await page.waitForURL('**/clip/gate?from=2026-11-22T22%3A00%3A03**');
  assert.match(await page.locator('main').textContent(), /pictures/);
  await page.goBack();
  await drawn();
  await close(page, 'h265');
  const live = await open('/live/gate');
  await live.waitForFunction(() => document.querySelector('#still').naturalWidth > 0);
  await close(live, 'h265-live');
}

// Of a camera that is being recorded.
async function watchLive() {
  const page = await open('/live/gate');
  await page.waitForFunction(() => document.querySelector('#live').getVideoPlaybackQuality().totalVideoFrames > 20);
  assert.ok(await page.locator('#cannot').isHidden());
  await close(page, 'live-playing');
}

try {
  if (process.env.LIVE) {
    await watchLive();
    console.log('ok: a person watches a camera');
  } else if (process.env.H265) {
    await seeStills();
    console.log('ok: a person sees what the browser cannot play');
  } else if (name) {
    await logIn();
    console.log('ok: a person logs in and out');
  } else for (const [name, story] of Object.entries(stories)) {
    await story();
    console.log(`ok: ${name}`);
  }
} finally {
  await browser.close();
}
