// The desk of a signed-in user: wires the connection to the parts of the page, one file each.

import { AlertPanel } from "/dashboard/alert_panel.js";
import { Connection, Refusal } from "/dashboard/connection.js";
import { Counters } from "/dashboard/counters.js";
import { Details } from "/dashboard/details.js";
import { byId, setText } from "/dashboard/element.js";
import { Feed } from "/dashboard/feed.js";
import { FeedView } from "/dashboard/feed_view.js";
import { Filters, forgetFilter, storedFilter } from "/dashboard/filters.js";
import { oncePerFrame } from "/dashboard/frames.js";
import { shownId, spelled } from "/dashboard/ids.js";
import { isNews, Notices } from "/dashboard/notices.js";
import { MOST_ALERTS, Queue } from "/dashboard/queue.js";
import { QueueView } from "/dashboard/queue_view.js";
import { QuietPanel } from "/dashboard/quiet_panel.js";
import { restList } from "/dashboard/rest.js";
import * as session from "/dashboard/session.js";
import { offerSound } from "/dashboard/sound.js";
import { showState, tell } from "/dashboard/status.js";
import { zone } from "/dashboard/times.js";
import { askAfterExpiry, askAfterRefusal, onToken, watchExpiry } from "/dashboard/tokens.js";
import { isStanding } from "/dashboard/vocabulary.js";
import { OPEN, OPERATORS } from "/dashboard/words.js";

const MESSAGES_A_PAGE = 200;
const MINUTE_MS = 60_000;
const RETRY_MS = 5_000;
const RETRIED_CODES = new Set(["unavailable", "rate_limited", "token_expired"]);
const IN_FEED = new Set([
  "anomaly_detected",
  "anomaly_updated",
  "finding_created",
  "ticket_updated",
]);

export function openDesk() {
  const feed = new Feed();
  const redraw = oncePerFrame(draw);
  const view = new FeedView(feed, { open: openDetails, redraw });
  const details = new Details(closeDetails, {
    may: mayMove,
    ask: (data) => connection.ask("anomaly_review", data),
  });
  const queue = new Queue();
  const queueView = new QueueView(openAlert);
  const correlated = (alert) => queue.correlatedWith(alert);
  const alertPanel = new AlertPanel({
    close: closeAlert,
    move,
    me: () => claims()?.sub ?? "",
    mayMove,
    open: openAlert,
    openAnomaly,
    correlated,
  });
  const quietPanel = new QuietPanel({ close: closeQuiet, mayChange: mayMove });
  const notices = new Notices({ open: openDetails, redraw });
  const counters = new Counters();
  const filters = new Filters(applyFilter);
  // A snapshot or another filter begins the feed anew, in a new era. An answer to a question of an
  // earlier era belongs to another feed and is ignored.
  let era = 0;
  let askedIn = null;
  let interrupted = false;
  let complete = false;
  let head = 0;
  let started = false;
  let queueProblem = "Loading the alerts.";
  let loading = 0;
  let cameFrom = null;

  const connection = new Connection(credentials, { state, snapshot, message, resync });
  setInterval(redraw, MINUTE_MS);
  byId("desk").hidden = false;
  byId("older").addEventListener("click", loadOlder);
  byId("open-quiet").addEventListener("click", openQuiet);
  for (const name of ["feed", "alerts"]) {
    byId(`to-${name}`).addEventListener("click", () => (byId("desk").dataset.pane = name));
  }
  onToken(byId("renew"), renew);
  offerSound();
  setText(byId("zone"), `Times are those of ${zone}. The details give UTC as well.`);
  identify();

  function credentials() {
    return { token: session.token(), history: MESSAGES_A_PAGE, filter: storedFilter() };
  }

  function state(now) {
    filters.enable(["live", "recovered"].includes(now.name));
    offerOlder();
    if (now.name === "recovered" && interrupted) loadOlder();
    if (now.name === "expired") askAfterExpiry();
    if (now.name === "refused" && Object.keys(storedFilter()).length) return startWithoutFilter();
    if (now.name === "refused") askAfterRefusal();
    showState(now);
    redraw();
  }

  function snapshot({ position, recent, filter }) {
    const seen = head;
    beginFeed();
    started = true;
    head = position;
    complete = recent.length < MESSAGES_A_PAGE;
    for (const payload of recent) take(payload, seen > 0 && payload.position > seen);
    feed.oldest = Math.min(feed.oldest, position + 1);
    filters.adopt(filter);
    loadAlerts(filter);
    view.toLive();
    if (!complete && feed.entries.length === 0) loadOlder();
  }

  function beginFeed() {
    era += 1;
    feed.clear();
    complete = interrupted = false;
    offerOlder();
  }

  function resync(reason) {
    const why = reason.replaceAll("_", " ") || "no reason given";
    tell(`The view was rebuilt from the server's own (${why}).`);
  }

  function message(payload) {
    head = Math.max(head, payload.position);
    take(payload, true);
  }

  function take(payload, isLive) {
    if (payload.alert_id && isLive) takeAlert(payload);
    feed.oldest = Math.min(feed.oldest, payload.position);
    if (!IN_FEED.has(payload.type)) return;
    filters.learn(payload.site_id, payload.site_name ?? null);
    const change = feed.add(payload);
    if (change === null) return;
    if (isLive && isNews(payload, change.prior)) notices.add(change.entry);
    else if (payload.status && !isStanding(payload)) notices.drop(change.entry.key);
    redraw();
  }

  async function applyFilter(filter) {
    const answer = await connection.ask("filter_anomalies", filter);
    beginFeed();
    notices.clear();
    view.toLive();
    loadAlerts(answer.filter);
    loadOlder();
    return answer.filter;
  }

  async function loadOlder() {
    if (askedIn === era) return;
    const mine = era;
    askedIn = mine;
    interrupted = false;
    offerOlder();
    try {
      await loadPages(() => mine === era);
    } catch (error) {
      if (mine !== era) return;
      interrupted = !connection.isLive;
      if (!interrupted) tell(`Older messages could not be loaded: ${error.message}.`);
    }
    if (mine !== era) return;
    askedIn = null;
    offerOlder();
    redraw();
  }

  // Loads pages until a row appears: a page may hold only alerts, or only what is shown already.
  async function loadPages(isWanted) {
    let came = 0;
    for (let isFirst = true; came === 0 && !complete && !feed.isFull; isFirst = false) {
      const { messages, more } = await connection.ask("history", {
        before: Math.min(feed.oldest, head + 1),
        limit: MESSAGES_A_PAGE,
      });
      if (!isWanted()) return;
      if (isFirst) view.showOlder();
      const before = feed.entries.length;
      for (const payload of messages) take(payload, false);
      came = feed.entries.length - before;
      complete = !more;
    }
  }

  function offerOlder() {
    byId("older").disabled = !connection?.isLive || askedIn === era;
  }

  async function renew(token, claims) {
    if (session.isSomebodyElse(claims, session.claimsOf(session.token())))
      return session.restart(token);
    if (connection.isLive) await connection.ask("refresh", { token });
    session.keep(token);
    identify();
    if (!connection.isLive) connection.resume();
  }

  function identify() {
    const claims = session.claimsOf(session.token());
    if (claims === null) return;
    const sites = Array.isArray(claims.sites)
      ? `${claims.sites.length} ${claims.sites.length === 1 ? "site" : "sites"}`
      : "all sites";
    const who = `${claims.sub ?? ""} · ${claims.role ?? "viewer"}`;
    const tenant = claims.tenant_id == null ? "?" : shownId(claims.tenant_id);
    setText(byId("identity"), `${who} · tenant ${tenant} · ${sites}`);
    filters.offerSites(claims.sites);
    watchExpiry(claims.exp);
  }

  // Messages that arrive while the list is loading are newer than the list, and stay.
  async function loadAlerts(filter) {
    const turn = ++loading;
    queue.clear();
    queueProblem = "Loading the alerts.";
    redraw();
    const query = new URLSearchParams({ status: OPEN.join(",") });
    for (const [name, values] of [
      ["type", filter?.types],
      ["severity", filter?.severities],
      ["site_id", filter?.sites?.map(spelled)],
    ]) {
      if (values?.length) query.set(name, values.join(","));
    }
    try {
      const alerts = await restList(`alerts?${query}`, MOST_ALERTS);
      if (turn !== loading) return;
      alerts.forEach((alert) => queue.take(alert));
      queueProblem = "";
    } catch (error) {
      if (turn !== loading) return;
      queueProblem = `The alerts could not be loaded: ${error.message}.`;
      if (!(error instanceof Refusal) || RETRIED_CODES.has(error.code)) {
        setTimeout(() => turn === loading && loadAlerts(filter), RETRY_MS);
      }
    }
    redraw();
  }

  function takeAlert(alert) {
    queue.take(alert);
    redraw();
  }

  function refreshAlert() {
    alertPanel.refresh(alertPanel.id === null ? undefined : queue.get(alertPanel.id));
  }

  async function move(name, data) {
    try {
      const { alert } = await connection.ask(`alert_${name}`, data);
      takeAlert(alert);
    } catch (error) {
      if (error.alert) takeAlert(error.alert);
      throw error;
    } finally {
      refreshAlert();
    }
  }

  function claims() {
    return session.claimsOf(session.token());
  }

  function mayMove() {
    return OPERATORS.includes(claims()?.role);
  }

  function openAlert(id) {
    const alert = queue.get(id);
    if (!alert) return;
    show("alert");
    alertPanel.open(alert);
    redraw();
  }

  function closeAlert() {
    const id = alertPanel.id;
    show(null);
    queueView.focus(id);
    redraw();
  }

  function openQuiet() {
    show("quiet");
    quietPanel.open();
  }

  function closeQuiet() {
    show(null);
    byId("open-quiet").focus();
  }

  // Shows this panel and closes the others: one is open at a time.
  function show(panel) {
    cameFrom = null;
    if (panel) byId("desk").dataset.open = panel;
    else delete byId("desk").dataset.open;
    if (details.key !== null) {
      details.close();
      view.select(null);
    }
    alertPanel.close();
    quietPanel.hide();
  }

  function openDetails(key) {
    const entry = feed.get(key);
    if (!entry) return;
    show("details");
    view.select(key);
    view.reveal(key);
    details.open(entry);
  }

  // Opens an anomaly of the open alert. It need not be among the loaded messages, and closing it
  // leads back to the alert.
  function openAnomaly(anomaly) {
    const from = alertPanel.id;
    show("details");
    details.open(
      feed.get(anomaly.anomaly_id) ?? { key: anomaly.anomaly_id, version: 0, payload: anomaly },
    );
    cameFrom = from;
  }

  function closeDetails() {
    const key = details.key;
    if (queue.get(cameFrom)) return openAlert(cameFrom);
    show(null);
    view.focus(key);
  }

  function draw() {
    view.draw();
    notices.draw();
    queueView.draw(queue.open, alertPanel.id, queueProblem);
    refreshAlert();
    counters.draw(feed, { complete: complete && !feed.isFull, filtered: filters.isFiltering });
    if (details.key !== null) details.refresh(feed.get(details.key));
    byId("older").hidden = complete || !started || feed.isFull;
    byId("empty").hidden = feed.entries.length > 0;
    setText(byId("empty"), emptyText());
  }

  function emptyText() {
    if (!started || askedIn === era) return "Waiting for the server.";
    if (!complete) return "Nothing is loaded yet.";
    return filters.isFiltering
      ? "Nothing in the feed passes the filter in force."
      : "Nothing has been detected yet. Anomalies appear here as soon as they are.";
  }
}

// A stored filter may name a site that a newer token does not cover.
function startWithoutFilter() {
  forgetFilter();
  location.reload();
}
