"use strict";
// Each operation gets a form when it is opened first; what it sends is what the fields say, to this server only.
for (const operation of document.querySelectorAll("details")) {
  operation.addEventListener("toggle", () => {
    if (operation.querySelector("form")) return;
    const form = document.getElementById("trial").content.firstElementChild.cloneNode(true);
    const { method, url, type, body } = operation.dataset;
    form.elements.url.value = url;
    form.elements.type.value = type || "";
    form.elements.body.value = body || "";
    form.elements.type.parentElement.hidden = form.elements.body.hidden = !type;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const shown = form.querySelector("pre");
      shown.hidden = false;
      const request = { method: method.toUpperCase(), headers: { Accept: "application/fhir+json" } };
      const token = document.getElementById("token")?.value.trim().split(" ").pop();
      if (token) request.headers.Authorization = `Bearer ${token}`;
      if (type) {
        request.body = form.elements.body.value;
        request.headers["Content-Type"] = form.elements.type.value;
      }
      try {
        const response = await fetch(form.elements.url.value, request);
        const text = await response.text();
        const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
        let told = text;
        try { told = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it is */ }
        shown.textContent = `${response.status} ${response.statusText}\n${headers}\n\n${told}`;
      } catch (error) {
        shown.textContent = String(error);
      }
    });
    operation.append(form);
  }, { once: true });
}
