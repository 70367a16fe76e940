// What lies under the pointer on a ladder, in words: the way of an event from its publishing to the
// browser, or that of a request. It looks things up in the trace and draws nothing.

import { firstAfter } from '../trace.js';
import { GUTTER, shortTime } from './ladder.js';

const CLOSE_PX = 9;

/** A sentence about the nearest mark, or null where none is close. `place` = {x, y, width, height}. */
export function near(lane, recording, view, place) {
  const scale = (place.width - GUTTER) / (view.to - view.from);
  const at = view.from + (place.x - GUTTER) / scale;
  if (place.x < GUTTER || at > view.until) return null;
  const reach = CLOSE_PX / scale;
  const since = (instant) => `${((instant - view.origin) / 1000).toFixed(3)} s`;
  const isAbove = place.y < place.height / 2;
  const event = isAbove ? publishedNear(recording, at, reach) : receivedNear(lane, at, reach);
  const request = requestNear(lane, at, reach);
  if (event && (!request || event.distance <= request.distance)) return wayOfEvent(lane, event.offset, event.plannedMs, since, view.until);
  return request ? wayOfRequest(lane, request.exchange, since, view.until) : null;
}

function nearest(list, at, reach, key) {
  const next = firstAfter(list, at, key);
  let best = null;
  for (const one of [list[next - 1], list[next]]) {
    if (!one) continue;
    const distance = Math.abs(key(one) - at);
    if (distance <= reach && (!best || distance < best.distance)) best = { one, distance };
  }
  return best;
}

function publishedNear(recording, at, reach) {
  const found = nearest(recording.events, at, reach, (event) => event.plannedMs);
  return found && { ...found.one, distance: found.distance };
}

function receivedNear(lane, at, reach) {
  const found = nearest(lane.receipts, at, reach, (receipt) => receipt.atMs);
  return found && found.one.latencyMs !== null ? { ...found.one, distance: found.distance } : null;
}

function requestNear(lane, at, reach) {
  let best = null;
  for (const { exchanges } of lane.dissectors) {
    const found = nearest(exchanges, at, reach, (exchange) => exchange.requestAt);
    if (found && (!best || found.distance < best.distance)) best = { exchange: found.one, distance: found.distance };
  }
  return best;
}

function wayOfEvent(lane, offset, plannedMs, since, until) {
  const left = lane.leftAt(offset);
  const receipt = lane.receiptOf(offset);
  const start = `Event ${offset}: published ${since(plannedMs)}`;
  if (left === undefined || left > until) return `${start}, still at the server`;
  const waited = `waited ${shortTime(left - plannedMs)} at the server`;
  if (!receipt || receipt.atMs > until) return `${start}, ${waited}, on its way`;
  return `${start}, ${waited}, then ${shortTime(receipt.atMs - left)} on the way: ${shortTime(receipt.atMs - plannedMs)} in all`;
}

function wayOfRequest(lane, exchange, since, until) {
  const start = `${exchange.method}, read by the server ${since(exchange.requestAt)}`;
  if (exchange.answerAt === null || exchange.answerAt > until) return `${start}, waits`;
  const count = exchange.events.length;
  const what = exchange.empty ? 'empty' : count ? `with ${count} event${count === 1 ? '' : 's'}` : `status ${exchange.status}`;
  return `${start}, answered ${what} after ${shortTime(exchange.answerAt - exchange.requestAt)}; ${exchange.up} B up, ${exchange.down} B down`;
}
