// The lessons in their order. A lesson is one file: what is claimed
// and by whom, what is asked, what is run, how it is read and judged, and why it is so.
//
//   { id, number, title, claim, taught: [[words, address | null]], honest?, scenario?,
//     by: 'browser' (default) | 'generator' | 'computed',
//     question(parameters), guess: {kind: 'slider', min, max, step, unit} | {kind: 'choice', options, right},
//     knob?: {name, label, values}, parameters, lanes, runs?(parameters) → [overrides | (recordings) → overrides],
//     drive?(lab, parameters) → what was seen, where no ordinary run will do,
//     model?(parameters), histogram? (of the first curve), judge({recordings, driven, results, parameters, floor}) →
//       {rows: [{label, measured, model, low, high, verdict, unit, n}], n, of, text, curves?}, why: [paragraphs] }

import l01 from './l01.js';
import l02 from './l02.js';
import l03 from './l03.js';
import l04 from './l04.js';
import l05 from './l05.js';
import l06 from './l06.js';
import l07 from './l07.js';
import l08 from './l08.js';
import l09 from './l09.js';
import l10 from './l10.js';
import l11 from './l11.js';
import l12 from './l12.js';
import l13 from './l13.js';
import l14 from './l14.js';
import l15 from './l15.js';
import l16 from './l16.js';
import l17 from './l17.js';
import l18 from './l18.js';
import l19 from './l19.js';
import l20 from './l20.js';
import l21 from './l21.js';
import mal from './mal.js';

export const LESSONS = [l01, l02, l03, l04, l05, l06, l07, l08, l09, l10, l11, l12, l13, l14, l15, l16, l17, l18, l19, l20, l21, mal];

export const lesson = id => LESSONS.find(one => one.id === id);
