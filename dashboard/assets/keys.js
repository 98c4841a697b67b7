// Keys and clicks that all pages share: arrows leaf, / searches, a click on a strip plays from there.
'use strict';

const isTyping = element => element.closest('input, select, textarea, video, [contenteditable]');

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const follow = relation => {
    const link = document.querySelector(`a[rel=${relation}]`);
    if (link && link.id !== 'older') { event.preventDefault(); link.click(); }
  };
  if (event.key === 'ArrowLeft') follow('prev');
  if (event.key === 'ArrowRight') follow('next');
  if (event.key === '/') { event.preventDefault(); document.querySelector('#find').focus(); }
  if (event.key === 'j' || event.key === 'k') leaf(event.key === 'j' ? 1 : -1);
});

// Goes from card to card.
function leaf(step) {
  const cards = [...document.querySelectorAll('.card .picture[href]')];
  const next = cards[cards.indexOf(document.activeElement) + step] || cards[0];
  if (next) { next.focus(); next.scrollIntoView({ block: 'center' }); }
}

// The time that a click on a strip means; links in it only know where a stretch begins.
function timeAt(strip, event) {
  const area = strip.getBoundingClientRect();
  const share = Math.min(Math.max((event.clientX - area.left) / area.width, 0), 1);
  const [from, to] = [Number(strip.dataset.from), Number(strip.dataset.to)];
  return new Date(Math.round(from + share * (to - from)));
}

document.addEventListener('click', event => {
  const strip = event.target.closest('.strip');
  if (!strip || event.ctrlKey || event.metaKey || event.button !== 0) return;
  if (event.target.classList.contains('mark')) return;
  event.preventDefault();
  const at = timeAt(strip, event);
  const wanted = new CustomEvent('strip', { detail: at, cancelable: true });
  if (document.dispatchEvent(wanted)) location.href = `${strip.dataset.play}?at=${encodeURIComponent(at.toISOString())}`;
});
