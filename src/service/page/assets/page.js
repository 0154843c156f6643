// What the page gains with JavaScript: rows that open in place, live updates, the keyboard, local time, copied links.
// Everything else is HTML that the poller has made. No framework, and no request to anywhere else.
'use strict';

const byId = (id) => document.getElementById(id);
const rows = () => [...document.querySelectorAll('#rows > .row')];
const localZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/* Rows that open in place. */

async function fill(details) {
  const link = details.querySelector(':scope > .inside a.more');
  if (!details.open || !link || details.dataset.filled) return;
  details.dataset.filled = '1';
  try {
    const response = await fetch(`${link.getAttribute('href')}&part=1`);
    if (!response.ok) throw new Error(String(response.status));
    const part = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('article');
    if (part) link.parentElement.replaceWith(part);
  } catch {
    // The link stays, and works as it does without JavaScript.
    delete details.dataset.filled;
  }
}

// `toggle` does not bubble.
document.addEventListener('toggle', (event) => void fill(event.target), true);

function openTarget() {
  const row = location.hash.length > 1 ? byId(decodeURIComponent(location.hash.slice(1))) : null;
  const details = row?.querySelector('details');
  row?.closest('.folded')?.parentElement?.setAttribute('open', '');
  if (details && row.classList.contains('row')) {
    details.open = true;
    details.querySelector('summary').focus({ preventScroll: true });
    row.scrollIntoView({ block: 'nearest' });
  }
}
addEventListener('hashchange', openTarget);

/* The caption of the lanes: what the pointer or the focus is on. */

function caption(event) {
  const title = event.target.closest?.('.track a')?.querySelector('title');
  const line = event.target.closest?.('.lanes')?.querySelector('.caption');
  if (line) line.textContent = title?.textContent ?? '';
}
document.addEventListener('mouseover', caption);
document.addEventListener('focusin', caption);

/* The time zone of this machine. */

const zones = byId('tz');
if (zones && ![...zones.options].some(({ value }) => value === localZone)) zones.add(new Option(`${localZone} (local)`, localZone));
zones?.addEventListener('change', () => inZone(zones.value));

function inZone(zone) {
  const url = new URL(location.href);
  if (zone === 'UTC') url.searchParams.delete('tz');
  else url.searchParams.set('tz', zone);
  location.assign(url);
}
if (new URL(location.href).searchParams.get('tz') === 'local' && localZone !== 'UTC') inZone(localZone);

/* The link to this window is copied. */

document.addEventListener('click', (event) => {
  const link = event.target.closest?.('#permalink');
  if (!link || !navigator.clipboard || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  navigator.clipboard.writeText(link.href).then(
    () => {
      link.textContent = 'copied';
      setTimeout(() => (link.textContent = 'link to this window'), 1500);
    },
    () => location.assign(link.href),
  );
});

/* Live: while the window ends now, new rows come in without moving what is being read. */

const everyMs = Number(byId('answer')?.dataset.live) > 1 ? Number(byId('answer').dataset.live) : 15_000;
let fresh = 0;
const pill = document.createElement('button');
pill.className = 'pill';
pill.type = 'button';
pill.hidden = true;
pill.addEventListener('click', () => {
  const first = document.querySelector('.row.new');
  first?.scrollIntoView({ block: 'center' });
  first?.querySelector('summary').focus({ preventScroll: true });
  for (const row of document.querySelectorAll('.row.new')) row.classList.remove('new');
  fresh = 0;
  pill.hidden = true;
});
document.body.append(pill);

function merge(answer) {
  const list = byId('rows');
  const others = answer.querySelector('#rows');
  if (!list || !others) return;
  const anchor = rows().find((row) => row.getBoundingClientRect().bottom > 60);
  const before = anchor?.getBoundingClientRect().top ?? 0;
  let last = null;
  for (const item of others.children) {
    const known = byId(item.id);
    if (!known) {
      const copy = document.importNode(item, true);
      const isFirst = last === null;
      if (copy.classList.contains('row')) {
        fresh++;
        copy.classList.add('new');
      }
      // Before the first known row that is later; rows that have left the window stay in front.
      const next = isFirst ? rows().find((row) => row.dataset.at > (copy.dataset.at ?? '')) : last.nextElementSibling;
      list.insertBefore(copy, next ?? null);
      last = copy;
    } else last = known;
  }
  if (anchor) scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: 'instant' });
  if (fresh > 0) {
    pill.textContent = `${fresh} new`;
    pill.hidden = false;
    document.querySelector('.empty')?.remove();
  }
}

async function refresh() {
  if (!document.hidden) {
    try {
      const response = await fetch(location.href);
      if (!response.ok) throw new Error(String(response.status));
      const next = new DOMParser().parseFromString(await response.text(), 'text/html');
      merge(next);
      for (const id of ['coverage', 'lanes', 'total']) {
        const [old, other] = [byId(id), next.getElementById(id)];
        // What is open or has the focus is being read.
        if (old && other && !old.open && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(other));
      }
    } catch {
      byId('coverage')?.setAttribute('title', 'the poller does not answer');
    }
  }
  setTimeout(() => void refresh(), everyMs);
}
if (byId('answer')?.dataset.live) setTimeout(() => void refresh(), everyMs);

/* The keyboard. */

function move(step) {
  const summaries = [...document.querySelectorAll('#rows summary')].filter(
    (summary) => summary.offsetParent !== null && summary.closest('.row'),
  );
  const now = summaries.findIndex((summary) => summary.closest('.row').contains(document.activeElement));
  const next = summaries[now === -1 ? (step > 0 ? 0 : summaries.length - 1) : Math.min(summaries.length - 1, Math.max(0, now + step))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  o: () => document.activeElement.closest?.('.row')?.querySelector('summary').click(),
  '/': () => {
    byId('filters').open = true;
    byId('text').focus();
  },
  f: () => {
    const filters = byId('filters');
    const first = filters.querySelector('input');
    if (!filters.open || (first.checkVisibility && !first.checkVisibility())) filters.open = true;
    else if (filters.contains(document.activeElement)) filters.open = false;
    if (filters.open) first.focus();
  },
  t: () => zones && inZone(zones.value === 'UTC' ? localZone : 'UTC'),
  '?': () => byId('help')?.showModal(),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, select, textarea') || byId('help')?.open) return;
  const action = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
  if (!action || !byId('query')) return;
  event.preventDefault();
  action();
});

openTarget();
