// From what the chats hold to what people see. Every word from outside becomes a text node; nothing is ever
// parsed as HTML.
'use strict';

const EMOJI = { pushpin: '📌', round_pushpin: '📍', eyes: '👀', white_check_mark: '✅', ballot_box_with_check: '☑️', memo: '📝', star: '⭐', fire: '🔥', mega: '📣', '+1': '👍', tada: '🎉', red_circle: '🔴', large_orange_circle: '🟠', large_green_circle: '🟢', large_blue_circle: '🔵', white_circle: '⚪', warning: '⚠️', rotating_light: '🚨', hourglass: '⏳' };

/** An element with properties and children. Children that are strings become text. */
function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === 'class') node.className = value;
    else if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'style') Object.assign(node.style, value);
    else if (key in node && key !== 'list') node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null));
  return node;
}

/** A link, if it is one of the web; else its words. */
function link(url, words) {
  return /^https?:\/\//i.test(url) ? el('a', { href: url, target: '_blank', rel: 'noreferrer noopener' }, words || url) : document.createTextNode(words || url);
}

const unescapeSlack = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
const full = (seconds) => new Date(seconds * 1000).toLocaleString([], { dateStyle: 'long', timeStyle: 'short' });
function ago(seconds) {
  const minutes = Math.round((seconds - Date.now() / 1000) / 60);
  const words = new Intl.RelativeTimeFormat([], { numeric: 'auto' });
  return Math.abs(minutes) < 60 ? words.format(minutes, 'minute') : words.format(Math.round(minutes / 60), 'hour');
}
const person = (view, id) => (id === view.bot?.id ? view.bot : view.people.find((it) => it.id === id))?.name || id;
const channelName = (view, id) => view.channels.find((it) => it.id === id)?.name || id;
const mention = (words) => el('span', { class: 'mention' }, words);

/** Text with inline marks, by rules of [expression, node from match]; what no rule takes is text. */
function inline(text, rules) {
  const nodes = [];
  let plain = '';
  const flush = () => { if (plain) nodes.push(document.createTextNode(plain)); plain = ''; };
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    let taken = 0;
    for (const [expression, make] of rules) {
      const match = expression.exec(rest);
      if (!match) continue;
      const made = make(match);
      if (typeof made === 'string') plain += made; else { flush(); nodes.push(made); }
      taken = match[0].length;
      break;
    }
    if (!taken) { plain += rest[0]; taken = 1; }
    at += taken;
  }
  flush();
  return nodes;
}

// ---- Slack ----

function mrkdwn(view, text) {
  const rules = [
    [/^```([\s\S]+?)```/, (m) => el('pre', {}, unescapeSlack(m[1]))],
    [/^`([^`\n]+)`/, (m) => el('code', {}, unescapeSlack(m[1]))],
    [/^<@([A-Z0-9]+)(?:\|[^>]*)?>/, (m) => mention('@' + person(view, m[1]))],
    [/^<#([A-Z0-9]+)(?:\|[^>]*)?>/, (m) => mention('#' + channelName(view, m[1]))],
    [/^<!date\^(\d+)\^([^^|>]*)(?:\^[^|>]*)?\|([^>]*)>/, (m) => (m[2].includes('{ago}') ? ago(+m[1]) : m[2].includes('{date') ? full(+m[1]) : clock(+m[1]))],
    [/^<!([^>]+)>/, (m) => mention('@' + m[1].split(/[\^|]/)[0])],
    [/^<(https?:[^|>]+)(?:\|([^>]*))?>/, (m) => link(unescapeSlack(m[1]), unescapeSlack(m[2] || m[1]))],
    [/^\*([^*\n]+)\*/, (m) => el('b', {}, mrkdwn(view, m[1]))],
    [/^_([^_\n]+)_(?!\w)/, (m) => el('i', {}, mrkdwn(view, m[1]))],
    [/^~([^~\n]+)~/, (m) => el('s', {}, mrkdwn(view, m[1]))],
    [/^:([a-z0-9_+-]+):/, (m) => EMOJI[m[1]] || m[0]],
    [/^&(lt|gt|amp);/, (m) => unescapeSlack(m[0])],
  ];
  return inline(text, rules);
}

const slackText = (view, it) => (it ? (it.type === 'mrkdwn' ? mrkdwn(view, it.text) : [document.createTextNode(it.text || '')]) : []);

function rich(view, it) {
  const style = it.style || {};
  const styled = (node) => {
    if (style.code) node = el('code', {}, node);
    if (style.bold) node = el('b', {}, node);
    if (style.italic) node = el('i', {}, node);
    if (style.strike) node = el('s', {}, node);
    return node;
  };
  switch (it.type) {
    case 'text': return styled(document.createTextNode(it.text));
    case 'link': return styled(link(it.url, it.text));
    case 'user': return mention('@' + person(view, it.user_id));
    case 'channel': return mention('#' + channelName(view, it.channel_id));
    case 'emoji': return document.createTextNode(EMOJI[it.name] || `:${it.name}:`);
    case 'date': return document.createTextNode((it.format || '').includes('{ago}') ? ago(it.timestamp) : (it.format || '').includes('{date') ? full(it.timestamp) : clock(it.timestamp));
    case 'rich_text_quote': return el('blockquote', {}, (it.elements || []).map((e) => rich(view, e)));
    case 'rich_text_preformatted': return el('pre', {}, (it.elements || []).map((e) => rich(view, e)));
    case 'rich_text_list': return el('ul', {}, it.elements.map((e) => el('li', {}, rich(view, e))));
    default: return el('div', { class: 'text' }, (it.elements || []).map((e) => rich(view, e)));
  }
}

function slackBlocks(view, blocks, act) {
  return (blocks || []).map((it) => {
    switch (it.type) {
      case 'header': return el('h4', { class: 'block' }, it.text.text);
      case 'divider': return el('hr');
      case 'context': return el('div', { class: 'block context' }, it.elements.map((e) => [...slackText(view, e), ' ']));
      case 'actions': return el('div', { class: 'block controls' }, it.elements.map((e) => slackControl(e, act)));
      case 'rich_text': return el('div', { class: 'block' }, it.elements.map((e) => rich(view, e)));
      default: return el('div', { class: 'block text' }, slackText(view, it.text), (it.fields || []).map((f) => el('div', {}, slackText(view, f))), it.accessory ? slackControl(it.accessory, act) : null);
    }
  });
}

function slackControl(it, act) {
  if (it.options) {
    return el('select', { 'aria-label': it.placeholder?.text || 'Choose', onchange: (e) => act.select(it.action_id, e.target.value) }, el('option', { value: '' }, it.placeholder?.text || 'Choose'), it.options.map((o) => el('option', { value: o.value }, o.text.text)));
  }
  return el('button', { type: 'button', class: it.style === 'primary' ? 'primary' : it.style, 'data-action': it.text?.text, onclick: () => act.click(it.action_id) }, it.text?.text || '…');
}

// ---- Discord ----

function markdown(view, text) {
  const rules = [
    [/^\\([^A-Za-z0-9\s])/, (m) => m[1]],
    [/^```(?:[a-z]*\n)?([\s\S]+?)```/, (m) => el('pre', {}, m[1])],
    [/^`([^`]+)`/, (m) => el('code', {}, m[1])],
    [/^<@!?(\d+)>/, (m) => mention('@' + person(view, m[1]))],
    [/^<#(\d+)>/, (m) => mention('#' + channelName(view, m[1]))],
    [/^<t:(-?\d+)(?::([a-zA-Z]))?>/, (m) => (m[2] === 'R' ? ago(+m[1]) : m[2] === 't' ? clock(+m[1]) : full(+m[1]))],
    [/^\[((?:\\.|[^\]\\])+)\]\(<?(https?:[^)>\s]+)>?\)/, (m) => link(m[2], m[1].replace(/\\(.)/g, '$1'))],
    [/^\*\*((?:\\.|[^*\\]|\*(?!\*))+)\*\*/, (m) => el('b', {}, markdown(view, m[1]))],
    [/^\*((?:\\.|[^*\\])+)\*/, (m) => el('i', {}, markdown(view, m[1]))],
    [/^~~((?:\\.|[^~\\])+)~~/, (m) => el('s', {}, markdown(view, m[1]))],
    [/^https?:\/\/[^\s<]+/, (m) => link(m[0], m[0])],
  ];
  return inline(text, rules);
}

/** Lines of Markdown: quotes, small print, headings. */
function lines(view, text) {
  return (text || '').split('\n').map((line) => {
    if (line.startsWith('> ')) return el('blockquote', {}, markdown(view, line.slice(2)));
    if (line.startsWith('-# ')) return el('div', { class: 'sub' }, markdown(view, line.slice(3)));
    if (/^#{1,3} /.test(line)) return el('h4', {}, markdown(view, line.replace(/^#+ /, '')));
    return el('div', { class: 'text' }, line ? markdown(view, line) : '\u00a0');
  });
}

function embed(view, it) {
  const colour = it.color === undefined || it.color === null ? undefined : '#' + it.color.toString(16).padStart(6, '0');
  return el('div', { class: 'card', style: colour ? { borderColor: colour } : {} },
    it.title ? el('h4', {}, it.url ? link(it.url, it.title) : markdown(view, it.title)) : null,
    it.description ? lines(view, it.description) : null,
    (it.fields || []).map((f) => el('div', {}, el('b', {}, markdown(view, f.name)), lines(view, f.value))),
    it.footer ? el('div', { class: 'sub' }, it.footer.text) : null);
}

const STYLES = { 1: 'primary', 3: 'success', 4: 'danger' };
function components(rows, act) {
  return (rows || []).map((row) => el('div', { class: 'controls' }, (row.components || []).map((it) => {
    if (it.options) {
      return el('select', { 'aria-label': it.placeholder || 'Choose', onchange: (e) => act.select(it.custom_id, e.target.value) }, el('option', { value: '' }, it.placeholder || 'Choose'), it.options.map((o) => el('option', { value: o.value }, o.label)));
    }
    return it.url ? link(it.url, it.label) : el('button', { type: 'button', class: STYLES[it.style], disabled: it.disabled, 'data-action': it.label, onclick: () => act.click(it.custom_id) }, it.label || '…');
  })));
}

/** A message's body on either chat. */
function body(view, message, act) {
  if (view.platform === 'slack') {
    const hasBlocks = message.blocks?.length || message.attachments?.length;
    return [
      hasBlocks ? null : el('div', { class: 'text' }, mrkdwn(view, message.text || '')),
      slackBlocks(view, message.blocks, act),
      (message.attachments || []).map((it) => el('div', { class: 'card', style: it.color ? { borderColor: it.color.startsWith('#') ? it.color : '#' + it.color } : {} }, slackBlocks(view, it.blocks, act), it.text ? mrkdwn(view, it.text) : null)),
    ];
  }
  return [message.content ? lines(view, message.content) : null, (message.embeds || []).map((it) => embed(view, it)), components(message.components, act)];
}
