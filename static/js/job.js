// A job's page asks for itself again while the job lives; the part that was swapped says when to stop.
const PAUSE = 1000;

async function follow() {
  const part = document.querySelector("[data-job]");
  if (!part || part.dataset.live !== "true") return;
  if (!document.hidden) {
    const answer = await fetch(part.dataset.job, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer?.redirected || answer?.status === 401) return location.reload();
    if (answer?.ok) {
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-job]");
      if (next) swap(part, next);
    }
  }
  setTimeout(follow, PAUSE);
}

function swap(part, next) {
  const held = part.contains(document.activeElement) ? document.activeElement.id : null;
  const ended = part.dataset.live === "true" && next.dataset.live !== "true";
  part.replaceWith(next);
  if (held) document.getElementById(held)?.focus();
  if (next.dataset.reload !== undefined && ended) return location.reload();
  if (ended) {
    document.dispatchEvent(new CustomEvent("say", { detail: next.dataset.say ?? next.querySelector("h2, [data-say]")?.textContent ?? "" }));
  }
}

follow();
