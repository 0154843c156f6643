/** The one script of the page: rows that open in place, live updates, the keyboard and the local time zone. The page works without it. */
export const script = String.raw`'use strict';
const rows = () => [...document.querySelectorAll('#rows .row')];
let current = -1;

const focusRow = (index) => {
  const all = rows();
  if (all.length === 0) return;
  current = Math.max(0, Math.min(all.length - 1, index));
  const summary = all[current].querySelector('summary');
  summary.focus();
  summary.scrollIntoView({ block: 'nearest' });
};

// A row shows its history, its chain and the raw event in place.
document.addEventListener('click', async (event) => {
  const link = event.target.closest('a.more');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const url = new URL(link.href);
  url.searchParams.set('part', '1');
  const answer = await fetch(url);
  if (!answer.ok) return location.assign(link.href);
  const place = document.createElement('div');
  place.append(...new DOMParser().parseFromString(await answer.text(), 'text/html').body.childNodes);
  link.parentElement.replaceWith(place);
});

// A point of a lane opens its row.
const openTarget = () => {
  const row = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  const details = row && row.querySelector('details');
  if (details) details.open = true;
};
addEventListener('hashchange', openTarget);
openTarget();

for (const lanes of document.querySelectorAll('.lanes')) {
  const caption = lanes.querySelector('.caption');
  const show = (event) => {
    const title = event.target.closest('a')?.querySelector('title');
    if (title && caption) caption.textContent = title.textContent;
  };
  lanes.addEventListener('mouseover', show);
  lanes.addEventListener('focusin', show);
}

// The zone of this browser.
const zone = document.getElementById('tz');
const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && local && ![...zone.options].some(({ value }) => value === local)) zone.add(new Option(local, local));
if (zone) zone.addEventListener('change', () => zone.form.requestSubmit());

// Live: the answer is asked for again, and what is new is added below.
const answer = document.getElementById('answer');
if (answer && answer.dataset.live) {
  const news = document.createElement('p');
  news.id = 'news';
  news.setAttribute('aria-live', 'polite');
  document.body.append(news);
  let unseen = 0;
  const update = async () => {
    if (document.hidden) return;
    const found = await fetch(location.href).catch(() => null);
    if (!found || !found.ok) return;
    const next = new DOMParser().parseFromString(await found.text(), 'text/html');
    for (const id of ['coverage', 'lanes', 'total']) {
      const [old, now] = [document.getElementById(id), next.getElementById(id)];
      if (old && now && !old.contains(document.activeElement)) old.replaceWith(now);
    }
    const list = document.getElementById('rows');
    const added = [...next.querySelectorAll('#rows > li')].filter(({ id }) => id !== '' && !document.getElementById(id));
    if (!list || added.length === 0) return;
    for (const row of added) {
      if (row.classList.contains('row')) {
        row.classList.add('new');
        unseen++;
      }
      const after = [...list.querySelectorAll('.row')].findLast((one) => (one.dataset.at ?? '') <= (row.dataset.at ?? ''));
      if (row.dataset.at && after) after.after(row);
      else list.append(row);
    }
    for (const box of document.querySelectorAll('.empty')) box.remove();
    news.textContent = unseen + ' new';
  };
  setInterval(update, Number(answer.dataset.every ?? 15) * 1000);
}

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const help = document.getElementById('help');
  const details = rows()[current]?.querySelector('details');
  const actions = {
    j: () => focusRow(current + 1),
    k: () => focusRow(current - 1),
    o: () => details && (details.open = !details.open),
    '/': () => {
      document.getElementById('filters').open = true;
      document.getElementById('text').focus();
    },
    f: () => document.querySelector('#filters summary').click(),
    t: () => {
      const [first, other] = ['UTC', local];
      zone.value = zone.value === first ? other : first;
      zone.form.requestSubmit();
    },
    '?': () => help && help.showModal(),
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
`;
