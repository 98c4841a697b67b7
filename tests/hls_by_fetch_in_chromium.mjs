// Plays a live playlist in headless Chromium as hls.js does: a page of another origin fetches the playlist, the map and
// ranges of the files, and appends them to a media source. Prints what came of it as one line of JSON.
//
// usage: node hls_by_fetch_in_chromium.mjs PLAYWRIGHT URL SECONDS ORIGIN
//
// The page is served here, and Chromium is told to find ORIGIN here. There must be no discontinuity: times are taken as
// they are.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const [playwright, url, seconds, origin] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(playwright);
const server = createServer((_, answer) => {
  answer.setHeader('content-type', 'text/html');
  answer.end('<body></body>');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const found = `MAP ${new URL(origin).host} 127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
  `--host-resolver-rules=${found}`] });
try {
  const page = await browser.newPage();
  await page.goto(`${origin}/player`);
  const result = await page.evaluate(async ([url, seconds]) => {
    const statuses = new Set(), files = new Set();
    const get = async (address, range) => {
      const answer = await fetch(address, range && { headers: { Range: `bytes=${range}` } });
      statuses.add(answer.status);
      return new Uint8Array(await answer.arrayBuffer());
    };
    // "LENGTH@START"
    const range = text => {
      const [length, start] = text.split('@').map(Number);
      return `${start}-${start + length - 1}`;
    };
    const read = text => {
      const found = { parts: [] };
      let sequence = 0, bytes;
      for (const line of text.split('\n')) {
        const [, tag, value] = /^#([^:]+):?(.*)$/.exec(line) ?? [];
        if (tag === 'EXT-X-MEDIA-SEQUENCE') sequence = Number(value);
        if (tag === 'EXT-X-MAP') [, found.map, found.mapRange] = /URI="(.*)",BYTERANGE="(.*)"/.exec(value);
        if (tag === 'EXT-X-DISCONTINUITY') throw new Error('a discontinuity');
        if (tag === 'EXT-X-BYTERANGE') bytes = range(value);
        if (line && !line.startsWith('#')) found.parts.push({ sequence: sequence++, uri: line, bytes });
      }
      return found;
    };
    const video = document.createElement('video'), source = new MediaSource();
    video.muted = true;
    video.src = URL.createObjectURL(source);
    document.body.append(video);
    await new Promise(done => { source.onsourceopen = done; });
    let buffer, next = 0;
    const append = bytes => new Promise((done, failed) => {
      buffer.onupdateend = done;
      buffer.onerror = () => failed(new Error('the media source refuses it'));
      buffer.appendBuffer(bytes);
    });
    const begin = async playlist => {
      const map = await get(new URL(playlist.map, url), range(playlist.mapRange));
      const at = map.findIndex((_, at) => String.fromCharCode(...map.subarray(at, at + 4)) === 'avcC') + 5;
      const profile = [...map.subarray(at, at + 3)].map(byte => byte.toString(16).padStart(2, '0')).join('');
      buffer = source.addSourceBuffer(`video/mp4; codecs="avc1.${profile}"`);
      await append(map);
    };
    const state = error => ({
      error, statuses: [...statuses], files: files.size, stretches: video.buffered.length,
      played: video.buffered.length && video.currentTime - video.buffered.start(0),
      frames: video.getVideoPlaybackQuality().totalVideoFrames });
    try {
      for (const end = Date.now() + seconds * 1000 + 30000; Date.now() < end;) {
        const playlist = read(new TextDecoder().decode(await get(url)));
        if (!buffer) await begin(playlist);
        for (const part of playlist.parts.filter(part => part.sequence >= next)) {
          await append(await get(new URL(part.uri, url), part.bytes));
          next = part.sequence + 1;
          files.add(part.uri.split('?')[0]);
        }
        if (video.paused) {
          video.currentTime = video.buffered.start(0);
          await video.play();
        }
        if (video.currentTime - video.buffered.start(0) >= seconds) return state(null);
        await new Promise(done => setTimeout(done, 200));
      }
      return state('too slow');
    } catch (error) {
      return state(String(error));
    }
  }, [url, Number(seconds)]);
  console.log(JSON.stringify(result));
} finally {
  await browser.close();
  server.close();
}
