/* Serves the scan page, and what it is made of, where there is no connection. What is kept is put into the cache by
   door.js, when somebody takes a passenger list along; this worker never answers anything but GET, and asks the
   network first. */
const CACHE = "door";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(
    fetch(request).catch(async (failure) => {
      const kept = await (await caches.open(CACHE)).match(request, { ignoreSearch: true, ignoreVary: true });
      if (kept) return kept;
      throw failure;
    }),
  );
});
