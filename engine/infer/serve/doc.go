// Package serve answers requests for predictions over HTTP: POST /predict, and GET
// / (a page to drop pictures on), /healthz and /metrics. Everything that a request may take is bounded: time, memory,
// connections, places in a queue.
package serve
