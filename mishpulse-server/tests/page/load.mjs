// What watching costs the server: STREAMS open event streams (1,000) while services change RATE times a second (100).
// Not a test but a measurement: MISHPULSE_BIN=target/release/mishpulse node load.mjs
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { readFileSync } from "node:fs";
import { done, serve, service, test, until } from "./lib.mjs";

const STREAMS = Number(process.env.STREAMS || 1000);
const RATE = Number(process.env.RATE || 100);
const SECONDS = Number(process.env.SECONDS || 20);
const TICKS = 100; // a second, on Linux

const cpuMs = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
};
const rssKb = (pid) => Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]);
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

await test(`${STREAMS} event streams, ${RATE} changes a second`, async () => {
  const names = Array.from({ length: 100 }, (_, n) => `s${n}`);
  const limits = `[limits]\nconnections = ${STREAMS + 500}\nconnections_per_address = ${STREAMS + 500}\n`;
  const server = await serve(limits + names.map((name) => service(name)).join(""));
  await Promise.all(names.map((name) => server.beat(name)));
  const { hostname, port } = new URL(server.url);
  // A few connections for all beats, so that they take no places from the streams.
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const beat = (name, status, message) => {
    const path = `/api/heartbeat/token-${name}`;
    request({ agent, hostname, port, path, method: "POST" }, (answer) => answer.resume()).end(JSON.stringify({ status, message }));
  };
  const before = rssKb(server.pid);

  let [events, bytes, greeted] = [0, 0, 0];
  const delays = [];
  const sent = new Map();
  const sockets = Array.from({ length: STREAMS }, (_, n) => {
    const socket = connect(Number(port), hostname);
    socket.write("GET /events HTTP/1.1\r\nhost: x\r\n\r\n");
    let first = true;
    socket.on("data", (chunk) => {
      const now = Date.now();
      bytes += chunk.length;
      if (first) greeted++;
      first = false;
      if (!chunk.includes("event: change")) return;
      events++;
      // Every hundredth viewer says how late it hears.
      if (n % 100 === 0) {
        for (const [, mark] of chunk.toString().matchAll(/"message":"m(\d+)"/g)) delays.push(now - sent.get(Number(mark)));
      }
    });
    return socket;
  });
  await until("all streams are open", () => greeted === STREAMS);
  const open = rssKb(server.pid);

  const run = async (rate) => {
    const [cpu, began, start] = [cpuMs(server.pid), Date.now(), events];
    let mark = 0;
    while (Date.now() - began < SECONDS * 1000) {
      const due = ((Date.now() - began) * rate) / 1000;
      for (; mark < due; mark++) {
        sent.set(mark, Date.now());
        beat(names[mark % names.length], Math.floor(mark / names.length) % 2 ? "ok" : "error", `m${mark}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const seconds = (Date.now() - began) / 1000;
    return { changes: mark, cpu: (cpuMs(server.pid) - cpu) / seconds / 10, events: (events - start) / STREAMS / seconds };
  };
  const idle = await run(0);
  const [busy, received] = [await run(RATE), bytes];
  delays.sort((a, b) => a - b);
  const alone = await (async () => {
    sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => setTimeout(resolve, 500));
    return run(RATE);
  })();
  console.log(JSON.stringify({
    streams: STREAMS,
    changes_per_second: Math.round(busy.changes / SECONDS),
    server_cpu_percent_of_a_core: { idle: +idle.cpu.toFixed(1), busy: +busy.cpu.toFixed(1), the_same_beats_without_viewers: +alone.cpu.toFixed(1) },
    cpu_us_per_event_and_stream: +(((busy.cpu - alone.cpu) * 1e4) / (busy.events * STREAMS)).toFixed(2),
    events_per_second_and_stream: +busy.events.toFixed(1),
    rss_mb: { without: +(before / 1024).toFixed(1), open: +(open / 1024).toFixed(1), after: +(rssKb(server.pid) / 1024).toFixed(1) },
    rss_kb_per_stream: +((open - before) / STREAMS).toFixed(1),
    mb_sent: Math.round(received / 1e6),
    delay_ms: { median: quantile(delays, 0.5), p99: quantile(delays, 0.99), longest: delays.at(-1) },
  }, null, 1));
});

await done();
