"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const root = document.documentElement;
  const themes = read("themes");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const boxes = [...document.querySelectorAll("[data-figure]")];
  const config = {
    responsive: true,
    displaylogo: false,
    doubleClick: "reset",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
  };
  let printing = false;
  const draw = (box) => {
    const figure = read(`data-${box.dataset.figure}`);
    figure.layout.template = themes[dark.matches && !printing ? "dark" : "light"];
    return Plotly.react(box, figure.data, figure.layout, {
      ...config,
      toImageButtonOptions: { filename: box.dataset.figure },
    });
  };
  const all = () => {
    boxes.forEach(draw);
    root.dataset.look = dark.matches && !printing ? "dark" : "light";
  };
  // One after the other, with a breath between them: the page can be read and scrolled meanwhile.
  const next = (place) => {
    if (place === boxes.length) {
      root.dataset.drawn = "all";
      return;
    }
    draw(boxes[place]).then(() => setTimeout(next, 0, place + 1));
  };
  next(0);
  dark.addEventListener("change", all);
  window.addEventListener("beforeprint", () => {
    printing = true;
    all();
    boxes.forEach((box) => Plotly.relayout(box, { width: Math.min(box.clientWidth, 700), autosize: false }));
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    all();
  });
})();
