// What Space is made of before anything is drawn: its frame, and the words of its form.
import { escapeHtml as escape } from "./format.js";
import { outline } from "./markers.js";

export const HINTS = {
  params: "Learnable numbers, such as 5M.",
  macs: "Multiply-adds for one image, such as 4.1G.",
  activations: "Outputs of convolutions and linear layers for one image. They stand for memory, whose bytes a card tells.",
  depth: "Weighted layers. A narrower range is drawn more densely.",
};

export const FRAME = `
<div class="rx-build-split">
 <aside class="rx-form rx-space-form" aria-label="Design space">
  <button type="button" class="rx-drawer" aria-expanded="false">Budget and axes</button>
  <div class="rx-form-body">
   <fieldset class="rx-field rx-space-family"><legend>Family</legend><div class="rx-choices"></div></fieldset>
   <div class="rx-space-axes"><div class="rx-field"><label for="rx-space-x">Across</label><select id="rx-space-x"></select></div>
   <div class="rx-field"><label for="rx-space-y">Upwards</label><select id="rx-space-y"></select></div></div>
   <div class="rx-space-budget"></div>
   <div class="rx-space-buttons"><button type="button" data-do="clear">Clear budget</button></div>
   <div class="rx-field"><label for="rx-space-seed">Seed</label><p id="rx-space-hint-seed">The same seed draws the same variants.</p>
    <input id="rx-space-seed" type="text" inputmode="numeric" autocomplete="off" aria-describedby="rx-space-hint-seed rx-space-bad-seed">
    <p id="rx-space-bad-seed" class="rx-space-refusal" role="alert" hidden></p></div>
  </div>
 </aside>
 <div class="rx-build-main">
  <div class="rx-space-head"><div class="rx-space-status"></div>
   <span><button type="button" data-do="stop" hidden>Stop</button><button type="button" data-do="more">Draw more</button></span></div>
  <div class="rx-progress" aria-hidden="true"><span></span></div>
  <div class="rx-sr" aria-live="polite"></div>
  <div class="rx-refusal rx-space-fault" role="alert" hidden></div>
  <div class="rx-main">
   <div class="rx-graph-box">
    <div class="rx-tools"><span class="rx-space-hint">Each dot is a variant, counted exactly. Click one.<span class="rx-space-mouse"> Drag to move; Ctrl and wheel to zoom.</span></span>
     <span class="rx-zoom"><button type="button" data-do="in" aria-label="Zoom in">+</button><button type="button" data-do="out" aria-label="Zoom out">−</button><button
      type="button" data-do="fit">Fit all</button><button type="button" data-do="within">Fit budget</button></span></div>
    <div class="rx-cloud" tabindex="0" role="application" aria-label="Cloud of variants. Arrow keys walk the line of those that no other beats, Enter opens one; plus, minus and 0 zoom. The table below says the same."></div>
    <div class="rx-legend rx-space-legend" role="group" aria-label="Kinds"></div>
   </div>
   <aside class="rx-card rx-space-card" aria-live="polite" aria-label="Chosen variant" hidden></aside>
  </div>
  <p class="rx-space-words"></p>
  <div class="rx-space-table"></div>
 </div>
 <div class="rx-space-tip" hidden></div>
</div>`;

/** Fill in what the server says there is to choose. */
export function fillForm(find, axes, value) {
  find(".rx-space-family .rx-choices").innerHTML = value.families.map(({ name, label }) =>
    `<label><input type="radio" name="rx-space-family" value="${escape(name)}"><span>${escape(label)}</span></label>`).join("");
  for (const select of [find("#rx-space-x"), find("#rx-space-y")])
    select.innerHTML = axes.map(({ name, label }) => `<option value="${name}">${escape(label)}</option>`).join("");
  const kinds = value.kinds.map(({ name, label, colour }, kind) => `<button type="button" data-kind="${kind}" aria-pressed="true"><svg viewBox="-7 -7 14 14" aria-hidden="true"><path d="${outline(name, 5)}" fill="${colour}"/></svg>${escape(label)}</button>`);
  find(".rx-space-legend").innerHTML = `${kinds.join("")}<span><svg viewBox="-7 -7 14 14" aria-hidden="true"><circle r="4" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>known network</span><span><svg viewBox="-7 -7 14 14" aria-hidden="true"><path d="M-6 4H0V-3H6" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>beaten by no other</span><span class="rx-space-save"><button type="button" data-do="png">PNG</button><button type="button" data-do="svg">SVG</button><button type="button" data-do="csv">CSV</button></span>`;
}

/** An axis in full. */
export function title({ name, label }) {
  const units = { macs: "MACs of one image", activations: "Activations of one image", depth: "Depth in weighted layers", width: "Width: channels of the widest stage" };
  return units[name] || label;
}
