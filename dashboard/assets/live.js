// Says when the stream cannot be played, tries again, and brings what was seen meanwhile.
'use strict';

// The newest recorded picture, where the stream is not played.
const still = document.querySelector('#still');
function renew() {
  if (still.hidden || document.hidden) return;
  const next = new Image();
  next.onload = () => { still.src = next.src; };
  next.src = `${still.dataset.src}?newest=${Date.now()}`;
}
if (still) {
  still.dataset.src ??= still.getAttribute('src');
  setInterval(renew, 10000);
}

const video = document.querySelector('#live');
if (video) {
  const cannot = document.querySelector('#cannot');
  const address = video.getAttribute('src');
  video.addEventListener('error', () => {
    cannot.hidden = false;
    if (still?.hidden) { still.hidden = false; renew(); }
    setTimeout(() => { video.src = address; video.play().catch(() => {}); }, 10000);
  });
  video.addEventListener('playing', () => { cannot.hidden = true; if (still) still.hidden = true; });
}

setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const [here, there] = [document.querySelector('#last'), page.querySelector('#last')];
    if (here.innerHTML !== there.innerHTML && !here.contains(document.activeElement)) here.replaceWith(there);
  } catch { /* the next try may do better */ }
}, 10000);
