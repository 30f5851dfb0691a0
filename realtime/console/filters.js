// The filter form. The server filters; the form shows the filter that the server has in force.

import { Refusal } from "/dashboard/connection.js";
import { byId, element, setText } from "/dashboard/element.js";
import { parseId, shownId, spelled } from "/dashboard/ids.js";
import { SEVERITIES, TYPE_TITLES } from "/dashboard/words.js";

const STORED = "rollcall.filter";
const SETTLE_MS = 150;

/** Return the filter that this tab used last, to connect with. */
export function storedFilter() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED)) ?? {};
  } catch {
    return {};
  }
}

export function forgetFilter() {
  sessionStorage.removeItem(STORED);
}

export class Filters {
  #form = byId("filter");
  #sites = new Map();
  #inForce = {};
  #apply;
  #isLive = false;
  #isUnsure = false;
  #latest = 0;
  #isSettling = false;
  #timer;

  /** `apply(filter)` sends a filter to the server and resolves to the filter in force. */
  constructor(apply) {
    this.#apply = apply;
    byId("filter-severities").append(
      ...SEVERITIES.map((severity) => choice("severities", severity, severity, severity)),
    );
    byId("filter-types").append(
      ...Object.entries(TYPE_TITLES).map(([type, label]) => choice("types", type, label)),
    );
    this.#form.addEventListener(
      "change",
      (event) => event.target.type === "checkbox" && this.#settle(),
    );
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    byId("add-site-button").addEventListener("click", () => this.#addTyped());
    byId("site-id").addEventListener(
      "keydown",
      (event) => event.key === "Enter" && this.#addTyped(),
    );
    byId("clear-filter").addEventListener("click", () => this.#send({}));
    if (matchMedia("(max-width: 700px)").matches) byId("filter-box").open = false;
  }

  get isFiltering() {
    return Object.values(this.#inForce).some((values) => values?.length);
  }

  enable(isLive) {
    this.#isLive = isLive;
    for (const control of this.#form.elements) control.disabled = !isLive;
    byId("clear-filter").disabled = !isLive;
    if (isLive && this.#isUnsure) this.#send(this.#inForce);
  }

  /** Offer the sites that a token names. A token for all sites lets the user add one by its id. */
  offerSites(sites) {
    byId("add-site").hidden = Array.isArray(sites);
    if (Array.isArray(sites)) for (const site of sites) this.learn(site, null);
  }

  /** Learn a site from a message: the contract has no list of sites. */
  learn(site, name) {
    const known = this.#sites.get(site);
    if (site == null || (known !== undefined && (name === null || known === name))) return;
    this.#sites.set(site, name ?? `Site ${shownId(site)}`);
    this.#offerSite(site);
  }

  /** Show the filter that the server has in force, unless another is being chosen just now. */
  adopt(filter) {
    this.#keep(filter);
    if (this.#isSettling) return;
    for (const site of this.#inForce.sites ?? []) this.learn(site, null);
    this.#check();
    byId("in-force").classList.remove("problem");
    setText(byId("in-force"), this.#describe());
    byId("clear-filter").hidden = !this.isFiltering;
  }

  #keep(filter) {
    this.#inForce = filter ?? {};
    sessionStorage.setItem(STORED, JSON.stringify(this.#inForce));
  }

  #settle() {
    this.#latest += 1; // the answer to an earlier request would undo this change
    this.#isSettling = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(this.#chosen()), SETTLE_MS);
  }

  async #send(filter) {
    const mine = ++this.#latest;
    this.#isSettling = false;
    this.#isUnsure = false;
    setText(byId("in-force"), "Asking the server…");
    try {
      const inForce = await this.#apply(filter);
      if (mine === this.#latest) this.adopt(inForce);
      else this.#keep(inForce); // stays, should the request that followed be refused
    } catch (error) {
      if (mine !== this.#latest) return;
      // Without an answer the filter may be in force or not. Once the connection is back, the page
      // sends the filter that it shows.
      this.#isUnsure = !(error instanceof Refusal);
      this.#check();
      byId("in-force").classList.add("problem");
      setText(byId("in-force"), `Not applied: ${error.message}. ${this.#describe()}`);
    }
  }

  #chosen() {
    const filter = {};
    for (const box of this.#form.querySelectorAll("input:checked")) {
      (filter[box.name] ??= []).push(box.name === "sites" ? parseId(box.value) : box.value);
    }
    return filter;
  }

  #check() {
    for (const box of this.#form.querySelectorAll('input[type="checkbox"]')) {
      const values = this.#inForce[box.name] ?? [];
      const texts = box.name === "sites" ? values.map(spelled) : values;
      box.checked = texts.includes(box.value);
    }
  }

  #describe() {
    if (!this.isFiltering) return "Showing everything you may see";
    const { severities = [], types = [], sites = [] } = this.#inForce;
    const parts = [
      severities,
      types.map((type) => TYPE_TITLES[type] ?? type),
      sites.map((site) => this.#sites.get(site) ?? `Site ${shownId(site)}`),
    ];
    const used = parts.filter((part) => part?.length).map((part) => part.join(", "));
    return `In force: ${used.join(" · ")}`;
  }

  // Inserts one site in order of name; the others stay in the document, so that none loses focus.
  #offerSite(site) {
    const all = byId("filter-sites");
    const value = spelled(site);
    const old = [...all.querySelectorAll("input")]
      .find((input) => input.value === value)
      ?.closest(".choice");
    const offered = choice("sites", value, this.#sites.get(site));
    const box = offered.querySelector("input");
    box.checked = old?.querySelector("input").checked ?? (this.#inForce.sites ?? []).includes(site);
    box.disabled = !this.#isLive;
    old?.remove();
    const after = [...all.querySelectorAll(".choice")].find(
      (other) => other.textContent.localeCompare(offered.textContent) > 0,
    );
    all.insertBefore(offered, after ?? null);
    byId("no-sites").hidden = true;
  }

  #addTyped() {
    const field = byId("site-id");
    const site = parseId(field.value.trim());
    field.setCustomValidity(site === null ? 'Write a number, or a string such as "harbour"' : "");
    if (site === null) return field.reportValidity();
    field.value = "";
    this.#send({ ...this.#inForce, sites: [...new Set([...(this.#inForce.sites ?? []), site])] });
  }
}

function choice(name, value, label, severity) {
  const box = element("input", { type: "checkbox", name, value });
  const text = element("span", { title: label }, label);
  return element("label", { class: "choice", "data-severity": severity }, box, text);
}
