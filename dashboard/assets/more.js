// Brings older events when the end of the page comes near. Without it the link at the end does.
'use strict';

const seen = new IntersectionObserver(async entries => {
  const link = document.querySelector('#older');
  if (!link || !entries.some(entry => entry.isIntersecting)) return;
  seen.unobserve(link);
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    document.querySelector('.cards').append(...page.querySelectorAll('.cards > .card'));
    const next = page.querySelector('#older');
    if (!next) { link.closest('p').remove(); return; }
    link.href = next.href;
    seen.observe(link);
  } catch { /* the link is still there */ }
}, { rootMargin: '600px' });

const older = document.querySelector('#older');
if (older) seen.observe(older);
