// Package serve answers requests for predictions over HTTP: POST /predict, and GET /
// (a page to drop pictures on), /healthz and /metrics. Every resource that requests
// use has a limit: time, memory, connections, places in a queue.
package serve
