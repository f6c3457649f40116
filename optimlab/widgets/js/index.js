// The front end of all widgets: one module, which draws the kind that the model names.

import "./style.css";
import { averages } from "./averages.js";
import { bias } from "./bias.js";
import { checked } from "./checked.js";
import { claims } from "./claims.js";
import { copying } from "./copying.js";
import { decay } from "./decay.js";
import { descent } from "./descent.js";
import { doctor } from "./doctor.js";
import { family } from "./family.js";
import { lookahead } from "./lookahead.js";
import { noise } from "./noise.js";
import { phase } from "./phase.js";
import { quiz } from "./quiz.js";
import { rates } from "./rates.js";
import { schedules } from "./schedules.js";
import { tree } from "./tree.js";
import { walkthrough } from "./walkthrough.js";

const KINDS = { averages, bias, checked, claims, decay, descent, doctor, family, lookahead, noise, phase, quiz, rates, schedules, tree, walkthrough };

export default {
  render({ model, el }) {
    const stop = KINDS[model.get("kind")]({ model, el, spec: JSON.parse(model.get("spec")) });
    copying(el);
    return stop;
  },
};
