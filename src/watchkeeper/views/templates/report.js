(function () {
  "use strict";
  var root = document.documentElement;
  var button = document.querySelector(".wk-theme");
  var themes = ["", "light", "dark"];
  var words = { "": "theme: auto", light: "theme: light", dark: "theme: dark" };
  function apply(theme) {
    if (theme) { root.setAttribute("data-theme", theme); } else { root.removeAttribute("data-theme"); }
    button.textContent = words[theme];
  }
  apply("");
  button.hidden = false;
  button.addEventListener("click", function () {
    apply(themes[(themes.indexOf(root.getAttribute("data-theme") || "") + 1) % themes.length]);
  });

  // Titles become tooltips that also answer to a finger: the nearest mark within reach speaks.
  var tip = document.createElement("div");
  tip.className = "wk-tip";
  tip.hidden = true;
  document.querySelector(".wk").appendChild(tip);
  document.querySelectorAll("svg.wk-chart").forEach(function (svg) {
    var marks = [];
    svg.querySelectorAll("title").forEach(function (title) {
      var mark = title.parentNode;
      mark.setAttribute("data-says", title.textContent);
      mark.removeChild(title);
      marks.push(mark);
    });
    if (!marks.length) { return; }
    function seek(event) {
      var best = null, reach = 14;
      marks.forEach(function (mark) {
        var box = mark.getBoundingClientRect();
        var dx = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
        var dy = Math.max(box.top - event.clientY, 0, event.clientY - box.bottom);
        var far = Math.hypot(dx, dy);
        if (far < reach || (far === reach && best)) { best = mark; reach = far; }
      });
      if (!best) { tip.hidden = true; return; }
      tip.textContent = best.getAttribute("data-says");
      tip.hidden = false;
      var wide = root.clientWidth, own = tip.getBoundingClientRect();
      tip.style.left = Math.max(4, Math.min(event.clientX + 12, wide - own.width - 4)) + "px";
      tip.style.top = (event.clientY + 16 + own.height > root.clientHeight ? event.clientY - own.height - 10 : event.clientY + 16) + "px";
    }
    svg.addEventListener("pointermove", seek);
    svg.addEventListener("pointerdown", seek);
    svg.addEventListener("pointerleave", function () { tip.hidden = true; });
  });
  window.addEventListener("scroll", function () { tip.hidden = true; }, { passive: true });
})();
