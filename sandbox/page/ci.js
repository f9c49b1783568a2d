// The CI server's runs below the chats: how each stands, what it wrote, and a runner's and a reviewer's hands.
'use strict';

/** So many lines of a log are shown. */
const TAIL = 4;
const MARKS = { success: '✓', failure: '✗', timed_out: '✗', cancelled: '⊘', skipped: '–', in_progress: '●', waiting: '⏸', queued: '○' };
const WORDS = { success: 'succeeded', failure: 'failed', timed_out: 'timed out', cancelled: 'cancelled', in_progress: 'running', waiting: 'waits for a reviewer', queued: 'waits for a runner' };

/** How something stands: how it ended, if it has. */
const stands = (it) => it.conclusion || it.status;
const mark = (it) => MARKS[stands(it)] || '○';
const moment = (time) => new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });

class Runs {
  constructor() {
    this.root = document.querySelector('[data-platform=ci]');
    this.fold = this.root.querySelector('[data-fold]');
    this.fold.addEventListener('click', () => this.folds());
  }

  folds() {
    const folded = this.root.classList.toggle('folded');
    this.fold.textContent = folded ? 'Show' : 'Hide';
    this.fold.setAttribute('aria-expanded', String(!folded));
  }

  async load() {
    if (this.loading) { this.again = true; return; }
    this.loading = true;
    try {
      this.view = await ask('/ci/view');
      this.draw();
    } catch (error) {
      note(`CI: ${error.message}`);
    } finally {
      this.loading = false;
      if (this.again) { this.again = false; this.load(); }
    }
  }

  async acts(act) {
    await ask('/ci/act', act).then(() => note(''), (error) => note(`CI: ${error.message}`));
    this.load();
  }

  draw() {
    const { view } = this;
    if (!view) return;
    const all = view.repositories.flatMap((it) => it.runs.map((run) => ({ run, repository: it })));
    all.sort((a, b) => b.run.id - a.run.id);
    // A sandbox whose CI has nothing in it is two chats.
    this.root.hidden = view.repositories.length === 0;
    this.root.querySelector('.head strong').textContent = view.name;
    const open = all.filter(({ run }) => run.status !== 'completed').length;
    const count = `${all.length} ${all.length === 1 ? 'run' : 'runs'}`;
    const words = all.length ? `${count}${open ? `, ${open} under way` : ''}` : 'no run yet: what is deployed from a chat runs here';
    this.root.querySelector('.head span').textContent = `${view.repositories.map((it) => it.name).join(', ')} · ${words}`;
    keep(this.root.querySelector('.runs'), all.map((it, at) => ({ key: it.run.id, sign: JSON.stringify([it.run, at === 0]), make: () => this.run(it, at === 0) })));
  }

  run({ run, repository }, isNewest) {
    const inputs = Object.entries(run.inputs || {}).map(([name, value]) => `${name}=${value}`).join(' ');
    const title = [el('b', {}, `${mark(run)} ${run.display_title}`), ` ${WORDS[stands(run)] || stands(run)}`,
      el('span', { class: 'sub' }, ` · ${repository.name} #${run.run_number}${run.run_attempt > 1 ? `, attempt ${run.run_attempt}` : ''} · ${run.head_branch} ${run.head_sha.slice(0, 7)} · started by ${run.actor.login} ${moment(run.created_at)}`)];
    const jobs = run.jobs.map((job) => el('div', { class: 'job' }, el('span', { class: stands(job) }, `${mark(job)} ${job.name}`), job.environment ? ` → ${job.environment}` : '', ': ',
      job.steps.map((step, at) => [at ? ' › ' : '', el('span', { class: stands(step) }, `${mark(step)} ${step.name}`)])));
    const log = run.jobs.map((job) => job.log).join('').trimEnd().split('\n').slice(-TAIL);
    // GitHub's logs begin each line with the time, to the tenth of a microsecond.
    const tail = log.map((line) => line.replace(/^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\.\d+Z/, '$1')).join('\n');
    return el('li', { class: `run ${stands(run)}`, 'data-run': run.id }, el('details', { open: isNewest || run.status !== 'completed' },
      el('summary', {}, title), jobs,
      inputs ? el('div', { class: 'sub' }, inputs) : null,
      tail ? el('pre', {}, tail) : null,
      this.hands(run, repository)));
  }

  /** What a runner or a reviewer can do now. */
  hands(run, repository) {
    if (run.status === 'completed') return null;
    const hand = (words, act, style) => el('button', { type: 'button', class: style, 'data-action': words, onclick: () => this.acts({ ...act, run: run.id }) }, words);
    const finish = (words, conclusion, style) => hand(words, { act: 'finish', conclusion }, style);
    const hands = [];
    for (const job of run.jobs.filter((it) => it.status === 'waiting')) {
      const reviewers = repository.environments.find((it) => it.name === job.environment)?.reviewers || [];
      const review = (login, approve) => ({ act: 'review', environment: job.environment, login, approve });
      for (const login of reviewers) hands.push(hand(`Approve as ${login}`, review(login, true), 'success'), hand(`Reject as ${login}`, review(login, false), 'danger'));
    }
    if (run.status === 'queued') hands.push(hand('Take it', { act: 'begin' }, 'primary'));
    const now = run.jobs.find((it) => it.status === 'in_progress');
    if (now) {
      const next = now.steps.find((it) => it.status === 'queued');
      if (next) hands.push(hand(`Go on to ${next.name}`, { act: 'step', name: next.name }));
      else if (run.jobs.some((it) => it.status === 'queued')) hands.push(hand('Go on to the next job', { act: 'begin' }));
      hands.push(finish('Let it succeed', 'success', 'success'), finish('Let it fail', 'failure', 'danger'));
    }
    hands.push(finish('Cancel', 'cancelled'));
    return el('div', { class: 'controls' }, hands);
  }
}
