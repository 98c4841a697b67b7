// Plays a live playlist in headless Chromium, by its own HLS, and prints what came of it as one line of JSON.
//
// usage: node hls_in_chromium.mjs PLAYWRIGHT URL SECONDS
//
// PLAYWRIGHT is the folder of the npm package playwright-core; Chromium is Debian's. The page is of the server's own
// origin, so that nothing but the playlist and its files is asked for.
import { createRequire } from 'node:module';

const [playwright, url, seconds] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(playwright);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'] });
try {
  const page = await browser.newPage();
  const files = new Set();
  page.on('request', request => { if (/segment_.*\.mp4\?/.test(request.url())) files.add(request.url().split('?')[0]); });
  await page.goto(new URL('/healthz', url).href);
  const result = await page.evaluate(([url, seconds]) => new Promise(done => {
    const video = document.createElement('video');
    const state = error => ({ error, played: video.currentTime - began, width: video.videoWidth,
      frames: video.getVideoPlaybackQuality().totalVideoFrames, stalls });
    let began = 0, stalls = 0;
    video.muted = true;
    video.onerror = () => done(state(`${video.error.code} ${video.error.message}`));
    video.onplaying = () => { began ||= video.currentTime; };
    video.onwaiting = () => { stalls += 1; };
    document.body.append(video);
    video.src = url;
    video.play().catch(() => {});
    const look = setInterval(() => {
      if (began && video.currentTime - began >= seconds) { clearInterval(look); done(state(null)); }
    }, 50);
    setTimeout(() => done(state('too slow')), seconds * 1000 + 30000);
  }), [url, Number(seconds)]);
  console.log(JSON.stringify({ ...result, files: files.size }));
} finally {
  await browser.close();
}
