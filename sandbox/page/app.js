// The page: two chats and a CI server that follow what happens, and hands for the people in them.
'use strict';

const chats = {};
const seen = new Set();
let followed = { slack: true, discord: true };

const note = (words) => document.querySelector('[data-note]').replaceChildren(words);

async function ask(path, body) {
  const answer = await fetch(path, body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(json.error || `the sandbox answered ${answer.status}`);
  return json;
}

/** Makes `parent` show `items`, and leaves alone what has not changed: nobody's click, focus or selection is lost. */
function keep(parent, items) {
  const there = new Map([...parent.children].map((it) => [it.key, it]));
  const nodes = items.map(({ key, sign, make }) => {
    const old = there.get(key);
    if (old?.sign === sign) return old;
    const focused = old?.contains(document.activeElement) ? document.activeElement.textContent : null;
    const node = Object.assign(make(), { key, sign });
    if (focused !== null) queueMicrotask(() => [...node.querySelectorAll('button')].find((it) => it.textContent === focused)?.focus());
    return node;
  });
  const kept = new Set(nodes);
  for (const old of there.values()) if (!kept.has(old)) old.remove();
  nodes.forEach((node, at) => { if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] || null); });
}

/** The first words of something rendered, on one line. */
function shortly(nodes) {
  const words = (node) => [...node.childNodes].map((it) => (it.nodeType === Node.TEXT_NODE ? it.data : words(it) + (/^(DIV|P|LI|BLOCKQUOTE|H4|BR)$/.test(it.nodeName) ? ' ' : ''))).join('');
  return words(el('span', {}, nodes)).trim().replace(/\s+/g, ' ').slice(0, 120);
}

class Chat {
  constructor(platform) {
    this.platform = platform;
    this.root = document.querySelector(`[data-platform=${platform}]`);
    this.root.append(document.getElementById('chat').content.cloneNode(true));
    this.find = (css) => this.root.querySelector(css);
    this.unread = new Set();
    this.heads = {};
    this.channel = null;
    this.person = null;
    this.find('[data-person]').addEventListener('change', (e) => { this.person = e.target.value; this.draw(); });
    this.find('.composer').addEventListener('submit', (e) => { e.preventDefault(); this.send(); });
    this.find('.channels').addEventListener('keydown', (e) => this.keys(e));
    const list = `commands-${platform}`;
    this.find('datalist').id = list;
    const input = this.find('[data-composer]');
    input.addEventListener('input', () => (input.value.startsWith('/') ? input.setAttribute('list', list) : input.removeAttribute('list')));
  }

  async load() {
    if (this.loading) { this.again = true; return; }
    this.loading = true;
    try {
      this.view = await ask(`/${this.platform}/view`);
      this.draw();
    } catch (error) {
      note(`${this.platform}: ${error.message}`);
    } finally {
      this.loading = false;
      if (this.again) { this.again = false; this.load(); }
    }
  }

  id(message) { return message.ts || message.id; }

  async does(deed, needs) {
    const person = `/${this.platform}/users/${encodeURIComponent(this.person)}`;
    try {
      // Whoever acts in a public channel of Slack joins it first; where that can't be, the deed itself says why.
      if (this.platform === 'slack' && needs.channel) await ask(`${person}/joins`, { channel: needs.channel }).catch(() => {});
      const done = await ask(`${person}/${deed}`, needs);
      const outcome = done.outcome || {};
      if (outcome.kind === 'refused') note(`${this.person}: ${outcome.error}`);
    } catch (error) {
      note(`${this.person}: ${error.message}`);
    }
    this.load();
  }

  async send() {
    const input = this.find('[data-composer]');
    const text = input.value.trim();
    if (!text) return;
    input.value = '';
    input.removeAttribute('list');
    await this.does('types', { channel: this.channel, text });
    input.focus();
  }

  show(id, byHand) {
    this.channel = id;
    this.unread.delete(id);
    if (byHand) followed[this.platform] = false;
    this.draw();
    if (byHand) this.find('[data-composer]').focus();
  }

  keys(event) {
    const buttons = [...this.root.querySelectorAll('.channels button')];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || !buttons[to]) return;
    event.preventDefault();
    buttons[to].focus();
  }

  /** What has come since the last time: unread marks, and where the action is. */
  notice() {
    const me = this.me();
    let newest = null;
    for (const channel of this.view.channels) {
      const messages = channel.messages.filter((it) => !it.ephemeral_to || it.ephemeral_to === me);
      const head = messages.length ? this.id(messages[messages.length - 1]) : '';
      const isNew = this.heads[channel.id] === undefined;
      if (head && this.heads[channel.id] !== head) {
        if (channel.id !== this.channel) this.unread.add(channel.id);
        if (this.drawn && (isNew ? channel.name.startsWith('inc-') : /^(alerts|deploys|inc-)/.test(channel.name))) newest = channel;
      }
      this.heads[channel.id] = head;
    }
    const follows = document.querySelector('[data-follow]').checked && followed[this.platform];
    const here = this.view.channels.find((it) => it.id === this.channel);
    // From alerts to the incident's room, and not back again while it goes on.
    if (newest && follows && !(here?.name.startsWith('inc-') && newest.name === 'alerts')) {
      this.channel = newest.id;
      this.unread.delete(newest.id);
    }
  }

  me() { return this.view.people.find((it) => it.name === this.person)?.id; }

  draw() {
    const { view } = this;
    if (!view) return;
    this.person ??= view.people[0]?.name;
    this.channel ??= (view.channels.find((it) => it.name === 'alerts') || view.channels[0])?.id;
    this.notice();
    this.drawn = true;
    this.find('.place').textContent = view.name || this.platform;
    const select = this.find('[data-person]');
    if (select.options.length !== view.people.length) select.replaceChildren(...view.people.map((it) => el('option', { value: it.name }, it.name)));
    select.value = this.person;
    this.find('datalist').replaceChildren(...(view.commands || []).map((it) => el('option', { value: (typeof it === 'string' ? it : '/' + it.name) + ' ' })));
    this.channels();
    this.messages();
    this.form();
  }

  channels() {
    const me = this.me();
    const mine = this.view.channels.filter((it) => (it.im || it.dm ? (it.im || it.dm) === me : true));
    keep(this.find('.channels'), mine.map((it) => {
      const here = it.id === this.channel;
      const marks = [this.unread.has(it.id) && 'unread', it.archived && 'archived'].filter(Boolean).join(' ');
      const direct = it.im || it.dm;
      const name = direct ? '✉ ' + (this.view.bot?.name || 'direct') : '# ' + it.name;
      const make = () => el('li', { role: 'option', 'aria-selected': String(here) },
        el('button', { type: 'button', 'data-channel': direct ? 'direct' : it.name, tabIndex: here ? 0 : -1, class: marks, onclick: () => this.show(it.id, true) }, name));
      return { key: it.id, sign: JSON.stringify([here, marks, name]), make };
    }));
  }

  messages() {
    const channel = this.view.channels.find((it) => it.id === this.channel);
    if (!channel) return;
    this.find('.head strong').textContent = '# ' + channel.name;
    this.find('.head span').textContent = channel.topic || '';
    const pinned = channel.messages.find((it) => channel.pins?.includes(this.id(it)));
    const bar = this.find('.pinned');
    bar.hidden = !pinned;
    if (pinned) bar.replaceChildren('📌 ' + shortly(body(this.view, pinned, {})));
    const input = this.find('[data-composer]');
    input.placeholder = `Message #${channel.name}, or / for a command`;
    const me = this.me();
    const shown = channel.messages.filter((it) => !it.ephemeral_to || it.ephemeral_to === me);
    const box = this.find('.messages');
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80 || box.dataset.channel !== channel.id;
    box.dataset.channel = channel.id;
    // What is said to have happened minutes ago is said anew each minute.
    const minute = Math.floor(Date.now() / 60000);
    keep(box, shown.map((it) => ({ key: this.id(it), sign: JSON.stringify([it, channel.id, channel.pins?.includes(this.id(it)), me, minute]), make: () => this.message(channel, it, me) })));
    if (atEnd) box.scrollTop = box.scrollHeight;
  }

  message(channel, it, me) {
    const id = this.id(it);
    const user = it.user || it.author?.id;
    const name = it.username || it.author?.name || person(this.view, user);
    const isBot = user === this.view.bot?.id || it.author?.bot;
    const where = { channel: channel.id, message: id };
    const act = { click: (button) => this.does('clicks', { ...where, button }), select: (button, value) => value && this.does('selects', { ...where, button, value }) };
    const at = this.platform === 'slack' ? parseFloat(id) : Number((BigInt(id) >> 22n) / 1000n) + 1420070400;
    const fresh = !seen.has(this.platform + id);
    seen.add(this.platform + id);
    const hue = [...String(name)].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);
    const isPinned = channel.pins?.includes(id);
    const react = (emoji, mine) => this.does(mine ? 'unreacts' : 'reacts', { ...where, emoji });
    const pushpin = this.platform === 'slack' ? 'pushpin' : '📌';
    const tools = it.ephemeral_to ? null : el('div', { class: 'tools' },
      [[pushpin, '📌'], [this.platform === 'slack' ? 'eyes' : '👀', '👀'], [this.platform === 'slack' ? 'white_check_mark' : '✅', '✅']].map(([name, emoji]) => el('button', { type: 'button', title: `React with ${emoji}`, 'aria-label': `React with ${emoji}`, onclick: () => react(name, false) }, emoji)),
      el('button', { type: 'button', title: isPinned ? 'Unpin' : 'Pin', onclick: () => this.does(isPinned ? 'unpins' : 'pins', where) }, isPinned ? 'Unpin' : 'Pin'));
    const reactions = (it.reactions || []).map((r) => {
      const key = r.name || r.emoji;
      const mine = r.users.includes(me);
      return el('button', { type: 'button', class: mine ? 'mine' : '', 'aria-label': `${EMOJI[key] || key}, ${r.users.length}`, onclick: () => react(key, mine) }, `${EMOJI[key] || key} ${r.users.length}`);
    });
    return el('article', { class: ['message', fresh && 'new', it.ephemeral_to && 'private', it.thread_ts && it.thread_ts !== it.ts && 'reply', it.deleted && 'gone'].filter(Boolean).join(' '), 'data-message': id },
      el('div', { class: 'avatar', 'aria-hidden': 'true', style: { background: isBot ? '#4a3f8f' : `hsl(${hue} 45% 42%)` } }, String(name)[0]?.toUpperCase() || '?'),
      el('div', {},
        el('div', { class: 'by' }, el('b', {}, name), isBot ? el('span', { class: 'badge' }, 'APP') : null, el('time', {}, clock(at)), it.edited ? el('span', { class: 'edited' }, '(edited)') : null, isPinned ? el('span', { class: 'edited' }, '📌 pinned') : null),
        it.ephemeral_to ? el('div', { class: 'only' }, '👁 Only you can see this') : null,
        it.deleted ? 'This message was deleted.' : body(this.view, it, act),
        reactions.length ? el('div', { class: 'reactions' }, reactions) : null),
      tools);
  }

  /** The form that is open for the person, as a real dialog. */
  form() {
    const dialog = document.querySelector('[data-form]');
    const me = this.me();
    const forms = (this.view.forms || []).filter((it) => it.user === me || it.user === this.person);
    const open = forms[forms.length - 1];
    const key = open ? this.platform + JSON.stringify(open.view?.id || open.modal?.custom_id) + JSON.stringify(open.errors || {}) : null;
    if (!open) {
      if (dialog.dataset.of === this.platform) { dialog.close(); delete dialog.dataset.of; delete dialog.dataset.key; }
      return;
    }
    if (dialog.dataset.key === key) return;
    dialog.dataset.of = this.platform;
    dialog.dataset.key = key;
    dialog.className = this.platform;
    const fields = this.platform === 'slack' ? slackFields(open) : discordFields(open);
    const title = this.platform === 'slack' ? open.view.title.text : open.modal.title;
    const submit = this.platform === 'slack' ? open.view.submit?.text || 'Submit' : 'Submit';
    const give = (event) => {
      event.preventDefault();
      const values = {};
      for (const { key, input } of fields) if (input.value) values[key] = input.value;
      this.does('submits', { values });
    };
    dialog.replaceChildren(el('form', { onsubmit: give }, el('h2', {}, title),
      fields.map(({ label, input, wrong }) => el('label', {}, label, input, wrong ? el('span', { class: 'wrong' }, wrong) : null)),
      el('div', { class: 'controls' }, el('button', { type: 'button', onclick: () => this.does('cancels', {}) }, 'Cancel'), el('button', { type: 'submit', class: 'primary', 'data-submit': '' }, submit))));
    if (!dialog.open) dialog.showModal();
    dialog.oncancel = (event) => { event.preventDefault(); this.does('cancels', {}); };
  }
}

function slackFields(open) {
  return (open.view.blocks || []).filter((it) => it.type === 'input').map((it) => {
    const e = it.element;
    const options = e.options?.map((o) => el('option', { value: o.value, selected: e.initial_option?.value === o.value }, o.text.text));
    const input = options ? el('select', { required: !it.optional }, options) : el(e.multiline ? 'textarea' : 'input', { value: e.initial_value || '', placeholder: e.placeholder?.text || '', required: !it.optional, maxLength: e.max_length || 3000 });
    return { key: e.action_id, label: it.label.text, input, wrong: open.errors?.[it.block_id] };
  });
}

function discordFields(open) {
  const all = (open.modal.components || []).flatMap((it) => (it.component ? [[it.label, it.component]] : (it.components || []).map((c) => [c.label, c])));
  return all.map(([label, e]) => {
    const options = e.options?.map((o) => el('option', { value: o.value, selected: o.default }, o.label));
    const input = options ? el('select', { required: e.required }, options) : el(e.style === 2 ? 'textarea' : 'input', { value: e.value || '', placeholder: e.placeholder || '', required: e.required !== false, maxLength: e.max_length || 4000 });
    return { key: e.custom_id, label, input };
  });
}

async function presses() {
  const bar = document.querySelector('[data-presses]');
  for (const it of await ask('/buttons')) {
    const press = async () => {
      followed = { slack: true, discord: true };
      const answer = await ask(`/buttons/${encodeURIComponent(it.name)}`, {}).catch((error) => ({ said: error.message }));
      if (answer.said) return note(answer.said);
      const copy = el('button', { type: 'button', onclick: () => navigator.clipboard?.writeText(it.hint) }, 'Copy');
      note(el('span', { style: { display: 'contents' } }, `${it.label}: `, el('code', { title: it.hint }, it.hint), it.hint.startsWith('curl') ? copy : null));
    };
    bar.append(el('button', { type: 'button', 'data-press': it.name, title: it.hint, onclick: press }, it.label));
  }
}

function follow() {
  const source = new EventSource('/changes');
  const due = {};
  const all = Object.keys(chats);
  const soon = (platform) => { due[platform] ??= setTimeout(() => { delete due[platform]; chats[platform].load(); }, 60); };
  source.onmessage = (event) => {
    const { platform } = JSON.parse(event.data);
    for (const name of platform ? [platform] : all) soon(name);
  };
  source.onopen = () => all.forEach(soon);
  source.onerror = () => note('The sandbox does not answer. Is it still running? The page goes on by itself when it is back.');
}

for (const platform of ['slack', 'discord']) chats[platform] = new Chat(platform);
chats.ci = new Runs();
setInterval(() => Object.values(chats).forEach((chat) => chat.draw()), 60000);
presses().catch((error) => note(error.message));
follow();
